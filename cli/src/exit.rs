//! What the program tells the script that called it.
//!
//! One code for each thing that a script would do differently: a verdict is not
//! an error, and a file that cannot be read is not a verdict. The numbers are
//! part of the program's interface and never change their meaning.

use std::process::ExitCode;

use diptych_protocol::journal::Integrity;
use diptych_protocol::policy::Verdict;

/// How the program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done; the verdict is PASS; the evidence is intact.
    Done = 0,
    /// A defect of the program, or of the machine, that has no code of its own.
    Defect = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A file or text is not what it should be: picture, ticket, plan, policy,
    /// journal or recording.
    Input = 3,
    /// A file or folder cannot be read or written.
    Storage = 4,
    /// The devices did not come together: no path, refused, wrong key, port taken.
    Network = 5,
    /// The camera or its encoder failed.
    Camera = 6,
    /// The verdict is FAIL.
    Fail = 10,
    /// The verdict is UNDETERMINED.
    Undetermined = 11,
    /// The verdict is NOT_READY.
    NotReady = 12,
    /// Evidence is missing; nothing contradicts.
    Incomplete = 20,
    /// Evidence was changed.
    Tampered = 21,
    /// What was recomputed differs from the report that was given.
    Differs = 22,
    /// Its terminal was closed: 128 and the number of the signal, as shells count.
    HungUp = 129,
    /// Ended by Ctrl-C.
    Interrupted = 130,
    /// Ended by the system or another program.
    Terminated = 143,
}

impl Exit {
    /// What follows from a verdict.
    #[must_use]
    pub const fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Done,
            Verdict::Fail => Self::Fail,
            Verdict::Undetermined => Self::Undetermined,
            Verdict::NotReady => Self::NotReady,
        }
    }

    /// What follows from the state of the evidence.
    #[must_use]
    pub const fn of_integrity(integrity: Integrity) -> Self {
        match integrity {
            Integrity::Intact => Self::Done,
            Integrity::Incomplete => Self::Incomplete,
            Integrity::Tampered => Self::Tampered,
        }
    }

    /// What a child process that ended with `code` met, where its parent meets the
    /// same by it: the inputs, the storage, the network, the camera or the user.
    #[must_use]
    pub fn of_child(code: Option<i32>) -> Self {
        let ended = [Self::HungUp, Self::Interrupted, Self::Terminated];
        let met = [Self::Input, Self::Storage, Self::Network, Self::Camera];
        let same = |exit: &Self| code == Some(exit.code().into());
        met.into_iter().chain(ended).find(same).unwrap_or(Self::Defect)
    }

    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
