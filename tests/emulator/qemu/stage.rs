//! The guests of one scenario, and what breaks them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::faults;
use super::guest::{Guest, because};
use super::machine::Machine;
use super::setup::Between;
use crate::bed::{Probe, Program, Proof, Said, Stage, Trouble, Truth};
use crate::scenario::{Network, Who};

/// Where the primary listens, and where the echo beside it does.
pub(super) const PORT: u16 = 7_000;
pub(super) const ECHO: u16 = 7_002;
/// An address of the common network that no guest has.
const NOBODY: &str = "192.168.77.250";
/// Where a guest's program is typed at.
const TYPED: &str = "/run/typed";
/// Exchanges of a probe.
const ASKED: usize = 200;
/// Parts per million that a measured rate may differ from the one asked for.
const RATE_PPM: i64 = 2;

/// Machines and what is between them.
pub(super) struct Guests {
    pub(super) network: Network,
    pub(super) ppb: i64,
    pub(super) machines: BTreeMap<Who, Machine>,
    /// A phone that does not belong, where the scenario has one.
    pub(super) visitor: Option<Machine>,
    /// A phone that is off, and then the one that it replaced.
    pub(super) spare: Option<Machine>,
    pub(super) exchanged: Option<Who>,
    pub(super) between: Between,
}

impl Guests {
    pub(super) fn machine(&mut self, who: Who) -> Result<&mut Machine, Trouble> {
        self.machines.get_mut(&who).ok_or_else(|| format!("no device {}", who.role()))
    }

    /// What the assistants dial to reach a port of the primary.
    fn front(&self, port: u16) -> Result<(String, u16), Trouble> {
        let primary = self.machines.get(&Who::Primary).ok_or("no primary")?;
        Ok(match self.between.doors {
            Some((door, echo)) => ("10.0.2.2".into(), if port == PORT { door } else { echo }),
            None => (primary.address.clone(), port),
        })
    }

    /// Puts what the program needs into the guest; yields its command line.
    fn compose(
        &mut self,
        guest: &mut Guest,
        who: Who,
        program: &Program,
    ) -> Result<String, Trouble> {
        let role = who.role();
        let mut line = if who == Who::Primary {
            let line = "diptych primary --small --out /disk/P --qr-png /run/code.png --bind";
            format!("{line} 0.0.0.0:{PORT}")
        } else {
            format!(
                "diptych secondary --yes --label {role} --out /disk/{role} --recording \
                 /disk/{role}.mp4 --width 320 --height 180 --rate 15"
            )
        };
        if who == Who::Primary {
            let (host, port) = self.front(PORT)?;
            match self.network {
                Network::Lan(_) => {}
                Network::Lost => line += &format!(" --advertise {NOBODY}:{PORT}"),
                Network::Redirected(_) => line += &format!(" --advertise {host}:{port}"),
            }
        }
        match program {
            Program::Primary { plan } => {
                guest.write("/run/exam.toml", plan.as_bytes())?;
                line += " --plan /run/exam.toml";
            }
            Program::Assistant { picture } => {
                let bytes = std::fs::read(picture).map_err(because("picture"))?;
                guest.write("/run/code.png", &bytes)?;
                line += " --scan /run/code.png";
            }
            Program::Typed { ticket } => line += &format!(" --ticket {ticket}"),
            Program::Again => {}
        }
        Ok(line)
    }
}

impl Stage for Guests {
    fn start(&mut self, who: Who, program: &Program) -> Result<(), Trouble> {
        let machine = self.machine(who)?;
        machine.turn_on()?;
        machine.before = machine.said().len();
        let mut guest = machine.guest.take().ok_or("no guest")?;
        let line = self.compose(&mut guest, who, program);
        // Whoever holds the shell's output keeps it from answering. What is typed
        // goes through a pipe that never ends.
        let ran = line.and_then(|line| {
            guest.run(&format!("[ -p {TYPED} ] || mkfifo {TYPED}"))?;
            guest.run(&format!("({line}; echo exit $?) <>{TYPED} >/dev/said 2>&1 &"))
        });
        self.machine(who)?.guest = Some(guest);
        ran.map(drop)
    }

    fn picture(&mut self) -> Option<PathBuf> {
        let machine = self.machine(Who::Primary).ok()?;
        let bytes = machine.on().ok()?.read("/run/code.png").ok()?;
        let path = machine.hardware.folder.join("code.png");
        let whole = bytes.windows(4).any(|four| four == b"IEND");
        (whole && std::fs::write(&path, bytes).is_ok()).then_some(path)
    }

