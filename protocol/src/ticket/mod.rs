//! The ticket: what the QR code on the primary's screen says.
//!
//! One glance of a camera must carry everything that two phones need to trust
//! each other without a server: where the primary is, which key it holds, and a
//! secret that only somebody who saw the screen can know. The code is also the
//! first thing an attacker or a torn poster offers, so reading it is strict:
//! one text for each ticket, every error named, nothing skipped or ignored.
//!
//! Rejected: a link with parameters (longer, and every reader parses it
//! differently), and leaving the pin out (then whoever knows the secret could
//! stand in the middle).

mod digits;

use crate::address::{Address, AddressError, Addresses, Loopback};
use crate::identity::{ExamTag, Fingerprint, sha256};
use crate::limits;
use crate::secret::PairingSecret;
use digits::DigitsError;

/// What stands before the digits when no app has a link of its own. `[TICKET-1]`
pub const SCHEME: &str = "diptych:";

/// Version 1, type 0. `[TICKET-4]`
const VERSION_AND_TYPE: u8 = 0x10;
/// Bytes before the addresses.
const HEAD: usize = 67;
/// Bytes of the check at the end.
const CHECK: usize = 4;
/// What the check hashes before the ticket. `[TICKET-10]`
const CHECK_LABEL: &[u8] = b"diptych qr check v1";

/// What one QR code says. `[TICKET-4]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// What the primary asks for or offers.
    pub flags: Flags,
    /// Counts the codes of one offer; names the secret in HELLO.
    pub epoch: u16,
    /// When the code was made, in Unix seconds by the primary's wall clock. A
    /// hint: the primary decides with its own monotonic clock.
    pub issued_at: u32,
    /// For how long the primary means to honour the code, in seconds; 1 to
    /// [`limits::TICKET_LIFETIME_S`].
    pub lifetime_s: u8,
    /// The exam that the primary has open.
    pub exam: ExamTag,
    /// Proves that the holder saw the screen. `[TICKET-6]`
    pub secret: PairingSecret,
    /// The key that the primary must show in TLS.
    pub pin: Fingerprint,
    /// Where to dial, most promising first.
    pub addresses: Addresses,
}

/// The low nibble of the ticket's second byte. `[TICKET-4]`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u8);

/// How the ticket's age looks by the reader's wall clock. `[TICKET-11]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Staleness {
    /// Within its lifetime.
    Fresh,
    /// Its lifetime ended this many seconds ago, if both clocks are right.
    Old {
        /// Seconds since then.
        by_s: u64,
    },
    /// It was made this many seconds from now, so one clock is wrong.
    Future {
        /// Seconds until then.
        by_s: u64,
    },
}

/// Why a text is not a ticket of this protocol.
///
/// ```
/// # use diptych_protocol::ticket::TicketError;
/// fn is_of_another_version(error: &TicketError) -> bool {
///     matches!(error, TicketError::Version { .. })
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TicketError {
    /// The code of something else.
    #[error(
        "expected a code that starts with `{SCHEME}` or `https://…/p#`, got {got}; \
         scan the code that the primary phone shows"
    )]
    Foreign {
        /// What it looks like.
        got: &'static str,
    },
    /// More digits than any ticket has.
    #[error("expected at most {max} digits, got {got}; scan again", max = limits::TICKET_DIGITS)]
    TooLong {
        /// How many came.
        got: usize,
    },
    /// A character that is not `0` to `9`.
    #[error("expected only the digits 0 to 9, got something else at digit {at}; scan again")]
    NotADigit {
        /// Its place, counted from 0 after the prefix.
        at: usize,
    },
    /// A last group of digits that encodes no bytes.
    #[error(
        "expected groups of 17 digits and a last one of 3, 5, 8, 10, 13 or 15, got one of \
         {digits}; scan again"
    )]
    Group {
        /// Its length.
        digits: usize,
    },
    /// A group of digits that is too large for its bytes.
    #[error("expected a group that fits its bytes, got a larger one at digit {at}; scan again")]
    Overflow {
        /// The place of its first digit.
        at: usize,
    },
    /// Fewer bytes than the shortest ticket.
    #[error("expected at least {expected} bytes, got {got}; scan the whole code")]
    Truncated {
        /// The shortest that could be whole.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// Another version or type of code.
    #[error(
        "expected a code of version 1 and type 0, got version {version} and type {kind}; update the app"
    )]
    Version {
        /// The high nibble.
        version: u8,
        /// The low nibble.
        kind: u8,
    },
    /// The check does not match: misread, or made by a faulty app.
    #[error("expected a matching check at the end, got another; scan again")]
    Check,
    /// A lifetime of zero or above the limit.
    #[error("expected a lifetime of 1 to {max} s, got {got} s; update the primary's app", max = limits::TICKET_LIFETIME_S)]
    Lifetime {
        /// The lifetime that came, in seconds.
        got: u8,
    },
    /// A secret of zeros, which no generator yields.
    #[error("expected a random secret, got zeros; update the primary's app")]
    ZeroSecret,
    /// A pin of zeros, which no key has.
    #[error("expected the hash of a key, got zeros; update the primary's app")]
    ZeroPin,
    /// An address that cannot be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Bytes between the last address and the check.
    #[error("expected {expected} bytes, got {got}; update the app")]
    Trailing {
        /// The length that the address count implies.
        expected: usize,
        /// How many came.
        got: usize,
    },
}

