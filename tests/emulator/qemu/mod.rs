//! The guests: a QEMU machine for each device, each with its own kernel, clocks,
//! disk and network stack, so that sleep, a wall clock and a pulled battery are the
//! real thing.
//!
//! An emulated processor is worth a core, so scenarios run one after the other. No
//! root is needed. What only many repetitions or long waits show is left to a full
//! run; a default run plays what no lighter bed can.

mod faults;
mod guest;
mod hardware;
mod hub;
mod machine;
mod setup;
mod stage;
mod truth;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::bed::{Bed, Stage, Trouble};
use crate::program::left_behind;
use crate::scenario::{Need, Scenario};

/// Programs of the host that the bed is made with.
const TOOLS: [&str; 8] =
    ["qemu-system-x86_64", "busybox", "cpio", "lz4", "mkfs.ext4", "gcc", "setpriv", "tc"];

/// How the names begin that cargo tells a test about its own crate.
const TOLD: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_TARGET_TMPDIR"];

/// What a run plays that does not ask for everything.
const CHOSEN: [&str; 3] =
    ["1-pair-through-a-redirected-port", "4-assistant-killed", "5-assistant-suspended-20-s"];

/// Emulators as devices.
pub(crate) struct Qemu;

impl Bed for Qemu {
    fn name(&self) -> &'static str {
        "qemu"
    }

    fn missing(&self) -> Option<String> {
        static MISSING: OnceLock<Option<String>> = OnceLock::new();
        MISSING.get_or_init(missing).clone()
    }

    fn cannot(&self, need: Need) -> Option<&'static str> {
        match need {
            Need::Lan
            | Need::ImpairedLan
            | Need::SecondAssistant
            | Need::Redirected
            | Need::LinkDown
            | Need::Kill
            | Need::AddressChange
            | Need::WallStep
            | Need::Suspend
            | Need::Pause
            | Need::Idle
            | Need::Netem
            | Need::StorageFull
            | Need::Starve
            | Need::Visitor
            | Need::Replacement => None,
        }
    }

    fn chosen(&self, scenario: &Scenario) -> bool {
        CHOSEN.contains(&scenario.name)
    }

    /// A processor that waits for another one delays what it sends, always.
    fn is_ruler(&self, scenario: &Scenario) -> bool {
        let beside =
            scenario.needs().iter().any(|need| matches!(need, Need::Visitor | Need::Replacement));
        scenario.everybody().count() + usize::from(beside) <= truth::cores()
    }

    fn at_once(&self) -> usize {
        1
    }

    /// The program itself starts ten times slower.
    fn waiting_s(&self) -> u64 {
        24
    }

    /// A machine that was killed has to boot.
    fn slower(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn open(&self, scenario: &Scenario, folder: &Path) -> Result<Box<dyn Stage>, Trouble> {
        Ok(Box::new(stage::Guests::open(scenario, folder)?))
    }
}

/// Why the bed cannot be had here, if it cannot. Makes the guests' image.
fn missing() -> Option<String> {
    let install = "tests/emulator/install-guests gets it";
    if std::env::consts::ARCH != "x86_64" {
        return Some("the guests and their clocks' truth are written for x86_64".to_owned());
    }
    let pages = crate::light::run("ls", &["/dev/shm"]).unwrap_or_default();
    for page in left_behind(&pages, "diptych-bed-") {
        _ = std::fs::remove_file(Path::new("/dev/shm").join(page));
    }
    for tool in TOOLS {
        let found = Command::new(tool).arg("--version").stdin(Stdio::null()).output();
        if found.is_err() {
            return Some(format!("{tool} is not installed ({install})"));
        }
    }
    if !hardware::image().join("kernel/boot").is_dir() {
        return Some(format!("there is no kernel for the guests ({install})"));
    }
    if truth::cores() < 2 {
        return Some("the clocks' truth needs two cores".to_owned());
    }
    crate::say(
        "making the guests' image: four minutes if the program has never been linked for them",
    );
    let mut make = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/emulator/image"));
    // What cargo tells a test of its own crate would make every build script of
    // the image's build run again.
    for (name, _) in std::env::vars_os() {
        let told = |name: &str| TOLD.iter().any(|prefix| name.starts_with(prefix));
        if name.to_str().is_some_and(told) {
            make.env_remove(&name);
        }
    }
    match make.stdin(Stdio::null()).output() {
        Ok(made) if made.status.success() => None,
        Ok(made) => Some(format!("no image: {}", String::from_utf8_lossy(&made.stderr).trim())),
        Err(error) => Some(format!("no image: {error}")),
    }
}
