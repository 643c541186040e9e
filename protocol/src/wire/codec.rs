//! The one file that names bincode.
//!
//! The specification of a message is its table of bytes; this file produces and
//! reads that table for values made of little-endian integers and byte arrays,
//! and for nothing else. [`Fixed`] is implemented for exactly those, so a length
//! that a peer could choose, an optional part or a second encoding of the same
//! value cannot be written down here, let alone decoded.
//!
//! bincode 2.0.1 is unmaintained (RUSTSEC-2025-0141) and, used without a limit on
//! types with lengths, ends the process on a ten-byte message. Neither can reach
//! us through fixed layouts, and `spec/vectors/wire` proves any replacement of
//! this file. Rejected: serde derives on the messages, which would make the
//! crate's choices part of the format.

use bincode::config::{self, Config};

use crate::fault::{CloseCode, Fault, Got};
use crate::limits;

/// A value whose encoding has one length and one form. `[WIRE-1]`
pub(super) trait Fixed: bincode::Encode + bincode::Decode<()> {}

impl Fixed for u8 {}
impl Fixed for u16 {}
impl Fixed for u32 {}
impl Fixed for u64 {}
impl Fixed for i64 {}
impl<const N: usize> Fixed for [u8; N] {}
impl Fixed for () {}

macro_rules! fixed_tuples {
    ($($first:ident $($rest:ident)*;)*) => {
        $(impl<$first: Fixed, $($rest: Fixed),*> Fixed for ($first, $($rest,)*) {})*
    };
}

fixed_tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
    A B C D E F G H I J K L M;
    A B C D E F G H I J K L M N;
}

const fn layout() -> impl Config {
    config::standard()
        .with_little_endian()
        .with_fixed_int_encoding()
        .with_limit::<{ limits::FRAME_BYTES }>()
}

/// The bytes of `value`.
pub(super) fn encode<T: Fixed>(value: &T) -> Vec<u8> {
    // Cannot fail: no fixed layout has a value that cannot be written to memory.
    bincode::encode_to_vec(value, layout()).unwrap_or_default()
}

/// Reads a value that is all of `body`. `[WIRE-2]`
pub(super) fn decode<T: Fixed>(body: &[u8]) -> Result<T, Fault> {
    let (value, tail) = decode_head(body)?;
    if tail.is_empty() {
        return Ok(value);
    }
    Err(bad_length("a body of the length that its kind has", body))
}

/// Reads a value off the front of `body`; the rest is its raw tail.
pub(super) fn decode_head<T: Fixed>(body: &[u8]) -> Result<(T, &[u8]), Fault> {
    let short = || bad_length("a body that is not cut short", body);
    let (value, consumed) = bincode::decode_from_slice(body, layout()).map_err(|_| short())?;
    let tail = body.get(consumed..).ok_or_else(short)?;
    Ok((value, tail))
}

fn bad_length(expected: &'static str, body: &[u8]) -> Fault {
    let got = i128::try_from(body.len()).unwrap_or(i128::MAX);
    Fault::new(CloseCode::BadFrame, expected, Got::Number(got))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_its_bytes_and_no_more() {
        // [WIRE-1] [WIRE-2]
        let value = (0x0201_u16, [3_u8, 4], -1_i64);
        let bytes = encode(&value);
        assert_eq!(bytes, [1, 2, 3, 4, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(decode(&bytes), Ok(value));
        for cut in 0..bytes.len() {
            assert!(decode::<(u16, [u8; 2], i64)>(&bytes[..cut]).is_err(), "{cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(decode::<(u16, [u8; 2], i64)>(&longer).is_err());
        assert_eq!(decode_head::<(u16, [u8; 2], i64)>(&longer).unwrap().1, [0]);
    }

    #[test]
    fn a_body_beyond_the_limit_is_an_error_and_no_allocation() {
        // [WIRE-2]
        let body = vec![0; limits::FRAME_BYTES + 1];
        assert!(decode::<[u8; limits::FRAME_BYTES + 1]>(&body).is_err());
    }
}
