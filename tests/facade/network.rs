//! A network that changes before anything began, and one that goes and stays away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use diptych_driver::socket::{Faults, Weather};
use diptych_protocol::ticket::Ticket;

use super::*;

#[test]
fn a_network_that_changes_before_a_code_is_shown_leaves_the_code_right() {
    // [TRANSPORT-24]
    let (here, there) = (folder("early-p"), folder("early-a"));
    let primary = start_primary(&here, plan(Span::from_secs(30), Span::from_secs(30)));
    let assistant = start_assistant(&there);
    let port = primary.port();
    let mut log = Vec::new();
    // A platform tells of the network that is there as soon as it is asked to tell.
    primary.network_changed().unwrap();
    primary.network_changed().unwrap();
    assert_eq!(primary.port(), port);
    pair(&primary, &assistant, &mut log);
    primary.open_pairing(Role::new(1).unwrap()).unwrap();
    let ticket = primary.snapshot().unwrap().seats.first().unwrap().ticket.clone().unwrap();
    let ticket = Ticket::parse(&ticket, Loopback::Allowed).unwrap();
    assert!(ticket.addresses.sockets().all(|address| address.port() == primary.port()));
    assert!(!log.iter().any(|told| told.contains("Trouble")), "{log:#?}");
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

#[test]
fn an_assistant_whose_network_is_gone_is_told_what_that_means_once() {
    let (here, there) = (folder("gone-p"), folder("gone-a"));
    let primary = start_primary(&here, plan(Span::from_secs(60), Span::from_secs(60)));
    let network = Faults::new(1);
    let supply = diptych_secondary::Supply { faults: Some(network.clone()), ..supply(&there) };
    let label = Label::new("behind").unwrap();
    let assistant = Secondary::start(diptych_secondary::Options { supply, label }).unwrap();
    let mut log = Vec::new();
    pair(&primary, &assistant, &mut log);
    let findings = |lasting: Span| {
        let until = assistant.now() + lasting;
        let mut found = Vec::new();
        while assistant.now() < until {
            let left = (until - assistant.now()).max(Span::ZERO).to_duration();
            if let Some(diptych_secondary::Told::Trouble(trouble)) = assistant.next_event(left) {
                found.push(trouble);
            }
        }
        found
    };
    for outage in 1..=2 {
        network.set(Weather { down: true, ..Weather::default() });
        let found = findings(Span::from_secs(12));
        assert_eq!(found.len(), 1, "outage {outage}: {found:?}");
        network.set(Weather::default());
        findings(Span::from_secs(3));
    }
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

#[test]
fn a_stop_that_the_apps_own_storage_holds_up_says_so_and_ends() {
    let there = folder("hanging");
    let (release, until) = mpsc::channel::<()>();
    let hangs = Arc::<AtomicBool>::default();
    let hanging = hangs.clone();
    let storage = disk::watched(&there, move |_| {
        if hanging.load(Ordering::Relaxed) {
            _ = until.recv();
        }
    });
    let supply = diptych_secondary::Supply { storage, ..supply(&there) };
    let label = Label::new("behind").unwrap();
    let assistant = Secondary::start(diptych_secondary::Options { supply, label }).unwrap();
    hangs.store(true, Ordering::Relaxed);
    let failure = assistant.stop().unwrap_err();
    assert_eq!(failure.code(), "STUCK");
    let now = || -> Instant<time::Primary> { BootClock::new().now() };
    let begun = now();
    drop(assistant);
    assert!(now() - begun < Span::from_secs(5), "what is stuck is not waited for twice");
    drop(release);
    std::fs::remove_dir_all(there).unwrap();
}
