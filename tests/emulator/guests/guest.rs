//! One guest: an emulator process, its monitor, and a shell inside.
//!
//! The harness listens and the emulator connects, so nothing has to be polled
//! for. A guest is ended by its own process id when it is dropped, whatever
//! became of the test. Always emulated (`-accel tcg`): a `/dev/kvm` that opens
//! may still not run a stock kernel.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};

/// The longest that a guest takes to start on a machine that is busy.
const BOOT: Duration = Duration::from_secs(60);
/// The longest that a command in a guest takes.
const COMMAND: Duration = Duration::from_secs(240);
/// Bytes in one command: twice as many digits, below the shell's own limit.
const PIECE: usize = 30_000;

/// The clock's words: the cycle counter alone, at the frequency that the host
/// found, so that two untouched guests run alike. The others save a second of
/// the start.
const KERNEL: &str = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr apparmor=0 audit=0 \
                      selinux=0 rodata=off cryptomgr.notests i8042.noaux i8042.nokbd \
                      no_timer_check tsc=reliable clocksource=tsc hpet=disable pmtmr=0 \
                      random.trust_cpu=1 net.ifnames=0 loglevel=3 rcupdate.rcu_expedited=1";

/// How two guests reach each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Network {
    /// As in Android's emulator: each behind its own address translation with the
    /// same address; this UDP port of the host leads to the guest's port 7000.
    Translated { port: u16 },
    /// One network with multicast; the last number of the guest's own address.
    Common { host: u8 },
}

/// What a guest is made of.
#[derive(Clone, Debug)]
pub(crate) struct Hardware {
    pub(crate) name: &'static str,
    pub(crate) network: Network,
    /// Whether it can be suspended; costs most of a second at the start.
    pub(crate) suspends: bool,
    pub(crate) cpu: usize,
    /// Kilohertz of the host's cycle counter.
    pub(crate) khz: u64,
}

pub(crate) struct Guest {
    pub(crate) hardware: Hardware,
    folder: PathBuf,
    process: Child,
    monitor: BufReader<UnixStream>,
    agent: BufReader<UnixStream>,
}

/// Where the image is: `tests/emulator/image` makes it.
pub(crate) fn image() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(&tests).join("target/emulator")
}

impl Hardware {
    /// The page that guest and host share, in memory.
    pub(crate) fn page(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm/diptych-{}-{}", std::process::id(), self.name))
    }

    fn arguments(&self, folder: &Path) -> Vec<String> {
        let at = |name: &str| folder.join(name).display().to_string();
        let made = |name: &str| image().join(name).display().to_string();
        let kernel = if self.suspends { "bzImage" } else { "vmlinux" };
        let number = self.name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
        let (mac, network, lan) = match self.network {
            Network::Translated { port } => {
                let forward = format!("hostfwd=udp:127.0.0.1:{port}-:7000");
                ("00", format!("user,id=net,ipv6=off,{forward}"), "0.0.0.0".to_owned())
            }
            Network::Common { host } => {
                let (own, other) =
                    (at(&format!("../wire{host}")), at(&format!("../wire{}", 3 - host)));
                let ends = format!("local.path={own},remote.path={other}");
                let network = format!("dgram,id=net,local.type=unix,remote.type=unix,{ends}");
                ("01", network, format!("192.168.77.{host}"))
            }
        };
        let page = self.page().display().to_string();
        let mut text = String::from("-nodefaults -no-user-config -M pc -accel tcg,thread=multi ");
        text += "-cpu max -smp 1 -m 224 -display none -no-reboot -device virtio-serial-pci ";
        let _ = write!(text, "-serial file:{} -kernel {} ", at("console"), made(kernel));
        let _ = write!(text, "-initrd {} -qmp unix:{} ", made("base.cpio"), at("monitor"));
        let _ = write!(text, "-chardev socket,id=agent,path={} ", at("agent"));
        text += "-device virtserialport,chardev=agent,name=agent ";
        let _ = write!(text, "-drive file={},format=raw,if=virtio ", at("disk"));
        let memory = format!("mem-path={page},size=1M,share=on");
        let _ = write!(text, "-object memory-backend-file,id=page,{memory} ");
        text += "-device ivshmem-plain,memdev=page ";
        let card = format!("mac=52:54:00:00:{mac}:{number:02x},romfile=");
        let _ = write!(text, "-netdev {network} -device virtio-net-pci,netdev=net,{card}");
        let mut all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let khz = self.khz;
        all.extend(["-append".into(), format!("{KERNEL} tsc_early_khz={khz} bed.lan={lan}")]);
        all
    }
}

