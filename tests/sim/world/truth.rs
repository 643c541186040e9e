//! What really happened, judged by someone who knows nothing of journals.
//!
//! The world saw every frame that was kept. From that alone, in true time and
//! with the rules as the examinee's manual states them, follows what the report
//! has to say. This is the naive reading: no uncertainty, no evidence, no clock.

use diptych_protocol::policy::Verdict;

/// The truth about a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Truth {
    /// What a perfect observer would decide.
    pub verdict: Verdict,
    /// How many interruptions there were.
    pub count: u32,
    /// Seat, start and end of each loss within answering, in true nanoseconds.
    pub losses: Vec<(u8, i64, i64)>,
}

/// What one seat's cameras kept: first and last frame of each fragment.
pub(super) struct Seen {
    pub(super) seat: u8,
    pub(super) frames: Vec<(i64, i64)>,
    pub(super) away: Vec<(i64, i64)>,
    /// Announced gaps that are forgiven.
    pub(super) forgiven: Vec<(i64, i64)>,
}

const SECOND: i64 = 1_000_000_000;
const FRAME_GAP: i64 = 2 * SECOND;
const STABLE: i64 = 5 * SECOND;
const SHORTEST: i64 = 2 * SECOND;
const LONGEST: i64 = 120 * SECOND;
const ONSET: i64 = 10 * SECOND;
const MOST: usize = 3;

/// Judges what was seen of answering, which lasted from `start` to `end`.
pub(super) fn judge(seen: Vec<Seen>, start: i64, end: i64) -> Truth {
    let in_time = |seen: &Seen| seen.frames.iter().any(|(first, _)| *first <= start);
    let ready = seen.iter().all(in_time);
    let mut losses: Vec<(u8, i64, i64)> =
        seen.into_iter().flat_map(|one| losses_of(one, start, end)).collect();
    losses.sort_by_key(|(seat, from, _)| (*from, *seat));
    let mut episodes: Vec<(i64, Vec<u8>)> = Vec::new();
    for (seat, from, _) in &losses {
        let open = episodes
            .iter_mut()
            .find(|(first, seats)| from - first <= ONSET && !seats.contains(seat));
        match open {
            Some((_, seats)) => seats.push(*seat),
            None => episodes.push((*from, vec![*seat])),
        }
    }
    let too_long = losses.iter().any(|(_, from, to)| to - from > LONGEST);
    let verdict = match (ready, too_long || episodes.len() > MOST) {
        (false, _) => Verdict::NotReady,
        (true, true) => Verdict::Fail,
        (true, false) => Verdict::Pass,
    };
    // What was not ready is not counted.
    let count = if ready { u32::try_from(episodes.len()).unwrap_or(u32::MAX) } else { 0 };
    Truth { verdict, count, losses }
}

/// The interruptions of one seat: silences and absences, joined unless the
/// camera was back for a while in between.
fn losses_of(mut seen: Seen, start: i64, end: i64) -> Vec<(u8, i64, i64)> {
    seen.frames.sort_unstable();
    let mut gaps: Vec<(i64, i64)> = Vec::new();
    let mut last = None;
    for (first, until) in seen.frames.iter().copied().chain([(end, end)]) {
        if let Some(last) = last
            && first - last > FRAME_GAP
        {
            gaps.push((last, first));
        }
        last = Some(last.map_or(until, |before: i64| before.max(until)));
    }
    gaps.extend(seen.away);
    let outside = |(from, to): (i64, i64)| {
        let mut left = vec![(from, to)];
        for (start, end) in &seen.forgiven {
            left = left
                .into_iter()
                .flat_map(|(a, b)| [(a, b.min(*start)), (a.max(*end), b)])
                .collect();
        }
        left
    };
    let mut gaps: Vec<(i64, i64)> = gaps.into_iter().flat_map(outside).collect();
    gaps.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, to) in gaps {
        let (from, to) = (from.max(start), to.min(end));
        if from >= to {
            continue;
        }
        match joined.last_mut() {
            Some(open) if from - open.1 < STABLE => open.1 = open.1.max(to),
            Some(_) | None => joined.push((from, to)),
        }
    }
    joined.retain(|(from, to)| to - from >= SHORTEST);
    joined.into_iter().map(|(from, to)| (seen.seat, from, to)).collect()
}
