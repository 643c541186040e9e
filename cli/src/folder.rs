//! The folder of a session: journals, and beside them the recordings they speak of.
//!
//! A journal names a recording by the hash of its file name, so that a folder can
//! be moved and copied; the names are found again by hashing what is there.
//! Rejected: an index file, which could disagree with the folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use diptych_protocol::identity::{Role, sha256};
use diptych_protocol::journal::{Fact, HeaderError, JournalError, Reader, Replayed};
use diptych_protocol::limits;
use diptych_protocol::timeline::{ClockName, with_clocks};

use crate::share;

/// How the name of every journal ends.
const EXTENSION: &str = ".journal";
/// More names than this are no session's folder.
const FILES: usize = 10_000;
/// The most journals: every seat with as many devices as anybody will bring.
const JOURNALS: usize = 64;

/// Bytes of a journal that are read at once.
const PIECE: usize = 1 << 18;

/// A journal, or why it cannot be read.
pub(crate) type Salvaged = Result<Replayed, JournalError>;

/// A session's folder.
pub struct SessionFolder {
    path: PathBuf,
    /// The names of its journals, the primary's first.
    journals: Vec<String>,
    /// What was left out because it says nothing of its own.
    copies: Vec<Copied>,
    /// Every file in it by the hash of its name.
    names: BTreeMap<[u8; 32], String>,
}

/// A journal that is another byte for byte, and so no second one of its device.
pub(crate) struct Copied {
    pub(crate) name: String,
    /// The one that is read.
    pub(crate) of: String,
}

/// A recording that a journal speaks of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingFile {
    /// Who recorded it.
    pub role: Role,
    /// The clock that it is stamped by.
    pub clock: ClockName,
    /// Its name in the folder; `None` if it is not there.
    pub name: Option<String>,
}

/// A folder that is no session's, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system would not read it.
    #[error("cannot read {}: check the path and its permissions", path.display())]
    Unreadable {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No journal in it.
    #[error(
        "expected P.journal, A1.journal, … in {}, got {files} other files; name the folder of a \
         session",
        path.display()
    )]
    NoJournals {
        /// The folder.
        path: PathBuf,
        /// How many files are there instead.
        files: usize,
    },
    /// More files than a session has.
    #[error("expected a session's folder, got more than {most} files in {}", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
        /// How many there may be.
        most: usize,
    },
    /// A file that is called a journal and is none.
    #[error("{} cannot be read as a journal: {error}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: JournalError,
    },
}

