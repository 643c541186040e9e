//! Why a live session did not come to a good end.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use diptych_driver::embed::Failure;
use diptych_protocol::address::AddressError;
use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::Role;
use diptych_protocol::journal::JournalError;
use diptych_protocol::machine::Lost;
use diptych_protocol::plan::PlanError;
use diptych_protocol::report::ReportError;
use diptych_protocol::secondary::Failure as PairingFailure;
use diptych_protocol::ticket::TicketError;

use super::stop::Wish;
use crate::align::AlignError;
use crate::camera::{CameraError, RecordError};
use crate::exit::Exit;
use crate::folder::FolderError;
use crate::plan::PlanFileError;
use crate::qr::{DrawError, ScanError};
use crate::video::VideoError;

/// What went wrong, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LiveFail {
    /// Somebody wanted it to end.
    #[error("{}; what was recorded is in {}", by.told(), folder.display())]
    Interrupted {
        /// Who.
        by: Wish,
        /// Where it is.
        folder: PathBuf,
    },
    /// The device could not be started, or refused.
    #[error(transparent)]
    Device(#[from] Failure),
    /// A folder that is not empty.
    #[error("expected a new or empty folder, {} has files in it: choose another", folder.display())]
    NotEmpty {
        /// Which.
        folder: PathBuf,
    },
    /// A folder with the session of another exam.
    #[error(
        "expected a new folder or one of this exam, {} has the session of another exam or of other assistants: choose another",
        folder.display()
    )]
    AnotherExam {
        /// Which.
        folder: PathBuf,
    },
    /// A file or folder cannot be made or read.
    #[error("cannot use {}: check the folder, its permissions and its free space", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The rehearsal is too short for its interruptions.
    #[error(
        "expected at least {least} s for {cameras} cameras, got {got} s: interruptions begin more than 10 s apart; use --seconds {least} or --no-faults"
    )]
    TooShort {
        /// The least that works.
        least: u32,
        /// How many cameras there are.
        cameras: u32,
        /// What was asked for.
        got: u32,
    },
    /// The plan is impossible.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The plan's file cannot be used.
    #[error(transparent)]
    PlanFile(#[from] PlanFileError),
    /// There is no plan.
    #[error(
        "expected --plan FILE, and the folder has no session to go on with; see `diptych plan`"
    )]
    NoPlan,
    /// The addresses cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The code cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// The picture has no code that can be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The code is no ticket.
    #[error("the code is not a ticket of this protocol: {0}")]
    Ticket(#[from] TicketError),
    /// Nobody was there to scan for.
    #[error("expected --scan IMAGE or --ticket TEXT, and the folder has no session to go on with")]
    NothingToScan,
    /// Pairing came to nothing.
    #[error("pairing failed: {}", said(failure, old.as_deref()))]
    Pairing {
        /// What happened.
        failure: PairingFailure,
        /// That the code has had its time, if it has.
        old: Option<String>,
    },
    /// The primary put this device out.
    #[error("this device was put out of the session: {}: {}", .0.meaning(), .0.advice())]
    Removed(CloseCode),
    /// The camera cannot be used.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// The file of the recording cannot be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An assistant's process ended before it should.
    #[error("the process of {role} failed: {how}")]
    Child {
        /// Which assistant.
        role: Role,
        /// Why, as far as it said.
        how: String,
        /// How this process ends for it.
        exit: Exit,
    },
    /// An assistant did not pair in time.
    #[error("{role} did not pair within {seconds} s; is the machine very busy?")]
    NotPaired {
        /// Which assistant.
        role: Role,
        /// How long it was waited for.
        seconds: u32,
    },
    /// The session did not end.
    #[error("the session did not end in time; what was recorded is in {}", folder.display())]
    NoEnd {
        /// Where it is.
        folder: PathBuf,
    },
    /// A journal of the session cannot be read.
    #[error("{}: {error}", path.display())]
    Journal {
        /// Which.
        path: PathBuf,
        /// Where and how.
        error: JournalError,
    },
    /// The folder of the session cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The report cannot be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A recording cannot be read.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// The recordings cannot be aligned.
    #[error(transparent)]
    Align(#[from] AlignError),
    /// The rehearsal did not go as it was scripted.
    #[error("the rehearsal went otherwise than scripted: {what}")]
    Unexpected {
        /// What differs.
        what: String,
    },
}

impl LiveFail {
    /// How the program ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Interrupted { by, .. } => by.exit(),
            Self::TooShort { .. } | Self::NothingToScan | Self::NoPlan => Exit::Usage,
            Self::NotEmpty { .. } | Self::AnotherExam { .. } | Self::File { .. } => Exit::Storage,
            Self::PlanFile(error) if error.is_unreadable() => Exit::Storage,
            Self::Folder(error) if error.is_unreadable() => Exit::Storage,
            Self::Scan(ScanError::Unreadable { .. }) | Self::Draw(DrawError::Write { .. }) => {
                Exit::Storage
            }
            Self::Plan(_)
            | Self::PlanFile(_)
            | Self::Scan(_)
            | Self::Ticket(_)
            | Self::Journal { .. }
            | Self::Folder(_)
            | Self::Report(_)
            | Self::Video(_)
            | Self::Align(_) => Exit::Input,
            Self::Device(Failure::Storage { .. }) => Exit::Storage,
            Self::Device(_)
            | Self::Address(_)
            | Self::Pairing { .. }
            | Self::Removed(_)
            | Self::NotPaired { .. } => Exit::Network,
            Self::Camera(_) | Self::Record(_) => Exit::Camera,
            Self::Child { exit, .. } => *exit,
            Self::Draw(_) | Self::NoEnd { .. } | Self::Unexpected { .. } => Exit::Defect,
        }
    }

    /// The early end of a process that left this `log`: what it complained of
    /// there, and with a code that says the same.
    pub(crate) fn child(role: Role, status: ExitStatus, log: &str) -> Self {
        let exit = Exit::of_child(status.code());
        let complaint = log.lines().rev().find_map(|line| line.strip_prefix("diptych: "));
        let how = match (complaint, exit) {
            (Some(complaint), _) => format!("{complaint} ({status})"),
            // A log that does not fit on the disk says nothing.
            (None, Exit::Storage) => format!("the storage is full or failed ({status})"),
            (None, _) => format!("{status}; run its command by hand to see why"),
        };
        Self::Child { role, how, exit }
    }

    /// A process that had to be ended. One whose storage is full waits for room, and
    /// would have waited for ever.
    pub(crate) fn overdue(role: Role, has_room: bool) -> Self {
        let (how, exit) = if has_room {
            ("it did not end", Exit::Defect)
        } else {
            ("the storage is full, and it waited for room", Exit::Storage)
        };
        Self::Child { role, how: how.to_owned(), exit }
    }

    /// The failure of using `path`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

