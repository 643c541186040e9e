//! Peers whose addresses nobody knows: found, lied about, not found.

use std::net::{IpAddr, SocketAddr};

use diptych_driver::discovery::{Discovery, Found, Unavailable};
use diptych_protocol::machine::Lost;
use diptych_protocol::time::{Primary, Secondary};

use crate::device::{Device, Parts};
use crate::parrot::{Heard, Order};

/// Finds what the test says.
struct Told(Vec<SocketAddr>, Option<Found>);

impl Discovery for Told {
    fn announce(&mut self, _: Vec<String>, _: u16, _: Vec<IpAddr>) -> Result<(), Unavailable> {
        Ok(())
    }

    fn silence(&mut self) {}

    fn find(&mut self, label: String, found: Found) -> Result<(), Unavailable> {
        assert_eq!(label, "K7Q2");
        self.0.iter().for_each(|address| found.tell(*address));
        // Discovery goes on until nobody listens any more.
        self.1 = Some(found);
        Ok(())
    }

    fn forget(&mut self) {
        self.1 = None;
    }
}

fn finding(addresses: Vec<SocketAddr>) -> Device<Secondary> {
    Device::start(Parts { discovery: Box::new(Told(addresses, None)), ..Parts::default() })
}

#[tokio::test]
async fn a_peer_is_found_although_liars_answer_first() {
    // [TRANSPORT-18]
    let primary = Device::<Primary>::new();
    let liar = Device::<Primary>::new();
    liar.admit_anyone().await;
    let mut assistant = finding(vec![liar.address(), primary.address()]);
    primary.admit_only(assistant.key()).await;
    let peer = primary.key().fingerprint();
    assistant.order(Order::Find { peer, label: "K7Q2" }).await;
    assert_eq!(assistant.connected().await.1, primary.key());
}

#[tokio::test]
async fn a_search_that_finds_nobody_ends() {
    // [TRANSPORT-18]
    let mut assistant = finding(vec![]);
    let peer = assistant.key().fingerprint();
    assistant.order(Order::Find { peer, label: "K7Q2" }).await;
    let lost = assistant
        .heard(|heard| match heard {
            Heard::DialFailed { lost } => Some(*lost),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::Unreachable);
}
