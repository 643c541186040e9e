//! The program under test: where it is, and what it says of a folder.
//!
//! A build of the workspace has made it. Rejected: building it from here, which
//! would choose other features than the build that is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::bed::Trouble;

/// Where `diptych` is, of the same profile as this harness.
pub(crate) fn diptych() -> Result<PathBuf, Trouble> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let profile = own.parent().and_then(Path::parent).ok_or("no build folder")?;
    let program = profile.join("diptych");
    let missing = || format!("no program at {}: run `cargo build` first", program.display());
    if program.exists() { Ok(program) } else { Err(missing()) }
}

/// Asks the program about a folder; its one JSON object.
pub(crate) fn ask(words: &[&str], folder: &Path) -> Result<Value, Trouble> {
    let ran = Command::new(diptych()?).args(words).arg("--json").arg(folder).output();
    let ran = ran.map_err(|error| error.to_string())?;
    serde_json::from_slice(&ran.stdout).map_err(|_| {
        format!("{}: {}", words.join(" "), String::from_utf8_lossy(&ran.stderr).trim())
    })
}
