//! One function for each command that works on files.

mod align;
mod clock;
mod damage;
mod kills;
mod live;
mod plan;
mod qr;
mod report;
mod scan;
mod statement;
mod verify;
mod words;
mod written;

pub(crate) use align::{align, evidence};
pub(crate) use clock::clock;
pub(crate) use live::{primary, rehearse, secondary};
pub(crate) use plan::plan;
pub(crate) use qr::qr;
pub(crate) use report::{judge, report};
pub(crate) use scan::scan;
pub(crate) use statement::{decide, excuse};
pub(crate) use verify::verify;
pub(crate) use words::{counted, length, span, utc};
