//! What lies at the root of the repository.
//!
//! Whoever tries something out leaves files behind, and one `git add` of everything makes
//! them the project's for good. So the names at the root are a list, and what is not on it
//! is an offence. Asked is git and not the folder: whoever follows the README has plans,
//! sessions and pictures of their own there, which are nobody's business.
//!
//! Rejected: ignoring more patterns (what nobody has thought of is what is left behind).

use std::process::Command;

use crate::offence::{self, Offence};
use crate::source;

/// Folders, and files that tools look for here.
const USUAL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "DESIGN.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "cli",
    "clippy.toml",
    "deny.toml",
    "driver",
    "fuzz",
    "primary",
    "protocol",
    "rustfmt.toml",
    "secondary",
    "spec",
    "tests",
];

/// The tracked files that lie where nothing of the kind does.
fn check<'a>(tracked: impl IntoIterator<Item = &'a str>) -> Vec<Offence> {
    let top = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let unusual = tracked.into_iter().filter(|path| !USUAL.contains(&top(path).as_str()));
    unusual
        .map(|path| Offence::of(path, "nothing else lies at the root: remove it, or say why here"))
        .collect()
}

#[test]
fn nothing_but_the_usual_lies_at_the_root() {
    let listed =
        Command::new("git").arg("-C").arg(source::root()).args(["ls-files", "-z"]).output();
    // A copy without its history tracks nothing.
    let Ok(listed) = listed else { return };
    let listed = String::from_utf8(listed.stdout).unwrap();
    offence::none(&check(listed.split_terminator('\0')));
}

#[test]
fn what_was_left_behind_is_caught() {
    offence::one(&check(["README.md", "cli/src/main.rs", "terminal-1.0.whl"]), "terminal-1.0.whl");
    offence::one(&check(["bindings/lib.rs", ".cargo/config.toml"]), "bindings/lib.rs");
}
