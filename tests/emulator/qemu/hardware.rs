//! What an emulated machine is made of, as words for the emulator.
//!
//! Always emulated (`-accel tcg`): a `/dev/kvm` that opens may still not run a
//! stock kernel. Every connection is a socket that the harness listens on and the
//! emulator dials, so that nothing has to be polled for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The clock's words: the cycle counter alone, at the frequency that the host
/// found, so that two untouched guests run alike. The others save a second of
/// the start.
const KERNEL: &str = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr apparmor=0 audit=0 \
                      selinux=0 rodata=off cryptomgr.notests i8042.noaux i8042.nokbd \
                      no_timer_check tsc=reliable clocksource=tsc hpet=disable pmtmr=0 \
                      random.trust_cpu=1 net.ifnames=0 loglevel=3 rcupdate.rcu_expedited=1";

/// The connections of a guest: the emulator's monitor and, as serial ports of the
/// guest, its shell, what the program says, and its clocks.
pub(super) const PORTS: [&str; 3] = ["agent", "said", "clock"];

/// How a guest is plugged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Plug {
    /// As in Android's emulator: behind its own address translation, with the
    /// same address as every other; UDP ports of the host that lead to its own.
    Translated { redirected: Vec<(u16, u16)> },
    /// On the hub, as the last number of its address.
    Hub { host: u8, own: PathBuf, hub: PathBuf },
}

/// A machine that can be started again and again.
#[derive(Clone, Debug)]
pub(super) struct Hardware {
    pub(super) name: String,
    pub(super) plug: Plug,
    /// Whether it can be suspended; costs most of a second at the start.
    pub(super) suspends: bool,
    /// The core that its processor is pinned to.
    pub(super) cpu: usize,
    /// Kilohertz of the host's cycle counter.
    pub(super) khz: u64,
    /// Its disk, sockets and logs.
    pub(super) folder: PathBuf,
}

/// Where the image is: `tests/emulator/image` makes it.
pub(super) fn image() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(&tests).join("target/emulator")
}

impl Hardware {
    /// The page that guest and host share, in memory.
    pub(super) fn page(&self) -> PathBuf {
        let folder = self.folder.parent().and_then(Path::file_name).unwrap_or_default();
        PathBuf::from(format!("/dev/shm/{}-{}", folder.display(), self.name))
    }

    /// The emulator's arguments.
    pub(super) fn arguments(&self) -> Vec<String> {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let made = |name: &str| image().join(name).display().to_string();
        let kernel = if self.suspends { "bzImage" } else { "vmlinux" };
        let number = self.name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
        let (kind, network, lan) = match &self.plug {
            Plug::Translated { redirected } => {
                let ports = redirected.iter().fold(String::new(), |mut text, (host, guest)| {
                    let _ = write!(text, ",hostfwd=udp:127.0.0.1:{host}-:{guest}");
                    text
                });
                ("00", format!("user,id=net,ipv6=off{ports}"), "0.0.0.0".to_owned())
            }
            Plug::Hub { host, own, hub } => {
                let (own, hub) = (own.display(), hub.display());
                let ends = format!("local.path={own},remote.path={hub}");
                let network = format!("dgram,id=net,local.type=unix,remote.type=unix,{ends}");
                ("01", network, format!("192.168.77.{host}"))
            }
        };
        let page = self.page().display().to_string();
        let mut text = String::from("-nodefaults -no-user-config -M pc -accel tcg,thread=multi ");
        text += "-cpu max -smp 1 -m 224 -display none -no-reboot -device virtio-serial-pci ";
        let _ = write!(text, "-serial file:{} -kernel {} ", at("console"), made(kernel));
        let _ = write!(text, "-initrd {} -qmp unix:{} ", made("base.cpio"), at("monitor"));
        for port in PORTS {
            let _ = write!(text, "-chardev socket,id={port},path={} ", at(port));
            let _ = write!(text, "-device virtserialport,chardev={port},name={port} ");
        }
        let _ = write!(text, "-drive file={},format=raw,if=virtio ", at("disk"));
        let memory = format!("mem-path={page},size=1M,share=on");
        let _ = write!(text, "-object memory-backend-file,id=page,{memory} ");
        text += "-device ivshmem-plain,memdev=page ";
        let card = format!("mac=52:54:00:00:{kind}:{number:02x},romfile=");
        let _ = write!(text, "-netdev {network} -device virtio-net-pci,netdev=net,{card}");
        let mut all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let khz = self.khz;
        all.extend(["-append".into(), format!("{KERNEL} tsc_early_khz={khz} bed.lan={lan}")]);
        all
    }
}