    fn said(&mut self, who: Who) -> Vec<Said> {
        self.machines.get(&who).map(Machine::said).unwrap_or_default()
    }

    fn ended(&mut self, who: Who) -> Option<i32> {
        self.machines.get(&who)?.ended()
    }

    fn visitor(&mut self, program: &Program) -> Result<(i32, String), Trouble> {
        let mut visitor = self.visitor.take().ok_or("no visitor in this scenario")?;
        let ran = self.until_it_gives_up(&mut visitor, Who::Assistant(9), program);
        self.visitor = Some(visitor);
        ran
    }

    fn types(&mut self, who: Who, line: &str) -> Result<(), Trouble> {
        self.machine(who)?.on()?.run(&format!("echo '{line}' >{TYPED}")).map(drop)
    }

    fn exchange(&mut self, who: Who) -> Result<Proof, Trouble> {
        let in_use = self.machines.get_mut(&who).filter(|_| self.exchanged.is_none());
        let (Some(in_use), Some(spare)) = (in_use, &mut self.spare) else {
            return Err("no spare machine in this scenario".to_owned());
        };
        core::mem::swap(in_use, spare);
        self.exchanged = Some(who);
        Ok(format!("{} is {} from now on", who.role(), in_use.address))
    }

    fn former(&mut self) -> Result<(i32, String), Trouble> {
        let who = self.exchanged.ok_or("no machine was exchanged")?;
        let mut former = self.spare.take().ok_or("no machine was exchanged")?;
        let ran = former
            .turn_on()
            .and_then(|()| self.until_it_gives_up(&mut former, who, &Program::Again));
        self.spare = Some(former);
        ran
    }

    fn address(&self) -> Result<SocketAddr, Trouble> {
        let (host, port) = self.front(PORT)?;
        format!("{host}:{port}").parse().map_err(because("address"))
    }

    fn kill(&mut self, who: Who) -> Result<Proof, Trouble> {
        let guest = self.machine(who)?.guest.take().ok_or("it is off")?;
        let id = guest.id();
        guest.kill()?;
        if Path::new(&format!("/proc/{id}")).exists() {
            return Err(format!("process {id} is still there"));
        }
        Ok(format!("{}'s emulator ended by signal 9, no process {id}", who.role()))
    }

    fn link_down(&mut self, who: Who) -> Result<Proof, Trouble> {
        faults::link(self.machine(who)?.on()?, false).map(|told| format!("{} {told}", who.role()))
    }

    fn link_up(&mut self, who: Who) -> Result<Proof, Trouble> {
        faults::link(self.machine(who)?.on()?, true).map(|told| format!("{} {told}", who.role()))
    }

    fn change_address(&mut self, who: Who) -> Result<Proof, Trouble> {
        let machine = self.machine(who)?;
        let old = machine.address.clone();
        machine.address = faults::renumber(machine.on()?, &old)?;
        Ok(format!("{} {old} -> {}", who.role(), machine.address))
    }

    fn step_wall(&mut self, who: Who, seconds: i64) -> Result<Proof, Trouble> {
        faults::step_wall(self.machine(who)?.on()?, seconds)
            .map(|told| format!("{} {told}", who.role()))
    }

    fn suspend(&mut self, who: Who, lasts: Duration) -> Result<Proof, Trouble> {
        faults::suspend(self.machine(who)?.on()?, lasts)
            .map(|told| format!("{} {told}", who.role()))
    }

    fn pause(&mut self, who: Who, lasts: Duration) -> Result<Proof, Trouble> {
        let machine = self.machine(who)?;
        let told = faults::pause(machine.on()?, lasts)?;
        // The emulator's counter stood still with the rest.
        machine.track.moved();
        let track = machine.track.clone();
        track.calibrate(machine.on()?)?;
        Ok(format!("{} {told}", who.role()))
    }

    fn idle(&mut self, who: Who, lasts: Duration) -> Result<Proof, Trouble> {
        faults::idle(self.machine(who)?.on()?, lasts).map(|told| format!("{} {told}", who.role()))
    }

    fn disturb(&mut self, who: Who, netem: &str, lasts: Duration) -> Result<Proof, Trouble> {
        let (host, port) = self.front(ECHO)?;
        let ask = format!("bed ask {host} {port}");
        faults::disturb(self.machine(who)?.on()?, netem, lasts, &ask)
            .map(|told| format!("{} {told}", who.role()))
    }

