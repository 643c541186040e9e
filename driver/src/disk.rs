//! What survives this process: journals that only grow, and small private files
//! that are replaced as a whole.
//!
//! A journal is evidence, so an append is never rewritten and a failed write is
//! never papered over: after the first failure the disk refuses everything until
//! it is opened again, because nobody can say what reached the platter (a failed
//! `fsync` may drop the very pages it failed to write). Private files are written
//! beside their old version and renamed over it, so a crash leaves the one or the
//! other. `[TRANSPORT-20]`
//!
//! Rejected: a database (the journal must be readable by others), and rewriting a
//! journal to repair it (only its torn end is cut off, by the one who opens it).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use diptych_protocol::identity::Role;
use diptych_protocol::limits;
use diptych_protocol::machine::JournalName;
use diptych_protocol::secret::SecretBytes;

use crate::diagnosis::Diagnosis;
use crate::error::{StorageError, StorageProblem};

/// A small file that only this app may read.
///
/// ```
/// # use diptych_driver::disk::Private;
/// assert_eq!(Private::Key.file_name(), "identity.key");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Private {
    /// The machine's own state: resume secret, epochs, pins.
    State,
    /// The session's private key.
    Key,
    /// The keys of the QUIC endpoint that must survive a restart.
    Transport,
}

impl Private {
    /// The file's name in a [`Folder`].
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Key => "identity.key",
            Self::Transport => "transport.key",
        }
    }
}

/// Durable storage of one device in one session.
///
/// Called by the start on the caller's thread, and afterwards on a thread of the
/// driver, one call at a time. The session waits for each call: some ten milliseconds
/// are well, a second makes links late, and one that does not return is told of
/// ([`Diagnosis::StorageStuck`]) and makes [`stop`](crate::embed::Embedded::stop) fail.
/// Never call the facade from here.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use diptych_driver::disk::{Disk, Folder, Private};
/// use diptych_driver::error::StorageError;
/// use diptych_protocol::machine::JournalName;
/// use diptych_protocol::secret::SecretBytes;
///
/// /// A folder that tells how much was recorded.
/// struct Counting(Folder, u64);
///
/// impl Disk for Counting {
///     fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
///         self.0.journals()
///     }
///     fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError> {
///         self.0.truncate(journal, keep)
///     }
///     fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
///         self.1 += bytes.len() as u64;
///         self.0.append(journal, bytes)
///     }
///     fn sync(&mut self) -> Result<(), StorageError> {
///         self.0.sync()
///     }
///     fn load(&mut self, file: Private) -> Result<Option<SecretBytes>, StorageError> {
///         self.0.load(file)
///     }
///     fn store(&mut self, file: Private, bytes: &[u8]) -> Result<(), StorageError> {
///         self.0.store(file, bytes)
///     }
/// }
/// ```
pub trait Disk: Send {
    /// Every journal found, whole, as it was left.
    ///
    /// # Errors
    /// [`StorageError`] if one cannot be read or is larger than
    /// [`limits::JOURNAL_FILE_BYTES`].
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError>;

    /// Cuts a journal to its first `keep` bytes: the end that replaying found to
    /// be torn. Does nothing if it is not longer.
    ///
    /// # Errors
    /// [`StorageError`].
    fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError>;

    /// Adds bytes to the end of a journal, which it creates if needed. They are
    /// durable after the next [`Disk::sync`].
    ///
    /// # Errors
    /// [`StorageError`]; from then on every call that writes fails.
    fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes every append so far durable.
    ///
    /// # Errors
    /// [`StorageError`]; from then on every call that writes fails.
    fn sync(&mut self) -> Result<(), StorageError>;

    /// What was stored last, if anything.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be read or is larger than
    /// [`limits::PRIVATE_FILE_BYTES`].
    fn load(&mut self, file: Private) -> Result<Option<SecretBytes>, StorageError>;

    /// Replaces a private file, durably and atomically.
    ///
    /// # Errors
    /// [`StorageError`]; from then on every call that writes fails.
    fn store(&mut self, file: Private, bytes: &[u8]) -> Result<(), StorageError>;
}

/// A [`Disk`] in a folder of the file system.
///
/// The folder belongs to one process at a time: `lock` is held, by the system's
/// file lock, until the folder is dropped or the process ends in whatever way.
///
/// ```
/// # use diptych_driver::disk::Folder;
/// # use diptych_driver::error::StorageError;
/// fn open(session: &str) -> Result<Folder, StorageError> {
///     Folder::open(format!("sessions/{session}"))
/// }
/// ```
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    journals: BTreeMap<JournalName, Journal>,
    /// What broke first; everything that writes fails with it from then on.
    broken: Option<StorageError>,
    _lock: File,
}

#[derive(Debug)]
struct Journal {
    file: File,
    /// Whether bytes were appended since the last sync.
    unsynced: bool,
}

impl Folder {
    /// Opens a folder, creating it if needed, and takes it for this process.
    ///
    /// # Errors
    /// [`StorageProblem::InUse`] if another process (or another `Folder` of this
    /// one) has it; otherwise what the system said.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let path = path.into();
        std::fs::create_dir_all(&path)
            .map_err(|e| StorageError::new(&path, "create the folder", &e))?;
        let lock_path = path.join("lock");
        let lock = options().write(true).create(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(|e| StorageError::new(&lock_path, "open the lock", &e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError { path, action: "lock", problem: StorageProblem::InUse });
            }
            Err(TryLockError::Error(e)) => return Err(StorageError::new(&lock_path, "lock", &e)),
        }
        Ok(Self { path, journals: BTreeMap::new(), broken: None, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a journal is kept, whether it exists or not.
    #[must_use]
    pub fn journal_path(&self, journal: JournalName) -> PathBuf {
        self.path.join(format!("{journal}.journal"))
    }

    /// Runs one write, unless an earlier one failed, and remembers its failure.
    fn writing<T>(
        &mut self,
        path: &Path,
        action: &'static str,
        write: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> Result<T, StorageError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        write(self).map_err(|e| {
            let error = StorageError::new(path, action, &e);
            self.broken = Some(error.clone());
            error
        })
    }

    fn journal(&mut self, name: JournalName) -> io::Result<&mut Journal> {
        let path = self.journal_path(name);
        match self.journals.entry(name) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let existed = path.exists();
                let file = options().append(true).create(true).open(&path)?;
                if !existed {
                    sync_folder(&self.path)?;
                }
                Ok(vacant.insert(Journal { file, unsynced: false }))
            }
        }
    }
}

