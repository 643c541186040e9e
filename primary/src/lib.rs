//! (shape follows)

pub mod render;
