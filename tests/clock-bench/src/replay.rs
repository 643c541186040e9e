//! Exchanges recorded between two real network stacks, with the true offset.

use std::fmt;
use std::path::{Path, PathBuf};

use diptych_protocol::time::Span;
use diptych_tests::scenario::Scenario;
use serde::Deserialize;

use crate::method::{Asked, Exchange};
use crate::methods::Entry;
use crate::run::{Observation, Outcome};
use crate::score::{Score, Tally};

/// A recording.
#[derive(Debug)]
pub(crate) struct Trace {
    name: String,
    rows: Vec<Row>,
}

/// One recorded exchange: the primary asked at `t0`, its clock, and had the
/// answer at `t3`; the secondary stamped `t1` and `t2`.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Row {
    t0: i64,
    t1: i64,
    t2: i64,
    t3: i64,
    /// Secondary minus primary. A fraction, because it comes from a hardware
    /// counter; only scored against, to the nanosecond.
    #[serde(rename = "true")]
    truth: f64,
}

#[derive(Deserialize)]
struct File {
    rows: Vec<Row>,
}

/// Why a recording cannot be used.
#[derive(Debug)]
pub(crate) enum TraceError {
    Read(PathBuf, std::io::Error),
    Form(PathBuf, serde_json::Error),
    Empty(PathBuf),
    /// The row's times do not follow each other.
    Order(PathBuf, usize),
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(file, error) => write!(f, "cannot read {}: {error}", file.display()),
            Self::Form(file, error) => write!(
                f,
                "{} is not a recording: {error}; expected an object with `rows`, each with \
                 integers t0, t1, t2, t3 and a number `true`, in nanoseconds",
                file.display()
            ),
            Self::Empty(file) => {
                write!(f, "{} holds no exchange; expected at least one row", file.display())
            }
            Self::Order(file, row) => write!(
                f,
                "row {row} of {}: expected t0 <= t3, t1 <= t2 and rows in the order of t3",
                file.display()
            ),
        }
    }
}

/// Accuracy counts from here on: the recordings last some 20 s.
const SETTLED: Span = Span::from_secs(3);

impl Trace {
    pub(crate) fn read(file: &Path) -> Result<Self, TraceError> {
        let text = std::fs::read(file).map_err(|e| TraceError::Read(file.to_owned(), e))?;
        let File { rows } =
            serde_json::from_slice(&text).map_err(|e| TraceError::Form(file.to_owned(), e))?;
        if rows.is_empty() {
            return Err(TraceError::Empty(file.to_owned()));
        }
        let mut last = i64::MIN;
        for (index, row) in rows.iter().enumerate() {
            if row.t0 > row.t3 || row.t1 > row.t2 || row.t3 < last {
                return Err(TraceError::Order(file.to_owned(), index));
            }
            last = row.t3;
        }
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, rows })
    }

    /// Gives a method the recorded exchanges, whatever its own schedule, and
    /// asks it after each; a method of afterwards about the middle of each.
    pub(crate) fn score(&self, entry: &Entry) -> Score {
        let mut method = (entry.start)();
        let start = self.rows[0].t0;
        let live = method.asked() == Asked::Live;
        let mut outcome = Outcome::default();
        for row in &self.rows {
            method.replay(&row.exchange());
            if live {
                let reading = method.reading(row.t3);
                outcome.observations.extend(reading.map(|r| row.observe(r, row.t3 - start)));
            }
        }
        method.finish();
        if !live {
            for row in &self.rows {
                let reading = method.reading(row.exchange().middle());
                outcome.observations.extend(reading.map(|r| row.observe(r, row.t3 - start)));
            }
        }
        let lasting =
            Span::from_nanos(self.rows.iter().map(|row| row.t3 - start).max().unwrap_or(0));
        outcome.exchanges = self.rows.len() as f64;
        // The narrowest that the recording itself could prove.
        let up = self.rows.iter().map(|row| (row.t1 - row.t0) as f64 - row.truth);
        let down = self.rows.iter().map(|row| (row.t3 - row.t2) as f64 + row.truth);
        let least = |delays: &mut dyn Iterator<Item = f64>| delays.fold(f64::INFINITY, f64::min);
        outcome.floor = (least(&mut up.into_iter()) + least(&mut down.into_iter())) / 2.0;
        let mut tally = Tally::default();
        let settled = if live { SETTLED } else { Span::ZERO };
        tally.add(&Scenario::main()[0], settled, lasting, &outcome);
        tally.score(&self.name, entry.name, method.asked())
    }
}

impl Row {
    fn exchange(&self) -> Exchange {
        Exchange { t1: self.t0, t2: self.t1, t3: self.t2, t4: self.t3 }
    }

    fn observe(&self, reading: crate::method::Reading, since: i64) -> Observation {
        let truth = self.truth.round() as i64;
        Observation {
            since,
            error: reading.offset - truth,
            bound: reading.bound.map(|(low, high)| (low - truth, high - truth)),
            sigma: reading.sigma,
        }
    }
}
