//! What an app brings along: a key that never leaves, and the platform's discovery.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use diptych_primary::{
    Diagnosis, Discovery, Found, Key, NativeDiscovery, PublicKey, SignFailed, Signature, Signer,
    Unavailable,
};
use p256::ecdsa::signature::Signer as _;

use super::*;

/// A key store: it signs, or it is locked; the key itself cannot be had.
#[derive(Clone)]
pub(super) struct Hardware {
    key: Arc<p256::ecdsa::SigningKey>,
    locked: Arc<AtomicBool>,
    signed: Arc<AtomicU32>,
    /// Held while it does not answer.
    answers: Arc<Mutex<()>>,
}

impl Hardware {
    pub(super) fn new(seed: u8) -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        Self {
            key: Arc::new(key),
            locked: Arc::default(),
            signed: Arc::default(),
            answers: Arc::default(),
        }
    }
}

impl Signer for Hardware {
    fn public_key(&self) -> PublicKey {
        let point = self.key.verifying_key().to_sec1_point(false);
        PublicKey::from_sec1(point.as_bytes()).unwrap()
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        if self.locked.load(Ordering::Relaxed) {
            return Err(SignFailed);
        }
        drop(self.answers.lock().unwrap());
        self.signed.fetch_add(1, Ordering::Relaxed);
        let signature: p256::ecdsa::Signature = self.key.sign(message);
        Signature::from_der(signature.to_der().as_bytes())
    }
}

fn front(supply: diptych_primary::Supply) -> Result<Primary, diptych_primary::Failure> {
    Primary::start(diptych_primary::Options {
        supply,
        plan: plan(Span::from_secs(30), Span::from_secs(30)),
        policy: Policy::preset("xyb-seed").unwrap(),
        proctors: Vec::new(),
        exam: ExamTag::of("a test"),
        label: Label::new("front").unwrap(),
        check_code: CheckCode::Skipped,
        advertise: Vec::new(),
    })
}

fn behind(supply: diptych_secondary::Supply) -> Secondary {
    let label = Label::new("behind").unwrap();
    Secondary::start(diptych_secondary::Options { supply, label }).unwrap()
}

#[test]
fn keys_that_never_leave_pair_seal_and_come_back() {
    // [IDENTITY-3]
    let (here, there) = (folder("own-key-p"), folder("own-key-a"));
    let (one, two) = (Hardware::new(1), Hardware::new(2));
    let key = |of: &Hardware| Key::Signer(Box::new(of.clone()));
    let primary = front(diptych_primary::Supply { key: key(&one), ..supply(&here) }).unwrap();
    let assistant = behind(diptych_secondary::Supply { key: key(&two), ..supply(&there) });
    let (first, second) = (one.signed.load(Ordering::Relaxed), two.signed.load(Ordering::Relaxed));
    let mut log = Vec::new();
    pair(&primary, &assistant, &mut log);
    drop(assistant);
    primary.stop().unwrap();
    drop(primary);
    assert!(one.signed.load(Ordering::Relaxed) > first, "TLS and seals go through the signer");
    assert!(two.signed.load(Ordering::Relaxed) > second);
    for (path, own) in [(&here, &one), (&there, &two)] {
        assert!(!path.join("identity.key").exists(), "a key in hardware leaves no file");
        let own_journal = journals(path).into_iter().any(|j| j.header().key == own.public_key());
        assert!(own_journal, "a journal names the signer's key");
        std::fs::remove_dir_all(path).unwrap();
    }
}

