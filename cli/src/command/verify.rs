//! `diptych verify`: whether the evidence is what the devices wrote.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use diptych_primary::render;
use diptych_protocol::identity::{Hex, KnownKey, PublicKey, Role, sha256};
use diptych_protocol::journal::{
    Claim, Fact, Finding, Integrity, Media, Offence, Replayed, Signatures, SignedHead,
    Verification, verify_read,
};
use serde_json::{Value, json};

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::{Salvaged, SessionFolder};
use crate::progress::Progress;
use crate::share;

/// Findings that are shown.
const SHOWN: usize = 20;

pub(crate) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let folder = SessionFolder::open(&args.dir)?;
    let journals = folder.salvaged()?;
    let mut seals = Seals { progress: Progress::begin() };
    let mut recordings = Recordings::of(&folder, &journals);
    let result = verify_read(&journals, &mut seals, Some(&mut recordings));
    drop((seals, recordings));
    let findings: Vec<Told> =
        result.findings.iter().map(|finding| Told::of(finding, &folder, &journals)).collect();
    let extra = uncommitted(&folder, &journals);
    if args.json {
        print_json(&result, &findings, &extra, out)?;
    } else {
        print_text(&result, &findings, &extra, &folder, out)?;
    }
    Ok(Exit::of_integrity(result.integrity()))
}

/// What the findings in a folder mean together.
pub(super) fn integrity(dir: &Path) -> Result<Integrity, Fail> {
    let folder = SessionFolder::open(dir)?;
    let journals = folder.salvaged()?;
    let mut seals = Seals { progress: Progress::begin() };
    let mut recordings = Recordings::of(&folder, &journals);
    Ok(verify_read(&journals, &mut seals, Some(&mut recordings)).integrity())
}

/// Signatures, checked on all processors.
struct Seals {
    progress: Progress,
}

impl Signatures for Seals {
    fn first_forged(&mut self, key: &PublicKey, heads: &[SignedHead]) -> Option<usize> {
        let all = heads.len() as u64;
        let shown = |seen: usize| self.progress.show("signatures", seen as u64, all);
        let key = KnownKey::of(key);
        share::first(heads, |signed| !signed.holds_by(&key), shown)
    }
}

/// The recordings of a folder, hashed piece by piece.
struct Recordings<'a> {
    folder: &'a SessionFolder,
    open: BTreeMap<[u8; 32], Option<File>>,
    progress: Progress,
    hashed: u64,
    all: u64,
}

impl<'a> Recordings<'a> {
    fn of(folder: &'a SessionFolder, journals: &[Salvaged]) -> Self {
        let entries = journals.iter().flatten().flat_map(Replayed::entries);
        let all = entries.filter(|entry| matches!(entry.fact, Fact::Segment { .. })).count();
        let progress = Progress::begin();
        Self { folder, open: BTreeMap::new(), progress, hashed: 0, all: all as u64 }
    }
}

impl Media for Recordings<'_> {
    fn sha256(&mut self, _: Role, name: &[u8; 32], offset: u64, bytes: u32) -> Option<[u8; 32]> {
        self.progress.show("pieces of recordings", self.hashed, self.all);
        self.hashed = self.hashed.saturating_add(1);
        let folder = self.folder;
        let opened = self.open.entry(*name).or_insert_with(|| {
            let path = folder.path().join(folder.named(name)?);
            File::open(path).ok()
        });
        let file = opened.as_mut()?;
        file.seek(SeekFrom::Start(offset)).ok()?;
        let mut piece = Vec::new();
        file.take(bytes.into()).read_to_end(&mut piece).ok()?;
        // A file that ends too early is missing bytes, not changed ones.
        (piece.len() as u64 == u64::from(bytes)).then(|| sha256(&piece))
    }
}

/// A finding in the words of the folder.
struct Told {
    file: String,
    offset: u64,
    recording: Option<String>,
    meaning: String,
    integrity: &'static str,
    /// Two heads that exclude each other.
    heads: Vec<Claim>,
}

/// Two lines that fit into 80 columns with 64 digits each, for a head and for the
/// forked device's own seal on its history.
fn print_head(claim: &Claim, out: &mut dyn Write) -> std::io::Result<()> {
    let Claim { head, by, record, seal, own, .. } = claim;
    let signed = seal.map_or("not signed".to_owned(), |(at, signed)| {
        format!("signed in {at} ({:.12}…)", Hex(&signed.signature.0))
    });
    writeln!(out, "             record {}, as {by} wrote in {record}, {signed}:", head.sequence)?;
    writeln!(out, "             {}", Hex(&head.hash))?;
    if let Some((_, own)) = own {
        let (last, short) = (own.head.sequence, Hex(&own.signature.0));
        writeln!(out, "               its own seal there, up to record {last} ({short:.12}…):")?;
        writeln!(out, "               {}", Hex(&own.head.hash))?;
    }
    Ok(())
}

