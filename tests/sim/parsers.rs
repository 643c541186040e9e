//! What must be true of every parser, whatever the bytes.
//!
//! Each function takes any bytes and panics only if a promise is broken: what is
//! read is written back as it came, pieces are read as the whole is, and nothing
//! else panics at all. The fuzz targets and the test `parsers` call the same
//! functions, so a promise is stated once.

use diptych_protocol::address::Loopback;
use diptych_protocol::journal;
use diptych_protocol::policy::Policy;
use diptych_protocol::ticket::Ticket;
use diptych_protocol::wire::{Control, Frame, FrameReader, HEADER, Kind, Timing, Trust};

/// A ticket has one text and one encoding.
///
/// # Panics
/// If what was read is not what is written.
pub fn ticket(bytes: &[u8]) {
    for loopback in [Loopback::Refused, Loopback::Allowed] {
        if let Ok(ticket) = Ticket::from_bytes(bytes, loopback) {
            assert_eq!(ticket.bytes(), bytes, "two encodings of one ticket");
        }
        let Ok(text) = core::str::from_utf8(bytes) else { continue };
        if let Ok(ticket) = Ticket::parse(text, loopback) {
            let again = Ticket::parse(&ticket.to_text(), loopback);
            assert_eq!(again, Ok(ticket), "a ticket that does not survive its text");
        }
    }
}

/// Frames do not depend on where the stream was cut.
///
/// # Panics
/// If they do, or if a frame is not written as it was read.
pub fn frame(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    for trust in [Trust::Unpaired, Trust::Paired] {
        let whole = frames(stream, stream.len(), trust);
        assert_eq!(frames(stream, usize::from(step), trust), whole, "a cut changed the frames");
        let written: Vec<u8> = whole.0.iter().flat_map(Frame::to_bytes).collect();
        assert!(stream.starts_with(&written), "a frame is not written as it was read");
    }
    if let Ok(frame) = Frame::from_datagram(stream) {
        assert_eq!(frame.to_bytes(), stream, "two encodings of one datagram");
    }
}

/// The frames of a stream that comes in chunks of `step` bytes, and whether it
/// was refused in the end.
fn frames(stream: &[u8], step: usize, trust: Trust) -> (Vec<Frame>, bool) {
    let mut reader = FrameReader::new(trust);
    let mut found = Vec::new();
    for chunk in stream.chunks(step.max(1)) {
        let mut rest = chunk;
        loop {
            match reader.read(&mut rest) {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}

/// A message has one encoding.
///
/// # Panics
/// If a message is not written as it was read.
pub fn wire(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let Some(kind) = Kind::from_byte(first) else { return };
    let written = if kind.is_datagram() {
        Timing::decode(kind, body).map(|message| message.encode())
    } else {
        Control::decode(kind, body).map(|message| message.encode())
    };
    if let Ok(written) = written {
        assert_eq!(written.first(), Some(&first), "{kind:?} is written as another kind");
        let header = if kind.is_datagram() { 1 } else { HEADER };
        assert_eq!(written.get(header..), Some(body), "two encodings of one {kind:?}");
    }
}

/// A journal accounts for every byte, and for the same ones when it is read
/// again without its torn tail.
///
/// # Panics
/// If it does not.
pub fn journal(bytes: &[u8]) {
    let _ = journal::verify(&[bytes], None);
    let Ok(read) = journal::replay(bytes) else { return };
    let (length, torn) = (read.length(), read.torn());
    assert_eq!(length + torn, bytes.len() as u64, "bytes that nobody accounts for");
    let whole = usize::try_from(length).ok().and_then(|length| bytes.get(..length));
    let again = whole.map(journal::replay);
    let Some(Ok(again)) = again else { panic!("a journal cannot be read without its torn tail") };
    assert_eq!((again.entries(), again.torn()), (read.entries(), 0));
}

/// A policy has one canonical form.
///
/// # Panics
/// If what was read is not what is written.
pub fn policy(bytes: &[u8]) {
    if let Ok(policy) = Policy::from_bytes(bytes) {
        assert_eq!(policy.to_bytes().as_slice(), bytes, "two encodings of one policy");
    }
}