/// What a person is told about a pairing that came to nothing.
fn said(failure: &PairingFailure, old: Option<&str>) -> String {
    if let Some(old) = old {
        return format!("{old}. If it is that one: {}", said(failure, None));
    }
    match failure {
        PairingFailure::Refused(code) => format!("{}. {}", code.meaning(), code.advice()),
        PairingFailure::Fault(fault) => format!("{fault}. {}", fault.code.advice()),
        PairingFailure::Lost(Lost::WrongKey) => {
            "the device that answered has another key than the code names: somebody may be \
             pretending to be the primary. Scan the code that is on the primary's screen now."
                .to_owned()
        }
        PairingFailure::Lost(Lost::Closed(code)) => {
            format!("the primary ended it: {}. {}", code.meaning(), code.advice())
        }
        PairingFailure::Lost(
            Lost::ClosedUnknown(_) | Lost::TimedOut | Lost::Reset | Lost::Unreachable | Lost::Local,
        ) => "the primary could not be reached. Keep both devices in one network and scan again."
            .to_owned(),
        PairingFailure::Declined => "it was declined on this device.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_child_that_ends_early_passes_its_reason_and_its_code_on() {
        let log = "phase WAITING\ndiptych: camera x is gone: plug it in\n  because: no device\n";
        let child = |raw, log| {
            let fail = LiveFail::child(Role::PRIMARY, ExitStatus::from_raw(raw), log);
            (fail.exit(), fail.to_string())
        };
        let (exit, told) = child(6 << 8, log);
        assert_eq!(exit, Exit::Camera);
        assert!(told.ends_with("camera x is gone: plug it in (exit status: 6)"), "{told}");
        let (exit, told) = child(4 << 8, "");
        assert!(exit == Exit::Storage && told.contains("the storage is full"), "{told}");
        let full = LiveFail::overdue(Role::PRIMARY, false);
        assert!(full.to_string().contains("the storage is full"), "{full}");
        assert_eq!(full.exit(), Exit::Storage, "it waits for room, which is no defect");
        assert_eq!(LiveFail::overdue(Role::PRIMARY, true).exit(), Exit::Defect);
        // Its command line was ours, and a verdict or a signal says nothing of us.
        for raw in [2 << 8, 10 << 8, 9] {
            let (exit, told) = child(raw, "");
            assert!(exit == Exit::Defect && told.contains("by hand"), "{told}");
        }
    }
}