impl Told {
    fn of(finding: &Finding, folder: &SessionFolder, journals: &[Salvaged]) -> Self {
        let journal = folder.journals().get(finding.journal);
        Self {
            file: journal.cloned().unwrap_or_default(),
            offset: finding.offset,
            recording: recording_of(finding, folder, journals),
            meaning: finding.offence.to_string(),
            integrity: word(finding.offence.means()),
            heads: finding.proof.iter().flat_map(|proof| [proof.here, proof.seen]).collect(),
        }
    }
}

/// The name of the recording that a finding is about.
#[expect(clippy::wildcard_enum_match_arm, reason = "two offences are about recordings")]
fn recording_of(
    finding: &Finding,
    folder: &SessionFolder,
    journals: &[Salvaged],
) -> Option<String> {
    let about = match finding.offence {
        Offence::MediaChanged { sequence, .. } | Offence::MediaMissing { sequence, .. } => sequence,
        _ => return None,
    };
    let journal = journals.get(finding.journal)?.as_ref().ok()?;
    let before = journal.entries().iter().rev().filter(|entry| entry.sequence < about);
    before
        .filter_map(|entry| match &entry.fact {
            Fact::RecordingStarted { file, .. } => Some(file),
            _ => None,
        })
        .next()
        .map(|file| folder.named(file).unwrap_or("a file that is not here").to_owned())
}

const fn word(integrity: Integrity) -> &'static str {
    match integrity {
        Integrity::Intact => "INTACT",
        Integrity::Incomplete => "INCOMPLETE",
        Integrity::Tampered => "TAMPERED",
    }
}

/// Recordings that go on after the last piece that a journal committed, and by
/// how many bytes. No offence: a recorder that is killed leaves such an end.
fn uncommitted(folder: &SessionFolder, journals: &[Salvaged]) -> Vec<(String, u64)> {
    let mut committed: BTreeMap<String, u64> = BTreeMap::new();
    for journal in journals.iter().flatten() {
        let mut current: Option<&str> = None;
        for entry in journal.entries() {
            if let Fact::RecordingStarted { file, .. } = &entry.fact {
                current = folder.named(file);
            }
            let Fact::Segment { offset, bytes, .. } = &entry.fact else { continue };
            let Some(name) = current else { continue };
            let end = committed.entry(name.to_owned()).or_default();
            *end = (*end).max(offset.saturating_add(u64::from(*bytes)));
        }
    }
    let beyond = |(name, end): (String, u64)| {
        let path: PathBuf = folder.path().join(&name);
        let length = std::fs::metadata(path).ok()?.len();
        length.checked_sub(end).filter(|extra| *extra > 0).map(|extra| (name, extra))
    };
    committed.into_iter().filter_map(beyond).collect()
}

fn print_text(
    result: &Verification,
    findings: &[Told],
    extra: &[(String, u64)],
    folder: &SessionFolder,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let Verification { records, seals, pieces, .. } = result;
    let journals = folder.journals().len();
    let state = word(result.integrity());
    writeln!(
        out,
        "{state}: {journals} journals, {records} records, {seals} signatures, {pieces} pieces of \
         recordings"
    )?;
    for told in findings.iter().take(SHOWN) {
        let recording = told.recording.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        writeln!(
            out,
            "  {:<10} {}, byte {}{recording}:\n             {}",
            told.integrity, told.file, told.offset, told.meaning
        )?;
        for head in &told.heads {
            print_head(head, out)?;
        }
    }
    if let Some(more) = findings.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more; --json shows all")?;
    }
    for (name, bytes) in extra {
        writeln!(out, "  note       {name}: its last {bytes} bytes were never committed")?;
    }
    Ok(())
}

fn print_json(
    result: &Verification,
    findings: &[Told],
    extra: &[(String, u64)],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let object = |claim| serde_json::from_str::<Value>(&render::claim(claim));
    let findings = findings.iter().map(|told| {
        let heads = told.heads.iter().map(object).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({
            "integrity": told.integrity,
            "file": told.file,
            "offset": told.offset,
            "recording": told.recording,
            "meaning": told.meaning,
            "heads": heads,
        }))
    });
    let extra = extra.iter().map(|(name, bytes)| json!({ "file": name, "bytes": bytes }));
    let object = json!({
        "integrity": word(result.integrity()),
        "records": result.records,
        "signatures": result.seals,
        "pieces": result.pieces,
        "findings": findings.collect::<serde_json::Result<Vec<_>>>()?,
        "uncommitted": extra.collect::<Vec<_>>(),
    });
    writeln!(out, "{object:#}")
}
