//! A session in a folder: two journals with real seals, two recordings.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use diptych::camera::timebase::{Simulated, Timebase as _};
use diptych::camera::{Camera as _, Committed, Recording, Scene, Synthetic};
use diptych::picture::{Colour, Picture, Size};
use diptych_protocol::identity::{
    BootId, PublicKey, Role, SessionId, SignFailed, Signature, Signer, sha256,
};
use diptych_protocol::journal::{Blob, Fact, Header, Heard, Own, Theirs, Writer};
use diptych_protocol::policy::Policy;
use diptych_protocol::time::{Instant, Span};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;

use super::Folder;

const SECOND: i64 = 1_000_000_000;
/// The machine's clock when the session begins.
const START: i64 = 1_000 * SECOND;

/// What signs, and the key that it says it signs with.
struct Key(SigningKey, PublicKey);

impl Key {
    fn new(seed: u8, shown: u8) -> Self {
        let [signing, shown] =
            [seed, shown].map(|seed| SigningKey::from_slice(&[seed; 32]).unwrap());
        let shown = shown.verifying_key().to_sec1_point(false);
        Self(signing, PublicKey::from_sec1(shown.as_bytes()).unwrap())
    }
}

impl Signer for Key {
    fn public_key(&self) -> PublicKey {
        self.1
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, SignFailed> {
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        Ok(Signature(signature.to_bytes().into()))
    }
}

/// One device: its journal, and what its camera committed, by true time.
struct Device {
    role: Role,
    peer: Role,
    clock: (i64, i64),
    key: Key,
    /// What its seals are made with.
    pen: Key,
    writer: Writer,
    journal: Vec<u8>,
    committed: Vec<Committed>,
}

impl Device {
    fn new(number: u8, clock: (i64, i64), day: u8, pen: u8) -> Self {
        let key = Key::new(number + 1, number + 1);
        let role = Role::new(number).unwrap();
        let pen = Key::new(pen, number + 1);
        let session = SessionId([day; 16]);
        let header = Header { session, role, device: 1, key: key.public_key() };
        let (writer, journal) = Writer::create(header);
        let peer = Role::new(1 - number).unwrap();
        Self { role, peer, clock, key, pen, writer, journal, committed: Vec::new() }
    }

    fn boot(&self) -> BootId {
        BootId([self.role.number() + 1; 16])
    }

    /// What its clock shows at a true time.
    fn shows<C>(&self, true_ns: i64) -> Instant<C> {
        let clock = Simulated::new(true_ns, self.clock.0, self.clock.1);
        Instant::from_nanos(clock.read().own_ns)
    }

    fn write(&mut self, true_ns: i64, fact: &Fact) {
        let now = self.shows::<Own>(true_ns);
        let bytes = self.writer.append(now, fact).unwrap();
        self.journal.extend(bytes);
    }

    fn seal(&mut self, true_ns: i64) {
        let now = self.shows::<Own>(true_ns);
        self.journal.extend(self.writer.seal(now, &mut self.pen).unwrap());
    }

