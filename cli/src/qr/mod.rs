//! A ticket as a QR code, and a QR code as a ticket.
//!
//! Drawing and reading are kept apart from what is drawn: this module knows that
//! a ticket begins with `diptych:`, so that a stranger's code is refused with a
//! sentence that helps, and leaves the rest to the protocol.

mod draw;
mod image;
mod scan;

pub use draw::{Code, DrawError};
pub use scan::{ScanError, scan_file, scan_luma};

#[cfg(test)]
mod tests;
