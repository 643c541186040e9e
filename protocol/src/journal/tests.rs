//! A journal says what was written, or says where it was damaged.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "files and indices of tests are small"
)]

mod facts;
mod mirror;
mod reading;
mod tamper;
mod writing;

use super::*;
use crate::identity::tests::Key;
use crate::identity::{BootId, Role, SessionId, Signer};
use crate::time::{Instant, Primary};

const BOOT: BootId = BootId([0xB0; 16]);

fn header(role: u8, key: &Key) -> Header {
    Header {
        session: SessionId([0x5E; 16]),
        role: Role::new(role).unwrap(),
        device: 1,
        key: key.public_key(),
    }
}

fn at(ms: i64) -> Instant<Primary> {
    Instant::from_nanos(ms * 1_000_000)
}

fn started() -> Fact {
    Fact::ProcessStarted { boot: BOOT, wall_ms: 1_767_225_600_000, cause: 0, raw: 0 }
}

fn segment(index: i64) -> Fact {
    Fact::Segment {
        first: Instant::from_nanos(index * 500_000_000),
        last: Instant::from_nanos((index + 1) * 500_000_000),
        frames: 15,
        offset: index as u64 * 1_000,
        bytes: 1_000,
        sha256: [index as u8; 32],
    }
}

/// Start, then `segments` facts with a seal after every fourth.
fn sample(segments: i64) -> (Vec<u8>, Writer, Key) {
    let mut key = Key::new(7);
    let (mut writer, mut file) = Writer::create(header(0, &key));
    file.extend(writer.append(at(1), &started()).unwrap());
    for index in 0..segments {
        file.extend(writer.append(at(2 + index * 500), &segment(index)).unwrap());
        if index % 4 == 3 {
            file.extend(writer.seal(at(2 + index * 500), &mut key).unwrap());
        }
    }
    (file, writer, key)
}

/// SplitMix64: a small generator whose every run is the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