impl FolderError {
    /// Whether the system, and not the content, is the reason.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

impl SessionFolder {
    /// Looks for the journals of a folder.
    ///
    /// # Errors
    /// [`FolderError`] if it cannot be read or holds no journal.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|source| unreadable(path, source))? {
            let entry = entry.map_err(|source| unreadable(path, source))?;
            names.extend(entry.file_name().to_str().map(str::to_owned));
            if names.len() > FILES {
                return Err(FolderError::TooMany { path: path.to_owned(), most: FILES });
            }
        }
        // A copy has a longer name than what it was made of.
        names.sort_unstable_by_key(|name| (!name.starts_with('P'), name.len(), name.clone()));
        let journals: Vec<String> =
            names.iter().filter(|name| name.ends_with(EXTENSION)).cloned().collect();
        if journals.len() > JOURNALS {
            return Err(FolderError::TooMany { path: path.to_owned(), most: JOURNALS });
        }
        if journals.is_empty() {
            return Err(FolderError::NoJournals { path: path.to_owned(), files: names.len() });
        }
        let (journals, copies) = without_copies(path, journals)?;
        let names = names.into_iter().map(|name| (sha256(name.as_bytes()), name)).collect();
        Ok(Self { path: path.to_owned(), journals, copies, names })
    }

    /// Journals that were left out because they are copies.
    pub(crate) fn copies(&self) -> &[Copied] {
        &self.copies
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the journals, the primary's first.
    #[must_use]
    pub fn journals(&self) -> &[String] {
        &self.journals
    }

    /// The journals as far as they can be read, each with what is wrong with it if
    /// it cannot be.
    ///
    /// # Errors
    /// [`FolderError::Unreadable`] for a file that the system will not read.
    pub(crate) fn salvaged(&self) -> Result<Vec<Salvaged>, FolderError> {
        let read = share::each(&self.journals, |name| {
            let path = self.path.join(name);
            read(&path).map_err(|source| unreadable(&path, source))
        });
        read.into_iter().collect()
    }

    /// The journals as far as they can be read. One that ends before its header
    /// does was never begun and is left out.
    ///
    /// # Errors
    /// [`FolderError::Journal`] for a file that is no journal at all, and
    /// [`FolderError::Unreadable`] for one that the system will not read.
    pub fn replayed(&self) -> Result<Vec<Replayed>, FolderError> {
        Ok(self.named_journals()?.into_iter().map(|(_, journal)| journal).collect())
    }

    /// The same, each with the name of its file.
    pub(crate) fn named_journals(&self) -> Result<Vec<(String, Replayed)>, FolderError> {
        let mut all = Vec::new();
        for (name, salvaged) in self.journals.iter().zip(self.salvaged()?) {
            match salvaged {
                Ok(replayed) => all.push((name.clone(), replayed)),
                Err(JournalError::Header(HeaderError::Cut { .. })) => {}
                Err(error) => {
                    let path = self.path.join(name);
                    return Err(FolderError::Journal { path, error });
                }
            }
        }
        Ok(all)
    }

    /// The name of the file with this hash of its name.
    #[must_use]
    pub fn named(&self, hash: &[u8; 32]) -> Option<&str> {
        self.names.get(hash).map(String::as_str)
    }

    /// The recordings that these journals began, each once, in the order they
    /// were begun.
    #[must_use]
    pub fn recordings(&self, journals: &[Replayed]) -> Vec<RecordingFile> {
        let mut found: Vec<RecordingFile> = Vec::new();
        for (clock, entry) in journals.iter().flat_map(with_clocks) {
            let Fact::RecordingStarted { file, .. } = &entry.fact else { continue };
            let name = self.named(file).map(str::to_owned);
            let recording = RecordingFile { role: clock.role, clock, name };
            if !found.contains(&recording) {
                found.push(recording);
            }
        }
        found
    }
}

/// The journals that are no copies of one before them, and those that are.
fn without_copies(
    path: &Path,
    journals: Vec<String>,
) -> Result<(Vec<String>, Vec<Copied>), FolderError> {
    let (mut kept, mut copies) = (Vec::<(String, u64)>::new(), Vec::new());
    for name in journals {
        let file = path.join(&name);
        let length = std::fs::metadata(&file).map_err(|source| unreadable(&file, source))?.len();
        let mut of = None;
        for (other, _) in kept.iter().filter(|(_, other)| *other == length) {
            if is_same(&path.join(other), &file).map_err(|source| unreadable(&file, source))? {
                of = Some(other.clone());
                break;
            }
        }
        match of {
            Some(of) => copies.push(Copied { name, of }),
            None => kept.push((name, length)),
        }
    }
    Ok((kept.into_iter().map(|(name, _)| name).collect(), copies))
}

/// Whether two files of one length hold the same, up to what a journal can be.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let content = |path: &Path| {
        let mut bytes = Vec::new();
        File::open(path)?.take(limits::JOURNAL_BYTES).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    Ok(content(one)? == content(other)?)
}

/// Reads one journal, up to what no journal can be.
fn read(path: &Path) -> io::Result<Salvaged> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len().min(limits::JOURNAL_BYTES);
    let mut reader = Reader::new(usize::try_from(length).unwrap_or(0));
    let mut piece = vec![0; PIECE];
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => return Ok(reader.finish()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Err(error) = reader.feed(piece.get(..count).unwrap_or_default()) {
            return Ok(Err(error));
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> FolderError {
    FolderError::Unreadable { path: path.to_owned(), source }
}
