//! Bytes as decimal digits, seven bytes to seventeen digits.
//!
//! A QR code packs three digits into ten bits, so a binary secret costs 2.43
//! digits per byte and 8.1 modules: 10 % fewer than base32 in alphanumeric mode
//! and 23 % fewer than base64 in byte mode. FIDO's hybrid transport encodes its
//! code in the same way. Rejected: one long decimal number (needs big integers in
//! every implementation), and base38 (its groups jump by two characters).

use core::fmt::Write as _;

/// Digits for a last group of `index` bytes: the digits of 256^index − 1.
const DIGITS: [usize; 8] = [0, 3, 5, 8, 10, 13, 15, 17];

/// Why a run of digits is not the canonical form of any bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DigitsError {
    /// Something else than `0` to `9`, at this place.
    NotADigit { at: usize },
    /// A last group of a length that no bytes encode to.
    Tail { digits: usize },
    /// A group whose value does not fit its bytes, starting at this place.
    Overflow { at: usize },
}

/// The digits of `bytes`. `[TICKET-2]`
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(7) * 17);
    for group in bytes.chunks(7) {
        let mut padded = [0; 8];
        padded.iter_mut().zip(group).for_each(|(to, from)| *to = *from);
        let width = DIGITS.get(group.len()).copied().unwrap_or_default();
        // Writing to a String cannot fail.
        _ = write!(text, "{:0width$}", u64::from_le_bytes(padded));
    }
    text
}

/// The bytes that encode to exactly these digits. `[TICKET-3]`
pub(super) fn decode(digits: &str) -> Result<Vec<u8>, DigitsError> {
    let digits = digits.as_bytes();
    if let Some(at) = digits.iter().position(|c| !c.is_ascii_digit()) {
        return Err(DigitsError::NotADigit { at });
    }
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(17) * 7);
    for (index, group) in digits.chunks(17).enumerate() {
        let len = DIGITS.iter().position(|width| *width == group.len());
        let len = len.ok_or(DigitsError::Tail { digits: group.len() })?;
        // At most 17 digits: less than 10^17, which a u64 holds.
        let value = group.iter().fold(0_u64, |sum, c| sum * 10 + u64::from(c - b'0'));
        let value = value.to_le_bytes();
        let (used, rest) = value.split_at(len);
        if rest.iter().any(|byte| *byte != 0) {
            return Err(DigitsError::Overflow { at: index * 17 });
        }
        bytes.extend_from_slice(used);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_group_length_at_its_extremes() {
        // [TICKET-2]
        for len in 0..=15 {
            for byte in [0, 1, 0xff] {
                let bytes = vec![byte; len];
                assert_eq!(decode(&encode(&bytes)), Ok(bytes));
            }
        }
        assert_eq!(encode(&[1, 2, 3]), "00197121");
    }

    #[test]
    fn other_forms_are_refused() {
        // [TICKET-3]
        assert_eq!(decode("12x"), Err(DigitsError::NotADigit { at: 2 }));
        assert_eq!(decode("１23"), Err(DigitsError::NotADigit { at: 0 }), "a full-width digit");
        assert_eq!(decode("256"), Err(DigitsError::Overflow { at: 0 }));
        assert_eq!(decode("72057594037927936"), Err(DigitsError::Overflow { at: 0 }), "2^56");
        for len in [1, 2, 4, 6, 7, 9, 11, 12, 14, 16] {
            assert_eq!(decode(&"0".repeat(17 + len)), Err(DigitsError::Tail { digits: len }));
        }
    }

    proptest! {
        #[test]
        fn one_text_per_value(digits in "[0-9]{0,120}") {
            // [TICKET-3]
            if let Ok(bytes) = decode(&digits) {
                prop_assert_eq!(encode(&bytes), digits);
            }
        }
    }
}