impl Guest {
    /// Starts a guest in `folder`, with the disk that is there or an empty one,
    /// and returns when its shell answers.
    pub(crate) fn start(hardware: Hardware, folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let disk = folder.join("disk");
        if !disk.exists() {
            std::fs::File::create(&disk).unwrap().set_len(96 << 20).unwrap();
            let made = Command::new("mkfs.ext4").arg("-qF").arg(&disk).status().unwrap();
            assert!(made.success(), "mkfs.ext4 failed");
        }
        let listen = |name: &str| {
            let path = folder.join(name);
            let _ = std::fs::remove_file(&path);
            UnixListener::bind(path).unwrap()
        };
        let (monitor, agent) = (listen("monitor"), listen("agent"));
        if let Network::Common { host } = hardware.network {
            let _ = std::fs::remove_file(folder.join(format!("../wire{host}")));
        }
        let errors = std::fs::File::create(folder.join("errors")).unwrap();
        let process = Command::new("qemu-system-x86_64")
            .args(hardware.arguments(folder))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut guest = Starting { process: Some(process), folder: folder.to_owned() };
        let monitor = guest.accept(monitor);
        let agent = guest.accept(agent);
        let process = guest.process.take().unwrap();
        let mut guest = Self { hardware, folder: folder.to_owned(), process, monitor, agent };
        let mut line = String::new();
        guest.monitor.read_line(&mut line).unwrap();
        guest.monitor("qmp_capabilities", json!({}));
        line.clear();
        while line != "READY\n" {
            line.clear();
            let read = guest.agent.read_line(&mut line);
            assert!(matches!(read, Ok(1..)), "no shell: {}", console(folder));
        }
        guest.agent.get_ref().set_read_timeout(Some(COMMAND)).unwrap();
        guest.pin();
        guest
    }

    /// Two threads that spin on one core exchange only once in a time slice.
    fn pin(&mut self) {
        for cpu in self.monitor("query-cpus-fast", json!({})).as_array().unwrap() {
            let thread = i32::try_from(cpu["thread-id"].as_i64().unwrap()).unwrap();
            let mut set = rustix::thread::CpuSet::new();
            set.set(self.hardware.cpu);
            rustix::thread::sched_setaffinity(rustix::process::Pid::from_raw(thread), &set)
                .unwrap();
        }
    }

    /// Tells the emulator something from outside, and yields its answer.
    pub(crate) fn monitor(&mut self, execute: &str, arguments: Value) -> Value {
        let asked = json!({ "execute": execute, "arguments": arguments });
        self.monitor.get_mut().write_all(format!("{asked}\n").as_bytes()).unwrap();
        loop {
            let mut line = String::new();
            self.monitor.read_line(&mut line).unwrap();
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert!(answer.get("error").is_none(), "{execute}: {line}");
            if let Some(answer) = answer.get("return") {
                return answer.clone();
            }
        }
    }

    /// Waits until the emulator tells of this event.
    pub(crate) fn until_event(&mut self, name: &str) {
        loop {
            let mut line = String::new();
            self.monitor.read_line(&mut line).unwrap();
            let told: Value = serde_json::from_str(&line).unwrap();
            if told["event"] == name {
                return;
            }
        }
    }

    /// Sends a line to the guest's shell without waiting for its end.
    pub(crate) fn ask(&mut self, command: &str) {
        let line = format!("{}\n", command.replace('\n', " "));
        self.agent.get_mut().write_all(line.as_bytes()).unwrap();
    }

    /// What the line that was asked last printed, and its exit code.
    pub(crate) fn answer(&mut self) -> (i32, Vec<u8>) {
        loop {
            let mut head = String::new();
            let read = self.agent.read_line(&mut head);
            assert!(matches!(read, Ok(1..)), "no answer: {}", console(&self.folder));
            let Some(words) = head.strip_prefix("R ") else { continue };
            let (code, length) = words.trim().split_once(' ').unwrap();
            let mut output = vec![0; length.parse().unwrap()];
            self.agent.read_exact(&mut output).unwrap();
            return (code.parse().unwrap(), output);
        }
    }

    /// Runs a line in the guest's shell; yields its exit code and what it printed.
    pub(crate) fn attempt(&mut self, command: &str) -> (i32, String) {
        self.ask(command);
        let (code, output) = self.answer();
        (code, String::from_utf8_lossy(&output).into_owned())
    }

