//! What a device says while it happens, against what the verdict finds in its
//! facts afterwards: a screen that counts differently from the report would be
//! worse than no screen.

use diptych_protocol::identity::Role;
use diptych_protocol::ledger::{Cause, Change, Event, Loss, Medium, Recorder, State, Watch};
use diptych_protocol::policy::{Case, Policy, Terms, judge};
use diptych_protocol::recording::{Fragment, Interval, Recording};
use diptych_protocol::time::{Instant, Primary, Span};

use crate::random::Random;

type At = Instant<Primary>;

const TICK: i64 = 100_000_000;
const FRAME: i64 = 2;
const END: i64 = 1_200;

fn at(tick: i64) -> At {
    Instant::from_nanos(tick * TICK)
}

/// One camera's minute or two: when frames are captured and made durable, and
/// when the examinee is away. In ticks.
struct Story {
    role: Role,
    /// Commit, first, last.
    fragments: Vec<(i64, i64, i64)>,
    away: Vec<(i64, i64)>,
}

impl Story {
    fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let role = Role::new(u8::try_from(random.range(0, 1)).expect("small")).expect("a role");
        let (mut fragments, mut away) = (Vec::new(), Vec::new());
        let mut now = 0;
        while now < END - 20 {
            let until = (now + random.range(4, 160)).min(END - 10);
            while now + FRAME < until {
                let last = (now + random.range(1, 5) * FRAME).min(until);
                fragments.push((last + random.range(0, 8), now, last));
                now = last + FRAME;
            }
            now += random.range(2, 70);
        }
        let mut left = random.range(10, 300);
        while role.is_primary() && left < END - 10 {
            let back = left + random.range(1, 90);
            away.push((left, back.min(END)));
            left = back + random.range(10, 300);
        }
        // Durable in the order of capture: one file, one writer.
        let mut durable = 0;
        for (commit, ..) in &mut fragments {
            durable = durable.max(*commit);
            *commit = durable.min(END);
        }
        Self { role, fragments, away }
    }

    fn events(&self) -> Vec<(i64, Event<Primary>)> {
        let frames = self.fragments.iter().map(|(commit, first, last)| {
            (*commit, Event::Frames { first: at(*first), last: at(*last) })
        });
        let left = self.away.iter().map(|(left, _)| (*left, Event::ScreenLeft));
        let back = self.away.iter().filter(|(_, back)| *back < END);
        let back = back.map(|(_, back)| (*back, Event::ScreenBack));
        let mut events: Vec<_> = frames.chain(left).chain(back).collect();
        events.sort_by_key(|(tick, _)| *tick);
        events.push((END, Event::Stop));
        events
    }

    fn live(&self, terms: &Terms) -> Vec<(At, At)> {
        let watch = Watch {
            frame_gap: terms.frame_gap,
            stable: terms.stable,
            max_duration: terms.max_duration,
        };
        let mut recorder = Recorder::new(self.role, watch);
        let mut changes = recorder.handle(at(0), Event::Arm);
        for (tick, event) in self.events() {
            while let Some(wake) = recorder.wake().filter(|wake| *wake < at(tick)) {
                changes.extend(recorder.handle(wake, Event::Wake));
                assert_ne!(recorder.wake(), Some(wake), "a wake-up that changes nothing");
            }
            changes.extend(recorder.handle(at(tick), event));
        }
        assert_eq!(recorder.state(), State::Ended);
        let closed = changes.iter().filter_map(|change| match change {
            Change::Closed(outage) => Some((outage.start.expect("one boot"), outage.end)),
            Change::Armed
            | Change::Started { .. }
            | Change::Lost { .. }
            | Change::SilentStop { .. }
            | Change::Overdue { .. }
            | Change::Returning { .. }
            | Change::Relapsed { .. }
            | Change::Withdrawn
            | Change::Ended => None,
        });
        closed.collect()
    }

    fn afterwards(&self, terms: &Terms) -> Vec<(At, At)> {
        let mut recording = Recording::new(terms.frame_gap);
        for (_, first, last) in &self.fragments {
            let frames = u32::try_from((last - first) / FRAME + 1).expect("short");
            let (first, last) = (at(*first), at(*last));
            let fragment = Fragment { first, last, frames, bytes: 1, sha256: [0; 32] };
            recording.commit(&fragment).expect("a fragment that proves coverage");
        }
        let silent = recording.losses(Interval { start: at(0), end: at(END) });
        let away = self.away.iter().map(|(left, back)| (at(*left), at(*back)));
        let mut case = Case::clean(at(0), at(END));
        for (start, end) in silent.iter().map(|loss| (loss.start, loss.end)).chain(away) {
            case.losses.push(Loss {
                role: self.role,
                start,
                end,
                uncertainty: Span::ZERO,
                cause: Cause::Unknown,
                medium: Medium::Picture,
            });
        }
        let judgement = judge(&case, &Policy::new(*terms).expect("a policy"));
        judgement.interruptions.iter().map(|i| (i.start, i.end)).collect()
    }
}

/// [LEDGER-7] [LEDGER-11] [LEDGER-13] [LEDGER-14] [LEDGER-17]: slow disks, short
/// returns and a restless examinee, and both say the same.
#[test]
fn the_recorder_closes_what_the_judge_finds() {
    let seed = *Policy::preset("xyb-seed").expect("a preset").terms();
    let terms = Terms { min_lost: Span::ZERO, ..seed };
    let mut interruptions = 0;
    for seed in 0..20_000 {
        let story = Story::draw(seed);
        let (live, afterwards) = (story.live(&terms), story.afterwards(&terms));
        assert_eq!(live, afterwards, "seed {seed}: {:?} {:#?}", story.away, story.fragments);
        interruptions += live.len();
    }
    assert!(interruptions > 50_000, "only {interruptions}: the stories are too quiet");
}
