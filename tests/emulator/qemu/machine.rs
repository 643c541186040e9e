//! A machine of the bed, through all of its boots: what it is made of, whether it
//! runs, what its program has said, and what its clock showed.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::guest::{Guest, Starting, because};
use super::hardware::Hardware;
use super::truth::Track;
use crate::bed::{Said, Trouble};
use crate::clock::{now_ns, until};

/// A machine, whether it runs or not.
pub(super) struct Machine {
    pub(super) hardware: Hardware,
    pub(super) guest: Option<Guest>,
    said: Arc<Mutex<Vec<Said>>>,
    /// Lines that were said before the program was started last.
    pub(super) before: usize,
    pub(super) track: Track,
    /// On the common network.
    pub(super) address: String,
}

impl Machine {
    /// One that has never run.
    pub(super) fn new(hardware: Hardware, address: String) -> Self {
        Self {
            hardware,
            guest: None,
            said: Arc::default(),
            before: 0,
            track: Track::default(),
            address,
        }
    }

    /// The guest, which has to run.
    pub(super) fn on(&mut self) -> Result<&mut Guest, Trouble> {
        self.guest.as_mut().ok_or_else(|| format!("{} is off", self.hardware.name))
    }

    /// Boots it with the disk that it has, if it is off.
    pub(super) fn turn_on(&mut self) -> Result<(), Trouble> {
        if self.guest.is_some() {
            return Ok(());
        }
        let starting = Starting::begin(self.hardware.clone())?;
        self.ready(starting)
    }

    pub(super) fn ready(&mut self, starting: Starting) -> Result<(), Trouble> {
        let (said, track) = (self.said.clone(), self.track.clone());
        let log = self.hardware.folder.join("said.txt");
        let log = std::fs::File::options().create(true).append(true).open(log);
        let mut log = log.map_err(because("said.txt"))?;
        let heard = move |line| {
            let line = Said { at_ns: now_ns(), line };
            // For whoever looks into the folder of a scenario that failed.
            _ = writeln!(log, "{} {}", line.at_ns / 1_000_000, line.line);
            said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        };
        self.track.anew();
        let mut guest = starting.ready(Box::new(heard), Box::new(move |line| track.take(&line)))?;
        self.track.calibrate(&mut guest)?;
        self.guest = Some(guest);
        Ok(())
    }

    pub(super) fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The exit code of the program that was started last, if it has ended.
    pub(super) fn ended(&self) -> Option<i32> {
        let said = self.said();
        let last = said.get(self.before..)?.iter().rev();
        last.filter_map(|said| said.line.strip_prefix("exit ")?.parse().ok()).next()
    }
}

/// Asks until a guest's shell says yes.
pub(super) fn until_true(guest: &mut Guest, patience: Duration, line: &str) -> Result<(), Trouble> {
    let held = until(patience, || match guest.attempt(line) {
        Ok((0, _)) => Some(Ok(())),
        Ok(_) => None,
        Err(trouble) => Some(Err(trouble)),
    });
    held.unwrap_or_else(|| Err(format!("not so within {patience:?}: {line}")))
}
