//! The driver on real sockets and real files of this machine.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on must stop where it is"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "tests wait for one event among all others")]

mod device;
mod discovery;
mod ending;
mod keys;
mod parrot;
mod path;
mod shutdown;
mod storage;
mod stranger;
