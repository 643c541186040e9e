//! What the `diptych` program does with pictures, apart from its commands.
//!
//! The protocol never sees an image: an app records with whatever its platform
//! offers and tells the protocol which frames reached the disk. This crate is
//! that app for people at a desk. It is a library as well as a program so that
//! tests can read the truth out of the pixels of a recording.

pub mod align;
pub mod camera;
pub mod picture;
pub mod qr;
pub mod video;

#[cfg(test)]
mod testing;
