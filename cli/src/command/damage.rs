//! What is wrong with the journals that a verdict rests on, and what that costs.
//!
//! A verdict by half of a journal reads like one by all of it. So whoever judges names each
//! file that is not what its device wrote, where it is broken, and how much of it is left.
//! Signatures of every seal and the recordings are `verify`'s, which takes longer.

use std::io::Write;

use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Head, Integrity, Offence, Replayed};
use diptych_protocol::report::{JournalState, Report};
use diptych_protocol::time::Span;
use serde_json::{Value, json};

use super::verify::word;
use super::words::counted;
use crate::folder::SessionFolder;

/// One thing that is wrong with a journal.
pub(super) struct Damage {
    file: String,
    offset: u64,
    integrity: Integrity,
    meaning: String,
    /// Records that cannot be read, or are not there.
    lost: u64,
    /// Of the device's time, what is unknown in this session.
    unknown: Span,
}

/// The names of journals, by what tells two of them apart.
pub(super) struct Names(Vec<((Role, u8, Head), String)>);

impl Names {
    /// Of these journals, each with its name.
    pub(super) fn of(named: &[(String, Replayed)]) -> Self {
        let of = |(name, journal): &(String, Replayed)| (key(journal), name.clone());
        Self(named.iter().map(of).collect())
    }
}

fn key(journal: &Replayed) -> (Role, u8, Head) {
    (journal.header().role, journal.header().device, journal.head())
}

/// Everything that `report` found in its journals, the worst first, and the files of `folder`
/// that are too short to be any.
pub(super) fn damages(report: &Report, names: &Names, folder: &SessionFolder) -> Vec<Damage> {
    let unknown = |role: Role| {
        let of_role = report.unknown.iter().filter(|gap| gap.role == role);
        of_role.fold(Span::ZERO, |sum, gap| sum + (gap.end - gap.start))
    };
    let mut all: Vec<Damage> = Vec::new();
    for finding in &report.findings {
        let state = report.journals.get(finding.journal);
        let name = state.and_then(|state| {
            let wanted = (state.role, state.device, state.head);
            names.0.iter().find(|(key, _)| *key == wanted).map(|(_, name)| name.clone())
        });
        let role = finding.role.or(state.map(|state| state.role));
        all.push(Damage {
            file: name
                .unwrap_or_else(|| role.map_or(String::new(), |role| format!("{role}.journal"))),
            offset: finding.offset,
            integrity: finding.offence.means(),
            meaning: finding.offence.to_string(),
            lost: lost(&finding.offence, state),
            unknown: role.map_or(Span::ZERO, unknown),
        });
    }
    for name in folder.journals().iter().filter(|name| !names.0.iter().any(|(_, is)| is == *name)) {
        all.push(Damage {
            file: name.clone(),
            offset: 0,
            integrity: Integrity::Incomplete,
            meaning: "it ends inside its header: nothing of it can be read".to_owned(),
            lost: 0,
            unknown: Span::ZERO,
        });
    }
    all.sort_by_key(|damage| core::cmp::Reverse(damage.integrity));
    all
}

/// How many records an offence costs.
#[expect(clippy::wildcard_enum_match_arm, reason = "two offences are about records that lack")]
fn lost(offence: &Offence, state: Option<&JournalState>) -> u64 {
    match offence {
        Offence::Damaged(_) => {
            state.map_or(0, |state| state.head.sequence.saturating_sub(state.records))
        }
        Offence::TailMissing { ends, seen, .. } => seen.saturating_sub(*ends),
        _ => 0,
    }
}

/// What the damages mean together.
pub(super) fn integrity(damages: &[Damage]) -> Integrity {
    damages.iter().map(|damage| damage.integrity).max().unwrap_or(Integrity::Intact)
}

/// Says what is wrong, each file with what it costs.
pub(super) fn print(damages: &[Damage], dir: &str, out: &mut dyn Write) -> std::io::Result<()> {
    if damages.is_empty() {
        return writeln!(out, "The journals are whole; `diptych verify {dir}` checks every seal.");
    }
    let state = word(integrity(damages));
    writeln!(out, "Evidence {state}: the verdict is by what is left of it")?;
    let mut told: Vec<&str> = Vec::new();
    for Damage { file, offset, integrity, meaning, lost, unknown } in damages {
        let state = word(*integrity);
        writeln!(out, "  {state:<10} {file}, byte {offset}:\n             {meaning}")?;
        let gone =
            (*lost > 0).then(|| format!("{} of it cannot be read", counted(*lost, "record")));
        // Of the file and not of one finding: told once.
        let first = !told.contains(&file.as_str());
        told.push(file);
        let tenths = unknown.nanos() / 100_000_000;
        let open = (first && *unknown > Span::ZERO)
            .then(|| format!("{}.{} s of its time are unknown", tenths / 10, tenths % 10));
        let costs: Vec<String> = gone.into_iter().chain(open).collect();
        if !costs.is_empty() {
            writeln!(out, "             costs: {}", costs.join(", "))?;
        }
    }
    writeln!(out, "  see `diptych verify {dir}`: it checks the seals and recordings as well")
}

/// The same for a script.
pub(super) fn objects(damages: &[Damage]) -> Vec<Value> {
    let object = |damage: &Damage| {
        json!({
            "file": damage.file,
            "offset": damage.offset,
            "integrity": word(damage.integrity),
            "meaning": damage.meaning,
            "records_lost": damage.lost,
            "unknown_ns": damage.unknown.nanos(),
        })
    };
    damages.iter().map(object).collect()
}
