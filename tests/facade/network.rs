//! A network that changes before anything began, and one that goes and stays away.

use std::collections::BTreeMap;
use std::sync::mpsc;

use diptych_driver::disk::{Disk, Folder, Private};
use diptych_driver::embed::Storage;
use diptych_driver::error::StorageError;
use diptych_driver::socket::{Faults, Weather};
use diptych_protocol::machine::JournalName;
use diptych_protocol::secret::SecretBytes;
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

/// Storage whose last write never returns while the sender lives.
struct Hanging {
    inner: Folder,
    until: mpsc::Receiver<()>,
    hangs: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Disk for Hanging {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        self.inner.journals()
    }

    fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError> {
        self.inner.truncate(journal, keep)
    }

    fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.append(journal, bytes)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        if self.hangs.load(std::sync::atomic::Ordering::Relaxed) {
            _ = self.until.recv();
        }
        self.inner.sync()
    }

    fn load(&mut self, file: Private) -> Result<Option<SecretBytes>, StorageError> {
        self.inner.load(file)
    }

    fn store(&mut self, file: Private, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.store(file, bytes)
    }
}

#[test]
fn a_stop_that_the_apps_own_storage_holds_up_says_so_and_ends() {
    let there = folder("hanging");
    let (release, until) = mpsc::channel();
    let hangs = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
    let inner = Folder::open(&there).unwrap();
    let storage = Hanging { inner, until, hangs: hangs.clone() };
    let supply = diptych_secondary::Supply {
        storage: Storage::FromApp(Box::new(storage)),
        ..supply(&there)
    };
    let label = Label::new("behind").unwrap();
    let assistant = Secondary::start(diptych_secondary::Options { supply, label }).unwrap();
    hangs.store(true, std::sync::atomic::Ordering::Relaxed);
    let failure = assistant.stop().unwrap_err();
    assert_eq!(failure.code(), "STUCK");
    let now = || -> Instant<time::Primary> { BootClock::new().now() };
    let begun = now();
    drop(assistant);
    assert!(now() - begun < Span::from_secs(5), "what is stuck is not waited for twice");
    drop(release);
    std::fs::remove_dir_all(there).unwrap();
}
