//! The loop against a link that is a queue and a clock that tests move.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use diptych_protocol::identity::Role;
use diptych_protocol::machine::{Admission, JournalName, LinkId};
use diptych_protocol::secret::SecretBytes;
use diptych_protocol::time::{Primary, Span};
use tokio::sync::{mpsc, oneshot, watch};

use super::*;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::StorageError;
use crate::link::Happening;

/// What happened, in order, wherever it happened.
type Story = Arc<Mutex<Vec<String>>>;

fn tell(story: &Story, what: String) {
    story.lock().unwrap().push(what);
}

/// Says what it is handed and yields what it is told to.
struct Scripted {
    story: Story,
    outputs: VecDeque<Output<Primary, &'static str>>,
}

impl Machine for Scripted {
    type Clock = Primary;
    type Command = Vec<Output<Primary, &'static str>>;
    type Event = &'static str;
    type Rejected = ();

    fn command(&mut self, _: Instant<Primary>, outputs: Self::Command) -> Result<(), ()> {
        self.outputs.extend(outputs);
        Ok(())
    }

    fn handle(&mut self, now: Instant<Primary>, input: Input<'_>) {
        let what = if let Input::Slept { span } = input {
            format!("slept {span}")
        } else if let Input::Moved { .. } = input {
            "moved".to_owned()
        } else if let Input::Received { age, .. } = input {
            format!("heard what waited {age}")
        } else {
            format!("{input:?}")
        };
        tell(&self.story, format!("{what} at {}", now.nanos()));
    }

    fn poll_output(&mut self) -> Output<Primary, &'static str> {
        self.outputs.pop_front().unwrap_or(Output::Idle { wake: None })
    }
}

/// Hands over what it was given, and notes what it should send.
struct Queue {
    story: Story,
    arrivals: mpsc::Receiver<Arrival<Primary>>,
}

impl Link<Primary> for Queue {
    fn transmit(&mut self, link: LinkId, _: Lane, bytes: Vec<u8>) {
        tell(&self.story, format!("transmit {} on {}", bytes.len(), link.0));
    }

    fn admit(&mut self, _: Admission) {}

    fn dial(&mut self, _: Dial) {}

    fn announce(&mut self, _: Vec<String>) {}

    fn close(&mut self, link: LinkId, code: CloseCode) {
        tell(&self.story, format!("close {} with {code}", link.0));
    }

    fn network_changed(&mut self) {
        tell(&self.story, "rebind".to_owned());
    }

    async fn next(&mut self) -> Arrival<Primary> {
        match self.arrivals.recv().await {
            Some(arrival) => arrival,
            None => std::future::pending().await,
        }
    }

    async fn finish(&mut self) {
        tell(&self.story, "finish".to_owned());
    }
}

struct Notes(Story);

impl Disk for Notes {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        Ok(BTreeMap::new())
    }

    fn truncate(&mut self, _: JournalName, _: u64) -> Result<(), StorageError> {
        Ok(())
    }

    fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
        tell(&self.0, format!("append {} to {journal}", bytes.len()));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        tell(&self.0, "sync".to_owned());
        Ok(())
    }

    fn load(&mut self, _: Private) -> Result<Option<SecretBytes>, StorageError> {
        Ok(None)
    }

    fn store(&mut self, file: Private, _: &[u8]) -> Result<(), StorageError> {
        tell(&self.0, format!("store {file:?}"));
        Ok(())
    }
}

#[derive(Default)]
struct Hand {
    now: AtomicI64,
    suspended: AtomicI64,
}

impl Clock<Primary> for Hand {
    fn now(&self) -> Instant<Primary> {
        Instant::from_nanos(self.now.load(Ordering::Relaxed))
    }

    fn suspended(&self) -> Span {
        Span::from_nanos(self.suspended.load(Ordering::Relaxed))
    }
}

struct Stage {
    story: Story,
    clock: Arc<Hand>,
    arrive: mpsc::Sender<Arrival<Primary>>,
    handle: crate::Handle<Scripted>,
    _events: crate::Events<&'static str>,
}

fn stage() -> Stage {
    let story = Story::default();
    let clock = Arc::new(Hand::default());
    let (arrive, arrivals) = mpsc::channel(8);
    let machine = Scripted { story: story.clone(), outputs: VecDeque::new() };
    let world = World {
        clock: clock.clone() as Arc<dyn Clock<Primary>>,
        disk: Box::new(Notes(story.clone())),
        link: Queue { story: story.clone(), arrivals },
    };
    let (handle, events) = crate::start(machine, world).unwrap();
    Stage { story, clock, arrive, handle, _events: events }
}

