//! Why a command could not do what it was asked to.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use diptych_protocol::policy::StatementError;
use diptych_protocol::report::ReportError;
use diptych_protocol::ticket::TicketError;

use crate::align::AlignError;
use crate::exit::Exit;
use crate::folder::FolderError;
use crate::live::fail::LiveFail;
use crate::plan::PlanFileError;
use crate::qr::{DrawError, ScanError};
use crate::video::VideoError;

/// A command that failed, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Fail {
    /// A live session that came to no good end.
    #[error("{0}")]
    Live(Box<LiveFail>),
    /// An option whose value cannot be used.
    #[error("{option}: {problem}")]
    Value {
        /// Which option.
        option: &'static str,
        /// Expected against got.
        problem: String,
    },
    /// A plan or policy that cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanFileError),
    /// A code that cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A picture without a readable ticket.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A code that is no ticket.
    #[error("the code is not a ticket of this protocol: {0}")]
    Ticket(#[from] TicketError),
    /// A folder that is no session's, or cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Journals that nothing can be judged by.
    #[error("no report can be made: {0}")]
    Report(#[from] ReportError),
    /// An excuse that excuses nothing.
    #[error("{}: {error}", path.display())]
    Statement {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: StatementError,
    },
    /// Recordings that cannot be aligned.
    #[error(transparent)]
    Align(#[from] AlignError),
    /// A file that cannot be read.
    #[error("cannot read {}: check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A script of faults that is neither a file nor one of the program's.
    #[error(
        "cannot read {}: there is no such file, and no story of this name; there are {stories}",
        path.display()
    )]
    NoStory {
        /// What was asked for.
        path: PathBuf,
        /// The names there are.
        stories: String,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: check the folder, its permissions and its free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that must not be replaced.
    #[error("expected a new file, but {} exists: choose another name or remove it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The terminal or pipe failed.
    #[error("cannot read standard input or write standard output")]
    Page(#[from] io::Error),
}

impl From<LiveFail> for Fail {
    fn from(fail: LiveFail) -> Self {
        Self::Live(Box::new(fail))
    }
}

impl Fail {
    /// How the program ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Live(error) => error.exit(),
            Self::Value { .. } => Exit::Usage,
            Self::Plan(error) if error.is_unreadable() => Exit::Storage,
            Self::Folder(error) if error.is_unreadable() => Exit::Storage,
            Self::Align(
                AlignError::Video(VideoError::Unreadable { .. }) | AlignError::Record(_),
            )
            | Self::Read { .. } => Exit::Storage,
            Self::Folder(_) | Self::Report(_) | Self::Align(_) => Exit::Input,
            Self::Scan(ScanError::Unreadable { .. })
            | Self::Draw(DrawError::Write { .. })
            | Self::NoStory { .. }
            | Self::Write { .. }
            | Self::Exists { .. }
            | Self::Page(_) => Exit::Storage,
            Self::Plan(_) | Self::Scan(_) | Self::Ticket(_) | Self::Statement { .. } => Exit::Input,
            Self::Draw(DrawError::Empty | DrawError::TooLong { .. }) => Exit::Input,
            Self::Draw(DrawError::Encoder(_)) => Exit::Defect,
        }
    }

    /// Says on `page` what is wrong, and under it what the cause was, if that
    /// adds anything.
    ///
    /// # Errors
    /// Whatever `page` fails with.
    pub fn explain(&self, page: &mut dyn Write) -> io::Result<()> {
        let mut told = self.to_string();
        writeln!(page, "diptych: {told}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            let reason = error.to_string();
            if !told.contains(&reason) {
                writeln!(page, "  because: {reason}")?;
                told = reason;
            }
            cause = error.source();
        }
        Ok(())
    }
}
