//! What chrony makes of the path between two namespaces.
//!
//! The wall clock is one for both, so whatever chrony believes the difference to
//! be is its error. It runs without control of any clock (`-x`) and logs its
//! belief with every update. The relay stands outside both ends, where the stamps
//! that kernels take of what they send are true.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::machine::Machine;
use crate::baseline::rms;
use crate::bed::Trouble;
use crate::clock::{nanos, now_ns, reach};

/// Where its server listens.
pub(super) const PORT: u16 = 123;
/// How long it is given.
const RUNS: Duration = Duration::from_secs(12);
/// The column of its log that holds what it would correct the clock by, in seconds.
const COLUMN: usize = 10;

/// Ended with this value.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The program: installed, or unpacked by `tests/emulator/install`.
fn chronyd() -> Option<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let unpacked = tests.parent()?.join("target/emulator/chrony/usr/sbin/chronyd");
    [PathBuf::from("/usr/sbin/chronyd"), unpacked].into_iter().find(|path| path.exists())
}

/// Root mean square error of chrony's belief in the later half of its run; `None`
/// where there is no chrony.
pub(super) fn error_ns(
    server: &Machine,
    client: &Machine,
    dialled: &str,
) -> Result<Option<i64>, Trouble> {
    let Some(program) = chronyd() else { return Ok(None) };
    let start = |machine: &Machine, words: &[String]| {
        let pid = format!("pidfile {}", machine.folder.join("chrony.pid").display());
        let mut command = machine.command(&program);
        command.args(["-x", "-d", "-F", "0", "user root", "cmdport 0", "bindcmdaddress /", &pid]);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Daemon).map_err(|error| format!("chronyd: {error}"))
    };
    let _server = start(server, &["local stratum 3".into(), "allow all".into()])?;
    let logs = client.folder.display();
    let asks = format!("server {dialled} port {PORT} iburst minpoll -2 maxpoll -2 maxdelay 1");
    let _client = start(client, &[asks, format!("logdir {logs}"), "log tracking".into()])?;
    reach(now_ns() + nanos(RUNS));
    let log = std::fs::read_to_string(client.folder.join("tracking.log")).unwrap_or_default();
    let believed: Vec<i64> = log
        .lines()
        .filter_map(|line| line.split_whitespace().nth(COLUMN)?.parse::<f64>().ok())
        .map(crate::clock::nanos_of)
        .collect();
    match rms(believed.get(believed.len() / 2..).unwrap_or_default()) {
        Some(error) => Ok(Some(error)),
        None => Err("chrony came to no belief".to_owned()),
    }
}
