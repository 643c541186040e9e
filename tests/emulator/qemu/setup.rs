//! The guests of one scenario, set up and started, with the network between them.
//!
//! All machines boot at once, as phones would be switched on; a spare one is made
//! and left off until somebody needs it.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Stdio};

use super::guest::{Starting, because};
use super::hardware::{Hardware, Plug};
use super::hub::Hub;
use super::machine::Machine;
use super::stage::{ECHO, Guests, PORT};
use super::truth::{cores, khz};
use crate::bed::Trouble;
use crate::light::path::Impaired;
use crate::program::bound;
use crate::scenario::{Impairment, Need, Network, Scenario, Who};

/// What is between the machines.
#[derive(Default)]
pub(super) struct Between {
    /// What the assistants dial, on their side: the program's port, and the echo's.
    pub(super) doors: Option<(u16, u16)>,
    /// Ports of the host that lead to the primary's own.
    redirected: Vec<(u16, u16)>,
    relays: Vec<Child>,
    hub: Option<Hub>,
}

impl Between {
    fn on_a_lan(folder: &Path, names: &[String], path: Impairment) -> Result<Self, Trouble> {
        let mut between = Self::default();
        between.hub = Some(Hub::new(folder, names, path.into())?);
        Ok(between)
    }

    fn behind_ports(path: Impairment) -> Result<Self, Trouble> {
        let ports = [free_port()?, free_port()?, free_port()?, free_port()?];
        let [door, echo_door, program, echo] = ports;
        let mut between = Self::default();
        between.doors = Some((door, echo_door));
        between.redirected = vec![(program, PORT), (echo, ECHO)];
        for (outer, inner) in [(door, program), (echo_door, echo)] {
            between.relays.push(relay(outer, inner, path.into())?);
        }
        Ok(between)
    }

    /// How the machine of this name and number, the primary being 0, is plugged in.
    fn plug(&self, number: usize, name: &str) -> Plug {
        let host = u8::try_from(number + 1).unwrap_or(u8::MAX);
        match &self.hub {
            Some(hub) => Plug::Hub { host, own: hub.own(name), hub: hub.hub(name) },
            // The primary's ports alone are redirected.
            None => Plug::Translated {
                redirected: if number == 0 { self.redirected.clone() } else { Vec::new() },
            },
        }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        for relay in &mut self.relays {
            _ = relay.kill();
            _ = relay.wait();
        }
    }
}

impl Guests {
    /// Starts all machines at once.
    pub(super) fn open(scenario: &Scenario, folder: &Path) -> Result<Self, Trouble> {
        let needs = scenario.needs();
        let everybody: Vec<Who> = scenario.everybody().collect();
        let mut names: Vec<String> = everybody.iter().map(|who| who.role()).collect();
        let spare = needs.contains(&Need::Replacement);
        if needs.contains(&Need::Visitor) {
            names.push("V".to_owned());
        }
        let on = names.len();
        if spare {
            names.push("S".to_owned());
        }
        let between = match scenario.network {
            Network::Lan(path) => Between::on_a_lan(folder, &names, path)?,
            Network::Lost => Between::on_a_lan(folder, &names, Impairment::default())?,
            Network::Redirected(path) => Between::behind_ports(path)?,
        };
        let khz = khz()?;
        let machine = |(number, name): (usize, &String)| {
            let plug = between.plug(number, name);
            let (cpu, folder) = (number % cores(), folder.join(name));
            let suspends = needs.contains(&Need::Suspend);
            let hardware = Hardware { name: name.clone(), plug, suspends, cpu, khz, folder };
            Machine::new(hardware, format!("192.168.77.{}", number + 1))
        };
        let mut machines: Vec<Machine> = names.iter().enumerate().map(machine).collect();
        let starting: Result<Vec<Starting>, Trouble> =
            machines.iter().take(on).map(|one| Starting::begin(one.hardware.clone())).collect();
        for (machine, starting) in machines.iter_mut().zip(starting?) {
            machine.ready(starting)?;
        }
        let spare = if spare { machines.pop() } else { None };
        let visitor = if machines.len() > everybody.len() { machines.pop() } else { None };
        let machines = everybody.into_iter().zip(machines).collect();
        let (network, ppb) = (scenario.network, scenario.skew.ppb);
        let mut guests = Self { network, ppb, machines, visitor, spare, exchanged: None, between };
        if ppb != 0 {
            // In 2⁻¹⁶ parts per million.
            let units = ppb * 65_536 / 1_000;
            guests.machine(Who::Assistant(1))?.on()?.run(&format!("adjtimex -f {units}"))?;
        }
        Ok(guests)
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
