//! `diptych rehearse --kills N`: many deaths, drawn from one seed.
//!
//! A journal is only as good as what is left of it when its process dies, and
//! nobody thinks of the instants at which that happens. So they are drawn: real
//! rehearsals in which both devices are killed with SIGKILL again and again, each
//! held against what its script amounts to, each verified, and of each death is
//! measured how much of the recording it cost.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use diptych_protocol::identity::Role;
use diptych_protocol::journal::Integrity;
use diptych_protocol::report::evaluate;
use diptych_protocol::time::Span;
use serde::Serialize;

use super::verify::integrity;
use crate::fail::Fail;
use crate::folder::SessionFolder;
use crate::live::director::{self, Killed};
use crate::live::fail::LiveFail;
use crate::live::faults::{Action, Fault, Faults};
use crate::picture::Size;

/// Deaths of one rehearsal, at most.
const EACH: u32 = 10;
/// From one death to the next: down, back, and stable for longer than the policy
/// asks, on a crowded machine too.
const APART_MS: u64 = 18_000;
/// Rehearsals that run side by side.
const AT_ONCE: usize = 3;
/// What a death may cost of a recording: a fragment.
const FRAGMENT: Span = Span::from_secs(2);

/// What is asked for.
pub(super) struct Asked {
    pub(super) kills: u32,
    pub(super) seed: u64,
    pub(super) folder: PathBuf,
    pub(super) size: Size,
}

/// What came of it.
#[derive(Serialize, Debug)]
pub(super) struct Figures {
    pub(super) seed: u64,
    pub(super) kills: usize,
    pub(super) rehearsals: usize,
    /// Rehearsals whose report says what their script amounts to.
    pub(super) true_reports: usize,
    /// Rehearsals of whose evidence nothing is missing or changed.
    pub(super) intact: usize,
    /// The most that a death cost of a recording.
    pub(super) lost_ns_max: i64,
    /// From a process's start to its first frame: half, 95 % and all of them.
    pub(super) back_ns_p50: i64,
    pub(super) back_ns_p95: i64,
    pub(super) back_ns_max: i64,
    /// Whatever should not have been.
    pub(super) failures: Vec<String>,
}

impl Figures {
    pub(super) fn summary(&self) -> String {
        let ms = |ns: i64| ns / 1_000_000;
        let Self { seed, kills, rehearsals, true_reports, intact, .. } = self;
        let mut text = format!(
            "seed {seed}: {kills} kills in {rehearsals} rehearsals\n\
             reports that are true: {true_reports} of {rehearsals}; evidence intact: {intact} of \
             {rehearsals}\n\
             lost of a recording at most: {} ms\n\
             back after the start: half within {} ms, 95 % within {} ms, all within {} ms\n",
            ms(self.lost_ns_max),
            ms(self.back_ns_p50),
            ms(self.back_ns_p95),
            ms(self.back_ns_max),
        );
        for failure in &self.failures {
            text.push_str(failure);
            text.push('\n');
        }
        text
    }

    /// Whether all was as it should be.
    pub(super) fn check(&self) -> Result<(), LiveFail> {
        let Some(first) = self.failures.first() else { return Ok(()) };
        let what = format!("{} of {} rehearsals: {first}", self.failures.len(), self.rehearsals);
        Err(LiveFail::Unexpected { what })
    }
}

/// One rehearsal's part of the figures.
#[derive(Default)]
struct One {
    lost: Vec<i64>,
    back: Vec<i64>,
    is_true: bool,
    is_intact: bool,
    failure: Option<String>,
}

/// Runs as many rehearsals as the kills need.
pub(super) fn run(asked: &Asked, out: &mut (dyn Write + Send)) -> Result<Figures, Fail> {
    let scripts = scripts(asked.seed, asked.kills);
    let folder = |number: usize| asked.folder.join(format!("{number:02}"));
    std::fs::create_dir_all(&asked.folder)
        .map_err(|source| Fail::Write { path: asked.folder.clone(), source })?;
    let (waiting, out) = (Mutex::new(scripts.iter().enumerate()), Mutex::new(out));
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(scripts.len()) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((number, script)) = next else { return };
                    let one =
                        rehearse(&folder(number), script, asked.size).unwrap_or_else(|fail| One {
                            failure: Some(format!("rehearsal {number:02}: {fail}")),
                            ..One::default()
                        });
                    let told = one.failure.as_deref().unwrap_or("as scripted, intact");
                    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = writeln!(out, "{} {told}", folder(number).display());
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(figures(asked.seed, done))
}

