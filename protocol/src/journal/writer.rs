//! Facts to bytes, and the head that the heartbeats carry.
//!
//! A journal is bounded, and much of it tells of others: whoever talks without end must
//! not take the room in which a device says what itself did, and nothing may take the
//! room of its last record and the seal over it. So the end of the file is kept back,
//! in two steps. Rejected: a share for each peer, which one that says little would waste.

use super::body::BodyError;
use super::fact::Fact;
use super::header::Header;
use super::record::{self, Head};
use super::replay::Replayed;
use super::rules::{Breach, Rules};
use super::{Own, code, seal};
use crate::identity::{SignFailed, Signer};
use crate::limits;
use crate::time::{Clock, Instant};

/// Writes one device's own journal.
///
/// It owns no file: what [`append`](Self::append) and [`seal`](Self::seal)
/// return goes to the end of the file, in order. When storage fails, call
/// [`poison`](Self::poison): nothing more is claimed until the journal was
/// replayed from what the disk really holds. `[JOURNAL-15]`
///
/// ```
/// use diptych_protocol::identity::{BootId, PublicKey, Role, SessionId};
/// use diptych_protocol::journal::{Fact, Header, Writer, replay};
/// use diptych_protocol::time::{Instant, Primary};
///
/// # let point = p256_generator();
/// let key = PublicKey::from_sec1(&point)?;
/// let header = Header { session: SessionId([7; 16]), role: Role::PRIMARY, device: 1, key };
/// let (mut journal, mut file) = Writer::create(header);
/// let now = Instant::<Primary>::from_nanos(1_000);
/// let boot = BootId([1; 16]);
/// let start = Fact::ProcessStarted { boot, wall_ms: 0, cause: 0, raw: 0 };
/// file.extend(journal.append(now, &start)?);
/// file.extend(journal.append(now, &Fact::ScreenBack {})?);
///
/// let replayed = replay(&file)?;
/// assert_eq!(replayed.head(), journal.head());
/// # fn p256_generator() -> [u8; 65] {
/// #     let text = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
/// #                 4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
/// #     let mut point = [0; 65];
/// #     for (i, byte) in point.iter_mut().enumerate() {
/// #         *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap();
/// #     }
/// #     point
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    header: Header,
    head: Head,
    bytes: u64,
    rules: Rules,
    /// When the oldest fact that no seal covers was written.
    unsealed_since: Option<Instant<Own>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// A process has to say that it started.
    Opened,
    Writing,
    Poisoned,
}

/// Why nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WriteError {
    /// Storage failed before.
    #[error("expected a journal that can be written, but a write failed; replay it from the disk")]
    Poisoned,
    /// The first record after opening has to be [`Fact::ProcessStarted`].
    #[error("expected ProcessStarted as the first record after opening")]
    NotStarted,
    /// The fact may not stand here.
    #[error(transparent)]
    Breach(#[from] Breach),
    /// A code that its field cannot have: no reader would take it.
    #[error(transparent)]
    Value(#[from] BodyError),
    /// The journal has grown to what such a fact may fill.
    #[error("expected a journal with room for this fact: all {room} bytes for its kind are full")]
    Full {
        /// The most that a journal may hold when such a fact is written.
        room: u64,
    },
    /// No message or too many in one [`Fact::ClockHeard`].
    #[error(
        "expected 1 to {} messages in one record, got {got}; split them",
        limits::JOURNAL_HEARD
    )]
    Heard {
        /// How many.
        got: usize,
    },
    /// Seals are made by [`Writer::seal`] only.
    #[error("expected a fact, got a seal; use Writer::seal")]
    SealAsFact,
    /// The signer has another key than the header.
    #[error("expected the key in the journal's header, got a signer with another key")]
    WrongKey,
    /// The signer failed.
    #[error(transparent)]
    SignFailed(#[from] SignFailed),
}

impl Writer {
    /// Begins a journal; the bytes are the start of its file.
    #[must_use]
    pub fn create(header: Header) -> (Self, Vec<u8>) {
        let bytes = header.encode();
        let hash = Header::decode(&bytes).map_or([0; 32], |(_, hash)| hash);
        let writer = Self {
            header,
            head: Head { sequence: 0, hash },
            bytes: bytes.len() as u64,
            rules: Rules::default(),
            unsealed_since: None,
            state: State::Opened,
        };
        (writer, bytes)
    }

