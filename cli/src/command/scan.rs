//! `diptych scan`: what a ticket says, for whoever wonders why it does not work.
//!
//! The secret is not shown: a terminal's history is read by others.

use std::io::Write;

use diptych_driver::clock::wall_clock_millis;
use diptych_protocol::address::Loopback;
use diptych_protocol::ticket::{Flags, Staleness, Ticket};
use serde_json::json;

use super::words::utc;
use crate::args::ScanArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::qr::scan_file;

pub(crate) fn scan(args: &ScanArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let text = scan_file(&args.image)?;
    let ticket = Ticket::parse(&text, Loopback::Allowed)?;
    let age = ticket.staleness(wall_clock_millis().div_euclid(1_000));
    if args.json {
        print_json(&ticket, age, out)?;
    } else {
        print_text(&ticket, age, out)?;
    }
    Ok(Exit::Done)
}

fn print_text(ticket: &Ticket, age: Staleness, out: &mut dyn Write) -> std::io::Result<()> {
    let addresses: Vec<String> =
        ticket.addresses.sockets().map(|address| address.to_string()).collect();
    let flags = flags(ticket);
    let issued_ms = i64::from(ticket.issued_at).saturating_mul(1_000);
    writeln!(out, "A ticket: what an assistant scans to join a primary.")?;
    writeln!(out, "  state      {}", state(age, ticket.lifetime_s))?;
    writeln!(out, "  made       {}, code number {}", utc(issued_ms), ticket.epoch)?;
    writeln!(out, "  dial       {}", addresses.join(", "))?;
    let issuer = ticket.issuer.map_or_else(|| "not named".to_owned(), |name| name.to_string());
    writeln!(out, "  held by    {issuer}")?;
    writeln!(out, "  exam       {} (its tag; the name is not in the code)", ticket.exam)?;
    writeln!(out, "  key        SHA-256 of the primary's key has to be")?;
    writeln!(out, "             {}", ticket.pin)?;
    writeln!(
        out,
        "  asks for   {}",
        if flags.is_empty() { "nothing".into() } else { flags.join(", ") }
    )?;
    writeln!(out, "  secret     there; not shown")
}

fn print_json(ticket: &Ticket, age: Staleness, out: &mut dyn Write) -> std::io::Result<()> {
    let (state, by_s) = match age {
        Staleness::Fresh => ("fresh", 0),
        Staleness::Old { by_s } => ("old", by_s),
        Staleness::Future { by_s } => ("future", by_s),
    };
    let addresses: Vec<String> =
        ticket.addresses.sockets().map(|address| address.to_string()).collect();
    let object = json!({
        "kind": "ticket",
        "state": state,
        "by_s": by_s,
        "issued_at_unix_s": ticket.issued_at,
        "lifetime_s": ticket.lifetime_s,
        "epoch": ticket.epoch,
        "exam": ticket.exam.to_string(),
        "issuer": ticket.issuer.map(|issuer| issuer.to_string()),
        "pin": ticket.pin.to_string(),
        "addresses": addresses,
        "flags": flags(ticket),
    });
    writeln!(out, "{object:#}")
}

fn state(age: Staleness, lifetime_s: u8) -> String {
    match age {
        Staleness::Fresh => format!("fresh: valid for {lifetime_s} s from when it was made"),
        Staleness::Old { by_s } => {
            format!("old: it was valid until {by_s} s ago; scan the code that is shown now")
        }
        Staleness::Future { by_s } => format!(
            "from the future by {by_s} s: one of the two devices has a wrong date, which does no \
             harm"
        ),
    }
}

fn flags(ticket: &Ticket) -> Vec<&'static str> {
    let known = [
        (Flags::HOTSPOT, "the primary's own hotspot"),
        (Flags::CHECK_CODE, "comparing six digits"),
        (Flags::DISCOVERY, "discovery by mDNS"),
        (Flags::ATTESTATION, "a key attested by hardware"),
    ];
    known.iter().filter(|(flag, _)| ticket.flags.has(*flag)).map(|(_, name)| *name).collect()
}