impl Ticket {
    /// Reads the text of a QR code.
    ///
    /// # Errors
    /// [`TicketError`], which says what to do.
    pub fn parse(text: &str, loopback: Loopback) -> Result<Self, TicketError> {
        let digits = strip_prefix(text)?;
        if digits.len() > limits::TICKET_DIGITS {
            return Err(TicketError::TooLong { got: digits.len() });
        }
        Self::from_bytes(&digits::decode(digits)?, loopback)
    }

    /// Reads the bytes that the digits encode. `[TICKET-4]`
    ///
    /// # Errors
    /// [`TicketError`], which says what to do.
    pub fn from_bytes(bytes: &[u8], loopback: Loopback) -> Result<Self, TicketError> {
        let truncated = |expected: usize| TicketError::Truncated { expected, got: bytes.len() };
        match bytes.first().copied() {
            None => return Err(truncated(HEAD + 5 + CHECK)),
            Some(VERSION_AND_TYPE) => {}
            Some(got) => return Err(TicketError::Version { version: got >> 4, kind: got & 15 }),
        }
        if bytes.len() < HEAD + 5 + CHECK {
            return Err(truncated(HEAD + 5 + CHECK));
        }
        let (body, given) = bytes.split_last_chunk::<CHECK>().ok_or(truncated(CHECK))?;
        if *given != check(body) {
            return Err(TicketError::Check);
        }
        let (head, mut rest) = body.split_first_chunk::<HEAD>().ok_or(truncated(HEAD))?;
        let mut fields = head.as_slice();
        let [_, flags_and_count] = take(&mut fields);
        let (flags, count) = (Flags(flags_and_count & 15), flags_and_count >> 4);
        let epoch = u16::from_le_bytes(take(&mut fields));
        let issued_at = u32::from_le_bytes(take(&mut fields));
        let [lifetime_s] = take(&mut fields);
        let exam = ExamTag(take(&mut fields));
        let secret = PairingSecret::new(take(&mut fields));
        let pin = Fingerprint(take(&mut fields));
        let port = u16::from_le_bytes(take(&mut fields));
        if lifetime_s == 0 || lifetime_s > limits::TICKET_LIFETIME_S {
            return Err(TicketError::Lifetime { got: lifetime_s });
        }
        // [TICKET-6]
        if secret.is_zero() {
            return Err(TicketError::ZeroSecret);
        }
        if pin.0 == [0; 32] {
            return Err(TicketError::ZeroPin);
        }
        let addresses = Addresses::decode(count, port, &mut rest, loopback)?;
        if !rest.is_empty() {
            let got = bytes.len();
            return Err(TicketError::Trailing { expected: got - rest.len(), got });
        }
        Ok(Self { flags, epoch, issued_at, lifetime_s, exam, secret, pin, addresses })
    }

