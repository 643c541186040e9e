//! One function for each command that works on files.

mod live;
mod plan;
mod qr;
mod scan;
mod words;

pub(crate) use live::{rehearse, secondary};
pub(crate) use plan::plan;
pub(crate) use qr::qr;
pub(crate) use scan::scan;
pub(crate) use words::length;
