//! Reaching for the primary: when, where, and beside which connection.
//!
//! An assistant does not know why it hears nothing: the path, the primary, or its own
//! packets. It finds out by trying, again and again, a little later each time, and
//! beside a connection that has only become silent. Rejected: waiting until the
//! transport gives a connection up, which takes as long as a link may be LATE.

use super::machine::{Course, Dialling, SecondaryMachine};
use crate::limits;
use crate::machine::Purpose;
use crate::session::Member;
use crate::time::{Instant, Secondary, Span};
use crate::timers::Timer;

impl SecondaryMachine {
    /// Reaches for the primary: by its code before pairing, by its pin after.
    pub(super) fn dial_primary(&mut self) {
        match &self.course {
            Course::Joining { hello, .. } => {
                let ticket = hello.ticket();
                let addresses = ticket.addresses.sockets().collect();
                let discovery = hello.discovery().to_owned();
                self.dialling = Dialling::Now(Purpose::Pair);
                self.outbox.dial(ticket.pin, addresses, Purpose::Pair, discovery);
            }
            Course::Confirming { seat, .. } => {
                self.dial_again(seat.state.members.first().cloned());
            }
            Course::InSession(session) => {
                self.dial_again(session.state.members.first().cloned());
            }
            Course::Idle { .. } | Course::Asking { .. } | Course::Over => {}
        }
    }

    fn dial_again(&mut self, primary: Option<Member>) {
        let Some(Member { membership, addresses, .. }) = primary else { return };
        self.dialling = Dialling::Now(Purpose::Resume);
        self.timers.set(Timer::Redial, Some(self.now + limits::DIAL_PATIENCE));
        let (pin, name) = (membership.peer.fingerprint(), membership.discovery());
        self.outbox.dial(pin, addresses, Purpose::Resume, name);
    }

    /// Dials again after a while, longer each time. `[SESSION-18]`
    pub(super) fn try_later(&mut self, now: Instant<Secondary>) {
        let patience = match &mut self.course {
            Course::Joining { .. } => limits::REDIAL_FIRST,
            Course::Confirming { seat, .. } => longer(&mut seat.patience),
            Course::InSession(session) => longer(&mut session.patience),
            Course::Idle { .. } | Course::Asking { .. } | Course::Over => return,
        };
        let patience = self.jittered(patience);
        self.timers.set(Timer::Redial, Some(now + patience));
    }

    /// Up to a fifth more or less, so that two assistants do not dial in step.
    /// `[SESSION-18]`
    fn jittered(&mut self, span: Span) -> Span {
        let [draw] = self.entropy.draw::<1>();
        let fifth = span.nanos() / 5;
        let sway = i64::from(draw).saturating_mul(2 * fifth) / 255;
        Span::from_nanos(span.nanos().saturating_sub(fifth).saturating_add(sway))
    }

    /// Whether nothing was heard on the connection for so long that another one
    /// is worth a try.
    pub(super) fn is_silent(&self, now: Instant<Secondary>) -> bool {
        self.silent_from().is_some_and(|from| from <= now)
    }

    /// When the connection will have been silent for too long. `[SESSION-27]`
    fn silent_from(&self) -> Option<Instant<Secondary>> {
        let link = self.link.as_ref()?;
        let heard = match &self.course {
            Course::InSession(session) => session.peer.heard_at(),
            Course::Confirming { .. } => None,
            Course::Idle { .. } | Course::Asking { .. } | Course::Joining { .. } | Course::Over => {
                return None;
            }
        };
        let heard = heard.map_or(link.since, |heard| heard.max(link.since));
        Some(heard + limits::REDIAL_SILENCE)
    }

    /// Whether what a new connection needs can be remembered. `[SESSION-2]`
    fn remembers(&self) -> bool {
        !matches!(&self.course, Course::InSession(session) if session.local.is_poisoned())
    }

    /// Looks at the connection again when it could have become silent.
    pub(super) fn watch_link(&mut self) {
        if self.dialling == Dialling::No
            && self.remembers()
            && !self.timers.is_set(Timer::Redial)
            && let Some(from) = self.silent_from()
        {
            self.timers.set(Timer::Redial, Some(from));
        }
    }

    /// Dials if there is no connection that speaks; a dial that has no answer yet
    /// is begun anew, since its next packet may be seconds away. `[SESSION-28]`
    pub(super) fn redial(&mut self, now: Instant<Secondary>) {
        self.timers.set(Timer::Redial, None);
        if !self.remembers() || (self.link.is_some() && !self.is_silent(now)) {
            self.dialling = Dialling::No;
        } else if self.dialling != Dialling::Now(Purpose::Pair) {
            self.dial_primary();
        }
    }
}

/// How long to wait now, and twice as long the next time.
fn longer(patience: &mut Span) -> Span {
    let now = *patience;
    *patience = now.times(2).min(limits::REDIAL_LAST);
    now
}
