//! Bytes as the digits that people compare and programs write.
//!
//! Hashes, keys and signatures are shown everywhere; one place that renders them keeps
//! a digest in a report and the same digest in a log the same text. Rejected: a
//! function that returns a `String` (most digits go straight into a sentence or a
//! formatter), and a crate for one loop.

use core::fmt;

/// Bytes as lower-case hexadecimal digits, two for each. A precision cuts the text as it
/// does any other: for people, who recognise a hash by its first digits.
///
/// ```
/// use diptych_protocol::identity::Hex;
///
/// assert_eq!(Hex(&[0x0b, 0xad, 0xca, 0xfe]).to_string(), "0badcafe");
/// assert_eq!(format!("{:.4}…", Hex(&[0x0b, 0xad, 0xca, 0xfe])), "0bad…");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        let most = f.precision().unwrap_or(usize::MAX);
        digits.take(most).try_for_each(|digit| write!(f, "{digit:x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits_and_a_precision_counts_digits() {
        let all: Vec<u8> = (0..=255).collect();
        let text = Hex(&all).to_string();
        for (byte, digits) in all.iter().zip(text.as_bytes().chunks(2)) {
            assert_eq!(digits, format!("{byte:02x}").as_bytes());
        }
        assert_eq!(text.len(), 512);
        assert_eq!(
            format!("{:.3}|{:.9}|{:.0}", Hex(&[0xAB, 0x0C]), Hex(&[0]), Hex(&[7])),
            "ab0|00|"
        );
    }
}
