//! The guests of one scenario, and what breaks them.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::faults;
use super::guest::{Guest, Starting, because};
use super::hardware::{Hardware, Plug};
use super::hub::Hub;
use super::machine::Machine;
use super::truth::{cores, khz};
use crate::bed::{Probe, Program, Proof, Said, Stage, Trouble, Truth};
use crate::light::path::Impaired;
use crate::program::bound;
use crate::scenario::{Need, Network, Scenario, Who};

/// Where the primary listens, and where the echo beside it does.
const PORT: u16 = 7_000;
const ECHO: u16 = 7_002;
/// Exchanges of a probe.
const ASKED: usize = 200;
/// Parts per million that a measured rate may differ from the one asked for.
const RATE_PPM: i64 = 2;

/// Machines and what is between them.
pub(super) struct Guests {
    ppb: i64,
    machines: BTreeMap<Who, Machine>,
    /// A phone that does not belong, where the scenario has one.
    visitor: Option<Machine>,
    /// What the assistants dial, on their side: the program's port, and the echo's.
    doors: Option<(u16, u16)>,
    relays: Vec<Child>,
    _hub: Option<Hub>,
}

impl Guests {
    /// Starts all machines at once.
    pub(super) fn open(scenario: &Scenario, folder: &Path) -> Result<Self, Trouble> {
        let needs = scenario.needs();
        let suspends = needs.contains(&Need::Suspend);
        let everybody: Vec<Who> = scenario.everybody().collect();
        let mut names: Vec<String> = everybody.iter().map(|who| who.role()).collect();
        if needs.contains(&Need::Visitor) {
            names.push("V".to_owned());
        }
        let (hub, mut relays, mut doors, mut inner) = (None, Vec::new(), None, Vec::new());
        let hub = match scenario.network {
            Network::Lan => Some(Hub::new(folder, &names, Impaired::default())?),
            Network::Redirected(path) => {
                let ports = [free_port()?, free_port()?, free_port()?, free_port()?];
                let [door, echo_door, program, echo] = ports;
                doors = Some((door, echo_door));
                inner = vec![(program, PORT), (echo, ECHO)];
                for (outer, inner) in [(door, program), (echo_door, echo)] {
                    relays.push(relay(outer, inner, path.into())?);
                }
                hub
            }
        };
        let khz = khz()?;
        let machine = |number: usize, name: &String| {
            let host = u8::try_from(number + 1).unwrap_or(u8::MAX);
            let plug = match &hub {
                Some(hub) => Plug::Hub { host, own: hub.own(name), hub: hub.hub(name) },
                // The primary's ports alone are redirected.
                None => Plug::Translated {
                    redirected: if number == 0 { inner.clone() } else { Vec::new() },
                },
            };
            let (cpu, folder) = (number % cores(), folder.join(name));
            let hardware = Hardware { name: name.clone(), plug, suspends, cpu, khz, folder };
            Machine::new(hardware, format!("192.168.77.{host}"))
        };
        let mut machines: Vec<Machine> =
            names.iter().enumerate().map(|(number, name)| machine(number, name)).collect();
        let starting: Result<Vec<Starting>, Trouble> =
            machines.iter().map(|machine| Starting::begin(machine.hardware.clone())).collect();
        for (machine, starting) in machines.iter_mut().zip(starting?) {
            machine.ready(starting)?;
        }
        let visitor = if machines.len() > everybody.len() { machines.pop() } else { None };
        let machines = everybody.into_iter().zip(machines).collect();
        let ppb = scenario.skew.ppb;
        let mut guests = Self { ppb, machines, visitor, doors, relays, _hub: hub };
        if ppb != 0 {
            // In 2⁻¹⁶ parts per million.
            let units = ppb * 65_536 / 1_000;
            guests.machine(Who::Assistant(1))?.on()?.run(&format!("adjtimex -f {units}"))?;
        }
        Ok(guests)
    }

    pub(super) fn machine(&mut self, who: Who) -> Result<&mut Machine, Trouble> {
        self.machines.get_mut(&who).ok_or_else(|| format!("no device {}", who.role()))
    }

    /// What the assistants dial to reach a port of the primary.
    fn front(&self, port: u16) -> Result<(String, u16), Trouble> {
        let primary = self.machines.get(&Who::Primary).ok_or("no primary")?;
        Ok(match self.doors {
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
        if who == Who::Primary && self.doors.is_some() {
            let (host, port) = self.front(PORT)?;
            line += &format!(" --advertise {host}:{port}");
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
        if machine.guest.is_none() {
            let starting = Starting::begin(machine.hardware.clone())?;
            machine.ready(starting)?;
        }
        machine.before = machine.said().len();
        let mut guest = machine.guest.take().ok_or("no guest")?;
        let line = self.compose(&mut guest, who, program);
        // Whoever holds the shell's output keeps it from answering.
        let ran = line.and_then(|line| {
            guest.run(&format!("({line}; echo exit $?) </dev/null >/dev/said 2>&1 &"))
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
        let line = self.compose(visitor.on()?, Who::Assistant(9), program)?;
        let ran = visitor.on()?.attempt(&format!("timeout 40 {line} </dev/null 2>&1"));
        self.visitor = Some(visitor);
        let (code, said) = ran?;
        Ok((code, String::from_utf8_lossy(&said).into_owned()))
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

impl Drop for Guests {
    fn drop(&mut self) {
        for relay in &mut self.relays {
            _ = relay.kill();
            _ = relay.wait();
        }
    }
}

/// A relay between two ports of the host that impairs what passes.
fn relay(outer: u16, inner: u16, path: Impaired) -> Result<Child, Trouble> {
    let own = std::env::current_exe().map_err(because("harness"))?;
    let mut command = bound(own);
    command.arg("part-relay").args([outer, inner].map(|port| format!("127.0.0.1:{port}")));
    command.args(path.words()).stdout(Stdio::null());
    command.spawn().map_err(because("relay"))
}

/// A UDP port of the host that nobody uses.
fn free_port() -> Result<u16, Trouble> {
    let socket = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    socket.map(|address| address.port()).map_err(because("port"))
}
