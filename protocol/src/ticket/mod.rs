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
mod error;

use crate::address::{Address, AddressError, Addresses, Loopback};
use crate::identity::{ExamTag, Fingerprint, Label, sha256};
use crate::limits;
use crate::secret::PairingSecret;

pub use error::TicketError;

/// What stands before the digits when no app has a link of its own. `[TICKET-1]`
pub const SCHEME: &str = "diptych:";

/// Version 1, type 0: nobody is named. `[TICKET-4]`
const UNNAMED: u8 = 0x10;
/// Version 1, type 1: the issuer is named. `[TICKET-12]`
const NAMED: u8 = 0x11;
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
    /// Who holds the exam, for the person who is asked to lend a device to it, by the
    /// word of whoever made the code. `None` in a code of type 0, which names nobody.
    /// `[TICKET-12]`
    pub issuer: Option<Label>,
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
        let named = match bytes.first().copied() {
            None => return Err(truncated(HEAD + 5 + CHECK)),
            Some(UNNAMED) => false,
            Some(NAMED) => true,
            Some(got) => return Err(TicketError::Version { version: got >> 4, kind: got & 15 }),
        };
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
        let issuer = if named { Some(take_issuer(&mut rest)?) } else { None };
        if !rest.is_empty() {
            let got = bytes.len();
            return Err(TicketError::Trailing { expected: got - rest.len(), got });
        }
        Ok(Self { flags, epoch, issued_at, lifetime_s, exam, issuer, secret, pin, addresses })
    }

    /// The bytes that the digits encode. `[TICKET-4]`
    ///
    /// For a ticket that was read these are the bytes that were read: there is
    /// one encoding for each ticket.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(limits::TICKET_BYTES);
        let version_and_type = if self.issuer.is_some() { NAMED } else { UNNAMED };
        bytes.extend([version_and_type, self.flags.0 | self.addresses.count() << 4]);
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.issued_at.to_le_bytes());
        bytes.push(self.lifetime_s);
        bytes.extend(self.exam.0);
        bytes.extend(self.secret.expose());
        bytes.extend(self.pin.0);
        bytes.extend(self.addresses.port().to_le_bytes());
        self.addresses.encode(&mut bytes);
        if let Some(issuer) = self.issuer {
            bytes.push(issuer.to_wire().0);
            bytes.extend(issuer.as_str().bytes());
        }
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
    /// can carry beside the longest issuer; those that are unusable, repeated or too
    /// long are left out. `[TICKET-9]`
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
        let mut left = limits::TICKET_BYTES - HEAD - (1 + limits::LABEL_BYTES) - CHECK;
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

/// The issuer, whose length stands before it. `[TICKET-12]`
fn take_issuer(bytes: &mut &[u8]) -> Result<Label, TicketError> {
    let (len, text) = bytes.split_first().ok_or(TicketError::Issuer)?;
    let (text, rest) = text.split_at_checked((*len).into()).ok_or(TicketError::Issuer)?;
    *bytes = rest;
    let text = core::str::from_utf8(text).map_err(|_| TicketError::Issuer)?;
    Label::new(text).map_err(|_| TicketError::Issuer)
}

/// The next `N` bytes of the head, whose length was checked; zeros beyond it.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let Some((head, rest)) = bytes.split_first_chunk::<N>() else { return [0; N] };
    *bytes = rest;
    *head
}

#[cfg(test)]
mod tests;
