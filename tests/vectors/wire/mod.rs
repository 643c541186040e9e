//! Messages against their vectors, and against a second codec that was written
//! from the tables.

mod fields;
mod schema;

use diptych_protocol::fault::Fault;
use diptych_protocol::wire::{Control, Frame, FrameReader, Kind, Timing, Trust};
use proptest::prelude::*;

use crate::vector;
use schema::{Layout, MESSAGES, Message, Sign};

/// The fields of a message, and its bytes when it is written again.
type Read = (Vec<(String, String)>, Vec<u8>);

/// A message as the implementation reads it.
fn implemented(kind: u8, body: &[u8]) -> Result<Read, Fault> {
    let kind = Kind::from_byte(kind).expect("a kind of the table");
    if kind.is_datagram() {
        let message = Timing::decode(kind, body)?;
        Ok((fields::timing(&message), message.encode()))
    } else {
        let message = Control::decode(kind, body)?;
        Ok((fields::control(&message), message.encode()))
    }
}

/// How many bytes stand before the body. [WIRE-4] [WIRE-13]
fn header(kind: u8) -> usize {
    if kind >= 0x80 { 1 } else { 4 }
}

/// Reads one frame as it would come from the network.
fn received(frame: &[u8]) -> Result<Read, Fault> {
    let frame = if frame.first().is_some_and(|kind| *kind >= 0x80) {
        Frame::from_datagram(frame)?
    } else {
        let mut reader = FrameReader::new(Trust::Paired);
        reader.read(&mut &frame[..])?.expect("a whole frame")
    };
    implemented(frame.kind().byte(), frame.body())
}

/// [WIRE-1] [WIRE-2] [WIRE-3] [WIRE-4] [WIRE-6] [WIRE-8] [WIRE-9] [WIRE-10] [WIRE-11] [WIRE-13]
/// [WIRE-14] [WIRE-15]
#[test]
fn every_vector_is_read_or_refused_as_written() {
    let vectors = vector::all("wire");
    for message in MESSAGES {
        let of = vectors.iter().filter(|vector| vector.get("message") == message.name).count();
        assert!(of >= 2, "{} has {of} vectors", message.name);
    }
    for vector in &vectors {
        let bytes = vector.bytes("frame");
        let got = received(&bytes);
        let class = got.as_ref().map_or_else(|fault| fault.code.name(), |_| "ok");
        assert_eq!(class, vector.expect(), "{} ({}): {got:?}", vector.name, vector.get("clause"));
        let second =
            Message::of(bytes[0]).and_then(|message| message.read(&bytes[header(bytes[0])..]));
        if let Ok((fields, again)) = got {
            assert_eq!(fields, vector.after("frame"), "{}", vector.name);
            assert_eq!(again, bytes, "{}", vector.name);
            let second = second.unwrap_or_else(|| panic!("{}: the second codec", vector.name));
            assert_eq!(second.shown(), fields, "{}", vector.name);
        } else {
            let header = ["WIRE-4", "WIRE-15"].contains(&vector.get("clause"));
            assert!(header || second.is_none(), "{}: the second codec reads it", vector.name);
        }
    }
}

/// [WIRE-12]: the two lists of kinds are the same.
#[test]
fn the_tables_name_every_kind() {
    let ours: Vec<_> = Kind::ALL.iter().map(|kind| (kind.byte(), kind.name())).collect();
    let tables: Vec<_> = MESSAGES.iter().map(|message| (message.kind, message.name)).collect();
    assert_eq!(ours, tables);
}

/// [WIRE-7]: an instant is read by whoever knows whose clock it was.
#[test]
fn times_are_read_on_the_right_clock() {
    use diptych_protocol::time::{Instant, Primary, Secondary};
    use diptych_protocol::wire::SenderTime;
    let sent: Instant<Primary> = Instant::from_nanos(7);
    assert_eq!(SenderTime::of(sent).on::<Primary>(), sent);
    let answered: Instant<Secondary> = Instant::from_nanos(-7);
    assert_eq!(SenderTime::of(answered).on::<Secondary>(), answered);
}