impl Disk for Folder {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        let mut found = BTreeMap::new();
        let entries = std::fs::read_dir(&self.path)
            .map_err(|e| StorageError::new(&self.path, "list the folder", &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| StorageError::new(&self.path, "list the folder", &e))?;
            let Some(name) = entry.file_name().to_str().and_then(journal_name) else { continue };
            let bytes = read_bounded(&entry.path(), limits::JOURNAL_FILE_BYTES)?;
            found.insert(name, bytes.unwrap_or_default());
        }
        Ok(found)
    }

    fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError> {
        let path = self.journal_path(journal);
        self.writing(&path.clone(), "cut the torn end of", |_| {
            let mut file = match OpenOptions::new().write(true).open(&path) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(e) => return Err(e),
            };
            if file.seek(SeekFrom::End(0))? > keep {
                file.set_len(keep)?;
                file.sync_all()?;
            }
            Ok(())
        })
    }

    fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.journal_path(journal);
        self.writing(&path, "append to", |folder| {
            let journal = folder.journal(journal)?;
            journal.unsynced = true;
            journal.file.write_all(bytes)
        })
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        let path = self.path.clone();
        self.writing(&path, "sync the journals in", |folder| {
            for journal in folder.journals.values_mut().filter(|journal| journal.unsynced) {
                journal.file.sync_data()?;
                journal.unsynced = false;
            }
            Ok(())
        })
    }

    fn load(&mut self, file: Private) -> Result<Option<SecretBytes>, StorageError> {
        let path = self.path.join(file.file_name());
        Ok(read_bounded(&path, limits::PRIVATE_FILE_BYTES)?.map(SecretBytes::new))
    }

    fn store(&mut self, file: Private, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.path.join(file.file_name());
        self.writing(&path.clone(), "replace", |folder| {
            let fresh = folder.path.join(format!("{}.new", file.file_name()));
            // An earlier crash may have left one; it was never the truth.
            match std::fs::remove_file(&fresh) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => {}
            }
            let mut new = options().write(true).create_new(true).open(&fresh)?;
            new.write_all(bytes)?;
            new.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            sync_folder(&folder.path)
        })
    }
}

/// Runs a write that may take long, so that the tasks which read and stamp go on
/// meanwhile where the runtime has another thread for them. `[TRANSPORT-11]`
pub(crate) fn blocking<T>(write: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(write),
        _ => write(),
    }
}

/// Whether everything that the machine wanted kept was kept, and who knows.
#[derive(Default)]
pub(crate) struct Kept {
    first_failure: Option<StorageError>,
    /// What is put out now may depend on something that was not written.
    untold: bool,
    /// Whether the app was told.
    told: bool,
}

impl Kept {
    /// Notes how a write went. The first failure says why; what depends on any of
    /// them must not be told to anybody.
    pub(crate) fn note(&mut self, wrote: Result<(), StorageError>) {
        if let Err(failure) = wrote {
            self.first_failure.get_or_insert(failure);
            self.untold = true;
        }
    }

    /// Whether there is a failure that the machine was not told of yet.
    pub(crate) const fn is_untold(&self) -> bool {
        self.untold
    }

    /// What to tell the app, now that the machine is told: once.
    pub(crate) fn tell(&mut self) -> Option<Diagnosis> {
        self.untold = false;
        let anew = !core::mem::replace(&mut self.told, true);
        self.first_failure.as_ref().filter(|_| anew).map(StorageError::diagnosis)
    }

    /// The account of the whole run.
    pub(crate) fn end(self) -> Result<(), StorageError> {
        self.first_failure.map_or(Ok(()), Err)
    }
}

/// The journal that a file of this name holds, if it is one of ours.
fn journal_name(file: &str) -> Option<JournalName> {
    let stem = file.strip_suffix(".journal")?;
    let (seat, device) = stem.split_once('.').map_or((stem, "1"), |(seat, device)| (seat, device));
    let role = match seat.strip_prefix('A') {
        Some(number) => Role::new(number.parse().ok()?).ok().filter(|role| !role.is_primary())?,
        None if seat == "P" => Role::PRIMARY,
        None => return None,
    };
    let name = JournalName { role, device: device.parse().ok()? };
    // One spelling only: "A01" or "P.1" were not written by us.
    (format!("{name}.journal") == file).then_some(name)
}

/// Reads a whole file that is not larger than `most`; `None` if there is none.
fn read_bounded(path: &Path, most: u64) -> Result<Option<Vec<u8>>, StorageError> {
    let failed = |e: io::Error| StorageError::new(path, "read", &e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    // Room for all of it at once: what grows leaves copies of secrets behind.
    let length = file.metadata().map_err(failed)?.len().min(most).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let got = file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(got).map_or(true, |got| got > most) {
        let problem = StorageProblem::TooLarge { most };
        return Err(StorageError { path: path.to_owned(), action: "read", problem });
    }
    Ok(Some(bytes))
}

/// Open options for a file that only its owner may read.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
