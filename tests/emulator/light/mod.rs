//! The light bed: a network namespace and a time namespace for each device, on one
//! kernel, so that a scenario costs its own length and no boot.
//!
//! Each device hangs by a veth on a hub. On a LAN the hub is a bridge; behind a
//! redirected port it is two separate networks that do not forward, and only
//! [`path`]'s relay crosses. The hub has no way out: nothing leaves it.
//!
//! Clocks: a time namespace moves boot clocks by whole seconds that are known
//! exactly, and the program's own wrong-clock option adds the rate, so the truth
//! is exact by construction. The wall clock and sleep are the kernel's and belong
//! to all namespaces alike; what needs them is declared impossible.

mod chrony;
mod machine;
pub(crate) mod path;
mod stage;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::bed::{Bed, Stage, Trouble};
use crate::program::left_behind;
use crate::scenario::{Need, Scenario};

/// Namespaces as devices.
pub(crate) struct Light;

impl Bed for Light {
    fn name(&self) -> &'static str {
        "light"
    }

    fn missing(&self) -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            return Some("needs root to make network namespaces".to_owned());
        }
        if let Err(error) = run("ip", &["-V"]) {
            return Some(format!("needs `ip` (tests/emulator/install): {error}"));
        }
        let spaces = run("ip", &["netns", "list"]).unwrap_or_default();
        for space in left_behind(&spaces, "dpy") {
            _ = run("ip", &["netns", "del", space]);
        }
        let probe = format!("dpy{}probe", std::process::id());
        let made = run("ip", &["netns", "add", &probe]).and_then(|_| {
            let args = ["netns", "exec", &probe, "unshare", "-T", "--boottime", "1", "true"];
            let tried = run("ip", &args);
            _ = run("ip", &["netns", "del", &probe]);
            tried
        });
        made.err().map(|error| format!("needs network and time namespaces: {error}"))
    }

    fn cannot(&self, need: Need) -> Option<&'static str> {
        match need {
            Need::WallStep => Some("the wall clock is one for all namespaces"),
            Need::Suspend => Some("sleep is the whole kernel's"),
            Need::Pause | Need::Idle => Some("all clocks and programs are one kernel's"),
            Need::Netem => Some("many kernels lack it; a relay impairs here, outside both devices"),
            Need::ImpairedLan => Some("a bridge impairs nothing; the redirected port does"),
            Need::Lan
            | Need::Redirected
            | Need::SecondAssistant
            | Need::LinkDown
            | Need::Kill
            | Need::AddressChange
            | Need::StorageFull
            | Need::Starve
            | Need::Visitor
            | Need::Replacement => None,
        }
    }

    /// Their cameras share the machine's processors.
    fn at_once(&self) -> usize {
        4
    }

    fn waiting_s(&self) -> u64 {
        16
    }

    fn slower(&self) -> Duration {
        Duration::ZERO
    }

    fn open(&self, scenario: &Scenario, folder: &Path) -> Result<Box<dyn Stage>, Trouble> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("dpy{}x{number}", std::process::id());
        Ok(Box::new(stage::Namespaces::open(scenario, folder, prefix)?))
    }
}

/// Runs a system's command; its output, or what it complained of.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<String, Trouble> {
    let ran = Command::new(program).args(args).output();
    let ran = ran.map_err(|error| format!("{program}: {error}"))?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
    Err(format!("{program} {}: {error}", args.join(" ")))
}
