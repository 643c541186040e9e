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
use diptych_protocol::limits;
use serde_json::{Value, json};

use super::words::counted;
use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::{Copied, Salvaged, SessionFolder};
use crate::progress::Progress;
use crate::share;

/// Findings that are shown.
const SHOWN: usize = 20;

pub(crate) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let folder = SessionFolder::open(&args.dir)?;
    let journals = folder.salvaged()?;
    let Checked { result, missing } = check_read(&folder, &journals);
    let findings = Told::all(&result, &missing, &folder, &journals);
    let extra = uncommitted(&folder, &journals);
    if args.json {
        print_json(&result, &findings, (&extra, folder.copies()), out)?;
    } else {
        print_text(&result, &findings, &extra, &folder, out)?;
    }
    Ok(Exit::of_integrity(result.integrity()))
}

/// What the findings in a folder mean together.
pub(super) fn integrity(dir: &Path) -> Result<Integrity, Fail> {
    Ok(check(&SessionFolder::open(dir)?)?.result.integrity())
}

/// What was found in a folder.
pub(super) struct Checked {
    /// As much of it as can be named one by one.
    pub(super) result: Verification,
    /// Every piece that is not there.
    pub(super) missing: Missing,
}

/// How many pieces of each recording are not there, and how many bytes they are: of the role
/// and the hash of the name.
type Missing = BTreeMap<(Role, [u8; 32]), (u64, u64)>;

/// Checks everything in a folder.
pub(super) fn check(folder: &SessionFolder) -> Result<Checked, Fail> {
    Ok(check_read(folder, &folder.salvaged()?))
}

fn check_read(folder: &SessionFolder, journals: &[Salvaged]) -> Checked {
    let mut seals = Seals { progress: Progress::begin() };
    let mut recordings = Recordings::of(folder, journals);
    let result = verify_read(journals, &mut seals, Some(&mut recordings));
    Checked { result, missing: recordings.missing }
}

/// Whether a finding is a piece of a recording that is not what was committed.
pub(super) const fn is_changed_piece(finding: &Finding) -> bool {
    matches!(finding.offence, Offence::MediaChanged { .. })
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
    missing: Missing,
}

impl<'a> Recordings<'a> {
    fn of(folder: &'a SessionFolder, journals: &[Salvaged]) -> Self {
        let entries = journals.iter().flatten().flat_map(Replayed::entries);
        let all = entries.filter(|entry| matches!(entry.fact, Fact::Segment { .. })).count();
        let progress = Progress::begin();
        let (open, missing) = (BTreeMap::new(), Missing::new());
        Self { folder, open, progress, hashed: 0, all: all as u64, missing }
    }
}

impl Media for Recordings<'_> {
    fn sha256(&mut self, role: Role, name: &[u8; 32], offset: u64, bytes: u32) -> Option<[u8; 32]> {
        self.progress.show("pieces of recordings", self.hashed, self.all);
        self.hashed = self.hashed.saturating_add(1);
        let found = self.hash(name, offset, bytes);
        if found.is_none() {
            let (count, lost) = self.missing.entry((role, *name)).or_default();
            *count = count.saturating_add(1);
            *lost = lost.saturating_add(bytes.into());
        }
        found
    }
}