    fn fill(&mut self, who: Who) -> Result<Proof, Trouble> {
        faults::fill(self.machine(who)?.on()?).map(|told| format!("{} {told}", who.role()))
    }

    fn empty(&mut self, who: Who) -> Result<Proof, Trouble> {
        faults::empty(self.machine(who)?.on()?).map(|told| format!("{} {told}", who.role()))
    }

    fn starve(&mut self, who: Who, percent: u8, lasts: Duration) -> Result<Proof, Trouble> {
        faults::starve(self.machine(who)?.on()?, percent, lasts)
            .map(|told| format!("{} {told}", who.role()))
    }

    fn probe(&mut self, who: Who) -> Result<Probe, Trouble> {
        let (host, port) = self.front(ECHO)?;
        let asked = self.machine(who)?.on()?.run(&format!("bed ask {host} {port} {ASKED}"))?;
        let (own, primary) =
            (&self.machine(who)?.track.clone(), &self.machine(Who::Primary)?.track);
        let boots = (own.boot(), primary.boot());
        let truth = |asked_ns: i64| own.ahead(primary, (&boots.0, &boots.1), asked_ns);
        Ok(crate::baseline::of(ASKED, &asked, |at| truth(at).map(|truth| truth.offset_ns)))
    }

    fn truth(&self, who: Who, boots: (&str, &str), primary_ns: i64) -> Option<Truth> {
        let primary = &self.machines.get(&Who::Primary)?.track;
        primary.ahead(&self.machines.get(&who)?.track, boots, primary_ns)
    }

    fn measured(&mut self) -> Result<Vec<Proof>, Trouble> {
        let mut within = 0;
        for machine in self.machines.values_mut() {
            if let Some(guest) = &mut machine.guest {
                within += machine.track.calibrate(guest)?;
            }
        }
        let mut proofs = vec![format!("clocks' truth within {within} ns")];
        if self.ppb != 0 {
            proofs.push(self.rate()?);
        }
        Ok(proofs)
    }

    fn strain(&self) -> Option<String> {
        let stood = |(who, machine): (&Who, &Machine)| {
            let longest = machine.track.longest_silence()? / 1_000_000;
            Some(format!("{} was not heard of for up to {longest} ms", who.role()))
        };
        let all: Vec<String> = self.machines.iter().filter_map(stood).collect();
        Some(all.join(", "))
    }

    fn collect(&mut self, into: &Path) -> Result<(), Trouble> {
        for (who, machine) in &mut self.machines {
            let role = who.role();
            let guest = machine.on()?;
            // An assistant's folder also holds what it witnessed of the others.
            let files = match who {
                Who::Primary => guest.run("ls -d /disk/P/*")?,
                Who::Assistant(_) => format!("/disk/{role}.mp4"),
            };
            for file in files.split_whitespace() {
                let name = file.rsplit('/').next().unwrap_or_default();
                if guest.attempt(&format!("[ -f {file} ]"))?.0 == 0 {
                    let bytes = guest.read(file)?;
                    std::fs::write(into.join(name), bytes).map_err(because(name))?;
                }
            }
        }
        Ok(())
    }
}

impl Guests {
    /// Runs a program on a machine that is on until it gives up.
    fn until_it_gives_up(
        &mut self,
        machine: &mut Machine,
        who: Who,
        program: &Program,
    ) -> Result<(i32, String), Trouble> {
        let line = self.compose(machine.on()?, who, program)?;
        let ran = machine.on()?.attempt(&format!("timeout 40 {line} </dev/null 2>&1"))?;
        Ok((ran.0, String::from_utf8_lossy(&ran.1).into_owned()))
    }

    /// How much faster the first assistant's clock ran than the primary's.
    fn rate(&mut self) -> Result<Proof, Trouble> {
        let wanted = self.ppb;
        let own = self.machine(Who::Assistant(1))?.track.clone();
        let primary = &self.machine(Who::Primary)?.track;
        let boots = (primary.boot(), own.boot());
        let rate = primary.later_half(&boots.0).and_then(|(from, to)| {
            let at = |clock| Some(primary.ahead(&own, (&boots.0, &boots.1), clock)?.offset_ns);
            Some((at(to)? - at(from)?).saturating_mul(1_000_000_000) / (to - from).max(1))
        });
        let rate = rate.ok_or("the clocks' rate was not read")?;
        if (rate - wanted).abs() > RATE_PPM * 1_000 {
            return Err(format!("A1 was to run {wanted} ppb fast and runs {rate}"));
        }
        Ok(format!("A1 ran {rate} ppb fast"))
    }
}