#[test]
fn a_key_that_refuses_at_the_start_is_a_failure_and_later_a_finding() {
    let (here, there) = (folder("locked-p"), folder("locked-a"));
    let locked = Hardware::new(3);
    locked.locked.store(true, Ordering::Relaxed);
    let key = Key::Signer(Box::new(locked));
    let failure = front(diptych_primary::Supply { key, ..supply(&here) }).unwrap_err();
    assert_eq!(failure.code(), "KEY_UNUSABLE");

    let primary = start_primary(&here, plan(Span::from_secs(30), Span::from_secs(30)));
    let own = Hardware::new(4);
    let key = Key::Signer(Box::new(own.clone()));
    let assistant = behind(diptych_secondary::Supply { key, ..supply(&there) });
    let mut log = Vec::new();
    primary.open_pairing(Role::new(1).unwrap()).unwrap();
    let text = of_primary(&primary, &mut log, |event| match event {
        primary::Event::Ticket { text, .. } => Some(text.clone()),
        _ => None,
    });
    own.locked.store(true, Ordering::Relaxed);
    assistant.scanned(&text).unwrap();
    assistant.consent(Consent::Given).unwrap();
    loop {
        match assistant.next_event(PATIENCE) {
            Some(diptych_secondary::Told::Trouble(Diagnosis::KeyLocked)) => break,
            Some(diptych_secondary::Told::Event(secondary::Event::Paired { .. })) | None => {
                panic!("paired without a signature, or never told")
            }
            Some(_) => {}
        }
    }
    // It refuses at each new attempt, and is told of once.
    while let Some(told) = assistant.next_event(Duration::from_secs(2)) {
        let locked = diptych_secondary::Told::Trouble(Diagnosis::KeyLocked);
        assert!(told != locked, "told twice");
        if let diptych_secondary::Told::Event(secondary::Event::PairingFailed(_)) = told {
            break;
        }
    }
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

/// The first finding that it is told.
fn finding(primary: &Primary) -> Diagnosis {
    loop {
        match primary.next_event(PATIENCE) {
            Some(diptych_primary::Told::Trouble(trouble)) => return trouble,
            Some(diptych_primary::Told::Ended) | None => panic!("never told"),
            Some(_) => {}
        }
    }
}

#[test]
fn a_key_or_storage_that_does_not_return_is_told_of_and_the_session_goes_on_when_it_does() {
    let here = folder("stuck-p");
    let own = Hardware::new(5);
    let key = Key::Signer(Box::new(own.clone()));
    let writes = Arc::<Mutex<()>>::default();
    let written = writes.clone();
    let storage = disk::watched(&here, move |_| drop(written.lock().unwrap()));
    let primary = front(diptych_primary::Supply { key, storage, ..supply(&here) }).unwrap();
    // It seals by itself.
    let silent = own.answers.lock().unwrap();
    assert_eq!(finding(&primary), Diagnosis::KeyStuck);
    drop(silent);
    let silent = writes.lock().unwrap();
    std::thread::scope(|scope| {
        let told = scope.spawn(|| primary.tell(diptych_primary::Fact::ScreenBack));
        assert_eq!(finding(&primary), Diagnosis::StorageStuck);
        assert!(!told.is_finished());
        drop(silent);
        told.join().unwrap().unwrap();
    });
    primary.stop().unwrap();
    std::fs::remove_dir_all(here).unwrap();
}

/// The labels of a device and its port.
type Announced = (Vec<String>, u16);

/// What the platform was asked, and what it found.
#[derive(Clone, Default)]
struct Platform {
    announced: Arc<Mutex<Vec<Announced>>>,
    sought: Arc<Mutex<Vec<String>>>,
    finds: Arc<Mutex<Option<SocketAddr>>>,
}

impl NativeDiscovery for Platform {
    fn announce(
        &mut self,
        labels: Vec<String>,
        port: u16,
        _: Vec<IpAddr>,
    ) -> Result<(), Unavailable> {
        self.announced.lock().unwrap().push((labels, port));
        Ok(())
    }

    fn silence(&mut self) {}

    fn find(&mut self, label: String, found: Found) -> Result<(), Unavailable> {
        self.sought.lock().unwrap().push(label);
        if let Some(address) = *self.finds.lock().unwrap() {
            found.tell(address);
        }
        Ok(())
    }

    fn forget(&mut self) {}
}

#[test]
fn a_primary_that_moved_is_found_again_by_the_platforms_discovery() {
    // [TRANSPORT-18]
    let (here, there) = (folder("native-p"), folder("native-a"));
    let (announces, finds) = (Platform::default(), Platform::default());
    let own = |platform: &Platform| Discovery::FromApp(Box::new(platform.clone()));
    let discovery = own(&announces);
    let primary = front(diptych_primary::Supply { discovery, ..supply(&here) }).unwrap();
    let discovery = own(&finds);
    let assistant = behind(diptych_secondary::Supply { discovery, ..supply(&there) });
    let mut log = Vec::new();
    pair(&primary, &assistant, &mut log);
    let mut until_live = || {
        of_assistant(&assistant, &mut log, |event| {
            let live = diptych_protocol::liveness::LinkState::Live;
            matches!(event, secondary::Event::Link(now) if *now == live).then_some(())
        });
    };
    until_live();
    let first_port = primary.port();
    drop(primary);
    // Another port: what the code said leads nowhere now.
    let held = std::net::UdpSocket::bind(("127.0.0.1", first_port)).unwrap();
    let discovery = own(&announces);
    let primary = front(diptych_primary::Supply { discovery, ..supply(&here) }).unwrap();
    *finds.finds.lock().unwrap() = Some(([127, 0, 0, 1], primary.port()).into());
    until_live();
    let announced = announces.announced.lock().unwrap().clone();
    let sought = finds.sought.lock().unwrap().clone();
    assert!(
        announced.iter().any(|(labels, port)| {
            *port == primary.port() && labels.iter().any(|label| sought.contains(label))
        }),
        "announced {announced:?}, sought {sought:?}"
    );
    drop((primary, assistant, held));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}