impl Recordings<'_> {
    fn hash(&mut self, name: &[u8; 32], offset: u64, bytes: u32) -> Option<[u8; 32]> {
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

/// What was found, in the words of the folder.
struct Told {
    file: String,
    offset: u64,
    recording: Option<String>,
    meaning: String,
    integrity: &'static str,
    /// The pieces of a recording that it is about.
    pieces: Option<Pieces>,
    /// Two heads that exclude each other.
    heads: Vec<Claim>,
}

/// Pieces of one recording that lack in the same way.
struct Pieces {
    /// The journal that committed them, and the hash of the recording's name.
    of: (usize, Option<[u8; 32]>),
    count: u64,
    bytes: u64,
    /// Where in the recording the first begins.
    from: u64,
    /// The record of the first.
    record: u64,
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
    /// Every finding, but the pieces of one recording that lack in the same way as one: a file
    /// that was not copied is one thing to find out, however many pieces it has.
    fn all(
        result: &Verification,
        missing: &Missing,
        folder: &SessionFolder,
        journals: &[Salvaged],
    ) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for finding in &result.findings {
            let next = Self::of(finding, folder, journals);
            let group = all.iter_mut().rev().find(|told| told.integrity == next.integrity);
            if !group.is_some_and(|group| group.takes_in(&next)) {
                all.push(next);
            }
        }
        for told in &mut all {
            told.count(missing, journals);
        }
        all
    }

    fn of(finding: &Finding, folder: &SessionFolder, journals: &[Salvaged]) -> Self {
        let journal = folder.journals().get(finding.journal);
        let pieces = pieces(finding, journals);
        let recording = pieces.as_ref().map(|pieces| {
            let name = pieces.of.1.and_then(|name| folder.named(&name));
            name.unwrap_or("a file that is not here").to_owned()
        });
        Self {
            file: journal.cloned().unwrap_or_default(),
            offset: finding.offset,
            recording,
            meaning: finding.offence.to_string(),
            integrity: word(finding.offence.means()),
            pieces,
            heads: finding.proof.iter().flat_map(|proof| [proof.here, proof.seen]).collect(),
        }
    }

    /// Whether `next` is told by this as well: one more piece of the same recording.
    fn takes_in(&mut self, next: &Self) -> bool {
        let (Some(mine), Some(more)) = (&mut self.pieces, &next.pieces) else { return false };
        if mine.of != more.of {
            return false;
        }
        mine.count = mine.count.saturating_add(more.count);
        mine.bytes = mine.bytes.saturating_add(more.bytes);
        true
    }

    /// Says how many pieces it is about: also those that a verification has no room to name.
    fn count(&mut self, missing: &Missing, journals: &[Salvaged]) {
        let tampered = self.integrity == word(Integrity::Tampered);
        let Some(mine) = &mut self.pieces else { return };
        let role = journals.get(mine.of.0).and_then(|journal| journal.as_ref().ok());
        let role = role.map(|journal| journal.header().role);
        let known = role.zip(mine.of.1).and_then(|name| missing.get(&name));
        if let Some((count, bytes)) = known.filter(|_| !tampered) {
            (mine.count, mine.bytes) = (*count, *bytes);
        }
        let Pieces { count, bytes, from, record, .. } = mine;
        if *count > 1 {
            let state = if tampered { "were changed" } else { "are missing" };
            self.meaning = format!(
                "{count} pieces from record {record} on, {bytes} bytes from byte {from} on, {state}"
            );
        }
    }
}

/// The piece of a recording that a finding is about.
#[expect(clippy::wildcard_enum_match_arm, reason = "two offences are about recordings")]
fn pieces(finding: &Finding, journals: &[Salvaged]) -> Option<Pieces> {
    let (sequence, from, bytes) = match finding.offence {
        Offence::MediaChanged { sequence, at, bytes }
        | Offence::MediaMissing { sequence, at, bytes } => (sequence, at, bytes),
        _ => return None,
    };
    let journal = journals.get(finding.journal)?.as_ref().ok()?;
    let before = journal.entries().iter().rev().filter(|entry| entry.sequence < sequence);
    let name = before
        .filter_map(|entry| match &entry.fact {
            Fact::RecordingStarted { file, .. } => Some(*file),
            _ => None,
        })
        .next();
    let of = (finding.journal, name);
    Some(Pieces { of, count: 1, bytes: bytes.into(), from, record: sequence })
}

pub(super) const fn word(integrity: Integrity) -> &'static str {
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
        "{state}: {}, {}, {}, {} of recordings",
        counted(journals as u64, "journal"),
        counted(*records, "record"),
        counted(*seals, "signature"),
        counted(*pieces, "piece"),
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
    if result.findings.len() >= limits::JOURNAL_FINDINGS {
        writeln!(out, "  and what is not named beside {} findings", limits::JOURNAL_FINDINGS)?;
    }
    for Copied { name, of } in folder.copies() {
        writeln!(out, "  note       {name}: the same as {of} byte for byte, and left out")?;
    }
    for (name, bytes) in extra {
        writeln!(out, "  note       {name}: its last {bytes} bytes were never committed")?;
    }
    Ok(())
}

fn print_json(
    result: &Verification,
    findings: &[Told],
    (extra, copies): (&[(String, u64)], &[Copied]),
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
            "pieces": told.pieces.as_ref().map(|pieces| pieces.count),
            "bytes": told.pieces.as_ref().map(|pieces| pieces.bytes),
            "heads": heads,
        }))
    });
    let extra = extra.iter().map(|(name, bytes)| json!({ "file": name, "bytes": bytes }));
    let copies = copies.iter().map(|Copied { name, of }| json!({ "file": name, "of": of }));
    let object = json!({
        "integrity": word(result.integrity()),
        "records": result.records,
        "signatures": result.seals,
        "pieces": result.pieces,
        "complete": result.findings.len() < limits::JOURNAL_FINDINGS,
        "findings": findings.collect::<serde_json::Result<Vec<_>>>()?,
        "uncommitted": extra.collect::<Vec<_>>(),
        "copies": copies.collect::<Vec<_>>(),
    });
    writeln!(out, "{object:#}")
}
