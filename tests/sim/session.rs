//! Machines that are told anything, in any order: what must hold whatever comes.
//!
//! A scenario tells a story and checks how it ends. Here nobody tells a story: bytes
//! say what users ask, what the network does, how time passes and which device is
//! killed, and the machines of a primary and two assistants have to take it. Messages
//! between them are lost, repeated, changed and made up, strangers knock, storage
//! fails. Whatever happens: nothing panics, nothing grows beyond its limit, nothing is
//! sent where nobody is, nothing is claimed that is not durable, nobody is paired that
//! did not scan, and every journal can be read and every device started again.
//!
//! Rejected: fuzzing one handler at a time (a machine's defects are in its sequences),
//! and a random generator of stories (a fuzzer that sees the branches finds better
//! ones).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what contradicts itself here is a finding"
)]

mod bench;
mod device;
mod play;

use bench::Bench;

/// Longer programs tell nothing that shorter ones do not, and take longer.
const LONGEST: usize = 600;

/// Plays a program: whatever it says, the promises hold.
///
/// # Panics
/// If one is broken.
pub fn session(program: &[u8]) {
    let program = program.get(..LONGEST).unwrap_or(program);
    let mut bench = Bench::new();
    let mut program = Program(program);
    while let Some(order) = program.next() {
        bench.play(order, &mut program);
    }
    bench.finish();
}

/// What is left of the bytes.
struct Program<'a>(&'a [u8]);

impl Program<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next byte, as a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.next().unwrap_or(0)) % end
    }

    /// Up to `most` bytes, as many as the next one says.
    fn some(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }
}
