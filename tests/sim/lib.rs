//! The deterministic simulator shared by the scenarios and the fuzz targets.

pub mod channel;
pub mod dice;
pub mod many;
pub mod oscillator;
pub mod parsers;
pub mod scenario;
pub mod session;
pub mod world;
