//! Rule R4: interruptions of different roles that begin together are one.
//!
//! A power cut stops both phones, and it would be unfair to count it twice.
//! Overlap alone must not excuse the second camera, or two phones could be
//! blinded in turn for ever; so only the *beginnings* are compared, with the
//! beginning of the episode and not with the latest one, and an episode holds at
//! most one interruption per role.

use std::collections::BTreeMap;

use crate::identity::Role;
use crate::time::{Instant, Primary, Span};

struct Episode {
    first: Instant<Primary>,
    /// One bit per role.
    roles: u16,
}

/// The episode, from 1, of each interruption; `begun` is by start, then role.
/// `[POLICY-7]` `[POLICY-8]`
pub(super) fn assign(
    begun: impl Iterator<Item = (Instant<Primary>, Role)>,
    onset: Span,
) -> Vec<usize> {
    let mut episodes: Vec<Episode> = Vec::new();
    // Per role, the earliest episode it may still join. Episodes grow old and
    // fill up, never the reverse, so this only moves forward and the whole
    // assignment takes linear time.
    let mut next: BTreeMap<Role, usize> = BTreeMap::new();
    let mut numbers = Vec::new();
    for (start, role) in begun {
        let bit = 1_u16 << role.number();
        let index = next.entry(role).or_default();
        while episodes
            .get(*index)
            .is_some_and(|episode| episode.roles & bit != 0 || start - episode.first > onset)
        {
            *index += 1;
        }
        match episodes.get_mut(*index) {
            Some(episode) => episode.roles |= bit,
            None => episodes.push(Episode { first: start, roles: bit }),
        }
        numbers.push(*index + 1);
    }
    numbers
}
