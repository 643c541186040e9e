//! The Diptych protocol without its world.

pub mod fault;
pub mod identity;
pub mod limits;
pub mod machine;
pub mod secret;
pub mod time;
