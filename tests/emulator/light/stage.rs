//! The devices of one scenario on the light bed, and what breaks them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::Duration;

use super::chrony;
use super::machine::{LINK, Machine};
use super::path::Impaired;
use super::run;
use crate::bed::{Probe, Program, Proof, Said, Stage, Trouble, Truth};
use crate::clock::until;
use crate::program::{bound, diptych};
use crate::scenario::{Need, Network, Scenario, Who};
use crate::starve::turns;

/// Where the primary listens, and where the echo beside it does.
const PORT: u16 = 47_000;
const ECHO: u16 = 47_002;
/// The hub's address on the assistants' side, where the redirected ports are.
const DOOR: &str = "10.77.0.100";
/// An address of the common network that no device has.
const NOBODY: &str = "10.77.0.250";
/// What fills a device's storage, and what a disk of its own holds.
const BALLAST: &str = "ballast";
const DISK: &str = "size=64m";
/// Exchanges of a probe.
const ASKED: usize = 200;

/// A hub and the devices around it.
pub(super) struct Namespaces {
    network: Network,
    ppb: i64,
    machines: BTreeMap<Who, Machine>,
    /// A phone that does not belong.
    visitor: Machine,
    /// A phone that is kept ready, and then the one that it replaced.
    spare: Machine,
    exchanged: Option<Who>,
    parts: Vec<Child>,
    hub: Hub,
}

/// The hub's namespace; its links go with it.
struct Hub(String);

impl Drop for Hub {
    fn drop(&mut self) {
        _ = run("ip", &["netns", "del", &self.0]);
    }
}

