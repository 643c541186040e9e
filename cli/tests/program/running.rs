//! The program while it runs: what it has said so far, and Ctrl-C.

use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::{Folder, Ran};

/// Only a run that hangs waits so long.
const HANGS: Duration = Duration::from_secs(120);

/// A run of the program that has not ended.
pub(super) struct Running {
    child: Child,
    pieces: Receiver<Vec<u8>>,
    said: Vec<u8>,
    read_up_to: usize,
}

impl Running {
    /// Starts the program in `folder`. Its standard input stays open and empty.
    pub(super) fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
        Self::of(command.current_dir(folder.path("")).args(args))
    }

    /// Starts a command that becomes the program.
    pub(super) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, pieces) = channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for mut output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = output.read(&mut buffer) {
                    let _ = sender.send(buffer[..read].to_vec());
                }
            });
        }
        Self { child, pieces, said: Vec::new(), read_up_to: 0 }
    }

    /// Waits until the program says `part`, and yields the rest of that line once
    /// it is whole. Looks only at what was said after the last call's line.
    pub(super) fn line_with(&mut self, part: &str) -> String {
        let began = self.waits_for(part);
        let end = self.find("\n", began);
        self.read_up_to = end;
        String::from_utf8(self.said[began..end].to_vec()).unwrap()
    }

    /// Waits until the program says `part`, which need not be a whole line.
    pub(super) fn waits_for(&mut self, part: &str) -> usize {
        let at = self.find(part, self.read_up_to) + part.len();
        self.read_up_to = at;
        at
    }

    /// Whether the program has said `part` by now.
    pub(super) fn has_said(&mut self, part: &str) -> bool {
        while let Ok(piece) = self.pieces.try_recv() {
            self.said.extend(piece);
        }
        self.said[self.read_up_to..].windows(part.len()).any(|window| window == part.as_bytes())
    }

    /// Types a line at its standard input.
    pub(super) fn types(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends it with SIGKILL, as a phone that breaks.
    pub(super) fn breaks(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As Ctrl-C in a terminal does, to this process alone.
    pub(super) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// As the system does that shuts down.
    pub(super) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for the end. What was said is `err` where it failed, for [`Ran::fails`]
    /// cannot tell the two streams of a run apart.
    pub(super) fn end(mut self) -> Ran {
        while self.hear() {}
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { code, out: String::new(), err: String::from_utf8_lossy(&self.said).into_owned() }
    }

    fn find(&mut self, part: &str, from: usize) -> usize {
        loop {
            let ahead = &self.said[from..];
            let found = ahead.windows(part.len()).position(|window| window == part.as_bytes());
            if let Some(at) = found {
                return from + at;
            }
            let going_on = self.hear();
            assert!(going_on, "ended without {part:?}:\n{}", String::from_utf8_lossy(&self.said));
        }
    }

    /// Whether there was more to hear.
    fn hear(&mut self) -> bool {
        match self.pieces.recv_timeout(HANGS) {
            Ok(piece) => self.said.extend(piece),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                panic!("hangs after:\n{}", String::from_utf8_lossy(&self.said))
            }
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
