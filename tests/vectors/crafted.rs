//! One session with what no simulated one has: written record by record.

use diptych_protocol::identity::{BootId, Label, PublicKey, Role, SessionId};
use diptych_protocol::journal::{Blob, Fact, Header, Heard, Own, Replayed, Writer, replay};
use diptych_protocol::policy::{ExpectedIn, Policy, Scope, Terms};
use diptych_protocol::time::{Instant, Primary, Span};

/// The base point of P-256: some key is needed, nothing here is signed.
const KEY: &str = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                   4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

fn at<C>(ms: i64) -> Instant<C> {
    Instant::from_nanos(ms * 1_000_000)
}

/// A policy that is no preset: by role, and announced gaps are forgiven anywhere.
pub(crate) fn policy() -> Policy {
    let seed = *Policy::preset("xyb-seed").expect("a preset").terms();
    let name = Label::new("ours").expect("a label");
    let (scope, expected_in) = (Scope::PerRole, ExpectedIn::Anywhere);
    Policy::new(Terms { name, scope, expected_in, ..seed }).expect("a policy")
}

struct Device {
    writer: Writer,
    file: Vec<u8>,
    peer: Role,
}

impl Device {
    fn new(number: u8) -> Self {
        let role = Role::new(number).expect("a role");
        let bytes: Vec<u8> = (0..65)
            .map(|index| u8::from_str_radix(&KEY[2 * index..2 * index + 2], 16).expect("a byte"))
            .collect();
        let key = PublicKey::from_sec1(&bytes).expect("a key");
        let (writer, file) =
            Writer::create(Header { session: SessionId([1; 16]), role, device: 1, key });
        let mut device = Self { writer, file, peer: Role::new(1 - number).expect("a role") };
        device.starts(0, number);
        device
    }

    fn starts(&mut self, ms: i64, boot: u8) {
        let boot = BootId([boot; 16]);
        self.put(ms, &Fact::ProcessStarted { boot, wall_ms: ms, cause: 0, raw: 0 });
    }

    fn put(&mut self, ms: i64, fact: &Fact) {
        self.file.extend(self.writer.append(at::<Own>(ms), fact).expect("a record"));
    }

    fn films(&mut self, ms: i64) {
        let (first, last) = (at(ms - 500), at(ms - 33));
        let (frames, offset, bytes, sha256) = (15, 0, 60_000, [0; 32]);
        self.put(ms, &Fact::Segment { first, last, frames, offset, bytes, sha256 });
    }

    fn hears(&mut self, ms: i64) {
        let heard = [Heard { sequence: 0, sent: at(ms - 1), received: at(ms) }].as_slice().into();
        let peer = self.peer;
        self.put(ms, &Fact::ClockHeard { peer, heard });
    }
}

/// When answering begins.
pub(crate) const ANSWERING: Instant<Primary> = Instant::from_nanos(60_000_000_000);

/// Ten minutes in which the primary's camera is gone before answering, then for
/// 120.033 s, for 5 s that it announced, and for 150 s; the sound and the screen are lost, and
/// the assistant boots anew and is heard of no more.
pub(crate) fn journals() -> Vec<Replayed> {
    let (mut p, mut a) = (Device::new(0), Device::new(1));
    p.put(0, &Fact::PeerBoot { peer: p.peer, device: 1, boot: BootId([1; 16]) });
    a.put(0, &Fact::PeerBoot { peer: a.peer, device: 1, boot: BootId([0; 16]) });
    let answer_start = ANSWERING;
    p.put(
        0,
        &Fact::Plan {
            assistants: 1,
            wait_open: at(0),
            wait_close: answer_start,
            answer_start,
            answer_end: at(600_000),
            plan: Blob::default(),
            policy: Blob::new(&policy().to_bytes()).expect("96 bytes"),
        },
    );
    let label = Label::new("page turned").expect("a label");
    let lost = |state| Fact::AudioEvent { state, cause: 7, raw: 0 };
    let facts = [
        (65_000, Fact::WallStep { by_ms: -3_600_000 }),
        (70_000, Fact::Mark { label }),
        (80_000, Fact::Take { take: 1, mark: 2 }),
        (90_000, Fact::ScreenLeft { cause: 2, raw: 0 }),
        (91_000, Fact::ScreenBack {}),
        (100_000, lost(0)),
        (150_000, lost(1)),
        (400_000, Fact::ExpectedGap { longest: Span::from_secs(8) }),
        (420_000, Fact::CloneSuspected { role: p.peer, epoch: 3 }),
        (
            450_000,
            Fact::ForkSeen { peer: a.peer, sequence: 9, ours: [1; 32], theirs: Box::new([2; 32]) },
        ),
    ];
    for ms in (1_000..600_000).step_by(500) {
        for (_, fact) in facts.iter().filter(|(when, _)| *when == ms) {
            p.put(ms, fact);
        }
        let dark = [(20_000, 26_000), (200_000, 320_000), (401_000, 406_000), (420_000, 570_000)];
        if !dark.iter().any(|(from, to)| (*from..*to).contains(&ms)) {
            p.films(ms);
        }
        if ms == 300_000 {
            a.starts(1_000, 9);
        } else if ms > 300_000 {
            a.films(ms - 299_000);
        } else {
            a.films(ms);
            a.hears(ms);
            p.hears(ms);
        }
    }
    p.put(600_100, &Fact::Finish { reason: 0 });
    a.put(301_100, &Fact::Finish { reason: 0 });
    [p, a].iter().map(|device| replay(&device.file).expect("a journal")).collect()
}

/// A camera that is gone for 5 s for each of the causes, one after the other.
pub(crate) fn causes() -> Vec<Replayed> {
    let mut p = Device::new(0);
    let (assistants, wait_open, wait_close) = (0, at(0), at(10_000));
    let (answer_start, answer_end) = (at(10_000), at(400_000));
    let (plan, policy) = (Blob::default(), Blob::new(&policy().to_bytes()).expect("96 bytes"));
    p.put(
        0,
        &Fact::Plan { assistants, wait_open, wait_close, answer_start, answer_end, plan, policy },
    );
    for ms in (1_000..400_000).step_by(500) {
        let (turn, into) = (ms / 20_000 - 1, ms % 20_000);
        let cause = u8::try_from(turn).ok().filter(|cause| *cause < 18);
        match cause {
            Some(cause) if into == 5_000 => {
                p.put(ms, &Fact::CameraEvent { state: 0, cause, raw: 100 + i32::from(cause) });
            }
            Some(_) if (5_000..10_000).contains(&into) => {}
            Some(_) | None => p.films(ms),
        }
    }
    p.put(400_100, &Fact::Finish { reason: 0 });
    vec![replay(&p.file).expect("a journal")]
}
