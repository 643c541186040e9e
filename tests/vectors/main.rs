//! The vectors of the specification, run against the implementation: one module
//! per topic, every file of a topic's folder.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop, and say where"
)]

mod clock;
mod crafted;
mod journal;
mod pairing;
mod policy;
mod report;
mod ticket;
mod vector;
mod wire;