    /// The bytes that the digits encode. `[TICKET-4]`
    ///
    /// For a ticket that was read these are the bytes that were read: there is
    /// one encoding for each ticket.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(limits::TICKET_BYTES);
        bytes.extend([VERSION_AND_TYPE, self.flags.0 | self.addresses.count() << 4]);
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.issued_at.to_le_bytes());
        bytes.push(self.lifetime_s);
        bytes.extend(self.exam.0);
        bytes.extend(self.secret.expose());
        bytes.extend(self.pin.0);
        bytes.extend(self.addresses.port().to_le_bytes());
        self.addresses.encode(&mut bytes);
        let check = check(&bytes);
        bytes.extend(check);
        bytes
    }

    /// The text of the QR code. `[TICKET-1]`
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_after(SCHEME)
    }

    /// The text of the QR code behind an app's own link, `https://…/p#`.
    #[must_use]
    pub fn to_text_after(&self, prefix: &str) -> String {
        format!("{prefix}{}", digits::encode(&self.bytes()))
    }

    /// SHA-256 of the ticket's bytes, `T0` in the key schedule: both devices
    /// prove that they mean this very code.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.bytes())
    }

    /// How old the code looks by the reader's wall clock, in Unix seconds. A
    /// hint for the person only: a wall clock may be wrong by years.
    #[must_use]
    pub fn staleness(&self, now_unix_s: i64) -> Staleness {
        let age_s = now_unix_s.saturating_sub(i64::from(self.issued_at));
        let left_s = i64::from(self.lifetime_s).saturating_sub(age_s);
        if age_s < 0 {
            Staleness::Future { by_s: age_s.unsigned_abs() }
        } else if left_s < 0 {
            Staleness::Old { by_s: left_s.unsigned_abs() }
        } else {
            Staleness::Fresh
        }
    }

    /// As many of `candidates`, most promising first, as a QR code of version 8
    /// can carry; those that are unusable, repeated or too long are left out.
    /// `[TICKET-9]`
    ///
    /// # Errors
    /// The first candidate's [`AddressError`] if not one can be used.
    pub fn fitting(
        candidates: &[Address],
        port: u16,
        loopback: Loopback,
    ) -> Result<Addresses, AddressError> {
        let mut chosen: Vec<Address> = Vec::new();
        let mut best = Err(AddressError::Count { got: candidates.len() });
        let mut left = limits::TICKET_BYTES - HEAD - CHECK;
        for candidate in candidates {
            if candidate.encoded_len() > left || chosen.len() == limits::ADDRESSES {
                continue;
            }
            chosen.push(*candidate);
            match Addresses::new(&chosen, port, loopback) {
                Ok(addresses) => {
                    left -= candidate.encoded_len();
                    best = Ok(addresses);
                }
                Err(error) => {
                    chosen.pop();
                    if let Err(AddressError::Count { .. }) = best {
                        best = Err(error);
                    }
                }
            }
        }
        best
    }
}

impl Flags {
    /// The primary is itself the network's hotspot.
    pub const HOTSPOT: Self = Self(1);
    /// Both screens shall show six digits to compare.
    pub const CHECK_CODE: Self = Self(2);
    /// The primary also announces itself by mDNS.
    pub const DISCOVERY: Self = Self(4);
    /// The assistant's key must be attested by hardware.
    pub const ATTESTATION: Self = Self(8);

    /// These flags and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl From<DigitsError> for TicketError {
    fn from(error: DigitsError) -> Self {
        match error {
            DigitsError::NotADigit { at } => Self::NotADigit { at },
            DigitsError::Tail { digits } => Self::Group { digits },
            DigitsError::Overflow { at } => Self::Overflow { at },
        }
    }
}

/// Takes the scheme, or an app's link, off a code. `[TICKET-1]`
fn strip_prefix(text: &str) -> Result<&str, TicketError> {
    if let Some(digits) = text.strip_prefix(SCHEME) {
        return Ok(digits);
    }
    let link = text.strip_prefix("https://").and_then(|link| link.split_once('#'));
    if let Some((link, digits)) = link
        && link.len() <= limits::TICKET_PREFIX
        && link.strip_suffix("/p").is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        && link.chars().all(|c| c.is_ascii_graphic() && c != '@')
    {
        return Ok(digits);
    }
    let got = match text {
        "" => "nothing",
        _ if text.starts_with("https://") => "another web address",
        _ if text.starts_with("WIFI:") => "the code of a Wi-Fi network",
        _ => "another code",
    };
    Err(TicketError::Foreign { got })
}

/// The last four bytes. They catch a faulty encoder or reader, not an attacker.
/// `[TICKET-10]`
fn check(body: &[u8]) -> [u8; CHECK] {
    let [a, b, c, d, ..] = sha256(&[CHECK_LABEL, body].concat());
    [a, b, c, d]
}

/// The next `N` bytes of the head, whose length was checked; zeros beyond it.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let Some((head, rest)) = bytes.split_first_chunk::<N>() else { return [0; N] };
    *bytes = rest;
    *head
}

#[cfg(test)]
mod tests;