impl Namespaces {
    pub(super) fn open(
        scenario: &Scenario,
        folder: &Path,
        prefix: String,
    ) -> Result<Self, Trouble> {
        let hub = Hub(format!("{prefix}H"));
        let name = hub.0.clone();
        run("ip", &["netns", "add", &name])?;
        run("ip", &["-n", &name, "link", "set", "lo", "up"])?;
        run("ip", &["-n", &name, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"])?;
        run("ip", &["-n", &name, "link", "set", "br0", "up"])?;
        let own_disk = scenario.needs().contains(&Need::StorageFull);
        let machine = |who: &str, number: u8, address: String| -> Result<Machine, Trouble> {
            let folder = folder.join(who);
            std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
            if own_disk {
                let at = folder.display().to_string();
                run("mount", &["-t", "tmpfs", "-o", DISK, "tmpfs", &at])?;
            }
            let machine = Machine {
                space: format!("{prefix}{who}"),
                hub: name.clone(),
                plug: format!("to{who}"),
                // Far apart, and no two alike.
                ahead_s: 1_000 + 4_000 * i64::from(number),
                folder,
                address,
                own_disk,
                process: None,
                said: std::sync::Arc::default(),
            };
            machine.plug_in()?;
            Ok(machine)
        };
        let redirected = matches!(scenario.network, Network::Redirected(_));
        let mut machines = BTreeMap::new();
        for who in scenario.everybody() {
            let (number, net) = match who {
                Who::Primary => (0, if redirected { 78 } else { 77 }),
                Who::Assistant(number) => (number, 77),
            };
            let address = format!("10.{net}.0.{}", number + 1);
            machines.insert(who, machine(&who.role(), number, address)?);
        }
        let visitor = machine("V", 12, "10.77.0.13".to_owned())?;
        let spare = machine("S", 11, "10.77.0.12".to_owned())?;
        for plugged in machines.values().chain([&visitor, &spare]) {
            if plugged.address.starts_with("10.77.") {
                run("ip", &["-n", &name, "link", "set", &plugged.plug, "master", "br0"])?;
            } else {
                run("ip", &["-n", &name, "addr", "add", "10.78.0.254/24", "dev", &plugged.plug])?;
            }
        }
        let (network, ppb) = (scenario.network, scenario.skew.ppb);
        let (exchanged, parts) = (None, Vec::new());
        let mut stage = Self { network, ppb, machines, visitor, spare, exchanged, parts, hub };
        stage.beside()?;
        Ok(stage)
    }

    /// Starts the echo, and the relays where the network has any.
    fn beside(&mut self) -> Result<(), Trouble> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let primary = self.machine(Who::Primary)?;
        let there = primary.address.clone();
        let mut echo = primary.command(&own);
        echo.args(["part-echo", &format!("{there}:{ECHO}")]);
        let mut commands = vec![echo];
        if let Network::Redirected(path) = self.network {
            run("ip", &["-n", &self.hub.0, "addr", "add", &format!("{DOOR}/24"), "dev", "br0"])?;
            for port in [PORT, ECHO, chrony::PORT] {
                let mut relay = bound("ip");
                relay.args(["netns", "exec", &self.hub.0]).arg(&own).arg("part-relay");
                relay.args([format!("{DOOR}:{port}"), format!("{there}:{port}")]);
                relay.args(Impaired::from(path).words());
                commands.push(relay);
            }
        }
        for mut command in commands {
            let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
            self.parts.push(started.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    fn machine(&mut self, who: Who) -> Result<&mut Machine, Trouble> {
        self.machines.get_mut(&who).ok_or_else(|| format!("no device {}", who.role()))
    }

    fn redirected(&self) -> bool {
        matches!(self.network, Network::Redirected(_))
    }

    fn front(&self) -> String {
        let own = self.machines.get(&Who::Primary).map(|machine| machine.address.clone());
        if self.redirected() { DOOR.to_owned() } else { own.unwrap_or_default() }
    }

    fn compose(&self, machine: &Machine, who: Who, program: &Program) -> Result<Command, Trouble> {
        let mut command = machine.command(&diptych()?);
        let folder = &machine.folder;
        if who == Who::Primary {
            command.args(["primary", "--small", "--out"]).arg(folder);
            command.arg("--qr-png").arg(folder.join("code.png"));
            command.args(["--bind", &format!("0.0.0.0:{PORT}")]);
            let named = match self.network {
                Network::Lan(_) => None,
                Network::Lost => Some(NOBODY),
                Network::Redirected(_) => Some(DOOR),
            };
            if let Some(named) = named {
                command.args(["--advertise", &format!("{named}:{PORT}")]);
            }
        } else {
            command.args(["secondary", "--yes", "--label", &who.role(), "--out"]).arg(folder);
            command.arg("--recording").arg(folder.join(format!("{}.mp4", who.role())));
            command.args(["--width", "320", "--height", "180", "--rate", "15"]);
            command.args(["--clock-ppb", &self.ppb.to_string()]);
        }
        match program {
            Program::Primary { plan } => {
                let path = folder.join("exam.toml");
                std::fs::write(&path, plan).map_err(|error| error.to_string())?;
                command.arg("--plan").arg(path);
            }
            Program::Assistant { picture } => drop(command.arg("--scan").arg(picture)),
            Program::Typed { ticket } => drop(command.args(["--ticket", ticket])),
            Program::Again => {}
        }
        Ok(command)
    }
}

impl Stage for Namespaces {
    fn start(&mut self, who: Who, program: &Program) -> Result<(), Trouble> {
        let machine = self.machines.get(&who).ok_or("no such device")?;
        let command = self.compose(machine, who, program)?;
        self.machine(who)?.start(command)
    }

    fn picture(&mut self) -> Option<PathBuf> {
        let path = self.machines.get(&Who::Primary)?.folder.join("code.png");
        path.exists().then_some(path)
    }

    fn said(&mut self, who: Who) -> Vec<Said> {
        let Some(machine) = self.machines.get(&who) else { return Vec::new() };
        machine.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ended(&mut self, who: Who) -> Option<i32> {
        self.machines.get_mut(&who)?.process.as_mut()?.try_wait().ok()??.code()
    }

    fn visitor(&mut self, program: &Program) -> Result<(i32, String), Trouble> {
        until_it_gives_up(self.compose(&self.visitor, Who::Assistant(9), program)?)
    }

    fn types(&mut self, who: Who, line: &str) -> Result<(), Trouble> {
        self.machine(who)?.types(line)
    }

    fn exchange(&mut self, who: Who) -> Result<Proof, Trouble> {
        let in_use = self.machines.get_mut(&who).filter(|_| self.exchanged.is_none());
        let in_use = in_use.ok_or("there is one spare machine")?;
        core::mem::swap(in_use, &mut self.spare);
        self.exchanged = Some(who);
        Ok(format!("{} is {} from now on", who.role(), in_use.space))
    }

    fn former(&mut self) -> Result<(i32, String), Trouble> {
        let who = self.exchanged.ok_or("no machine was exchanged")?;
        until_it_gives_up(self.compose(&self.spare, who, &Program::Again)?)
    }

    fn address(&self) -> Result<SocketAddr, Trouble> {
        let text = format!("{}:{PORT}", self.front());
        text.parse().map_err(|_| format!("{text}: no address"))
    }

    fn kill(&mut self, who: Who) -> Result<Proof, Trouble> {
        let child = self.machine(who)?.child()?;
        let id = child.id();
        child.kill().map_err(|error| error.to_string())?;
        let status = child.wait().map_err(|error| error.to_string())?;
        if status.code().is_some() || Path::new(&format!("/proc/{id}")).exists() {
            return Err(format!("process {id} was to be killed: {status}"));
        }
        Ok(format!("{} {status}, no process {id}", who.role()))
    }

    fn link_down(&mut self, who: Who) -> Result<Proof, Trouble> {
        let machine = self.machine(who)?;
        run("ip", &["-n", &machine.hub, "link", "set", &machine.plug, "down"])?;
        let told = machine.link()?;
        let lost = told.contains("NO-CARRIER");
        lost.then(|| format!("{} NO-CARRIER", who.role())).ok_or(told)
    }

    fn link_up(&mut self, who: Who) -> Result<Proof, Trouble> {
        let machine = self.machine(who)?;
        run("ip", &["-n", &machine.hub, "link", "set", &machine.plug, "up"])?;
        let up = until(Duration::from_secs(2), || {
            machine.link().ok().filter(|told| told.contains("LOWER_UP"))
        });
        up.map(|_| format!("{} LOWER_UP", who.role())).ok_or("the link stayed down".to_owned())
    }

    fn change_address(&mut self, who: Who) -> Result<Proof, Trouble> {
        let machine = self.machine(who)?;
        let old = machine.address.clone();
        let (net, last) = old.rsplit_once('.').ok_or("no address")?;
        let new = format!("{net}.{}", last.parse::<u8>().unwrap_or(0).wrapping_add(40));
        run("ip", &["-n", &machine.space, "addr", "flush", "dev", LINK])?;
        machine.give(&new)?;
        machine.address.clone_from(&new);
        let told = run("ip", &["-n", &machine.space, "-o", "addr", "show", "dev", LINK])?;
        let moved = told.contains(&format!("{new}/")) && !told.contains(&format!("{old}/"));
        moved.then(|| format!("{} {old} -> {new}", who.role())).ok_or(told)
    }

    fn step_wall(&mut self, _: Who, _: i64) -> Result<Proof, Trouble> {
        Err("the wall clock is one for all namespaces".to_owned())
    }

    fn suspend(&mut self, _: Who, _: Duration) -> Result<Proof, Trouble> {
        Err("sleep is the whole kernel's".to_owned())
    }

    fn fill(&mut self, who: Who) -> Result<Proof, Trouble> {
        let folder = self.machine(who)?.folder.clone();
        let mut ballast = std::fs::File::create(folder.join(BALLAST)).map_err(said)?;
        // Until it is refused, the last pieces being small ones.
        for piece in [1 << 20, 1 << 12] {
            while ballast.write_all(&vec![0; piece]).is_ok() {}
        }
        let left = rustix::fs::statvfs(&folder).map_err(said)?.f_bavail;
        let full = format!("{} has {left} blocks left", who.role());
        if left == 0 { Ok(full) } else { Err(full) }
    }

    fn empty(&mut self, who: Who) -> Result<Proof, Trouble> {
        let folder = self.machine(who)?.folder.clone();
        std::fs::remove_file(folder.join(BALLAST)).map_err(said)?;
        let left = rustix::fs::statvfs(&folder).map_err(said)?.f_bavail;
        let room = format!("{} has {left} blocks left", who.role());
        if left > 0 { Ok(room) } else { Err(room) }
    }

    fn starve(&mut self, who: Who, percent: u8, lasts: Duration) -> Result<Proof, Trouble> {
        let id = self.machine(who)?.child()?.id();
        Ok(format!("{} {}", who.role(), turns(id, percent, lasts)?))
    }

    fn probe(&mut self, who: Who) -> Result<Probe, Trouble> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let target = format!("{}:{ECHO}", self.front());
        let behind = self.machine(Who::Primary)?.ahead_s;
        let machine = self.machine(who)?;
        let truth_ns = (behind - machine.ahead_s) * 1_000_000_000;
        let asked = machine.command(&own).args(["part-ask", &target, &ASKED.to_string()]).output();
        let said = asked.map_err(|error| error.to_string())?.stdout;
        let probe = crate::baseline::of(ASKED, &String::from_utf8_lossy(&said), |_| Some(truth_ns));
        let machine = |who| self.machines.get(&who).ok_or("no device");
        // The rate of a device here is the program's own, which no other program sees.
        let chrony_ns = if self.ppb == 0 {
            chrony::error_ns(machine(Who::Primary)?, machine(who)?, &self.front())?
        } else {
            None
        };
        Ok(Probe { chrony_ns, ..probe })
    }

    fn truth(&self, who: Who, _: (&str, &str), primary_ns: i64) -> Option<Truth> {
        let apart = self.machines.get(&who)?.ahead_s - self.machines.get(&Who::Primary)?.ahead_s;
        let apart_ns = apart * 1_000_000_000;
        let own = i128::from(primary_ns + apart_ns);
        let fast = (own * i128::from(self.ppb)).div_euclid(1_000_000_000);
        Some(Truth { offset_ns: apart_ns + i64::try_from(fast).ok()?, within_ns: 0 })
    }

    fn collect(&mut self, into: &Path) -> Result<(), Trouble> {
        for machine in self.machines.values() {
            let primary = machine.space.ends_with('P');
            for entry in std::fs::read_dir(&machine.folder).map_err(|error| error.to_string())? {
                let path = entry.map_err(|error| error.to_string())?.path();
                let Some(name) = path.file_name() else { continue };
                // An assistant's folder also holds what it witnessed of the others.
                if primary || path.extension().is_some_and(|is| is == "mp4") {
                    std::fs::copy(&path, into.join(name)).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(())
    }
}

/// An error in words.
fn said(error: impl std::fmt::Display) -> Trouble {
    error.to_string()
}

/// Runs a command to its end; its exit code and everything that it said.
fn until_it_gives_up(mut command: Command) -> Result<(i32, String), Trouble> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let gone = until(Duration::from_secs(25), || child.try_wait().ok().flatten());
    if gone.is_none() {
        _ = child.kill();
    }
    let ran = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = [ran.stdout, ran.stderr].concat();
    let code = ran.status.code().unwrap_or(-1);
    Ok((code, String::from_utf8_lossy(&said).into_owned()))
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for part in &mut self.parts {
            _ = part.kill();
            _ = part.wait();
        }
    }
}
