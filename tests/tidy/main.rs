//! The shape of the repository, checked.
//!
//! A promise about structure that nothing enforces decays: a core that was free
//! of clocks yesterday reads one tomorrow, in a commit that is about something
//! else. So layers, purity, sizes, dependencies and the ties between
//! specification and code are tests. Every rule is a function from texts to
//! offences; each file runs its rule over the tree **and** over a small offence
//! made up for it, because a rule that catches nothing is worse than none.
//!
//! Rejected: a script beside the code (nobody runs it before pushing), and lists
//! of old offences that are tolerated (they never shrink).

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "syntax has many kinds and gains more; a rule looks at the few that it is about"
)]

mod dependencies;
mod examples;
mod layers;
mod limits;
mod modules;
mod offence;
mod source;
mod spec;
mod tracked;
mod words;
