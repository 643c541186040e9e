//! Two guests with a session between them.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::guest::{Guest, Hardware, Network, image};
use crate::truth::{self, Track, khz};

/// The program's log in each guest.
pub(crate) const LOG: &str = "/run/log";
/// From the start of the program until answering begins.
const GETTING_READY: u32 = 40;

/// Which network is between the guests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Topology {
    Translated,
    Common,
}

/// Two guests that know nothing of each other.
pub(crate) struct Bed {
    pub(crate) primary: Option<Guest>,
    pub(crate) assistant: Option<Guest>,
    folder: PathBuf,
    network: Network,
    pub(crate) began: Instant,
}

/// What the start showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// From the start of the emulators to both cameras proven recording.
    pub(crate) cold_ms: u128,
    /// From the start of the program on the primary to the same.
    pub(crate) warm_ms: u128,
    /// From the decoded code to the seat, by the assistant's own clock.
    pub(crate) pairing_ms: u64,
}

impl Bed {
    /// Starts both guests at once.
    pub(crate) fn new(topology: Topology, suspends: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("diptych-guests-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (network, other) = match topology {
            Topology::Translated => (
                Network::Translated { port: free_port() },
                Network::Translated { port: free_port() },
            ),
            Topology::Common => (Network::Common { host: 1 }, Network::Common { host: 2 }),
        };
        let khz = khz();
        let began = Instant::now();
        let hardware = |name, network, cpu| Hardware { name, network, suspends, cpu, khz };
        let (primary, assistant) = std::thread::scope(|both| {
            let start = |hardware: Hardware| {
                let folder = folder.join(hardware.name);
                both.spawn(move || Guest::start(hardware, &folder))
            };
            let primary = start(hardware("P", network, 0));
            let assistant = start(hardware("A", other, 1 % truth::cores()));
            (primary.join().unwrap(), assistant.join().unwrap())
        });
        Self { primary: Some(primary), assistant: Some(assistant), folder, network, began }
    }

    pub(crate) fn primary(&mut self) -> &mut Guest {
        self.primary.as_mut().unwrap()
    }

    pub(crate) fn assistant(&mut self) -> &mut Guest {
        self.assistant.as_mut().unwrap()
    }

    /// Pairs by the picture of the code, which is carried from screen to camera,
    /// and returns when both cameras are proven recording.
    pub(crate) fn record(&mut self, answering: u32) -> Start {
        for guest in [&mut self.primary, &mut self.assistant] {
            Track::begin(guest.as_mut().unwrap());
        }
        let plan = plan(answering);
        let warm = Instant::now();
        self.primary().write("/run/plan.toml", plan.as_bytes());
        self.lead("--plan /run/plan.toml");
        self.primary().until("/run/code.png", 20, "IEND");
        let picture = self.primary().read("/run/code.png");
        self.assistant().write("/run/code.png", &picture);
        self.follow("--scan /run/code.png");
        self.assistant().until(LOG, 30, "paired as A1");
        self.primary().until(LOG, 30, "every camera is proven recording");
        let (cold_ms, warm_ms) = (self.began.elapsed().as_millis(), warm.elapsed().as_millis());
        let line = self.assistant().run(&format!("grep 'paired as' {LOG}"));
        let nanos = line.rsplit(' ').nth(1).and_then(|word| word.parse::<u64>().ok()).unwrap();
        Start { cold_ms, warm_ms, pairing_ms: nanos / 1_000_000 }
    }

    /// Starts the program on the primary.
    pub(crate) fn lead(&mut self, with: &str) {
        let reach = match self.network {
            Network::Translated { port } => format!("--advertise 10.0.2.2:{port}"),
            Network::Common { .. } => String::new(),
        };
        // Whoever holds the shell's output keeps it from answering.
        let line = format!(
            "(diptych primary {with} --out /disk/P --small --bind 0.0.0.0:7000 --qr-png \
             /run/code.png {reach} >>{LOG} 2>&1; echo exit $? >>{LOG}) >/dev/null &"
        );
        self.primary().run(&line);
    }

