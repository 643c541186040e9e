//! What the app was told of the network already.
//!
//! A phone that is out of reach dials every second or two, and a locked key refuses
//! each time: who hears the same sentence twenty times reads none of them. So each
//! finding is told once, until what it says is over. Rejected: a pause between two
//! of a kind (too long for a new outage, too short for an old one).

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use crate::diagnosis::Diagnosis;

/// Tells each finding once while it lasts.
pub(super) struct Said {
    troubles: mpsc::Sender<Diagnosis>,
    /// Of this outage.
    of_dials: BTreeSet<Diagnosis>,
    /// Of this device.
    standing: BTreeSet<Diagnosis>,
}

impl Said {
    pub(super) const fn new(troubles: mpsc::Sender<Diagnosis>) -> Self {
        Self { troubles, of_dials: BTreeSet::new(), standing: BTreeSet::new() }
    }

    /// Where findings go that their finder tells once by itself.
    pub(super) fn troubles(&self) -> mpsc::Sender<Diagnosis> {
        self.troubles.clone()
    }

    /// A dial came to nothing.
    pub(super) fn dial_failed(&mut self, why: Diagnosis) {
        if self.of_dials.insert(why) {
            self.tell(why);
        }
    }

    /// Somebody was heard, or the user begins anew: the next silence is another one.
    pub(super) fn outage_over(&mut self) {
        self.of_dials.clear();
    }

    /// How something went that fails by `what`.
    pub(super) fn went<E>(&mut self, what: Diagnosis, how: &Result<(), E>) {
        if how.is_ok() {
            self.standing.remove(&what);
        } else if self.standing.insert(what) {
            self.tell(what);
        }
    }

    /// Tells it, told or not: something that the app did came to this.
    pub(super) fn tell(&self, what: Diagnosis) {
        _ = self.troubles.try_send(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Diagnosis::{KeyLocked, NoRoute, PeerSilent};

    #[test]
    fn a_finding_is_told_once_while_it_lasts_and_again_when_it_comes_back() {
        let (troubles, mut told) = mpsc::channel(16);
        let mut said = Said::new(troubles);
        for _ in 0..3 {
            said.dial_failed(PeerSilent);
            said.dial_failed(NoRoute);
            said.went(KeyLocked, &Err(()));
        }
        said.outage_over();
        said.went(KeyLocked, &Err(()));
        said.dial_failed(NoRoute);
        said.went(KeyLocked, &Ok::<_, ()>(()));
        said.went(KeyLocked, &Err(()));
        let mut all = Vec::new();
        while let Ok(one) = told.try_recv() {
            all.push(one);
        }
        assert_eq!(all, [PeerSilent, NoRoute, KeyLocked, NoRoute, KeyLocked]);
    }
}
