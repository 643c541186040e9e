//! Two processes, real QUIC over loopback, and clocks that are wrong by design: true
//! error and stated bound, and how much of them is this machine's scheduling.
//!
//! A datagram waits between its arrival in the kernel and the instant at which its
//! reader stamps it: interrupt, wake-up, decryption, queue. The kernel can stamp it on
//! arrival (`SO_TIMESTAMPNS`), so that share is measured, and in every second run
//! its stamps are used instead of ours, to see what they would bring.

mod device;
mod socket;

use std::io::{self, BufRead as _, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

pub(crate) use device::follow;

/// Whose reading of its arrival stamps a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stamping {
    /// The reader's, as in the driver.
    Reader,
    /// The kernel's.
    Kernel,
}

/// What the second process must know.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Leader {
    port: u16,
    certificate: Vec<u8>,
    /// The system's clock that both clocks are made of, when the run began.
    base: i64,
    stamping: Stamping,
}

/// What one run showed; microseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    load: usize,
    stamping: Stamping,
    /// Instants at which estimate and bound were held against the truth.
    instants: usize,
    broken: usize,
    error_rms_us: f64,
    error_max_us: f64,
    half_width_us: f64,
    half_width_max_us: f64,
    /// From a datagram's arrival in the kernel to the reader's stamp, both sides.
    primary_waits: Waits,
    secondary_waits: Waits,
}

/// How long datagrams waited to be stamped.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Waits {
    datagrams: usize,
    least_us: f64,
    median_us: f64,
    p99_us: f64,
    max_us: f64,
}

impl Waits {
    fn of(mut nanos: Vec<i64>) -> Self {
        nanos.sort_unstable();
        let quantile = |per_mille: usize| {
            let index = (nanos.len() * per_mille / 1_000).min(nanos.len().saturating_sub(1));
            nanos.get(index).map_or(0.0, |nanos| *nanos as f64 / 1e3)
        };
        Self {
            datagrams: nanos.len(),
            least_us: quantile(0),
            median_us: quantile(500),
            p99_us: quantile(990),
            max_us: quantile(1_000),
        }
    }
}

/// Runs idle and with `load` busy threads, each with both kinds of stamps.
pub(crate) fn measure(seconds: u32, load: usize) -> io::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for load in [0, load] {
        for stamping in [Stamping::Reader, Stamping::Kernel] {
            let burning = Burning::new(load);
            let run = device::lead(seconds, stamping, |leader| start(&leader))?;
            drop(burning);
            runs.push(Run { load, ..run });
        }
    }
    Ok(runs)
}

/// Starts the second process.
fn start(leader: &Leader) -> io::Result<Child> {
    let text = serde_json::to_string(leader).map_err(io::Error::from)?;
    Command::new(std::env::current_exe()?)
        .args(["--loopback-follow", &text])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
}

/// What the second process said at its end.
fn said(child: &mut Child) -> io::Result<Waits> {
    let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let line = BufReader::new(out).lines().next().ok_or(io::ErrorKind::UnexpectedEof)??;
    child.wait()?;
    serde_json::from_str(&line).map_err(io::Error::from)
}

/// Threads that do nothing as hard as they can, until this is dropped.
struct Burning {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Burning {
    fn new(count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let burn = |stop: Arc<AtomicBool>| {
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        };
        let threads = (0..count).map(|_| {
            let stop = stop.clone();
            std::thread::spawn(move || burn(stop))
        });
        Self { threads: threads.collect(), stop }
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            _ = thread.join();
        }
    }
}

/// A table, for a terminal of 80 columns.
pub(crate) fn print(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(
        out,
        "Two processes over loopback, µs. Wait: from a datagram's arrival in the kernel"
    )?;
    writeln!(out, "to the reader's stamp, at the primary and at the secondary.")?;
    writeln!(
        out,
        "{:<6}{:<8}{:>6}{:>7}{:>8}{:>7}{:>8}  {:>7}{:>8}{:>7}{:>8}",
        "load", "stamps", "rms", "max", "half", "broken", "asked", "wait p", "p99", "wait s", "p99"
    )?;
    for run in runs {
        let (p, s) = (run.primary_waits, run.secondary_waits);
        let stamps = if run.stamping == Stamping::Kernel { "kernel" } else { "reader" };
        writeln!(
            out,
            "{:<6}{stamps:<8}{:>6.1}{:>7.1}{:>8.1}{:>7}{:>8}  {:>7.1}{:>8.0}{:>7.1}{:>8.0}",
            run.load,
            run.error_rms_us,
            run.error_max_us,
            run.half_width_us,
            run.broken,
            run.instants,
            p.median_us,
            p.p99_us,
            s.median_us,
            s.p99_us,
        )?;
    }
    Ok(())
}
