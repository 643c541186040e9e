//! The program under test: where it is, and what it says of a folder.
//!
//! A build of the workspace has made it. Rejected: building it from here, which
//! would choose other features than the build that is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::bed::Trouble;

/// A process that the kernel ends with the thread that starts it, at the latest:
/// a harness that is killed leaves none behind.
pub(crate) fn bound(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program).stdin(std::process::Stdio::null());
    command
}

/// What a harness that was killed has left: `all` are the names of such things,
/// `prefix` is what they begin with before its process id.
pub(crate) fn left_behind<'a>(all: &'a str, prefix: &str) -> Vec<&'a str> {
    let gone = |name: &&str| {
        let Some(rest) = name.strip_prefix(prefix) else { return false };
        let id: String = rest.chars().take_while(char::is_ascii_digit).collect();
        !id.is_empty() && !Path::new("/proc").join(id).exists()
    };
    all.split_whitespace().filter(gone).collect()
}

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
