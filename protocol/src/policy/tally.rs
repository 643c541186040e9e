//! The three numbers that an examinee sees.
//!
//! They come from the same judgement as the verdict, so what the screen says
//! during the exam and what the report says afterwards cannot disagree about
//! the same facts.

use super::{Judgement, Policy};

/// Interruptions so far, as far as is known. `[POLICY-26]`
///
/// ```
/// # use diptych_protocol::policy::Tally;
/// fn is_last(tally: &Tally) -> bool {
///     tally.remaining == Some(0)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Proven, whatever the unknown hides.
    pub confirmed: u32,
    /// How many more the unknown may hide.
    pub pending: u32,
    /// How many more would still pass; `None` if the policy has no limit.
    pub remaining: Option<u32>,
}

impl Tally {
    /// The numbers of a judgement under the policy that yielded it.
    #[must_use]
    pub fn of(judgement: &Judgement, policy: &Policy) -> Self {
        Self::new(judgement.count_min, judgement.count_max, policy)
    }

    /// The numbers to show after `earlier`, when no excuse was signed between
    /// the two: what was confirmed stays confirmed. `[POLICY-27]`
    #[must_use]
    pub fn following(self, earlier: Self, policy: &Policy) -> Self {
        let confirmed = self.confirmed.max(earlier.confirmed);
        Self::new(confirmed, self.confirmed.saturating_add(self.pending), policy)
    }

    fn new(confirmed: u32, most: u32, policy: &Policy) -> Self {
        Self {
            confirmed,
            pending: most.saturating_sub(confirmed),
            remaining: policy.terms().max_count.map(|limit| limit.saturating_sub(confirmed)),
        }
    }
}
