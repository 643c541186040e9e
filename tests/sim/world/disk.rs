//! Storage that keeps its promises no better than it must.
//!
//! What was synced survives everything. What was only appended survives the end
//! of the process, but after a loss of power any prefix of it may be there, cut
//! in the middle of a record, or any of its sectors without those before. A disk may
//! also lie: it says that something is durable, and it is not. The private state is
//! replaced whole or not at all.

use std::collections::BTreeMap;

use diptych_protocol::machine::JournalName;
use diptych_protocol::secret::SecretBytes;
use diptych_protocol::session::{Past, Prepared, StartError, prepare};

use crate::dice::Dice;

const HEADER: usize = 104;
/// What a disk writes at once.
const SECTOR: usize = 512;
/// A record without its body: prefix and check.
const OVERHEAD: usize = 28;

/// One device's storage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    files: BTreeMap<JournalName, File>,
    state: Option<SecretBytes>,
    full: bool,
    /// Syncs are not carried out, although it is said that they are.
    lies: bool,
}

#[derive(Clone, Debug, Default)]
struct File {
    bytes: Vec<u8>,
    synced: usize,
    /// Records in `bytes`, and how many of them are durable.
    records: u64,
    durable: u64,
}

/// The disk could not write.
#[derive(Debug)]
pub(crate) struct DiskFull;

impl Disk {
    pub(crate) fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), DiskFull> {
        if self.full {
            return Err(DiskFull);
        }
        let file = self.files.entry(journal).or_default();
        let from = if file.bytes.is_empty() { HEADER } else { 0 };
        file.records += count(bytes.get(from..).unwrap_or_default());
        file.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), DiskFull> {
        if self.full {
            return Err(DiskFull);
        }
        for file in self.files.values_mut() {
            if !self.lies {
                file.synced = file.bytes.len();
            }
            file.durable = file.records;
        }
        Ok(())
    }

    pub(crate) fn store(&mut self, state: SecretBytes) -> Result<(), DiskFull> {
        if self.full {
            return Err(DiskFull);
        }
        self.state = Some(state);
        Ok(())
    }

    /// Nothing can be written from now on.
    pub(crate) fn fill(&mut self) {
        self.full = true;
    }

    /// There is room again.
    pub(crate) fn empty(&mut self) {
        self.full = false;
    }

    /// From now on nothing that is said to be durable is.
    pub(crate) fn lie(&mut self) {
        self.lies = true;
    }

    pub(super) const fn is_lying(&self) -> bool {
        self.lies
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    /// The last records of this journal that are durable.
    pub(crate) fn durable(&self, journal: JournalName) -> u64 {
        self.files.get(&journal).map_or(0, |file| file.durable)
    }

    /// The power is gone: of what was not synced, any prefix is left.
    pub(crate) fn lose_power(&mut self, dice: &mut Dice) {
        for file in self.files.values_mut() {
            let pending = file.bytes.len() - file.synced;
            let kept = (dice.unit() * (pending + 1) as f64).floor();
            let kept = (0..=pending).rev().find(|n| *n as f64 <= kept).unwrap_or(0);
            file.bytes.truncate(file.synced + kept);
        }
        self.lies = false;
    }

    /// The power is gone: of what was not synced, any sectors are left, and zeros
    /// where one is missing before another.
    pub(crate) fn lose_sectors(&mut self, dice: &mut Dice) {
        for file in self.files.values_mut() {
            let mut left = file.synced;
            for sector in (file.synced - file.synced % SECTOR..file.bytes.len()).step_by(SECTOR) {
                let end = (sector + SECTOR).min(file.bytes.len());
                let from = sector.max(file.synced);
                if dice.chance(0.5) {
                    left = end;
                } else {
                    file.bytes[from..end].fill(0);
                }
            }
            file.bytes.truncate(left);
        }
        self.lies = false;
    }

    /// The last write was cut by the end of the process.
    pub(crate) fn tear(&mut self, journal: JournalName, bytes: &[u8], dice: &mut Dice) {
        let kept = (0..bytes.len()).rev().find(|n| *n as f64 <= dice.unit() * bytes.len() as f64);
        if let Some(part) = bytes.get(..kept.unwrap_or(0)) {
            self.files.entry(journal).or_default().bytes.extend_from_slice(part);
        }
    }

    /// What a starting app reads; what is not whole is cut off, as the contract asks.
    pub(crate) fn past(&mut self) -> Result<Past, StartError> {
        let Prepared { past, cuts } = prepare(self.state.as_ref(), self.journals())?;
        for (name, keep) in cuts {
            if let Some(file) = self.files.get_mut(&name) {
                file.bytes.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
            }
        }
        self.files.retain(|_, file| !file.bytes.is_empty());
        for file in self.files.values_mut() {
            file.records = count(file.bytes.get(HEADER..).unwrap_or_default());
            file.durable = file.records;
            file.synced = file.bytes.len();
        }
        Ok(past)
    }

    /// Every journal, whole.
    #[must_use]
    pub(crate) fn journals(&self) -> BTreeMap<JournalName, Vec<u8>> {
        self.files.iter().map(|(name, file)| (*name, file.bytes.clone())).collect()
    }
}

/// How many records these bytes are.
fn count(mut bytes: &[u8]) -> u64 {
    let mut records = 0;
    while let Some(length) = bytes.first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)) + OVERHEAD;
        bytes = bytes.get(length..).unwrap_or_default();
        records += 1;
    }
    records
}
