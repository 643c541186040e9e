//! Four bytes before every message: its kind, its flags, its length.
//!
//! A stream is cut anywhere, and an unknown peer decides what stands in it. The
//! reader below holds at most one frame, refuses a header before it takes a
//! single byte of its body, and admits small frames only until the peer is
//! paired. Rejected: a length of four bytes (no message needs it, and it invites
//! allocation), and skipping unknown kinds (a peer that is not understood must
//! not be half understood).

use crate::fault::{CloseCode, Fault, Got};
use crate::limits;
use crate::wire::Kind;

/// Bytes of a header. `[WIRE-4]`
pub const HEADER: usize = 4;

/// One message as it came: its kind, and its body's bytes. Hashes and MACs are
/// computed over these bytes, never over a second encoding. `[WIRE-5]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    kind: Kind,
    body: Vec<u8>,
}

/// Who is at the other end of a stream, which bounds the frames that it may
/// send. `[LIMITS-3]` `[LIMITS-4]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Anybody.
    Unpaired,
    /// A peer that has proven who it is.
    Paired,
}

/// Cuts a control stream into frames.
#[derive(Debug)]
pub struct FrameReader {
    bound: usize,
    header: [u8; HEADER],
    /// How many bytes of the header are there.
    filled: usize,
    /// The frame whose body is being read.
    open: Option<(Kind, usize)>,
    body: Vec<u8>,
    /// After a fault the stream has no meaning any more.
    broken: Option<Fault>,
}

impl Frame {
    /// A frame from its parts.
    #[must_use]
    pub const fn new(kind: Kind, body: Vec<u8>) -> Self {
        Self { kind, body }
    }

    /// What kind of message this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The body as it came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Header and body; of a datagram, its kind and body. `[WIRE-4]` `[WIRE-13]`
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.kind.is_datagram() {
            return [&[self.kind.byte()], self.body.as_slice()].concat();
        }
        // No body is longer than FRAME_BYTES, which fits sixteen bits.
        let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(HEADER + self.body.len());
        bytes.extend([self.kind.byte(), 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads one whole datagram. `[WIRE-13]`
    ///
    /// # Errors
    /// [`Fault`] if it is not exactly one timing message.
    pub fn from_datagram(datagram: &[u8]) -> Result<Self, Fault> {
        if datagram.len() > limits::DATAGRAM_BYTES {
            return Err(too_large("a datagram of at most 512 bytes", datagram.len()));
        }
        let (byte, body) = datagram.split_first().ok_or_else(|| bad_frame("a datagram", 0))?;
        let kind = Kind::from_byte(*byte)
            .filter(|kind| kind.is_datagram())
            .ok_or_else(|| bad_frame("a timing message", (*byte).into()))?;
        Ok(Self { kind, body: body.to_vec() })
    }
}

impl FrameReader {
    /// Reads the stream of a peer who may be anybody.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self {
            bound: bound(trust),
            header: [0; HEADER],
            filled: 0,
            open: None,
            body: Vec::new(),
            broken: None,
        }
    }

    /// From the next frame on, admits what a paired peer may send.
    pub const fn trust(&mut self, trust: Trust) {
        self.bound = bound(trust);
    }

    /// Takes bytes off the front of `chunk` until a frame is whole; `None` when
    /// the chunk is used up. Call it again with the same chunk after a frame.
    ///
    /// # Errors
    /// [`Fault`] at the first header that is not allowed, and again at every
    /// later call.
    pub fn read(&mut self, chunk: &mut &[u8]) -> Result<Option<Frame>, Fault> {
        if let Some(fault) = &self.broken {
            return Err(fault.clone());
        }
        self.advance(chunk).inspect_err(|fault| self.broken = Some(fault.clone()))
    }

    fn advance(&mut self, chunk: &mut &[u8]) -> Result<Option<Frame>, Fault> {
        let (kind, length) = match self.open {
            Some(open) => open,
            None => match self.read_header(chunk)? {
                Some(open) => open,
                None => return Ok(None),
            },
        };
        let missing = length.saturating_sub(self.body.len()).min(chunk.len());
        let (taken, rest) = chunk.split_at(missing);
        self.body.extend_from_slice(taken);
        *chunk = rest;
        if self.body.len() < length {
            return Ok(None);
        }
        self.open = None;
        self.filled = 0;
        Ok(Some(Frame { kind, body: core::mem::take(&mut self.body) }))
    }

    fn read_header(&mut self, chunk: &mut &[u8]) -> Result<Option<(Kind, usize)>, Fault> {
        for place in self.header.iter_mut().skip(self.filled) {
            let Some((byte, rest)) = chunk.split_first() else { return Ok(None) };
            (*place, *chunk) = (*byte, rest);
            self.filled += 1;
        }
        let (kind, length) = read_header(self.header)?;
        if kind.is_datagram() {
            return Err(bad_frame("a control message", kind.byte().into()));
        }
        if length > self.bound {
            return Err(too_large("a frame within its bound", length));
        }
        self.open = Some((kind, length));
        Ok(self.open)
    }
}

const fn bound(trust: Trust) -> usize {
    match trust {
        Trust::Unpaired => limits::FRAME_BYTES_UNPAIRED,
        Trust::Paired => limits::FRAME_BYTES,
    }
}