    /// Runs a line that must succeed; yields what it printed, trimmed.
    pub(crate) fn run(&mut self, command: &str) -> String {
        let (code, text) = self.attempt(command);
        assert_eq!(code, 0, "{}: {command}: {text}", self.hardware.name);
        text.trim().to_owned()
    }

    /// Lets so much time of this guest's clock pass.
    pub(crate) fn pass(&mut self, seconds: u32) {
        self.run(&format!("sleep {seconds}"));
    }

    /// Waits until a file of the guest holds `text`.
    pub(crate) fn until(&mut self, file: &str, seconds: u32, text: &str) {
        let (code, _) = self.attempt(&format!("bed wait {file} {seconds} '{text}'"));
        if code != 0 {
            let (_, log) = self.attempt(&format!("tail -n 40 {file}; dmesg | tail -n 5"));
            panic!("{}: no {text:?} in {file} within {seconds} s:\n{log}", self.hardware.name);
        }
    }

    pub(crate) fn read(&mut self, file: &str) -> Vec<u8> {
        self.ask(&format!("cat {file}"));
        let (code, bytes) = self.answer();
        assert_eq!(code, 0, "{}: cannot read {file}", self.hardware.name);
        bytes
    }

    pub(crate) fn write(&mut self, file: &str, bytes: &[u8]) {
        self.run(&format!(": >{file}"));
        for piece in bytes.chunks(PIECE) {
            let hex = piece.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            self.run(&format!("echo {hex} | xxd -r -p >>{file}"));
        }
    }

    /// Unplugs the network, or plugs it in again.
    pub(crate) fn plug(&mut self, up: Plug) {
        self.monitor("set_link", json!({ "name": "net", "up": up == Plug::In }));
    }

    /// Suspends to memory; the guest's monotonic clock stands still until it is
    /// woken.
    pub(crate) fn suspend(&mut self) {
        assert!(self.hardware.suspends, "boot it with `suspends`");
        self.ask("echo mem >/sys/power/state");
        self.until_event("SUSPEND");
    }

    /// Wakes it, and waits until its shell answers.
    pub(crate) fn wake(&mut self) {
        self.monitor("system_wakeup", json!({}));
        let (code, text) = self.answer();
        assert_eq!(code, 0, "suspend: {}", String::from_utf8_lossy(&text));
    }

    /// Prints what the program said last, for a scenario that failed.
    pub(crate) fn tell(&mut self) {
        let soon = Some(Duration::from_secs(1));
        let _ = self.agent.get_ref().set_read_timeout(soon);
        let _ = self.agent.get_mut().write_all(b"tail -n 25 /run/log\n");
        let mut text = Vec::new();
        for _ in 0..8 {
            let mut piece = [0; 4096];
            let read = self.agent.read(&mut piece).unwrap_or(0);
            text.extend(piece.get(..read).unwrap_or_default());
        }
        let said = String::from_utf8_lossy(&text);
        println!("{} said last:\n{said}", self.hardware.name);
    }

    /// The emulator's process.
    pub(crate) fn process(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.process)
    }

    /// As a pulled battery: ends the emulator at once. What the disk has survives
    /// for [`Guest::start`] in the same folder.
    pub(crate) fn kill(mut self) -> (Hardware, PathBuf) {
        self.process.kill().unwrap();
        let how = self.process.wait().unwrap();
        assert_eq!(how.signal(), Some(9), "the emulator was to be killed");
        (self.hardware.clone(), self.folder.clone())
    }
}

/// Whether the network's plug is in its socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plug {
    In,
    Out,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(self.hardware.page());
    }
}

/// An emulator that has not connected yet.
struct Starting {
    process: Option<Child>,
    folder: PathBuf,
}

impl Starting {
    fn accept(&self, listener: UnixListener) -> BufReader<UnixStream> {
        let (connected, waiting) = channel();
        std::thread::spawn(move || connected.send(listener.accept()));
        let accepted = waiting.recv_timeout(BOOT);
        let Ok(Ok((stream, _))) = accepted else {
            panic!("the emulator does not start: {}", console(&self.folder))
        };
        stream.set_read_timeout(Some(BOOT)).unwrap();
        BufReader::new(stream)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What emulator and guest said last.
fn console(folder: &Path) -> String {
    let read = |name| std::fs::read(folder.join(name)).unwrap_or_default();
    let all = [read("errors"), read("console")].concat();
    let text = String::from_utf8_lossy(&all);
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
