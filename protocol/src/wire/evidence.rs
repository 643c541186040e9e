//! Messages that keep two devices' knowledge alike: journals and addresses.

use core::fmt;

use crate::address::{Addresses, Loopback};
use crate::fault::Fault;
use crate::limits;
use crate::wire::codec;
use crate::wire::field::{Body, bad, message};

/// Journal records, as their writer encoded and chained them. `[WIRE-10]` `[WIRE-16]`
#[derive(Clone, PartialEq, Eq)]
pub struct Journal {
    from_sequence: u64,
    count: u16,
    records: Vec<u8>,
}

message! {
    /// Send the records from this number on; those before it were read.
    pub struct JournalAsk {
        /// The number of the first record that the sender lacks; the first of a journal
        /// is 1. `[WIRE-16]`
        pub from_sequence: u64,
    }
}

message! {
    /// The sender's copy of the receiver's journal is durable up to here.
    pub struct JournalHave {
        /// The number of the last record that is held; 0 if none is.
        pub sequence: u64,
        /// The chain hash after it.
        pub head: [u8; 32],
    }
}

/// Where the sender can be reached from now on. `[WIRE-11]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressUpdate {
    /// The addresses, most promising first.
    pub addresses: Addresses,
}

impl Journal {
    /// Takes `count` encoded records that begin with record `from_sequence`. Whether
    /// there are so many is left to whoever reads records. `[WIRE-17]`
    ///
    /// # Errors
    /// [`Fault`] if there are none, or more than fit one message
    /// ([`limits::JOURNAL_TAIL_RECORDS`], [`limits::JOURNAL_TAIL_BYTES`]).
    pub fn new(from_sequence: u64, count: u16, records: Vec<u8>) -> Result<Self, Fault> {
        if count == 0 || count > limits::JOURNAL_TAIL_RECORDS {
            return Err(bad("1 to 512 records in one message", count));
        }
        if records.is_empty() || records.len() > limits::JOURNAL_TAIL_BYTES {
            let got = i128::try_from(records.len()).unwrap_or(i128::MAX);
            return Err(bad("1 to 15360 bytes of records in one message", got));
        }
        Ok(Self { from_sequence, count, records })
    }

    /// The number of the first record; the first of a journal is 1. `[WIRE-16]`
    #[must_use]
    pub const fn from_sequence(&self) -> u64 {
        self.from_sequence
    }

    /// How many records there are.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The records' bytes, one after the other.
    #[must_use]
    pub fn records(&self) -> &[u8] {
        &self.records
    }
}

impl Body for Journal {
    fn to_body(&self) -> Vec<u8> {
        let mut body = codec::encode(&(self.from_sequence, self.count));
        body.extend_from_slice(&self.records);
        body
    }

    fn from_body(body: &[u8]) -> Result<Self, Fault> {
        let ((from_sequence, count), records) = codec::decode_head::<(u64, u16)>(body)?;
        Self::new(from_sequence, count, records.to_vec())
    }
}

impl Body for AddressUpdate {
    fn to_body(&self) -> Vec<u8> {
        let mut body = codec::encode(&(self.addresses.count(), self.addresses.port()));
        self.addresses.encode(&mut body);
        body
    }

    /// Loopback passes: the sender is paired, and in a rehearsal both roles run
    /// on one machine. Whoever answers there still has to hold the pinned key.
    /// `[WIRE-11]`
    fn from_body(body: &[u8]) -> Result<Self, Fault> {
        let ((count, port), mut tail) = codec::decode_head::<(u8, u16)>(body)?;
        let addresses = Addresses::decode(count, port, &mut tail, Loopback::Allowed)?;
        match i128::try_from(tail.len()) {
            Ok(0) => Ok(Self { addresses }),
            rest => Err(bad("no bytes after the last address", rest.unwrap_or(i128::MAX))),
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from_sequence, count, records } = self;
        write!(f, "Journal({count} records from {from_sequence}, {} bytes)", records.len())
    }
}
