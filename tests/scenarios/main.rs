//! Stories of exams, told with real machines in a simulated world.

#![expect(clippy::unwrap_used, reason = "a story that does not fit stops")]

mod clean;