fn figures(seed: u64, done: Vec<One>) -> Figures {
    let mut back: Vec<i64> = done.iter().flat_map(|one| one.back.iter().copied()).collect();
    back.sort_unstable();
    let part = |percent: usize| {
        let last = back.len().saturating_sub(1);
        back.get(last * percent / 100).copied().unwrap_or_default()
    };
    Figures {
        seed,
        kills: done.iter().map(|one| one.lost.len()).sum(),
        rehearsals: done.len(),
        true_reports: done.iter().filter(|one| one.is_true).count(),
        intact: done.iter().filter(|one| one.is_intact).count(),
        lost_ns_max: done.iter().flat_map(|one| one.lost.iter().copied()).max().unwrap_or_default(),
        back_ns_p50: part(50),
        back_ns_p95: part(95),
        back_ns_max: part(100),
        failures: done.into_iter().filter_map(|one| one.failure).collect(),
    }
}

fn rehearse(folder: &Path, script: &Faults, size: Size) -> Result<One, Fail> {
    let options = director::Options { folder: folder.to_owned(), faults: script.clone(), size };
    let held = director::run(&options, &mut std::io::sink())?;
    let journals = SessionFolder::open(&held.folder)?.replayed()?;
    let report = evaluate(&journals, None)?;
    let found = integrity(&held.folder)?;
    let mut one = One {
        is_true: held.truth == held.report,
        is_intact: found == Integrity::Intact,
        ..One::default()
    };
    for Killed { role, at_ns, started_ns } in &held.killed {
        let camera = report.cameras.iter().find(|camera| camera.role == *role);
        let covered = camera.map(|camera| camera.covered.as_slice()).unwrap_or_default();
        let before = covered.iter().filter(|part| part.start.at.nanos() < *at_ns);
        let lost = before.map(|part| at_ns - part.end.at.nanos()).min();
        let after = covered.iter().filter(|part| part.start.at.nanos() > *at_ns);
        let back = after.map(|part| part.start.at.nanos() - started_ns).min();
        one.lost.push(lost.unwrap_or(i64::MAX).max(0));
        one.back.extend(back);
    }
    let number = folder.display();
    let lost = one.lost.iter().copied().max().unwrap_or_default();
    one.failure = if !one.is_true {
        Some(format!(
            "{number}: the script amounts to {}, the report to {}",
            held.truth, held.report
        ))
    } else if !one.is_intact {
        Some(format!("{number}: the evidence is {found:?}"))
    } else if lost > FRAGMENT.nanos() {
        Some(format!("{number}: a death cost {lost} ns of a recording"))
    } else {
        None
    };
    Ok(one)
}

/// Scripts with so many kills together.
fn scripts(seed: u64, kills: u32) -> Vec<Faults> {
    let mut dice = Dice(seed);
    let mut left = kills;
    let mut scripts = Vec::new();
    while left > 0 {
        let mut faults = Vec::new();
        let mut slot = 0;
        while left > 0 && faults.len() < EACH as usize {
            let at = 6_000 + slot * APART_MS + dice.below(1_000);
            let first = if dice.below(2) == 0 { Role::PRIMARY } else { ASSISTANT };
            faults.push(kill(&mut dice, first, at));
            left -= 1;
            // Often the other one dies as well: at once, or while the first is gone.
            let second = if first.is_primary() { ASSISTANT } else { Role::PRIMARY };
            if left > 0 && faults.len() < EACH as usize && dice.below(3) > 0 {
                let later = if dice.below(2) == 0 { 0 } else { dice.below(2_000) };
                faults.push(kill(&mut dice, second, at + later));
                left -= 1;
            }
            slot += 1;
        }
        scripts.push(Faults::new(faults));
    }
    scripts
}

const ASSISTANT: Role = match Role::new(1) {
    Ok(role) => role,
    Err(_) => Role::PRIMARY,
};

fn kill(dice: &mut Dice, role: Role, at_ms: u64) -> Fault {
    let length = Duration::from_millis(3_000 + dice.below(1_000));
    Fault { at: Duration::from_millis(at_ms), action: Action::Kill(role), length }
}

/// SplitMix64: a seed replays exactly, on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_its_kills_and_every_one_of_them_is_judged_without_doubt() {
        let drawn = scripts(7, 200);
        assert_eq!(drawn, scripts(7, 200));
        assert_ne!(drawn, scripts(8, 200));
        let all: Vec<&Fault> = drawn.iter().flat_map(Faults::all).collect();
        assert_eq!(all.len(), 200);
        for role in [Role::PRIMARY, ASSISTANT] {
            let own = all.iter().filter(|fault| fault.action == Action::Kill(role)).count();
            assert!((60..140).contains(&own), "{role}: {own}");
        }
        for script in &drawn {
            for pair in script.all().windows(2) {
                let apart = pair[1].at - pair[0].at;
                let clear = apart < Duration::from_secs(3) || apart > Duration::from_secs(13);
                assert!(clear, "{pair:?}");
            }
        }
    }
}
