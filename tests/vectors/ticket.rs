//! Codes that must be read, and codes that must be refused for the right reason.

use diptych_protocol::address::{AddressError, Loopback};
use diptych_protocol::identity::ExamTag;
use diptych_protocol::pairing::{Consent, Scanned};
use diptych_protocol::ticket::{Flags, Ticket, TicketError};

use crate::vector::{self, Vector, hex};

/// [TICKET-1] [TICKET-2] [TICKET-3] [TICKET-4] [TICKET-5] [TICKET-6] [TICKET-7] [TICKET-10]
#[test]
fn every_code_is_read_or_refused_as_written() {
    let vectors = vector::all("ticket");
    assert!(vectors.len() >= 40, "found {}", vectors.len());
    for vector in &vectors {
        let got = Ticket::parse(vector.get("text"), Loopback::Refused);
        let class = got.as_ref().map_or_else(class, |_| "ok");
        assert_eq!(class, vector.expect(), "{}: {got:?}", vector.name);
        if let Ok(ticket) = got {
            check_fields(vector, &ticket);
        }
    }
}

/// [TICKET-4] [TICKET-5] [TICKET-8] [TICKET-12] [PAIRING-5]
fn check_fields(vector: &Vector, ticket: &Ticket) {
    let flags = [Flags::HOTSPOT, Flags::CHECK_CODE, Flags::DISCOVERY, Flags::ATTESTATION];
    let flags: u32 =
        (0..).zip(flags).map(|(bit, flag)| u32::from(ticket.flags.has(flag)) << bit).sum();
    let addresses: Vec<String> = ticket.addresses.sockets().map(|at| at.to_string()).collect();
    let scanned = Scanned::new(ticket.clone());
    let discovery =
        scanned.consent(Consent::given_to(ticket.exam, ticket.issuer)).expect("consent to it");
    for (key, got) in [
        ("bytes", hex(&ticket.bytes())),
        ("epoch", ticket.epoch.to_string()),
        ("issued_at", ticket.issued_at.to_string()),
        ("lifetime_s", ticket.lifetime_s.to_string()),
        ("flags", flags.to_string()),
        ("exam", ticket.exam.to_string()),
        ("issuer", ticket.issuer.map_or_else(String::new, |issuer| issuer.to_string())),
        ("secret", hex(ticket.secret.expose())),
        ("pin", ticket.pin.to_string()),
        ("port", ticket.addresses.port().to_string()),
        ("addresses", addresses.join(" ")),
        ("digest", hex(&ticket.digest())),
        ("discovery", discovery.discovery().to_owned()),
        ("text", ticket.to_text()),
    ] {
        assert_eq!(got, vector.get(key), "{}: {key}", vector.name);
    }
    assert_eq!(ticket.exam, ExamTag::of("exam-session-42"));
}

const fn class(error: &TicketError) -> &'static str {
    match error {
        TicketError::Foreign { .. } => "foreign",
        TicketError::TooLong { .. } => "too-long",
        TicketError::NotADigit { .. } => "not-a-digit",
        TicketError::Group { .. } => "group",
        TicketError::Overflow { .. } => "overflow",
        TicketError::Truncated { .. } => "truncated",
        TicketError::Version { .. } => "version",
        TicketError::Check => "check",
        TicketError::Lifetime { .. } => "lifetime",
        TicketError::ZeroSecret => "zero-secret",
        TicketError::ZeroPin => "zero-pin",
        TicketError::Trailing { .. } => "trailing",
        TicketError::Issuer => "issuer",
        TicketError::Address(error) => match error {
            AddressError::Type { .. } => "address-type",
            AddressError::Truncated { .. } => "address-truncated",
            AddressError::Count { .. } => "address-count",
            AddressError::Port => "port",
            AddressError::Unspecified { .. } => "unspecified",
            AddressError::Multicast { .. } => "multicast",
            AddressError::Loopback { .. } => "loopback",
            AddressError::LongForm { .. } => "long-form",
            AddressError::Duplicate { .. } => "duplicate",
        },
    }
}
