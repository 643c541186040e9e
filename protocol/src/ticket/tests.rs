//! A ticket survives its text, and every other text is refused by name.

use core::net::IpAddr;

use proptest::prelude::*;

use super::*;

/// The vector of the specification's worked example.
fn sample() -> Ticket {
    Ticket {
        flags: Flags::default(),
        epoch: 1,
        issued_at: 1_767_225_600,
        lifetime_s: 60,
        exam: ExamTag::of("exam-session-42"),
        issuer: None,
        secret: PairingSecret::new(core::array::from_fn(|i| u8::try_from(i).unwrap())),
        pin: Fingerprint(sha256(b"spki A")),
        addresses: addresses(&["192.168.1.23"]),
    }
}

fn addresses(list: &[&str]) -> Addresses {
    let list: Vec<Address> = list.iter().map(|ip| Address::new(ip.parse().unwrap())).collect();
    Addresses::new(&list, 47_123, Loopback::Refused).unwrap()
}

fn parse(text: &str) -> Result<Ticket, TicketError> {
    Ticket::parse(text, Loopback::Refused)
}

/// The same of an academy: the length of its name stands at byte 72.
fn named() -> Ticket {
    Ticket {
        issuer: Label::new("\u{4e2d}\u{592e}\u{7f8e}\u{672f}\u{5b66}\u{9662}").ok(),
        ..sample()
    }
}

/// `sample` with some bytes changed and the check made right again.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Result<Ticket, TicketError> {
    forged_of(&sample(), change)
}

fn forged_of(ticket: &Ticket, change: impl FnOnce(&mut Vec<u8>)) -> Result<Ticket, TicketError> {
    let mut bytes = ticket.bytes();
    bytes.truncate(bytes.len() - CHECK);
    change(&mut bytes);
    let check = check(&bytes);
    bytes.extend(check);
    parse(&format!("{SCHEME}{}", digits::encode(&bytes)))
}

#[test]
fn a_ticket_survives_its_text() {
    // [TICKET-1] [TICKET-4]
    let ticket = sample();
    assert_eq!(ticket.bytes().len(), 76);
    assert_eq!(parse(&ticket.to_text()), Ok(ticket.clone()));
    let link = ticket.to_text_after("https://exam.example/app/p#");
    assert_eq!(parse(&link), Ok(ticket));
}

#[test]
fn codes_of_other_things_are_named() {
    // [TICKET-1]
    let digits = digits::encode(&sample().bytes());
    for (text, got) in [
        (String::new(), "nothing"),
        ("WIFI:T:WPA;S:home;P:1;;".into(), "the code of a Wi-Fi network"),
        (format!("http://exam.example/p#{digits}"), "another code"),
        (format!("https://exam.example/q#{digits}"), "another web address"),
        (format!("https:///p#{digits}"), "another web address"),
        (format!("https://user@exam.example/p#{digits}"), "another web address"),
        (format!("https://exam.example/{}/p#{digits}", "x".repeat(200)), "another web address"),
        (format!("DIPTYCH:{digits}"), "another code"),
        (digits.clone(), "another code"),
    ] {
        assert_eq!(parse(&text), Err(TicketError::Foreign { got }), "{text}");
    }
}

#[test]
fn only_digits_and_only_whole_groups() {
    // [TICKET-3]
    let text = sample().to_text();
    for (bad, at) in [(" ", 190), ("\n", 190), ("%30", 190), ("٣", 190)] {
        let error = parse(&format!("{text}{bad}")).unwrap_err();
        let digits = text.len() - SCHEME.len();
        assert_eq!(error, TicketError::NotADigit { at: digits }, "{at}");
    }
    let long = format!("{SCHEME}{}", "0".repeat(limits::TICKET_DIGITS + 1));
    assert_eq!(parse(&long), Err(TicketError::TooLong { got: limits::TICKET_DIGITS + 1 }));
    let huge = format!("{SCHEME}{}", "9".repeat(17));
    assert_eq!(parse(&huge), Err(TicketError::Overflow { at: 0 }));
    assert_eq!(parse("diptych:1"), Err(TicketError::Group { digits: 1 }));
    assert_eq!(parse("diptych:"), Err(TicketError::Truncated { expected: 76, got: 0 }));
}