    /// Films for `pictures` pictures, without the camera for `lost_ns` after the
    /// first half of them.
    fn film(&mut self, folder: &Folder, pictures: usize, lost_ns: i64) {
        let clock = Arc::new(Simulated::new(START, self.clock.0, self.clock.1));
        let (name, size) = (self.role.to_string(), Size::new(160, 120).unwrap());
        let scene = if self.role.is_primary() { Scene::Front } else { Scene::Behind };
        let mut camera = Synthetic::new(clock.clone(), scene, &name, size, 15, 7);
        let path = folder.path(&format!("{name}.mp4"));
        let mut recording = Recording::create(&path, camera.interval_ns()).unwrap();
        let mut picture = Picture::new(size, Colour::BLACK);
        camera.open().unwrap();
        for index in 0..pictures {
            if index == pictures / 2 && lost_ns > 0 {
                self.committed.extend(recording.pause().unwrap());
                camera.close();
                clock.advance(lost_ns);
                camera.open().unwrap();
            }
            let own_ns = camera.capture(&mut picture).unwrap();
            self.committed.extend(recording.push(&picture, own_ns).unwrap());
        }
        self.committed.extend(recording.pause().unwrap());
    }
}

/// Twenty seconds of answering, in which the assistant's camera is away for 4 s.
pub(crate) fn session() -> Folder {
    session_of(9, 2)
}

/// The same on another day, its assistant's seals made with another key.
pub(crate) fn session_of(day: u8, pen: u8) -> Folder {
    let folder = Folder::new();
    let assistant = Device::new(1, (30 * SECOND, 80_000), day, pen);
    let mut devices = [Device::new(0, (0, 0), day, 1), assistant];
    devices[0].film(&folder, 330, 0);
    devices[1].film(&folder, 270, 4 * SECOND);
    begin(&mut devices);
    let events = timeline(&devices);
    for (true_ns, event) in events {
        play(&mut devices, true_ns, event);
    }
    for device in &mut devices {
        device.write(START + 23 * SECOND, &Fact::RecordingStopped { cause: 0, raw: 0 });
    }
    // The primary saw the assistant's last record.
    let head = devices[1].writer.head();
    let (peer, covered) = (devices[1].role, Instant::<Theirs>::from_nanos(i64::MIN));
    let seen = Fact::PeerHead { peer, sequence: head.sequence, head: head.hash, covered };
    devices[0].write(START + 23 * SECOND, &seen);
    for device in &mut devices {
        device.write(START + 24 * SECOND, &Fact::Finish { reason: 0 });
        device.seal(START + 24 * SECOND);
        folder.write(&format!("{}.journal", device.role), &device.journal);
    }
    folder
}

fn begin(devices: &mut [Device; 2]) {
    let boots = devices.each_ref().map(Device::boot);
    let keys = devices.each_ref().map(|device| device.key.public_key());
    for (index, device) in devices.iter_mut().enumerate() {
        let boot = boots[index];
        let started = Fact::ProcessStarted { boot, wall_ms: 1_767_225_600_000, cause: 0, raw: 0 };
        device.write(START - 2 * SECOND, &started);
        let (peer, key) = (device.peer, keys[1 - index]);
        let (session, transcript) = (SessionId([9; 16]), [0; 32]);
        device
            .write(START - SECOND, &Fact::Paired { peer, key: Box::new(key), session, transcript });
        let boot = boots[1 - index];
        device.write(START - SECOND, &Fact::PeerBoot { peer, device: 1, boot });
    }
    let at = |seconds: i64| Instant::from_nanos(START + seconds * SECOND);
    let policy = Policy::preset("xyb-seed").unwrap().to_bytes();
    let plan = Fact::Plan {
        assistants: 1,
        wait_open: at(-1),
        wait_close: at(1),
        answer_start: at(1),
        answer_end: at(21),
        plan: Blob::default(),
        policy: Blob::new(&policy).unwrap(),
    };
    devices[0].write(START - SECOND, &plan);
    let peer = devices[1].role;
    devices[0].write(START - SECOND, &Fact::Link { peer, state: 0, path: 1 });
    for device in devices.iter_mut() {
        let file = sha256(format!("{}.mp4", device.role).as_bytes());
        device.write(START, &Fact::RecordingStarted { take: 1, timescale: 1_000_000, file });
    }
}

/// What happens next.
#[derive(Clone)]
enum Event {
    Commit(usize, Committed),
    Talk,
}

/// Commits when they happen, and a message each way every 100 ms.
fn timeline(devices: &[Device; 2]) -> Vec<(i64, Event)> {
    let mut events: Vec<(i64, Event)> =
        (0..220).map(|tenth| (START + tenth * SECOND / 10, Event::Talk)).collect();
    for (index, device) in devices.iter().enumerate() {
        for committed in &device.committed {
            // The device's clock back to the true one, near enough for an order.
            let (offset, rate) = device.clock;
            let true_ns = committed.last_ns - offset - committed.last_ns / SECOND * rate;
            events.push((true_ns + SECOND / 20, Event::Commit(index, *committed)));
        }
    }
    events.sort_by_key(|(true_ns, _)| *true_ns);
    events
}

fn play(devices: &mut [Device; 2], true_ns: i64, event: Event) {
    match event {
        Event::Commit(index, one) => {
            let device = &mut devices[index];
            let at = Instant::from_nanos(one.first_ns);
            let segment = Fact::Segment {
                first: at,
                last: Instant::from_nanos(one.last_ns),
                frames: one.frames,
                offset: one.offset,
                bytes: u32::try_from(one.bytes).unwrap(),
                sha256: one.sha256,
            };
            device.write(true_ns, &segment);
            let pts = i64::try_from(one.first_pts_us).unwrap();
            device.write(true_ns, &Fact::MediaAnchor { pts, at, within: Span::from_micros(1) });
        }
        Event::Talk => {
            // 1 ms to the assistant, 2 ms back.
            let sequence = u32::try_from((true_ns - START) / 1_000_000).unwrap();
            for (from, to, delay) in [(0, 1, 1_000_000), (1, 0, 2_000_000)] {
                let sent = devices[from].shows(true_ns);
                let received = devices[to].shows(true_ns + delay);
                let heard = [Heard { sequence, sent, received }].as_slice().into();
                let peer = devices[to].peer;
                devices[to].write(true_ns + delay, &Fact::ClockHeard { peer, heard });
            }
            if (true_ns - START) % SECOND == 0 {
                devices.iter_mut().for_each(|device| device.seal(true_ns + SECOND / 100));
            }
        }
    }
}

/// Changes one byte of a file.
pub(crate) fn flip(folder: &Folder, name: &str, at: usize) {
    let mut bytes = fs::read(folder.path(name)).unwrap();
    bytes[at] ^= 0x20;
    folder.write(name, bytes);
}

/// Cuts a file to its first bytes.
pub(crate) fn cut(folder: &Folder, name: &str, keep: u64) {
    File::options().write(true).open(folder.path(name)).unwrap().set_len(keep).unwrap();
}

/// Adds bytes to the end of a file.
pub(crate) fn extend(folder: &Folder, name: &str, bytes: &[u8]) {
    let mut file = File::options().write(true).open(folder.path(name)).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(bytes).unwrap();
}
