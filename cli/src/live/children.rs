//! The assistants' processes of a rehearsal: started, watched, seen off.
//!
//! A child that outlives its parent keeps a camera running that nobody sees. So
//! whatever ends the rehearsal, the children are waited for and, if they do not
//! end, ended; what they wrote is safe either way.

use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::time::Duration;

use diptych_protocol::identity::Role;

use super::fail::LiveFail;
use super::life::PATIENCE;
use super::rehearse::{OFFSET, Options, PPB};
use super::room::has_room;
use super::script::{FAULT_LENGTH, Script, fault_at};
use super::since::Since;

/// The processes, by seat.
#[derive(Debug, Default)]
pub(super) struct Children(Vec<Assistant>);

/// One process.
#[derive(Debug)]
struct Assistant {
    role: Role,
    child: Child,
    /// The file of everything that it says.
    log: PathBuf,
}

impl Assistant {
    fn ended(&self, status: ExitStatus) -> LiveFail {
        LiveFail::child(self.role, status, &std::fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Children {
    /// Whether the assistant of this seat was started.
    pub(super) fn has(&self, role: Role) -> bool {
        self.0.iter().any(|assistant| assistant.role == role)
    }

    /// Starts the assistant that will read `picture`.
    ///
    /// # Errors
    /// If its folder cannot be made, or this program cannot be started again.
    pub(super) fn start(
        &mut self,
        options: &Options,
        role: Role,
        picture: &Path,
    ) -> Result<(), LiveFail> {
        let program = std::env::current_exe().map_err(LiveFail::file("the program itself"))?;
        let folder = options.folder.join(role.to_string());
        std::fs::create_dir_all(&folder).map_err(LiveFail::file(&folder))?;
        let log = folder.join("log.txt");
        let out = std::fs::File::create(&log).map_err(LiveFail::file(&log))?;
        let errors = out.try_clone().map_err(LiveFail::file(&folder))?;
        let mut process = Process::new(&program);
        process
            .arg("secondary")
            .arg("--scan")
            .arg(picture)
            .arg("--out")
            .arg(&folder)
            .arg("--recording")
            .arg(options.folder.join(format!("{role}.mp4")))
            .args(["--label", &role.to_string(), "--yes", "--loopback"])
            .args(["--clock-offset-ms", &(OFFSET.nanos() / 1_000_000).to_string()])
            .args(["--clock-ppb", &PPB.to_string()])
            .args(["--width", &options.size.width().to_string()])
            .args(["--height", &options.size.height().to_string()])
            .args(["--rate", &options.rate.to_string()]);
        if options.faults == Script::OneEach {
            let after = fault_at(role);
            let script = format!("{}:{}", after.as_millis(), FAULT_LENGTH.as_millis());
            process.args(["--camera-off", &script]);
        }
        let spawned = process.stdin(Stdio::null()).stdout(out).stderr(errors).spawn();
        let child = spawned.map_err(LiveFail::file(program))?;
        self.0.push(Assistant { role, child, log });
        Ok(())
    }

    /// Whether none has failed.
    ///
    /// # Errors
    /// [`LiveFail::Child`] names one that has.
    pub(super) fn check(&mut self) -> Result<(), LiveFail> {
        for assistant in &mut self.0 {
            if let Ok(Some(status)) = assistant.child.try_wait()
                && !status.success()
            {
                return Err(assistant.ended(status));
            }
        }
        Ok(())
    }

    /// Waits until all have ended by themselves; those that have not within
    /// `patience` are ended.
    ///
    /// # Errors
    /// [`LiveFail::Child`] names the first that failed or had to be ended.
    pub(super) fn see_off(&mut self, patience: Duration) -> Result<(), LiveFail> {
        let waited = Since::now();
        let mut first = Ok(());
        for mut assistant in self.0.drain(..) {
            let ended = loop {
                match assistant.child.try_wait() {
                    Ok(Some(status)) if status.success() => break Ok(()),
                    Ok(Some(status)) => break Err(assistant.ended(status)),
                    Ok(None) if waited.passed() < patience => std::thread::sleep(PATIENCE),
                    Ok(None) | Err(_) => {
                        let _ = assistant.child.kill();
                        let _ = assistant.child.wait();
                        let room = has_room(assistant.log.parent().unwrap_or(Path::new(".")));
                        break Err(LiveFail::overdue(assistant.role, room));
                    }
                }
            };
            first = first.and(ended);
        }
        first
    }
}