#[test]
fn every_field_is_checked() {
    // [TICKET-4] [TICKET-6] [TICKET-7]
    assert_eq!(forged(|b| b[0] = 0x20), Err(TicketError::Version { version: 2, kind: 0 }));
    assert_eq!(forged(|b| b[0] = 0x12), Err(TicketError::Version { version: 1, kind: 2 }));
    let address = |error| Err(TicketError::Address(error));
    assert_eq!(forged(|b| b[1] = 0x00), address(AddressError::Count { got: 0 }));
    assert_eq!(forged(|b| b[1] = 0x70), address(AddressError::Count { got: 7 }));
    let torn = AddressError::Truncated { expected: 2, got: 1 };
    assert_eq!(forged(|b| b[1] = 0x20), address(torn));
    assert_eq!(forged(|b| b[8] = 0), Err(TicketError::Lifetime { got: 0 }));
    assert_eq!(forged(|b| b[8] = 121), Err(TicketError::Lifetime { got: 121 }));
    assert_eq!(forged(|b| b[17..33].fill(0)), Err(TicketError::ZeroSecret));
    assert_eq!(forged(|b| b[33..65].fill(0)), Err(TicketError::ZeroPin));
    assert_eq!(forged(|b| b[65..67].fill(0)), address(AddressError::Port));
    assert_eq!(forged(|b| b[67] = 2), address(AddressError::Type { got: 2 }));
    let got: IpAddr = "224.0.1.23".parse().unwrap();
    let group = forged(|b| b[68..70].copy_from_slice(&[224, 0]));
    assert_eq!(group, address(AddressError::Multicast { got }));
    assert_eq!(forged(|b| b.push(0)), Err(TicketError::Trailing { expected: 76, got: 77 }));
}

#[test]
fn a_name_is_whole_and_plain_or_there_is_none() {
    // [TICKET-12]
    assert_eq!(parse(&named().to_text()), Ok(named()));
    assert_ne!(named().digest(), sample().digest(), "what is proven covers the name");
    let named = |change: fn(&mut Vec<u8>)| forged_of(&named(), change);
    for (what, refused) in [
        ("a type without its name", forged(|b| b[0] = 0x11)),
        ("an empty one", named(|b| b.splice(72.., [0]).for_each(drop))),
        ("longer than what follows", named(|b| b[72] = 19)),
        ("a torn letter", named(|b| b.splice(72.., *b"\x02\xE4\xB8").for_each(drop))),
        ("not UTF-8", named(|b| b[73] = 0xFF)),
        ("a control character", named(|b| b.splice(72.., *b"\x01\n").for_each(drop))),
        ("one too long", named(|b| b.splice(72.., [33; 34]).for_each(drop))),
    ] {
        assert_eq!(refused, Err(TicketError::Issuer), "{what}");
    }
    let trailing = Err(TicketError::Trailing { expected: 95, got: 96 });
    assert_eq!(named(|b| b.push(b'!')), trailing);
    let unnamed = named(|b| b[0] = 0x10);
    assert_eq!(unnamed, Err(TicketError::Trailing { expected: 76, got: 95 }));
}

#[test]
fn truncation_at_every_byte_is_refused() {
    // [TICKET-4]
    for ticket in [sample(), named()] {
        let bytes = ticket.bytes();
        for len in 0..bytes.len() {
            assert!(Ticket::from_bytes(&bytes[..len], Loopback::Refused).is_err(), "{len}");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    // [TICKET-10]
    let bytes = named().bytes();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Ticket::from_bytes(&bytes, Loopback::Refused).is_err(), "bit {bit}");
    }
}

