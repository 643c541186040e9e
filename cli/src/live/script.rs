//! What is done to the devices of a rehearsal, and when.
//!
//! Losses that begin within 10 s of each other on different cameras are one
//! episode (`[POLICY-8]`), so a rehearsal that is to count each camera's loss keeps
//! them further apart.

use std::time::Duration;

use diptych_protocol::identity::Role;

/// The first interruption after answering begins, and between two of them.
const FIRST_FAULT: Duration = Duration::from_secs(3);
const BETWEEN_FAULTS: Duration = Duration::from_millis(11_500);
/// How long each camera is away.
pub(super) const FAULT_LENGTH: Duration = Duration::from_secs(3);
/// What is done to the devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Script {
    /// Each camera is away once, for 3 s, one after the other.
    OneEach,
    /// Nothing.
    Quiet,
}

/// The shortest answering time in which every camera can be away once, with more
/// than 10 s between the beginnings, and be back before the end.
#[must_use]
pub fn least_seconds(cameras: u32) -> u32 {
    let between = BETWEEN_FAULTS.saturating_mul(cameras.saturating_sub(1));
    let all = FIRST_FAULT.saturating_add(between).saturating_add(FAULT_LENGTH);
    u32::try_from(all.as_secs()).unwrap_or(u32::MAX).saturating_add(2)
}

/// When `role`'s camera is taken away, after answering has begun.
pub(super) fn fault_at(role: Role) -> Duration {
    FIRST_FAULT.saturating_add(BETWEEN_FAULTS.saturating_mul(role.number().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruptions_begin_more_than_ten_seconds_apart_and_end_in_time() {
        let roles: Vec<Role> = (0..=8).map(|number| Role::new(number).unwrap()).collect();
        for pair in roles.windows(2) {
            assert!(fault_at(pair[1]) - fault_at(pair[0]) > Duration::from_secs(10));
        }
        for cameras in 1..=9_u8 {
            let last = fault_at(Role::new(cameras - 1).unwrap()) + FAULT_LENGTH;
            assert!(last < Duration::from_secs(least_seconds(cameras.into()).into()));
        }
        assert!(least_seconds(2) <= 20 && least_seconds(3) <= 32);
    }
}
