//! Phones that do not belong: a second one that scans the same code, one that knows
//! the address alone, and one whose seat was given to another.

use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::identity::{ExamTag, Fingerprint};
use diptych_protocol::secret::PairingSecret;
use diptych_protocol::ticket::{Flags, Ticket};

use crate::bed::{Program, Stage, Trouble};
use crate::clock::{now_ns, until};
use crate::play::{PATIENCE, Played, drawn, last, said, shown};
use crate::scenario::Who;

/// Gone for good; another machine takes the seat; the former one comes back.
pub(crate) fn replaced(
    stage: &mut dyn Stage,
    who: Who,
    played: &mut Played,
) -> Result<(), Trouble> {
    played.proofs.push(stage.kill(who)?);
    played.proofs.push(stage.exchange(who)?);
    // What the person at the desk waits for.
    said(stage, Who::Primary, &format!("{}: if it is gone for good", who.role()))?;
    let asked = now_ns();
    let used = shown(stage);
    stage.types(Who::Primary, &format!("replace {}", who.role()))?;
    said(stage, Who::Primary, &format!("{}: whoever scans this", who.role()))?;
    let drawn = drawn(stage, used.as_ref())?;
    stage.start(who, &Program::Assistant { picture: drawn })?;
    let taken = said(stage, Who::Primary, &format!("{}: replaced by", who.role()))?;
    played.proofs.push(format!("seat taken after {} ms", (taken - asked) / 1_000_000));
    let (code, told) = stage.former()?;
    if code == 0 || !told.contains("Another phone took over this phone's role") {
        return Err(format!("the former {} was not refused: {code}, {told}", who.role()));
    }
    let why = told.trim().lines().last().unwrap_or_default().to_owned();
    played.proofs.push(format!("former {} ended with {code}: {why}", who.role()));
    Ok(())
}

/// The alarm that a device's user reads.
pub(crate) fn alarmed(stage: &mut dyn Stage, who: Who) -> Result<String, Trouble> {
    let alarm = until(PATIENCE, || {
        stage.said(who).into_iter().map(|said| said.line).find(|line| line.contains("ALARM"))
    });
    alarm.ok_or_else(|| format!("{} shows no alarm; last: {}", who.role(), last(stage, who)))
}

pub(crate) fn refused(
    stage: &mut dyn Stage,
    program: &Program,
    name: &str,
    played: &mut Played,
) -> Result<(), Trouble> {
    let (code, said) = stage.visitor(program)?;
    if code == 0 || said.contains("paired as") {
        return Err(format!("the {name} was let in: {code}, {said}"));
    }
    let why = said.trim().lines().last().unwrap_or_default().to_owned();
    played.proofs.push(format!("{name} ended with {code}: {why}"));
    Ok(())
}

/// A well-formed code for an address, of somebody who never saw the real one.
pub(crate) fn forged(to: std::net::SocketAddr) -> Result<String, Trouble> {
    let addresses = Addresses::new(&[Address::new(to.ip())], to.port(), Loopback::Refused);
    let ticket = Ticket {
        flags: Flags::default(),
        epoch: 1,
        issued_at: 1_767_225_600,
        lifetime_s: 60,
        exam: ExamTag([7; 8]),
        issuer: None,
        secret: PairingSecret::new([0x5C; 16]),
        pin: Fingerprint([0xF1; 32]),
        addresses: addresses.map_err(|error| error.to_string())?,
    };
    Ok(ticket.to_text())
}
