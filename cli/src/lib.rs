//! The program `diptych`: for people at a desk what an app is for people with
//! phones.
//!
//! The protocol never sees an image: an app records with whatever its platform
//! offers and tells the protocol which frames reached the disk. This crate is
//! that app for people at a desk. It is a library as well as a program so that
//! tests can read the truth out of the pixels of a recording.
//!
//! - [`camera`], [`picture`], [`video`], [`align`], [`qr`]: what it does with
//!   pictures.
//! - [`live`]: devices with their cameras, in a session.
//! - [`folder`]: journals and recordings, where a session left them.
//! - [`plan`]: an exam's plan as a file.
//! - [`args`], [`exit`], [`fail`]: what it is told, and what it tells; [`window`]: where.

pub mod align;
pub mod args;
pub mod camera;
mod clocks;
mod command;
pub mod exit;
pub mod fail;
pub mod folder;
mod label;
pub mod live;
mod page;
pub mod picture;
pub mod plan;
mod program;
mod progress;
pub mod qr;
mod share;
pub mod video;
pub mod window;

pub use program::{main, run};

#[cfg(test)]
mod testing;