    /// Starts the program on the assistant.
    pub(crate) fn follow(&mut self, with: &str) {
        let line = format!(
            "(diptych secondary {with} --out /disk/A --yes --width 320 --height 180 --rate 15 \
             >>{LOG} 2>&1; echo exit $? >>{LOG}) >/dev/null &"
        );
        self.assistant().run(&line);
    }

    /// Waits until answering has begun.
    pub(crate) fn answering(&mut self) {
        self.primary().until(LOG, 60, "phase ANSWERING");
    }

    /// Waits for the end of the session; yields the report.
    pub(crate) fn report(&mut self, seconds: u32) -> Value {
        self.primary().until(LOG, seconds, "exit ");
        let json = self.primary().read("/disk/P/report.json");
        serde_json::from_slice(&json).unwrap()
    }

    /// Holds what the journals say of the clocks against the truth: instants that
    /// were compared, the widest stated half-width and the largest true error of
    /// the middle, in nanoseconds. Fails at an instant whose truth lies outside.
    pub(crate) fn clocks(&mut self) -> Clocks {
        let primary = Track::of(self.primary());
        let assistant = Track::of(self.assistant());
        let folder = self.folder.join("session");
        std::fs::create_dir_all(&folder).unwrap();
        for journal in ["P.journal", "A1.journal"] {
            let bytes = self.primary().read(&format!("/disk/P/{journal}"));
            std::fs::write(folder.join(journal), bytes).unwrap();
        }
        compare(&primary, &assistant, &folder)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for guest in [&mut self.primary, &mut self.assistant].into_iter().flatten() {
                guest.tell();
            }
        }
        (self.primary, self.assistant) = (None, None);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What the comparison with the truth showed.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Clocks {
    pub(crate) compared: u32,
    pub(crate) stated_ns: i64,
    pub(crate) error_ns: i64,
    pub(crate) truth_ns: i64,
}

fn compare(primary: &Track, assistant: &Track, session: &Path) -> Clocks {
    let program = image().join("build/x86_64-unknown-linux-gnu/release/diptych");
    let ran = Command::new(program).args(["clock", "--json"]).arg(session).output().unwrap();
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let truth_ns = primary.within_ns + assistant.within_ns;
    let mut shown = Clocks { truth_ns, ..Clocks::default() };
    for sample in told["clocks"][0]["samples"].as_array().unwrap() {
        let truth = primary.ahead(assistant, sample["at_ns"].as_i64().unwrap());
        for known in ["then", "now"] {
            let number = |name: &str| sample[known][name].as_i64();
            let bounds = (truth, number("low_ns"), number("high_ns"), number("offset_ns"));
            let (Some(truth), Some(low), Some(high), Some(offset)) = bounds else { continue };
            let inside = (low - truth_ns..=high + truth_ns).contains(&truth);
            assert!(inside, "{known}: the true offset {truth} is outside of {low} to {high}");
            if known == "now" {
                shown.compared += 1;
                shown.stated_ns = shown.stated_ns.max((high - low) / 2);
                shown.error_ns = shown.error_ns.max((offset - truth).abs());
            }
        }
    }
    shown
}

/// A UDP port of the host that nobody uses.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn plan(answering: u32) -> String {
    let end = GETTING_READY + answering;
    format!(
        "mode = \"mock\"\nissuer = \"emulators\"\nexam = \"bed\"\nassistants = 1\n\
         [windows]\nwait_open = \"now\"\nwait_close = \"in {GETTING_READY} s\"\n\
         answer_start = \"in {GETTING_READY} s\"\nanswer_end = \"in {end} s\"\n\
         [policy]\npreset = \"xyb-seed\"\n\
         [requirements]\nbattery_percent = 0\nbytes_per_second = 10000\n"
    )
}
