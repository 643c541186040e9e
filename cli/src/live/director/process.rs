//! A device of a rehearsal as a process that can be killed and frozen.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::live::station::Away;
use rustix::process::{Pid, Signal, kill_process};

/// One device: how it is started, and the process if it runs.
pub(super) struct Process {
    arguments: Vec<String>,
    /// Its folder.
    pub(super) folder: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub(super) const fn new(arguments: Vec<String>, folder: PathBuf) -> Self {
        Self { arguments, folder, child: None }
    }

    /// Starts it with these arguments as well.
    pub(super) fn also(&mut self, arguments: impl IntoIterator<Item = String>) {
        self.arguments.extend(arguments);
    }

    /// The file whose presence keeps this away from it.
    pub(super) fn away_file(&self, what: Away) -> PathBuf {
        self.folder.join(what.file())
    }

    /// What it has said so far.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("log.txt")).unwrap_or_default()
    }

    /// Starts it, for the first time or again: its folder is what it remembers.
    pub(super) fn start(&mut self) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let log = self.folder.join("log.txt");
        let log: File = OpenOptions::new().create(true).append(true).open(log)?;
        let errors = log.try_clone()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log).stderr(errors);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Kills it with SIGKILL: it does nothing more, not even close a file.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Freezes it, or lets it go on.
    pub(super) fn freeze(&self, frozen: bool) -> io::Result<()> {
        let pid = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { return Ok(()) };
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        Ok(kill_process(pid, signal)?)
    }

    /// How it ended, if it did by itself.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.as_mut().map_or(Ok(None), Child::try_wait)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whatever ends the rehearsal, no camera runs on unseen.
        let _ = self.kill();
    }
}
