//! One device of the light bed: its namespaces, its link, its process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::run;
use crate::bed::{Said, Trouble};
use crate::clock::now_ns;
use crate::program::bound;

/// The name of a device's one interface.
pub(super) const LINK: &str = "eth0";

/// A device.
pub(super) struct Machine {
    /// Its network namespace.
    pub(super) space: String,
    /// The hub's, and the hub's end of the cable.
    pub(super) hub: String,
    pub(super) plug: String,
    /// Seconds that its boot clock is ahead of the kernel's.
    pub(super) ahead_s: i64,
    /// Its disk, and whether it is one of its own, so that it can be filled.
    pub(super) folder: PathBuf,
    pub(super) own_disk: bool,
    pub(super) address: String,
    pub(super) process: Option<Child>,
    pub(super) said: Arc<Mutex<Vec<Said>>>,
}

impl Machine {
    /// Makes the namespace and its cable to the hub.
    pub(super) fn plug_in(&self) -> Result<(), Trouble> {
        let (space, hub, plug) = (self.space.as_str(), self.hub.as_str(), self.plug.as_str());
        run("ip", &["netns", "add", space])?;
        run("ip", &["-n", space, "link", "set", "lo", "up"])?;
        let cable = ["link", "add", LINK, "netns", space, "type", "veth"];
        run("ip", &[&cable[..], &["peer", "name", plug, "netns", hub]].concat())?;
        // With a link-local IPv6 address beside it, a change of address would leave
        // the old path open and prove nothing.
        for (at, name) in [(space, LINK), (hub, plug)] {
            run("ip", &["-n", at, "link", "set", name, "addrgenmode", "none", "up"])?;
        }
        self.give(&self.address)
    }

    /// Gives the link its address and the way to multicast.
    pub(super) fn give(&self, address: &str) -> Result<(), Trouble> {
        let space = self.space.as_str();
        run("ip", &["-n", space, "addr", "add", &format!("{address}/24"), "dev", LINK])?;
        run("ip", &["-n", space, "route", "replace", "224.0.0.0/4", "dev", LINK]).map(drop)
    }

    /// A command inside the device's namespaces. It is replaced by the program, so
    /// that the process that is started is the program itself.
    pub(super) fn command(&self, program: &std::path::Path) -> Command {
        let ahead = self.ahead_s.to_string();
        let mut command = bound("ip");
        command.args(["netns", "exec", &self.space, "unshare", "-T"]);
        command.args(["--monotonic", &ahead, "--boottime", &ahead]).arg(program);
        command
    }

    /// Starts it and listens to what it says.
    pub(super) fn start(&mut self, mut command: Command) -> Result<(), Trouble> {
        let log = self.folder.join("errors.txt");
        let errors = std::fs::File::options().create(true).append(true).open(log);
        let errors = errors.map_err(|error| error.to_string())?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        if let Some(out) = child.stdout.take() {
            let said = self.said.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    let line = Said { at_ns: now_ns(), line };
                    said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        self.process = Some(child);
        Ok(())
    }

    /// Types a line at it.
    pub(super) fn types(&mut self, line: &str) -> Result<(), Trouble> {
        let input = self.child()?.stdin.as_mut().ok_or("no standard input")?;
        writeln!(input, "{line}").map_err(|error| error.to_string())
    }

    pub(super) fn child(&mut self) -> Result<&mut Child, Trouble> {
        self.process.as_mut().ok_or_else(|| format!("{}: no process", self.space))
    }

    /// What the kernel says of the link.
    pub(super) fn link(&self) -> Result<String, Trouble> {
        run("ip", &["-n", &self.space, "-o", "link", "show", LINK])
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(child) = &mut self.process {
            _ = child.kill();
            _ = child.wait();
        }
        _ = run("ip", &["netns", "del", &self.space]);
        if self.own_disk {
            // For whoever looks into the folder of a scenario that failed.
            let at = self.folder.display().to_string();
            _ = run("cp", &["-a", &at, &format!("{at}.left")]);
            _ = run("umount", &["--lazy", &at]);
        }
    }
}
