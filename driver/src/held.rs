//! Which part of the app the loop is waiting for.
//!
//! A key or a storage that an app brings may never return, and then the whole session
//! stands still without a word: whoever would tell is the one who waits. So the loop
//! marks each call that it makes, and the thread that waits for an event looks whether
//! one of them lasts. Time is what that thread has waited, since a clock that counts
//! sleep would accuse a call in which the device slept.
//!
//! Rejected: a limit after which a call is given up (it goes on all the same, and what
//! it writes then nobody expects), and a thread that watches (it wakes every second for
//! what hardly ever happens, while the app has one that waits).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::diagnosis::Diagnosis;

/// What lasts as long is told. Links are LATE by then, and not DOWN yet.
const HELD_TIME: Duration = Duration::from_secs(5);
/// How often is looked.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// What an app brings and the loop waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// A write.
    Storage,
    /// A signature: a machine waits for nothing else.
    Key,
}

/// The call that the loop is in, and for how long it was seen there.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Twice the calls that have ended, and 1 more within a call. The part is the
    /// highest bit.
    call: AtomicU64,
    seen: Mutex<Seen>,
}

const KEY: u64 = 1 << 63;

#[derive(Debug, Default)]
struct Seen {
    call: u64,
    waited: Duration,
}

impl Held {
    /// Makes a call of the app's.
    pub(crate) fn by<T>(&self, part: Part, call: impl FnOnce() -> T) -> T {
        let ended = self.call.load(Ordering::Relaxed) & !KEY;
        let kind = if part == Part::Key { KEY } else { 0 };
        self.call.store(kind | (ended + 1), Ordering::Relaxed);
        let done = call();
        self.call.store(ended + 2, Ordering::Relaxed);
        done
    }

    /// Nothing was heard for `time` more: what to tell, once for each call.
    pub(crate) fn waited(&self, time: Duration) -> Option<Diagnosis> {
        let call = self.call.load(Ordering::Relaxed);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if call != seen.call {
            *seen = Seen { call, waited: Duration::ZERO };
        }
        let before = seen.waited;
        seen.waited = before.saturating_add(time);
        let told = call & 1 == 1 && before < HELD_TIME && seen.waited >= HELD_TIME;
        let key = call & KEY != 0;
        told.then_some(if key { Diagnosis::KeyStuck } else { Diagnosis::StorageStuck })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_lasts_is_told_once_and_many_short_ones_are_not() {
        let held = Held::default();
        let long = || (0..20).filter_map(|_| held.waited(LOOK)).collect::<Vec<_>>();
        assert_eq!(long(), [], "a loop that waits for the world is not held");
        for _ in 0..20 {
            held.by(Part::Key, || assert_eq!(held.waited(LOOK), None));
        }
        assert_eq!(held.by(Part::Key, long), [Diagnosis::KeyStuck]);
        assert_eq!(held.by(Part::Storage, long), [Diagnosis::StorageStuck]);
        assert_eq!(long(), []);
    }
}
