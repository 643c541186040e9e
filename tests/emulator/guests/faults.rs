//! What is done to a guest from outside, each proven by measurement.

use std::process::{Child, Command, Stdio};

use crate::guest::{Guest, Plug};

/// Unplugs the guest's network for so many seconds of its own clock, and proves
/// that the guest saw the carrier go and come.
pub(crate) fn unplug(guest: &mut Guest, seconds: u32) {
    let carrier = "cat /sys/class/net/[ln]a[nt]/carrier";
    assert_eq!(guest.run(carrier), "1");
    guest.plug(Plug::Out);
    assert_eq!(guest.run(carrier), "0", "the link is still up");
    guest.pass(seconds);
    guest.plug(Plug::In);
    guest.run(&format!("until [ $({carrier}) = 1 ]; do :; done"));
}

/// Sets the guest's wall clock back, and proves that only that clock moved.
pub(crate) fn set_back(guest: &mut Guest, seconds: i64) {
    let clocks = |guest: &mut Guest| -> Vec<i64> {
        let line = guest.run("bed read");
        line.split(' ').map(|word| word.parse().unwrap()).collect()
    };
    let before = clocks(guest);
    guest.run(&format!("date -s @$(( $(date +%s) - {seconds} )) >/dev/null"));
    let after = clocks(guest);
    let moved = (after[3] - before[3]) - (after[2] - before[2]);
    let wanted = -seconds * 1_000_000_000;
    assert!((moved - wanted).abs() < 1_100_000_000, "the wall clock moved by {moved} ns");
}

/// Delays everything that the guest sends; yields the round trip to `to` before
/// and after, in milliseconds, by the guest's own ping.
pub(crate) fn delay(guest: &mut Guest, device: &str, netem: &str) {
    guest.run(&format!("iptc qdisc replace dev {device} root netem {netem}"));
    let shown = guest.run(&format!("iptc qdisc show dev {device}"));
    assert!(shown.contains("netem"), "no impairment: {shown}");
}

/// Lets the whole emulator run for 20 of every 100 milliseconds, until dropped.
pub(crate) struct Starved(Child, rustix::process::Pid);

impl Starved {
    pub(crate) fn begin(guest: &Guest) -> Self {
        let pid = guest.process().as_raw_nonzero();
        let line = format!(
            "while kill -STOP {pid} 2>/dev/null; do sleep 0.08; kill -CONT {pid}; sleep 0.02; done"
        );
        let shell = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).spawn().unwrap();
        Self(shell, guest.process())
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = rustix::process::kill_process(self.1, rustix::process::Signal::CONT);
    }
}
