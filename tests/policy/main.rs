//! The rules of interruption against a second implementation and against the
//! properties that make them fair, over random cases.
//!
//! Each loop is seeded and prints the seed of the case that broke it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop, and say where"
)]

mod live;
mod oracle;
mod properties;
mod random;
