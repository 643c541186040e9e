//! A folder in whose way a test can get.

use std::collections::BTreeMap;

use diptych_driver::disk::{Disk, Folder, Private};
use diptych_driver::embed::Storage;
use diptych_driver::error::StorageError;
use diptych_protocol::machine::JournalName;
use diptych_protocol::secret::SecretBytes;

use super::Path;

/// What was made durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kept {
    Journals,
    File(Private),
}

struct Watched<F> {
    inner: Folder,
    kept: F,
}

/// A folder that calls `kept` before it says that something is durable.
pub(super) fn watched(path: &Path, kept: impl FnMut(Kept) + Send + 'static) -> Storage {
    Storage::FromApp(Box::new(Watched { inner: Folder::open(path).unwrap(), kept }))
}

impl<F: FnMut(Kept) + Send> Disk for Watched<F> {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        self.inner.journals()
    }

    fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError> {
        self.inner.truncate(journal, keep)
    }

    fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.append(journal, bytes)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.inner.sync()?;
        (self.kept)(Kept::Journals);
        Ok(())
    }

    fn load(&mut self, file: Private) -> Result<Option<SecretBytes>, StorageError> {
        self.inner.load(file)
    }

    fn store(&mut self, file: Private, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.store(file, bytes)?;
        (self.kept)(Kept::File(file));
        Ok(())
    }
}