    /// Goes on after what was replayed. The file must have been cut to
    /// [`Replayed::length`] first, and the next fact must be
    /// [`Fact::ProcessStarted`], unless the journal is finished: then only the seal
    /// that a killed process did not write is due.
    #[must_use]
    pub fn resume(replayed: &Replayed) -> Self {
        let last = replayed.entries().last();
        let unsealed =
            last.filter(|last| replayed.is_finished() && !matches!(last.fact, Fact::Seal { .. }));
        Self {
            header: *replayed.header(),
            head: replayed.head(),
            bytes: replayed.length(),
            rules: replayed.rules().clone(),
            unsealed_since: unsealed.map(|last| last.at),
            state: if replayed.is_finished() { State::Writing } else { State::Opened },
        }
    }

    /// The bytes to append for `fact`, which happened at `now`.
    ///
    /// A `now` before the last record's is written as the last record's: readers
    /// may rely on the order within a boot. `[JOURNAL-6]`
    ///
    /// # Errors
    /// [`WriteError`]; the journal is as before then.
    pub fn append<C: Clock>(
        &mut self,
        now: Instant<C>,
        fact: &Fact,
    ) -> Result<Vec<u8>, WriteError> {
        match (self.state, fact) {
            (State::Poisoned, _) => return Err(WriteError::Poisoned),
            (State::Opened | State::Writing, Fact::Seal { .. }) => {
                return Err(WriteError::SealAsFact);
            }
            (State::Opened | State::Writing, Fact::ClockHeard { heard, .. })
                if heard.is_empty() || heard.len() > limits::JOURNAL_HEARD =>
            {
                return Err(WriteError::Heard { got: heard.len() });
            }
            (State::Opened | State::Writing, Fact::ProcessStarted { .. }) | (State::Writing, _) => {
            }
            (State::Opened, _) => return Err(WriteError::NotStarted),
        }
        let bytes = self.write(now.relabelled(), fact)?;
        self.state = State::Writing;
        Ok(bytes)
    }

    /// The bytes to append for a signature over everything so far.
    ///
    /// Make the journal durable before appending them: a seal on the disk then
    /// proves that all before it is there too. `[JOURNAL-8]`
    ///
    /// # Errors
    /// [`WriteError`]; the journal is as before then, and can go on unsealed.
    pub fn seal<C: Clock>(
        &mut self,
        now: Instant<C>,
        signer: &mut dyn Signer,
    ) -> Result<Vec<u8>, WriteError> {
        match self.state {
            State::Poisoned => return Err(WriteError::Poisoned),
            State::Opened => return Err(WriteError::NotStarted),
            State::Writing => {}
        }
        if signer.public_key() != self.header.key {
            return Err(WriteError::WrongKey);
        }
        let signature = Box::new(signer.sign(&seal::message(&self.head))?);
        let seal = Fact::Seal { head: self.head.hash, signature };
        let bytes = self.write(now.relabelled(), &seal)?;
        self.unsealed_since = None;
        Ok(bytes)
    }

    fn write(&mut self, now: Instant<Own>, fact: &Fact) -> Result<Vec<u8>, WriteError> {
        code::check(fact)?;
        let at = self.rules.order(now, fact);
        let (bytes, head) = record::encode(&self.head, at, fact);
        let length = self.bytes.saturating_add(bytes.len() as u64);
        let room = self.room(fact);
        if length > room {
            return Err(WriteError::Full { room });
        }
        self.rules.admit(at, fact)?;
        self.head = head;
        self.bytes = length;
        self.unsealed_since.get_or_insert(at);
        Ok(bytes)
    }

    /// How long the journal may be with this fact in it. `[JOURNAL-14]` `[JOURNAL-26]`
    fn room(&self, fact: &Fact) -> u64 {
        let kept = if matches!(fact, Fact::Finish { .. } | Fact::Seal { .. }) {
            0
        } else if fact.is_of_peer(self.header.role) {
            limits::JOURNAL_OWN_BYTES
        } else {
            limits::JOURNAL_LAST_BYTES
        };
        limits::JOURNAL_BYTES.saturating_sub(kept)
    }

    /// When the next seal must be written; `None` if all is sealed.
    /// `[JOURNAL-7]`
    #[must_use]
    pub fn seal_deadline<C: Clock>(&self) -> Option<Instant<C>> {
        let since = self.unsealed_since?;
        Some((since + limits::JOURNAL_SEAL_INTERVAL).relabelled())
    }

    /// Whether a seal must be written now. `[JOURNAL-7]`
    #[must_use]
    pub fn seal_due<C: Clock>(&self, now: Instant<C>) -> bool {
        self.seal_deadline().is_some_and(|deadline| now >= deadline)
    }

    /// Storage failed: refuse everything from here on. `[JOURNAL-15]`
    pub fn poison(&mut self) {
        self.state = State::Poisoned;
    }

    /// Whether storage failed.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    /// Number and chain hash of the last record, for the heartbeat.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The number of the last record; 0 after the header alone.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.head.sequence
    }

    /// The length of the file so far, in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.bytes
    }

    /// Whose journal it is.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }
}
