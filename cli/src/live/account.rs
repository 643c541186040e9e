//! What a primary leaves when its session is over: its report, as files.
//!
//! Computed from the journals in its folder and from nothing that the process
//! remembers, as anybody would compute it later.

use std::io::Write;
use std::path::{Path, PathBuf};

use diptych_primary::render;
use diptych_protocol::identity::Fingerprint;
use diptych_protocol::journal::{Replayed, replay};
use diptych_protocol::policy::Proven;
use diptych_protocol::report::{revise, statements};

use super::fail::LiveFail;
use super::life::say;
use crate::exit::Exit;

/// A journal, replayed.
pub(super) fn read(path: &Path) -> Result<Replayed, LiveFail> {
    let bytes = std::fs::read(path).map_err(LiveFail::file(path))?;
    replay(&bytes).map_err(|error| LiveFail::Journal { path: path.to_owned(), error })
}

/// Computes the account from the folder's journals and writes it there.
pub(super) fn account(
    folder: &Path,
    proctors: &[Fingerprint],
    out: &mut dyn Write,
) -> Result<Exit, LiveFail> {
    let entries = std::fs::read_dir(folder).map_err(LiveFail::file(folder))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|is| is == "journal"));
    paths.sort();
    let journals = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let said: Vec<Proven> = statements(&journals, proctors).into_iter().flatten().collect();
    let report = revise(&journals, None, &said)?;
    let text = render::text(&report);
    for (name, content) in [
        ("report.json", render::json(&report)),
        ("report.txt", text.clone()),
        ("timeline.svg", render::svg(&report)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(LiveFail::file(&path))?;
    }
    say(out, &text);
    Ok(Exit::of_verdict(report.verdict()))
}
