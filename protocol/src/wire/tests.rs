//! Every message survives its bytes, and other bytes are refused.

use crate::identity::{Fingerprint, Label, Role, SessionId};

use super::*;

fn hello() -> Hello {
    Hello {
        version: Version,
        epoch: 7,
        suite: Suite,
        capabilities: Capabilities(0),
        nonce: [1; 16],
        label: Label::new("phone").unwrap(),
        key: Fingerprint([2; 32]),
        proof: [3; 32],
    }
}

fn code(kind: Kind, body: &[u8]) -> CloseCode {
    Control::decode(kind, body).unwrap_err().code
}

#[test]
fn kinds_have_one_byte_each() {
    // [WIRE-12] [WIRE-15]
    for kind in Kind::ALL {
        assert_eq!(Kind::from_byte(kind.byte()), Some(*kind));
        assert_eq!(kind.is_datagram(), kind.byte() >= 0x80);
    }
    let known = (0..=255).filter(|byte| Kind::from_byte(*byte).is_some()).count();
    assert_eq!(known, Kind::ALL.len());
    assert_eq!([0x06, 0x13, 0x17, 0x18].map(Kind::from_byte), [None; 4]);
}

#[test]
fn a_hello_has_the_layout_of_the_specification() {
    // [WIRE-1]
    let frame = Control::Hello(hello()).frame();
    let body = frame.body();
    assert_eq!(body.len(), 119);
    assert_eq!(body[..6], [1, 7, 0, 1, 0, 0]);
    assert_eq!(body[22..28], *b"\x05phone");
    assert_eq!(body[55..87], [2; 32]);
    assert_eq!(frame.to_bytes()[..4], [0x01, 0, 119, 0]);
    assert_eq!(Control::decode(Kind::Hello, body), Ok(Control::Hello(hello())));
}

#[test]
fn another_version_is_told_apart_from_garbage() {
    // [WIRE-6]
    let mut body = Control::Hello(hello()).frame().body().to_vec();
    body[0] = 2;
    assert_eq!(code(Kind::Hello, &body), CloseCode::Version);
    assert_eq!(code(Kind::Hello, &body[..1]), CloseCode::Version, "another layout");
    body[0] = 1;
    assert_eq!(code(Kind::Hello, &body[..118]), CloseCode::BadFrame);
    assert_eq!(code(Kind::Hello, &[]), CloseCode::BadFrame);
    body[3] = 9;
    assert_eq!(code(Kind::Hello, &body), CloseCode::Version, "another suite");
}

#[test]
fn an_accept_seats_an_assistant_only() {
    // [WIRE-3]
    let accept = Accept {
        session: SessionId([1; 16]),
        role: Role::PRIMARY,
        device: 1,
        check_code: CheckCode::Asked,
        nonce: [2; 16],
        label: Label::new("phone").unwrap(),
        key: Fingerprint([3; 32]),
        proof: [4; 32],
    };
    let frame = Control::Accept(accept).frame();
    assert_eq!(code(Kind::Accept, frame.body()), CloseCode::BadFrame);
}

#[test]
fn a_message_stays_in_its_lane() {
    assert_eq!(code(Kind::Probe, &[0; 44]), CloseCode::BadFrame);
    let error = Timing::decode(Kind::Confirm, &[0; 32]).unwrap_err();
    assert_eq!(error.code, CloseCode::BadFrame);
}

#[test]
fn an_echo_of_nothing_is_zeros() {
    // [WIRE-9]
    let stamp = Stamp {
        seq: 1,
        sent: SenderTime::default(),
        epoch: 0,
        echo_seq: 0,
        echo_clock: 0,
        echo_received: SenderTime::default(),
    };
    let decode = |stamp| Timing::from_datagram(&Timing::Probe(Probe { stamp }).encode());
    assert_eq!(decode(stamp), Ok(Timing::Probe(Probe { stamp })));
    let at = crate::time::Instant::<crate::time::Primary>::from_nanos(5);
    assert!(decode(Stamp { echo_received: SenderTime::of(at), ..stamp }).is_err());
    assert!(decode(Stamp { echo_clock: 1, ..stamp }).is_err());
    assert!(decode(Stamp { seq: 0, ..stamp }).is_err());
}