#[test]
fn age_is_a_hint_and_no_error() {
    // [TICKET-11]
    let ticket = sample();
    let made = i64::from(ticket.issued_at);
    assert_eq!(ticket.staleness(made), Staleness::Fresh);
    assert_eq!(ticket.staleness(made + 60), Staleness::Fresh);
    assert_eq!(ticket.staleness(made + 61), Staleness::Old { by_s: 1 });
    assert_eq!(ticket.staleness(made - 3), Staleness::Future { by_s: 3 });
    assert_eq!(ticket.staleness(0), Staleness::Future { by_s: 1_767_225_600 });
    assert!(matches!(ticket.staleness(i64::MAX), Staleness::Old { .. }));
    assert!(parse(&Ticket { issued_at: 0, ..ticket }.to_text()).is_ok());
}

#[test]
fn addresses_are_filled_up_to_the_ceiling() {
    // [TICKET-9]
    let of = |list: &[&str]| -> Vec<Address> {
        list.iter().map(|ip| Address::new(ip.parse().unwrap())).collect()
    };
    let candidates = of(&[
        "0.0.0.0",
        "192.168.1.23",
        "192.168.1.23",
        "fe80::1",
        "fd00::1",
        "fd00::2",
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
    ]);
    let addresses = Ticket::fitting(&candidates, 47_123, Loopback::Refused).unwrap();
    let chosen = of(&["192.168.1.23", "fe80::1", "fd00::1", "10.0.0.1"]);
    assert_eq!(addresses.list(), chosen);
    // Whatever the name, no address is given up for it.
    let issuer = Label::new(&"a".repeat(limits::LABEL_BYTES)).ok();
    let ticket = Ticket { issuer, addresses, ..sample() };
    assert_eq!(ticket.bytes().len(), limits::TICKET_BYTES);
    assert_eq!(parse(&ticket.to_text()), Ok(ticket));
    let none = Ticket::fitting(&of(&["0.0.0.0"]), 47_123, Loopback::Refused).unwrap_err();
    assert!(matches!(none, AddressError::Unspecified { .. }));
    let none = Ticket::fitting(&[], 47_123, Loopback::Refused).unwrap_err();
    assert_eq!(none, AddressError::Count { got: 0 });
}

proptest! {
    #[test]
    fn any_ticket_round_trips(
        flags in 0_u8..16, epoch: u16, issued_at: u32, lifetime_s in 1..=120_u8, exam: [u8; 8],
        issuer in prop::option::of("[^\\p{C}]{1,8}"), secret: [u8; 16], pin: [u8; 32], port in 1_u16.., ips in prop::collection::btree_set(
            (1_u32..0xE000_0000, prop::option::of(1_u16..)), 1..=6),
    ) {
        // [TICKET-2] [TICKET-4] [TICKET-12]
        let list: Vec<Address> = ips.iter().map(|(ip, own)| {
            let ip = IpAddr::V4((*ip).into());
            own.map_or(Address::new(ip), |own| Address::with_port(ip, own))
        }).collect();
        let Ok(addresses) = Addresses::new(&list, port, Loopback::Allowed) else { return Ok(()) };
        prop_assume!(secret != [0; 16] && pin != [0; 32]);
        let ticket = Ticket {
            flags: Flags(flags), epoch, issued_at, lifetime_s, exam: ExamTag(exam),
            issuer: issuer.and_then(|text| Label::new(&text).ok()),
            secret: PairingSecret::new(secret), pin: Fingerprint(pin), addresses,
        };
        let text = ticket.to_text();
        prop_assert_eq!(Ticket::parse(&text, Loopback::Allowed), Ok(ticket));
    }

    #[test]
    fn any_text_is_refused_or_canonical(text in "(diptych:)?[0-9]{0,430}|.{0,40}") {
        // [TICKET-3]
        if let Ok(ticket) = Ticket::parse(&text, Loopback::Allowed) {
            prop_assert_eq!(ticket.to_text(), text);
        }
    }
}
