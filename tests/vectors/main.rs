//! The vectors of the specification, run against the implementation: one module
//! per topic, every file of a topic's folder.

mod policy;
