//! The Diptych protocol without its world.

pub mod address;
pub mod clock;
pub mod device;
pub mod fault;
pub mod identity;
pub mod join;
pub mod journal;
pub mod ledger;
pub mod limits;
pub mod liveness;
pub mod machine;
pub mod pairing;
pub mod plan;
pub mod policy;
pub mod primary;
pub mod recording;
pub mod report;
pub mod secondary;
pub mod secret;
pub mod session;
pub mod ticket;
pub mod time;
pub mod timeline;
pub mod timers;
pub mod wire;
pub mod words;
