//! All journals of a session and all recordings, held against each other.
//!
//! One journal proves that its owner did not change it by accident. Only
//! together do they prove that nobody changed it on purpose: each device wrote
//! down the heads that the other showed, the keys that were paired, and the hash
//! of every piece of its recording. What is found is sorted by what it means:
//! *tampered* is said only where bytes contradict a signature, a hash or the
//! other device's record; whatever an honest accident can cause, a dead phone, a
//! copy that is not complete, is *incomplete*.

use std::collections::BTreeMap;

use super::fact::Fact;
use super::offence::{Finding, Integrity, Offence};
use super::proof::{Claim, Proof};
use super::reader::salvage;
use super::record::Head;
use super::replay::{Entry, JournalError, Replayed};
use super::seal::{SignedHead, first_forged};
use crate::identity::{PublicKey, Role};
use crate::join::InTurn;
use crate::limits;

/// Where [`verify`] gets the hashes of the recordings from: whoever has files
/// computes them.
pub trait Media {
    /// SHA-256 of `bytes` bytes at `offset` of the recording of `role` whose file
    /// name has the hash `file`; `None` if they are not there.
    fn sha256(&mut self, role: Role, file: &[u8; 32], offset: u64, bytes: u32) -> Option<[u8; 32]>;
}

/// Who checks the signatures of seals. They do not depend on each other, so that
/// whoever has several processors can share them out.
pub trait Signatures {
    /// The place of the first of `heads` that `key` did not sign.
    fn first_forged(&mut self, key: &PublicKey, heads: &[SignedHead]) -> Option<usize>;
}

/// About a tenth of a millisecond each.
impl Signatures for InTurn {
    fn first_forged(&mut self, key: &PublicKey, heads: &[SignedHead]) -> Option<usize> {
        first_forged(key, heads)
    }
}

/// The result of [`verify`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verification {
    /// Everything found, worst first, then by journal and place; at most
    /// [`limits::JOURNAL_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Records read in all journals.
    pub records: u64,
    /// Seals whose signature was checked.
    pub seals: u64,
    /// Pieces of recordings whose hash was compared.
    pub pieces: u64,
}

impl Verification {
    /// What the findings mean together.
    #[must_use]
    pub fn integrity(&self) -> Integrity {
        self.first().map_or(Integrity::Intact, |finding| finding.offence.means())
    }

    /// The first of the worst.
    #[must_use]
    pub fn first(&self) -> Option<&Finding> {
        self.findings.first()
    }
}

/// Holds journals and recordings against each other. `[JOURNAL-20]`
///
/// Without `media` the recordings are not looked at. Costs a signature check for
/// every seal; [`verify_read`] lets them be shared out.
#[must_use]
pub fn verify(journals: &[&[u8]], media: Option<&mut dyn Media>) -> Verification {
    let read: Vec<_> = journals.iter().map(|file| salvage(file)).collect();
    verify_read(&read, &mut InTurn, media)
}

/// The same of journals that were [salvaged](salvage) already, each with what was
/// wrong with it if it could not be.
#[must_use]
pub fn verify_read(
    journals: &[Result<Replayed, JournalError>],
    signatures: &mut dyn Signatures,
    media: Option<&mut dyn Media>,
) -> Verification {
    let mut check = Check::default();
    let mut read = Vec::new();
    for (index, journal) in journals.iter().enumerate() {
        match journal {
            Ok(replayed) => read.push((index, replayed)),
            Err(error) => check.note(index, None, 0, Offence::Unreadable(*error)),
        }
    }
    check.headers(&read);
    for (index, journal) in &read {
        let heads = journal.signed_heads();
        let forged = signatures.first_forged(&journal.header().key, heads);
        let checked = forged.map_or(heads.len(), |place| place.saturating_add(1));
        check.seals = check.seals.saturating_add(checked as u64);
        check.alone(*index, journal, forged.and_then(|place| heads.get(place)));
        check.against_peers(*index, journal, &read);
    }
    if let Some(media) = media {
        for (index, journal) in &read {
            check.recordings(*index, journal, media);
        }
    }
    check.finish(&read)
}

