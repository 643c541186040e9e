//! What committed frames tell: that there is coverage, and that there was none.

use super::{Change, Open, Phase, Recorder, Screen};
use crate::ledger::Observed;
use crate::time::{Clock, Instant, Span};

impl<C: Clock> Recorder<C> {
    /// Coverage, and the silence before it. `[LEDGER-7]`
    pub(super) fn frames(
        &mut self,
        first: Instant<C>,
        last: Instant<C>,
        changes: &mut Vec<Change<C>>,
    ) {
        if self.last.is_some_and(|known| last <= known) {
            return;
        }
        let silence = self.last.map(|known| (known, first - known));
        let before = silence.filter(|(_, length)| *length > self.watch.frame_gap);
        self.last = Some(last);
        match core::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Ended => return,
            Phase::Idle | Phase::Armed => {
                self.phase = Phase::Recording;
                changes.push(Change::Started { first });
                match self.screen {
                    Screen::Left(left) | Screen::Back { left, back: _ }
                        if self.screen.is_away_after(first) =>
                    {
                        self.lose(left.max(first), changes);
                        self.come_back(first, last, changes);
                    }
                    Screen::Here | Screen::Left(_) | Screen::Back { .. } => {}
                }
            }
            Phase::Recording => {
                self.phase = Phase::Recording;
                if let Some((known, _)) = before {
                    self.lose(known, changes);
                    self.come_back(first, last, changes);
                }
            }
            Phase::Lost(open) => self.resume(open, silence, (first, last), changes),
            Phase::Returning(mut open, since) => {
                if let Some((known, _)) = before {
                    open.relapse(known);
                    changes.push(Change::Relapsed { since: open.since });
                    self.phase = Phase::Lost(open);
                    self.come_back(first, last, changes);
                } else {
                    self.phase = Phase::Returning(open, since);
                }
            }
        }
        if last > self.hinted {
            self.hint = Observed::NOTHING;
        }
        self.settle(changes);
    }

    /// Frames while LOST.
    fn resume(
        &mut self,
        mut open: Open<C>,
        silence: Option<(Instant<C>, Span)>,
        (first, last): (Instant<C>, Instant<C>),
        changes: &mut Vec<Change<C>>,
    ) {
        let Some((known, length)) = silence else {
            self.phase = Phase::Lost(open);
            return self.come_back(first, last, changes);
        };
        if length > self.watch.frame_gap {
            // The camera may have stopped before the screen was left.
            open.move_piece(known.min(open.piece));
            self.phase = Phase::Lost(open);
            return self.come_back(first, last, changes);
        }
        if known != open.piece {
            let open = self.split(open, last, changes);
            self.phase = Phase::Lost(open);
            return self.come_back(known, last, changes);
        }
        // [LEDGER-11]: the silence was a slow disk. What remains is the screen.
        let left = match self.screen {
            Screen::Left(left) | Screen::Back { left, .. } if left >= open.piece => Some(left),
            Screen::Here | Screen::Left(_) | Screen::Back { .. } => None,
        };
        match (left, open.returned) {
            (Some(left), _) => {
                open.move_piece(left);
                let open = self.split(open, last, changes);
                self.phase = Phase::Lost(open);
                self.come_back(known, last, changes);
            }
            (None, Some(returned)) => {
                self.phase = Phase::Returning(open, returned);
                changes.push(Change::Returning { at: returned });
            }
            (None, None) => {
                self.phase = Phase::Recording;
                changes.push(Change::Withdrawn);
            }
        }
    }

    /// Frames up to `last` may show that coverage had lasted before the screen
    /// was left again: then there are two interruptions and not one.
    pub(super) fn split(
        &self,
        open: Open<C>,
        last: Instant<C>,
        changes: &mut Vec<Change<C>>,
    ) -> Open<C> {
        match open.returned {
            Some(returned) if last.min(open.piece) - returned >= self.watch.stable => {
                changes.push(Change::Closed(open.close(returned, self.announced)));
                changes.push(Change::Lost { since: Some(open.piece), cause: self.hint });
                Open::new(open.piece, self.hint)
            }
            Some(_) | None => open,
        }
    }

    /// LOST and covered from `from` to `last`: RETURNING, unless the examinee is
    /// still away.
    fn come_back(&mut self, from: Instant<C>, last: Instant<C>, changes: &mut Vec<Change<C>>) {
        let at = match self.screen {
            Screen::Here => from,
            Screen::Left(_) => return,
            Screen::Back { back, .. } if last < back => return,
            Screen::Back { back, .. } => from.max(back),
        };
        if let Phase::Lost(open) = core::mem::replace(&mut self.phase, Phase::Ended) {
            self.phase = Phase::Returning(open.covered_from(at), at);
            changes.push(Change::Returning { at });
        }
    }

    /// RETURNING → RECORDING, when the coverage since has lasted. `[LEDGER-13]`
    fn settle(&mut self, changes: &mut Vec<Change<C>>) {
        let Phase::Returning(_, since) = &self.phase else { return };
        if self.last.is_none_or(|last| last - *since < self.watch.stable) {
            return;
        }
        if let Phase::Returning(open, since) = core::mem::replace(&mut self.phase, Phase::Recording)
        {
            self.close(open, since, changes);
        }
    }
}