#[tokio::test]
async fn outputs_are_carried_out_in_the_order_of_the_machine() {
    // [SESSION-1]
    let stage = stage();
    let journal = JournalName { role: Role::PRIMARY, device: 1 };
    let (link, lane) = (LinkId(4), Lane::Control);
    let outputs = vec![
        Output::Append { journal, bytes: vec![0; 3] },
        Output::Append { journal, bytes: vec![0; 2] },
        Output::Sync,
        Output::Store(SecretBytes::default()),
        Output::Transmit { link, lane, bytes: vec![0; 9] },
        Output::Close { link, code: CloseCode::OkEnd },
    ];
    stage.handle.ask(outputs).await.unwrap();
    stage.handle.network_changed().await.unwrap();
    stage.handle.stop().await.unwrap();
    let expected = [
        "append 3 to P",
        "append 2 to P",
        "sync",
        "store State",
        "transmit 9 on 4",
        "close 4 with OK_END",
        "rebind",
        "NetworkChanged at 0",
        "finish",
        "sync",
    ];
    assert_eq!(*stage.story.lock().unwrap(), expected);
}

/// Notes as [`Notes`] does, and whether the command was answered by then.
struct Watching {
    notes: Notes,
    answer: Arc<Mutex<oneshot::Receiver<Result<(), ()>>>>,
}

impl Watching {
    fn look(&self) {
        if self.answer.lock().unwrap().try_recv().is_ok() {
            tell(&self.notes.0, "answered already".to_owned());
        }
    }
}

impl Disk for Watching {
    fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
        self.notes.journals()
    }

    fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError> {
        self.notes.truncate(journal, keep)
    }

    fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
        self.look();
        self.notes.append(journal, bytes)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.look();
        self.notes.sync()
    }

    fn load(&mut self, file: Private) -> Result<Option<SecretBytes>, StorageError> {
        self.notes.load(file)
    }

    fn store(&mut self, file: Private, bytes: &[u8]) -> Result<(), StorageError> {
        self.look();
        self.notes.store(file, bytes)
    }
}

#[tokio::test]
async fn a_command_is_answered_once_what_it_wants_kept_is_kept() {
    // [SESSION-1]
    let story = Story::default();
    let (answer, answered) = oneshot::channel();
    let answered = Arc::new(Mutex::new(answered));
    let disk = Watching { notes: Notes(story.clone()), answer: answered.clone() };
    let (_arrive, arrivals) = mpsc::channel(1);
    let world = World {
        clock: Arc::new(Hand::default()) as Arc<dyn Clock<Primary>>,
        disk: Box::new(disk),
        link: Queue { story: story.clone(), arrivals },
    };
    let journal = JournalName { role: Role::PRIMARY, device: 1 };
    let statement = vec![
        Output::Append { journal, bytes: vec![0; 3] },
        Output::Sync,
        Output::Store(SecretBytes::default()),
        Output::Append { journal, bytes: vec![0; 2] },
    ];
    let (asks, asked) = mpsc::channel(2);
    assert!(asks.send(Ask::Command(statement, answer)).await.is_ok());
    assert!(asks.send(Ask::Stop).await.is_ok());
    let mut asked = Asked { asks: asked, ended: watch::channel(None).0, held: Arc::default() };
    let machine = Scripted { story: story.clone(), outputs: VecDeque::new() };
    run(machine, world, &mut asked, crate::handle::events(1, |_, _| false).0).await.unwrap();
    // The last sync is the end's own.
    let kept = ["append 3 to P", "sync", "store State", "append 2 to P"];
    let end = ["finish", "answered already", "sync"];
    assert_eq!(*story.lock().unwrap(), [kept.as_slice(), end.as_slice()].concat());
}

#[tokio::test]
async fn sleep_is_told_before_what_woke_the_device_and_arrivals_keep_their_age() {
    // [TIME-6] [TRANSPORT-11] [TRANSPORT-28]
    let stage = stage();
    stage.handle.inspect(|_| ()).await.unwrap();
    stage.clock.now.store(700_000_000_000, Ordering::Relaxed);
    stage.clock.suspended.store(600_000_000_000, Ordering::Relaxed);
    let (link, lane, bytes) = (LinkId(1), Lane::Timing, Bytes::from_static(b"tick"));
    // Nobody hears a message before it comes, whatever a clock says of it.
    let early = Happening::Received { link, lane, bytes: bytes.clone() };
    for (at, what) in [
        (699, Happening::Moved { link, remote: ([127, 0, 0, 1], 9).into() }),
        (697, Happening::Received { link, lane, bytes }),
        (701, early),
    ] {
        let at = Instant::from_nanos(at * 1_000_000_000);
        stage.arrive.send(Arrival { at, what }).await.unwrap();
    }
    while stage.story.lock().unwrap().len() < 4 {
        tokio::task::yield_now().await;
    }
    stage.handle.stop().await.unwrap();
    let expected = [
        "slept 600 s at 700000000000",
        "moved at 700000000000",
        "heard what waited 3 s at 700000000000",
        "heard what waited 0 ns at 700000000000",
        "finish",
        "sync",
    ];
    assert_eq!(*stage.story.lock().unwrap(), expected);
}