/// What journals that were read already say against each other, for whoever
/// judges by them: of each, only the seals are checked that cover all others.
/// Findings are numbered by the place in `journals`. `[JOURNAL-20]` `[JOURNAL-21]`
#[must_use]
pub fn cross_check(journals: &[Replayed]) -> Vec<Finding> {
    let mut check = Check::default();
    let read: Vec<_> = journals.iter().enumerate().collect();
    check.headers(&read);
    for (index, journal) in &read {
        let forged = journal.closing_heads().find(|signed| !signed.holds(&journal.header().key));
        check.alone(*index, journal, forged);
        check.against_peers(*index, journal, &read);
    }
    check.finish(&read).findings
}

/// The last head of each device that a witness saw, and the record that says so.
type Latest = BTreeMap<(Role, u8), (u64, Head)>;

#[derive(Default)]
struct Check {
    findings: Vec<Finding>,
    seals: u64,
    pieces: u64,
}

impl Check {
    fn note(&mut self, journal: usize, role: Option<Role>, offset: u64, offence: Offence) {
        self.add(Finding { journal, role, offset, offence, proof: None });
    }

    fn add(&mut self, finding: Finding) {
        // The worst findings must not be crowded out by harmless ones.
        let full = self.findings.len() >= limits::JOURNAL_FINDINGS;
        if full && finding.offence.means() < Integrity::Tampered {
            return;
        }
        if self.findings.len() < 2 * limits::JOURNAL_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn headers(&mut self, read: &[(usize, &Replayed)]) {
        let primary = read.iter().find(|(_, journal)| journal.header().role.is_primary());
        let Some((_, first)) = primary.or_else(|| read.first()) else { return };
        let expected = first.header().session;
        let mut seen = Vec::new();
        for (index, journal) in read {
            let header = journal.header();
            if header.session != expected {
                let offence = Offence::OtherSession { expected, got: header.session };
                self.note(*index, Some(header.role), 16, offence);
            } else if seen.contains(&(header.role, header.device)) {
                self.note(*index, Some(header.role), 10, Offence::Twice);
            }
            seen.push((header.role, header.device));
        }
    }

    /// What one journal says of itself.
    fn alone(&mut self, index: usize, journal: &Replayed, forged: Option<&SignedHead>) {
        let role = Some(journal.header().role);
        for hole in journal.holes() {
            self.note(index, role, hole.offset, Offence::Damaged(hole.damage));
        }
        if let Some(signed) = forged {
            let sequence = signed.head.sequence;
            let offset = offset_of(journal, sequence.saturating_add(1));
            self.note(index, role, offset, Offence::ForgedSeal { sequence });
        }
        if journal.torn() > 0 {
            self.note(index, role, journal.length(), Offence::Torn { bytes: journal.torn() });
        }
        let sealed = journal.entries().iter().rev().find(|entry| is_seal(entry));
        let covered = sealed.map_or(0, |entry| entry.sequence);
        let records = journal.head().sequence.saturating_sub(covered);
        if records > 0 {
            let first = journal.entries().iter().find(|entry| entry.sequence > covered);
            let offset = first.map_or(journal.length(), |entry| entry.offset);
            self.note(index, role, offset, Offence::Unsealed { records });
        }
        // Whoever never began has nothing to finish.
        if !journal.is_finished() && !journal.entries().is_empty() {
            self.note(index, role, journal.length(), Offence::Unfinished);
        }
    }

    /// What `witness` wrote down of the others.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a witness says four things of others")]
    fn against_peers(&mut self, index: usize, witness: &Replayed, read: &[(usize, &Replayed)]) {
        let by = witness.header().role;
        let mut device: BTreeMap<Role, u8> = BTreeMap::new();
        let mut paired: BTreeMap<Role, Vec<PublicKey>> = BTreeMap::new();
        let mut latest: Latest = BTreeMap::new();
        let find = |role, device| journal_of(witness, read, role, device);
        for entry in witness.entries() {
            match &entry.fact {
                Fact::Paired { peer, key, .. } => {
                    let key = **key;
                    // The n-th device that is paired for a seat, which may have the key of
                    // one before it, or be paired once more after a crash.
                    let keys = paired.entry(*peer).or_default();
                    let replaces = device.get(peer).is_some_and(|n| usize::from(*n) > keys.len());
                    if replaces || !keys.contains(&key) {
                        keys.push(key);
                    }
                    let nth = keys.iter().rposition(|known| *known == key).unwrap_or_default();
                    let number = u8::try_from(nth.saturating_add(1)).unwrap_or(u8::MAX);
                    match find(*peer, number) {
                        Some((other, journal)) if journal.header().key != key => {
                            self.note(*other, Some(*peer), 32, Offence::WrongKey { witness: by });
                        }
                        Some(_) => {}
                        None => {
                            let offence = Offence::Absent { witness: by, absent: *peer };
                            self.note(index, Some(by), entry.offset, offence);
                        }
                    }
                }
                Fact::DeviceReplaced { role, device: now, .. } => {
                    device.insert(*role, *now);
                }
                Fact::PeerBoot { peer, device: number, .. } => {
                    device.insert(*peer, *number);
                }
                Fact::PeerHead { peer, sequence, head, .. } => {
                    let number = device.get(peer).copied().unwrap_or(1);
                    let head = Head { sequence: *sequence, hash: *head };
                    let seen = latest.entry((*peer, number)).or_insert((entry.sequence, head));
                    if head.sequence >= seen.1.sequence {
                        *seen = (entry.sequence, head);
                    }
                    if let Some((other, journal)) = find(*peer, number)
                        && entry_of(journal, head.sequence).is_some_and(|at| at.hash != head.hash)
                    {
                        self.head(*other, journal, Claim::of(witness, entry.sequence, head));
                    }
                }
                Fact::ForkSeen { peer, .. } => {
                    let number = device.get(peer).copied().unwrap_or(1);
                    let key = paired.get(peer).and_then(|keys| keys.last()).copied();
                    self.fork((index, witness), entry, find(*peer, number), key);
                }
                _ => {}
            }
        }
        self.lengths(witness, read, latest);
    }

    /// Two histories that `witness` was shown, of a journal that is here or of a device
    /// with that key. `[JOURNAL-23]`
    fn fork(
        &mut self,
        (index, witness): (usize, &Replayed),
        entry: &Entry,
        known: Option<&(usize, &Replayed)>,
        key: Option<PublicKey>,
    ) {
        let Fact::ForkSeen { peer, sequence, ours, theirs } = &entry.fact else { return };
        let key = known.map(|(_, journal)| journal.header().key).or(key);
        let claim = |history: u8, hash: &[u8; 32]| {
            let head = Head { sequence: *sequence, hash: *hash };
            let claim = Claim::of(witness, entry.sequence, head);
            key.map_or(claim, |key| claim.with_seal_of(&key, *peer, witness, history))
        };
        let (other, offset) = known.map_or((index, entry.offset), |(other, journal)| {
            (*other, offset_of(journal, *sequence))
        });
        let by = witness.header().role;
        self.add(Finding {
            journal: other,
            role: Some(*peer),
            offset,
            offence: Offence::ForkSeen { witness: by, sequence: *sequence },
            proof: Some(Proof { here: claim(0, ours), seen: claim(1, theirs) }),
        });
    }

    /// Journals that end before what `witness` saw of them.
    fn lengths(&mut self, witness: &Replayed, read: &[(usize, &Replayed)], latest: Latest) {
        let by = witness.header().role;
        for ((peer, number), (record, head)) in latest {
            let Some((other, journal)) = journal_of(witness, read, peer, number) else { continue };
            let (ends, seen) = (journal.head(), head.sequence);
            if seen <= ends.sequence {
                continue;
            }
            if !journal.is_finished() {
                let offence = Offence::TailMissing { witness: by, ends: ends.sequence, seen };
                self.note(*other, Some(peer), journal.length(), offence);
                continue;
            }
            let here = Claim::of(journal, ends.sequence.saturating_sub(1), ends);
            self.add(Finding {
                journal: *other,
                role: Some(peer),
                offset: journal.length(),
                offence: Offence::ShorterThanSeen { witness: by, ends: ends.sequence, seen },
                proof: Some(Proof { here, seen: Claim::of(witness, record, head) }),
            });
        }
    }

    /// A head of `journal` that a witness wrote down.
    fn head(&mut self, other: usize, journal: &Replayed, seen: Claim) {
        let Some(entry) = entry_of(journal, seen.head.sequence) else { return };
        // One rewritten record changes every head after it: the first says it all.
        let known = self.findings.iter().any(|finding| {
            finding.journal == other && matches!(finding.offence, Offence::OtherHead { .. })
        });
        if entry.hash == seen.head.hash || known {
            return;
        }
        let here = Head { sequence: entry.sequence, hash: entry.hash };
        self.add(Finding {
            journal: other,
            role: Some(journal.header().role),
            offset: entry.offset,
            offence: Offence::OtherHead { witness: seen.by, sequence: entry.sequence },
            proof: Some(Proof { here: Claim::of(journal, entry.sequence, here), seen }),
        });
    }

    fn recordings(&mut self, index: usize, journal: &Replayed, media: &mut dyn Media) {
        let role = journal.header().role;
        let mut file = None;
        for entry in journal.entries() {
            if let Fact::RecordingStarted { file: name, .. } = &entry.fact {
                file = Some(*name);
            }
            let Fact::Segment { offset: at, bytes, sha256, .. } = &entry.fact else { continue };
            let (sequence, at, bytes) = (entry.sequence, *at, *bytes);
            let found = file.and_then(|name| media.sha256(role, &name, at, bytes));
            self.pieces = self.pieces.saturating_add(1);
            let offence = match found {
                Some(hash) if hash == *sha256 => continue,
                Some(_) => Offence::MediaChanged { sequence, at, bytes },
                None => Offence::MediaMissing { sequence, at, bytes },
            };
            self.note(index, Some(role), entry.offset, offence);
        }
    }

    fn finish(mut self, read: &[(usize, &Replayed)]) -> Verification {
        self.findings.sort_by_key(|finding| {
            (core::cmp::Reverse(finding.offence.means()), finding.journal, finding.offset)
        });
        self.findings.truncate(limits::JOURNAL_FINDINGS);
        let records = read.iter().map(|(_, journal)| journal.entries().len() as u64).sum();
        Verification { findings: self.findings, records, seals: self.seals, pieces: self.pieces }
    }
}

const fn is_seal(entry: &Entry) -> bool {
    matches!(entry.fact, Fact::Seal { .. })
}

fn entry_of(journal: &Replayed, sequence: u64) -> Option<&Entry> {
    let entries = journal.entries();
    // Without a hole before it, it lies as far in as its number says.
    let place = usize::try_from(sequence.checked_sub(entries.first()?.sequence)?).ok()?;
    let there = entries.get(place).filter(|entry| entry.sequence == sequence);
    there.or_else(|| {
        let index = entries.binary_search_by_key(&sequence, |entry| entry.sequence).ok()?;
        entries.get(index)
    })
}

/// The journal of a device of the session that `witness` took part in.
fn journal_of<'a>(
    witness: &Replayed,
    read: &'a [(usize, &'a Replayed)],
    role: Role,
    device: u8,
) -> Option<&'a (usize, &'a Replayed)> {
    read.iter().find(|(_, journal)| {
        let header = journal.header();
        (header.role, header.device) == (role, device) && header.session == witness.header().session
    })
}

fn offset_of(journal: &Replayed, sequence: u64) -> u64 {
    entry_of(journal, sequence).map_or(journal.length(), |entry| entry.offset)
}
