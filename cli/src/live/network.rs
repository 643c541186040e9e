//! Networks come and go while a device runs.
//!
//! A phone's system tells its apps so; at a desk the addresses are compared once a
//! second, which every system allows. Rejected: listening to the kernel, which is
//! unsafe code or another dependency for less than a second.

use std::net::SocketAddr;
use std::time::Duration;

use diptych_driver::embed::{Embedded, Role as Machine};

use super::since::Since;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Where this device can be reached, as of the last look.
#[derive(Debug)]
pub(super) struct Network {
    known: Vec<SocketAddr>,
    looked: Since,
}

impl Network {
    pub(super) fn of<M: Machine>(device: &Embedded<M>) -> Self {
        Self { known: device.candidates(), looked: Since::now() }
    }

    /// Whether there are addresses and they are not those of the last look. Looks at
    /// most once a second.
    pub(super) fn changed<M: Machine>(&mut self, device: &Embedded<M>) -> bool {
        if self.looked.passed() < EVERY {
            return false;
        }
        self.looked = Since::now();
        self.seen(device.candidates())
    }

    fn seen(&mut self, now: Vec<SocketAddr>) -> bool {
        let same = core::mem::replace(&mut self.known, now) == self.known;
        !same && !self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_comes_back_is_a_change_and_one_that_goes_is_none() {
        let here: Vec<SocketAddr> = vec!["192.0.2.7:47000".parse().unwrap()];
        let mut network = Network { known: here.clone(), looked: Since::now() };
        assert!(!network.seen(here.clone()));
        assert!(!network.seen(Vec::new()));
        assert!(network.seen(here.clone()));
        assert_eq!(network.known, here);
    }
}
