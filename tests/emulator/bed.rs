//! What a bed is: machines that are really several, a network between them, and
//! hands that break both.
//!
//! The runner (`play.rs`) tells a [`Stage`] what to do and believes nothing: each
//! fault returns a [`Proof`], a sentence with the figure that was *measured* on the
//! machine after (or while) it was broken, and a bed that cannot measure a fault
//! must return an error instead. What a bed can never do it declares in
//! [`Bed::cannot`]; the scenario is then reported as skipped with that reason,
//! and never as passed.
//!
//! A bed must give:
//! - the real `diptych` binary, started as [`Program`] says, on each machine, with
//!   a folder that survives `kill` and `restart`;
//! - its output as lines with the host's time of arrival ([`Stage::said`]);
//! - the folders of all devices, copied to the host ([`Stage::collect`]);
//! - the true offset of an assistant's clock, or `None` where it has no truth;
//! - no packet that leaves it, and no process that outlives its `Stage`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scenario::{Need, Scenario, Who};

/// What went wrong with the bed itself or with an expectation, for a person.
pub(crate) type Trouble = String;

/// What was measured when a fault was injected.
pub(crate) type Proof = String;

/// A place where scenarios are played.
pub(crate) trait Bed {
    /// `light`, `qemu`.
    fn name(&self) -> &'static str;

    /// Why nothing can be played here now (no root, no program), if so.
    fn missing(&self) -> Option<String>;

    /// Why this can never be done here, if so.
    fn cannot(&self, need: Need) -> Option<&'static str>;

    /// Whether it is played in a run that does not ask for everything.
    fn chosen(&self, _: &Scenario) -> bool {
        true
    }

    /// Whether its clocks run evenly enough for the figure that is expected of them;
    /// where they do not, the stated bound has to hold all the same.
    fn is_ruler(&self, _: &Scenario) -> bool {
        true
    }

    /// Scenarios that may run side by side.
    fn at_once(&self) -> usize;

    /// Seconds from the start of the program to the start of answering.
    fn waiting_s(&self) -> u64;

    /// What a device needs to come back beyond what the scenario allows for.
    fn slower(&self) -> Duration;

    /// Sets up machines and network for one scenario.
    fn open(&self, scenario: &Scenario, folder: &Path) -> Result<Box<dyn Stage>, Trouble>;
}

/// What is started on a machine.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// `diptych primary --plan FILE`, with the text of the plan.
    Primary { plan: String },
    /// `diptych secondary --scan IMAGE`, with the picture that the primary drew.
    Assistant { picture: PathBuf },
    /// The same with a code that was typed.
    Typed { ticket: String },
    /// The same role as before, from its folder alone.
    Again,
}

/// A line of a program's output.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The host's clock when it arrived, in nanoseconds.
    pub(crate) at_ns: i64,
    pub(crate) line: String,
}

/// The machines of one scenario. Everything ends when it is dropped.
pub(crate) trait Stage {
    /// Starts the program of a device.
    fn start(&mut self, who: Who, program: &Program) -> Result<(), Trouble>;

    /// The picture of the code as soon as the primary has drawn it, on the host.
    fn picture(&mut self) -> Option<PathBuf>;

    /// All lines of a device so far, those of its former runs included.
    fn said(&mut self, who: Who) -> Vec<Said>;

    /// The exit code of a program that has ended by itself.
    fn ended(&mut self, who: Who) -> Option<i32>;

    /// A phone that does not belong: runs until it gives up; its exit code and
    /// everything that it said.
    fn visitor(&mut self, program: &Program) -> Result<(i32, String), Trouble>;

    /// The address that the primary is dialled at, for whoever knows it.
    fn address(&self) -> Result<std::net::SocketAddr, Trouble>;

    /// `kill -9` of the program, or of the whole machine.
    fn kill(&mut self, who: Who) -> Result<Proof, Trouble>;

    /// Types a line at the program of a device.
    fn types(&mut self, who: Who, line: &str) -> Result<(), Trouble> {
        Err(format!("nobody can type {line:?} at {}", who.role()))
    }