#[test]
fn a_heartbeat_fits_a_small_datagram() {
    // [WIRE-9] [LIMITS-5]
    let stamp = Stamp {
        seq: 1,
        sent: SenderTime::default(),
        epoch: 0,
        echo_seq: 0,
        echo_clock: 0,
        echo_received: SenderTime::default(),
    };
    let pulse = Pulse {
        stamp,
        recording: Recording::Recording,
        conditions: Conditions::AUDIO_LOST.with(Conditions::SCREEN_LEFT),
        last_committed: SenderTime::default(),
    };
    let heartbeat =
        Heartbeat { pulse, frames: 1, journal_sequence: 3, journal_head: [4; 32], clock_digest: 5 };
    let bytes = Timing::Heartbeat(heartbeat).encode();
    assert_eq!(bytes.len(), 1 + 30 + 2 + 8 + 8 + 8 + 32 + 8);
    assert_eq!(Timing::Pulse(pulse).encode().len(), 1 + 30 + 2 + 8);
    assert_eq!(Timing::from_datagram(&bytes), Ok(Timing::Heartbeat(heartbeat)));
}

#[test]
fn a_journal_message_is_bounded() {
    // [WIRE-10] [LIMITS-30] [LIMITS-31]
    use crate::limits::{JOURNAL_TAIL_BYTES, JOURNAL_TAIL_RECORDS};
    let full = vec![9; JOURNAL_TAIL_BYTES];
    let journal = Control::Journal(Journal::new(4, JOURNAL_TAIL_RECORDS, full.clone()).unwrap());
    let frame = journal.frame();
    assert_eq!(Control::decode(Kind::Journal, frame.body()), Ok(journal));
    let longer = [frame.body(), &[9]].concat();
    assert_eq!(code(Kind::Journal, &longer), CloseCode::BadFrame);
    assert!(Journal::new(0, 1, vec![]).is_err());
    assert!(Journal::new(0, 0, vec![1]).is_err());
    assert!(Journal::new(0, JOURNAL_TAIL_RECORDS + 1, full).is_err());
}

#[test]
fn a_short_pulse_says_what_the_pulse_said_in_half_the_bytes() {
    // [WIRE-14] [CLOCK-37]
    let at =
        |nanos| SenderTime::of(crate::time::Instant::<crate::time::Primary>::from_nanos(nanos));
    let sent = 1_000_000_000_000_000;
    let stamp = Stamp {
        seq: 70_000,
        sent: at(sent),
        epoch: 0x0001_0001,
        echo_seq: 69_999,
        echo_clock: 1,
        echo_received: at(sent - 5),
    };
    let short = ShortStamp {
        seq: 4_464,
        sent: Low::new(sent.cast_unsigned()),
        echo_seq: 4_463,
        echo_received: Low::new(sent.cast_unsigned() - 5),
    };
    let pulse = |last_committed| Pulse {
        stamp,
        recording: Recording::Recording,
        conditions: Conditions::NONE,
        last_committed,
    };
    for told in [SenderTime::NEVER, at(sent), at(sent - 1), at(sent - (1 << 48) + 1)] {
        let shortened = pulse(told).shortened(short).unwrap();
        let bytes = Timing::ShortPulse(shortened).encode();
        assert_eq!(bytes.len(), 1 + 15 + 2 + 6);
        let Ok(Timing::ShortPulse(read)) = Timing::from_datagram(&bytes) else { panic!() };
        assert_eq!(read.completed(stamp), Some(pulse(told)));
    }
    // What would be read as something else is not shortened.
    let ones = (sent & !((1 << 48) - 1)) - 1;
    for told in [at(sent + 1), at(sent - (1 << 48)), at(ones)] {
        assert_eq!(pulse(told).shortened(short), None, "{told:?}");
    }
    let probe = Timing::ShortProbe(ShortProbe { stamp: short });
    assert_eq!(probe.encode().len(), 16);
}
