//! Rules R1, R2, R3 and R13 on one role: from losses to interruptions.
//!
//! The order matters. Losses are merged first and excused time is taken out
//! afterwards, so that an excuse can shorten or remove an interruption and never
//! cut one in two. Subtracting first looks the same and lets an excuse *raise*
//! the count.

use core::iter::once;

use crate::ledger::Cause;
use crate::time::{Instant, Primary, Span};

/// A half-open stretch of session time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Stretch {
    pub(super) start: Instant<Primary>,
    pub(super) end: Instant<Primary>,
}

/// Lost time of one role. The order of the fields makes sorting total, so that
/// the order in which facts arrive changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Piece {
    pub(super) at: Stretch,
    pub(super) uncertainty: Span,
    pub(super) cause: Cause,
}

/// Losses of one role without stable coverage between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Merged {
    pub(super) at: Stretch,
    /// Lost time before anything was excused.
    pub(super) gross: Span,
    /// Lost time that nobody excused.
    pub(super) lost: Span,
    /// From start to end, less what was excused.
    pub(super) duration: Span,
    pub(super) uncertainty: Span,
    pub(super) cause: Cause,
    /// When `lost` reached the least that counts; the end if it never did.
    pub(super) counts_at: Instant<Primary>,
}

impl Stretch {
    pub(super) const fn new(start: Instant<Primary>, end: Instant<Primary>) -> Self {
        Self { start, end }
    }

    pub(super) fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The part of it that lies in `window`. `[POLICY-4]`
    pub(super) fn clip(self, window: Self) -> Self {
        Self::new(self.start.max(window.start), self.end.min(window.end))
    }
}

/// Sorts, and joins what overlaps or touches: a loss is a *maximal* time.
pub(super) fn join_pieces(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.retain(|piece| !piece.at.is_empty());
    pieces.sort_unstable();
    pieces.dedup_by(|next, last| {
        let joined = next.at.start <= last.at.end;
        if joined {
            last.at.end = last.at.end.max(next.at.end);
            last.uncertainty = last.uncertainty.max(next.uncertainty);
        }
        joined
    });
    pieces
}

/// Sorts, and joins what overlaps or touches.
pub(super) fn join_stretches(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|stretch| !stretch.is_empty());
    stretches.sort_unstable();
    stretches.dedup_by(|next, last| {
        let joined = next.start <= last.end;
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
    stretches
}

/// Merges the joined `pieces` of one role that less than `stable` of coverage
/// separates, then takes `excused` (joined, too) out. `[POLICY-5]` `[POLICY-17]`
pub(super) fn merge(
    pieces: &[Piece],
    excused: &[Stretch],
    stable: Span,
    min_lost: Span,
) -> Vec<Merged> {
    pieces
        .chunk_by(|last, next| next.at.start - last.at.end < stable)
        .filter_map(|chain| merged(chain, excused, min_lost))
        .collect()
}

fn merged(chain: &[Piece], excused: &[Stretch], min_lost: Span) -> Option<Merged> {
    let (first, last) = (chain.first()?, chain.last()?);
    let at = Stretch::new(first.at.start, last.at.end);
    let lost_parts = || chain.iter().flat_map(|piece| remaining(piece.at, excused));
    Some(Merged {
        at,
        gross: total(chain.iter().map(|piece| piece.at)),
        lost: total(lost_parts()),
        duration: total(remaining(at, excused)),
        uncertainty: chain.iter().map(|piece| piece.uncertainty).max()?,
        cause: first.cause,
        counts_at: reached(lost_parts(), min_lost).unwrap_or(at.end),
    })
}

/// The parts of `at` outside `excused`, in order.
pub(super) fn remaining(at: Stretch, excused: &[Stretch]) -> impl Iterator<Item = Stretch> {
    let first = excused.partition_point(|excuse| excuse.end <= at.start);
    let touching = excused.iter().skip(first).take_while(move |excuse| excuse.start < at.end);
    let mut from = at.start;
    touching.copied().chain(once(Stretch::new(at.end, at.end))).filter_map(move |excuse| {
        let part = Stretch::new(from, excuse.start);
        from = from.max(excuse.end);
        (!part.is_empty()).then_some(part)
    })
}

/// When the summed length of `parts` reaches `amount`.
pub(super) fn reached(
    parts: impl Iterator<Item = Stretch>,
    amount: Span,
) -> Option<Instant<Primary>> {
    let mut missing = amount;
    for part in parts {
        let length = part.end - part.start;
        if length >= missing {
            return Some(part.start + missing);
        }
        missing -= length;
    }
    None
}

fn total(parts: impl Iterator<Item = Stretch>) -> Span {
    parts.fold(Span::ZERO, |sum, part| sum + (part.end - part.start))
}