/// Both codecs on the same bytes.
fn agree(message: &Message, body: &[u8]) -> Result<(), TestCaseError> {
    let second = message.read(body);
    match implemented(message.kind, body) {
        Err(fault) => prop_assert!(second.is_none(), "{}: {fault} {body:?}", message.name),
        Ok((fields, again)) => {
            let Some(second) = second else {
                return Err(TestCaseError::fail(format!("{}: {body:?}", message.name)));
            };
            prop_assert_eq!(second.shown(), fields);
            prop_assert_eq!(&again[header(message.kind)..], body, "decoded and encoded");
            prop_assert_eq!(message.write(&second), body, "by the second codec");
        }
    }
    Ok(())
}

/// A body that is often valid: small numbers where numbers are, text in labels.
fn plausible(message: &Message, mut draw: impl FnMut() -> u64) -> Vec<u8> {
    let mut body = Vec::new();
    for (index, field) in (0..).zip(message.columns()) {
        let number = draw();
        match field.layout {
            Layout::Number(length, sign) => {
                let small = number % 12;
                let value = match (number >> 60, sign) {
                    (0, _) => number,
                    // Instants mostly in order, as in a plan.
                    (_, Sign::Signed) => (index * 60 + small * 15) * 60_000_000_000,
                    (1, Sign::Unsigned) => 255,
                    (_, Sign::Unsigned) => {
                        let mut near = (small..12).chain(0..small).chain(0x101..0x142);
                        near.find(|value| field.allows(*value)).unwrap_or(small)
                    }
                };
                body.extend(&value.to_le_bytes()[..length]);
            }
            Layout::Bytes(length) => {
                body.extend(std::iter::repeat_n(number.to_le_bytes(), 12).flatten().take(length));
            }
            Layout::Label => {
                let text = ["", "a", "后机位", "line\nbreak", "thirty-two bytes of plain letter"]
                    [usize::try_from(number % 5).expect("small")];
                body.push(u8::try_from(text.len()).expect("short"));
                body.extend(text.as_bytes());
                body.resize(body.len() + 32_usize.saturating_sub(text.len()), 0);
            }
            Layout::Tail => {
                let address = [4, 192, 168, 1, u8::try_from(number % 251).expect("small")];
                let times = usize::try_from(number % 3).expect("small");
                body.extend(address.repeat(times));
            }
        }
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// [WIRE-1] [WIRE-2] [WIRE-3]
    #[test]
    fn two_codecs_agree_on_every_message(
        draws in prop::collection::vec(any::<u64>(), 32),
        flip in prop::option::of((any::<prop::sample::Index>(), 1_u8..)),
    ) {
        for message in MESSAGES {
            let mut next = draws.iter().copied().cycle();
            let mut body = plausible(message, || next.next().unwrap_or(0));
            if let (Some((index, bits)), false) = (&flip, body.is_empty()) {
                let index = index.index(body.len());
                body[index] ^= bits;
            }
            agree(message, &body)?;
            for cut in 0..body.len() {
                agree(message, &body[..cut])?;
                let read = message.has_tail() || message.read(&body[..cut]).is_none();
                prop_assert!(read, "{} cut at {}", message.name, cut);
            }
            body.push(0);
            agree(message, &body)?;
            prop_assert!(message.has_tail() || message.read(&body).is_none());
        }
    }

    /// [WIRE-2]
    #[test]
    fn two_codecs_agree_on_any_bytes(body: Vec<u8>) {
        for message in MESSAGES {
            agree(message, &body)?;
        }
    }
}

/// The property above is worth something only if valid messages are common.
#[test]
fn plausible_messages_are_often_valid() {
    for message in MESSAGES {
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed ^ (mixed >> 27)
        };
        let valid =
            (0..2_000).filter(|_| message.read(&plausible(message, &mut draw)).is_some()).count();
        assert!(valid >= 40, "{}: {valid} of 2000", message.name);
    }
}