    /// Puts another machine in the place of this one, which is left without a
    /// process and is reached as [`Stage::former`] from then on.
    fn exchange(&mut self, who: Who) -> Result<Proof, Trouble> {
        Err(format!("there is no other machine for {}", who.role()))
    }

    /// Starts the program of the machine that was exchanged, from its folder alone:
    /// runs until it gives up; its exit code and everything that it said.
    fn former(&mut self) -> Result<(i32, String), Trouble> {
        Err("no machine was exchanged".to_owned())
    }

    /// Takes the carrier away.
    fn link_down(&mut self, who: Who) -> Result<Proof, Trouble>;

    /// Gives it back.
    fn link_up(&mut self, who: Who) -> Result<Proof, Trouble>;

    /// Replaces the address.
    fn change_address(&mut self, who: Who) -> Result<Proof, Trouble>;

    /// Steps the wall clock.
    fn step_wall(&mut self, who: Who, seconds: i64) -> Result<Proof, Trouble>;

    /// Sleeps and wakes.
    fn suspend(&mut self, who: Who, lasts: Duration) -> Result<Proof, Trouble>;

    /// Stands still, with its clocks, and goes on.
    fn pause(&mut self, who: Who, _: Duration) -> Result<Proof, Trouble> {
        Err(format!("{} cannot be paused", who.role()))
    }

    /// Its programs stand still, and go on.
    fn idle(&mut self, who: Who, _: Duration) -> Result<Proof, Trouble> {
        Err(format!("{} cannot be idle", who.role()))
    }

    /// Its kernel disturbs what it sends, for so long.
    fn disturb(&mut self, who: Who, _: &str, _: Duration) -> Result<Proof, Trouble> {
        Err(format!("the kernel of {} disturbs nothing", who.role()))
    }

    /// Leaves no room on its storage, but for what its files hold already.
    fn fill(&mut self, who: Who) -> Result<Proof, Trouble>;

    /// Gives the room back.
    fn empty(&mut self, who: Who) -> Result<Proof, Trouble>;

    /// Starves for so long, and ends the starvation.
    fn starve(&mut self, who: Who, percent: u8, lasts: Duration) -> Result<Proof, Trouble>;

    /// The network as it is, measured by exchanges beside the program: proof of an
    /// impairment, and what simpler methods make of the same path.
    fn probe(&mut self, who: Who) -> Result<Probe, Trouble>;

    /// The assistant's device clock minus the primary's when the primary's shows
    /// `primary_ns`, in the boots of the primary and of the assistant that have
    /// these names.
    fn truth(&self, who: Who, boots: (&str, &str), primary_ns: i64) -> Option<Truth>;

    /// How the host itself held the machines up, beside every fault, if it is known:
    /// told with a failure, and no excuse for it.
    fn strain(&self) -> Option<String> {
        None
    }

    /// What was measured all along, once the programs have ended.
    fn measured(&mut self) -> Result<Vec<Proof>, Trouble> {
        Ok(Vec::new())
    }

    /// Copies journals and recordings of everybody into one folder of the host, as
    /// `diptych report` reads them.
    fn collect(&mut self, into: &Path) -> Result<(), Trouble>;
}

/// How far one clock is ahead of another, truly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Truth {
    pub(crate) offset_ns: i64,
    /// The truth itself is known within this.
    pub(crate) within_ns: i64,
}

/// What exchanges of plain datagrams said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    pub(crate) sent: usize,
    pub(crate) answered: usize,
    /// Round trips, sorted.
    pub(crate) rtt_ns: Vec<i64>,
    /// Root mean square error of one exchange taken as it comes.
    pub(crate) naive_ns: Option<i64>,
    /// The same of the exchange with the shortest round trip of 8.
    pub(crate) best_of_8_ns: Option<i64>,
    /// The same of what chrony believed.
    pub(crate) chrony_ns: Option<i64>,
}