/// Kind and length, if the header is one that this version knows. `[WIRE-4]`
fn read_header([kind, flags, low, high]: [u8; HEADER]) -> Result<(Kind, usize), Fault> {
    let kind = Kind::from_byte(kind).ok_or_else(|| bad_frame("a known kind", kind.into()))?;
    if flags != 0 {
        return Err(bad_frame("flags of 0", flags.into()));
    }
    Ok((kind, u16::from_le_bytes([low, high]).into()))
}

fn bad_frame(expected: &'static str, got: usize) -> Fault {
    fault(CloseCode::BadFrame, expected, got)
}

fn too_large(expected: &'static str, got: usize) -> Fault {
    fault(CloseCode::FrameTooLarge, expected, got)
}

fn fault(code: CloseCode, expected: &'static str, got: usize) -> Fault {
    Fault::new(code, expected, Got::Number(i128::try_from(got).unwrap_or(i128::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> Vec<Frame> {
        vec![
            Frame::new(Kind::Hello, vec![1; 119]),
            Frame::new(Kind::CheckCodeConfirmed, vec![]),
            Frame::new(Kind::Confirm, vec![3; 32]),
        ]
    }

    fn read_all(reader: &mut FrameReader, mut chunk: &[u8]) -> Result<Vec<Frame>, Fault> {
        let mut frames = Vec::new();
        while let Some(frame) = reader.read(&mut chunk)? {
            frames.push(frame);
        }
        assert!(chunk.is_empty(), "no byte is left behind");
        Ok(frames)
    }

    fn refused(header: [u8; 4], trust: Trust) -> Fault {
        read_all(&mut FrameReader::new(trust), &header).unwrap_err()
    }

    proptest! {
        #[test]
        fn a_stream_may_be_cut_anywhere(mut cuts in prop::collection::vec(0_usize..164, 0..8)) {
            // [WIRE-4]
            let stream: Vec<u8> = frames().iter().flat_map(Frame::to_bytes).collect();
            cuts.extend([0, stream.len()]);
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(stream.len()));
            cuts.sort_unstable();
            let mut reader = FrameReader::new(Trust::Unpaired);
            let mut got = Vec::new();
            for pair in cuts.windows(2) {
                got.extend(read_all(&mut reader, &stream[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(got, frames());
        }

        #[test]
        fn any_stream_is_read_or_refused_within_the_bound(stream: Vec<u8>) {
            // [LIMITS-3]
            let mut reader = FrameReader::new(Trust::Unpaired);
            let mut chunk = stream.as_slice();
            while let Ok(Some(frame)) = reader.read(&mut chunk) {
                prop_assert!(frame.body().len() <= limits::FRAME_BYTES_UNPAIRED);
            }
            prop_assert!(reader.body.capacity() <= 2 * limits::FRAME_BYTES_UNPAIRED);
        }
    }

    #[test]
    fn a_header_is_refused_before_its_body() {
        // [WIRE-4] [LIMITS-3] [LIMITS-4]
        assert_eq!(refused([0x7F, 0, 0, 0], Trust::Paired).code, CloseCode::BadFrame);
        assert_eq!(refused([0x01, 1, 0, 0], Trust::Paired).code, CloseCode::BadFrame);
        assert_eq!(refused([0x80, 0, 0, 0], Trust::Paired).code, CloseCode::BadFrame);
        let [low, high] = 513_u16.to_le_bytes();
        assert_eq!(refused([0x01, 0, low, high], Trust::Unpaired).code, CloseCode::FrameTooLarge);
        let [low, high] = 16_385_u16.to_le_bytes();
        assert_eq!(refused([0x20, 0, low, high], Trust::Paired).code, CloseCode::FrameTooLarge);
        let mut reader = FrameReader::new(Trust::Unpaired);
        reader.trust(Trust::Paired);
        assert_eq!(reader.read(&mut &[0x20, 0, 0, 0x40][..]), Ok(None));
    }

    #[test]
    fn a_broken_stream_stays_broken() {
        let mut reader = FrameReader::new(Trust::Paired);
        let first = reader.read(&mut &[0x7F, 0, 0, 0][..]).unwrap_err();
        assert_eq!(reader.read(&mut &[0x08, 0, 0, 0][..]), Err(first));
    }

    #[test]
    fn a_datagram_is_one_message() {
        // [WIRE-13] [LIMITS-5]
        let frame = Frame::new(Kind::Probe, vec![7; 44]);
        let bytes = frame.to_bytes();
        assert_eq!(Frame::from_datagram(&bytes), Ok(frame));
        let code = |bytes: &[u8]| Frame::from_datagram(bytes).unwrap_err().code;
        assert_eq!(bytes.len(), 45);
        assert_eq!(code(&[]), CloseCode::BadFrame);
        assert_eq!(code(&[0x7F, 1]), CloseCode::BadFrame);
        assert_eq!(code(&Frame::new(Kind::Hello, vec![]).to_bytes()), CloseCode::BadFrame);
        assert_eq!(code(&[0x81; 513]), CloseCode::FrameTooLarge);
    }
}
