//! What an app shows without having heard of it: times after a reboot, and everything
//! on a screen that was made anew.

use std::sync::Arc;

use diptych_primary::{Basis, BootId, Clock, SessionClock, SignedStatement, Stage, Statement};
use diptych_protocol::identity::Signer as _;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::policy::Proven;
use diptych_protocol::report::statements;
use diptych_protocol::timeline::{Timeline, with_clocks};

use super::own::Hardware;
use super::*;

/// The clock of one boot.
struct Boot {
    id: BootId,
    /// How much less it shows than the machine's.
    began: Span,
}

impl Clock<SessionClock> for Boot {
    fn now(&self) -> Instant<time::Primary> {
        Clock::<SessionClock>::now(&BootClock::new()) - self.began
    }

    fn suspended(&self) -> Span {
        Clock::<SessionClock>::suspended(&BootClock::new())
    }

    fn boot(&self) -> BootId {
        self.id
    }
}

/// Session time, which is the machine's clock here.
fn truth() -> Instant<time::Primary> {
    BootClock::new().now()
}

struct Reboots<'a> {
    here: &'a Path,
    port: u16,
    plan: Plan,
    proctor: &'a Hardware,
}

impl Reboots<'_> {
    /// The primary by the clock of this boot, with the plan by that clock.
    fn start(&self, boot: u8, began: Span) -> Primary {
        let clock = Boot { id: BootId([boot; 16]), began };
        let Windows { wait_open, wait_close, answer_start, answer_end } = self.plan.windows();
        let [wait_open, wait_close, answer_start, answer_end] =
            [wait_open, wait_close, answer_start, answer_end].map(|at| at - began);
        let windows = Windows { wait_open, wait_close, answer_start, answer_end };
        let (issuer, asked) = (self.plan.issuer(), *self.plan.requirements());
        Primary::start(diptych_primary::Options {
            supply: diptych_primary::Supply {
                clock: Some(Arc::new(clock)),
                sockets: diptych_primary::Sockets::Address(([127, 0, 0, 1], self.port).into()),
                ..supply(self.here)
            },
            plan: Plan::new(Mode::Mock, issuer, 1, windows, asked).unwrap(),
            policy: Policy::preset("xyb-seed").unwrap(),
            proctors: vec![self.proctor.public_key().fingerprint()],
            exam: ExamTag::of("a test"),
            label: Label::new("front").unwrap(),
            check_code: CheckCode::Skipped,
            advertise: Vec::new(),
        })
        .unwrap()
    }
}

/// Whether the journals of this folder tie the assistant's clock to the primary's.
fn tied(here: &Path) -> bool {
    let journals = journals(here);
    let Some(timeline) = Timeline::of(&journals) else { return false };
    let places = |clock, at| timeline.place(clock, at).map(|placed| placed.basis);
    journals
        .iter()
        .flat_map(with_clocks)
        .filter(|(clock, _)| !clock.role.is_primary())
        .any(|(clock, entry)| places(clock, entry.at) == Some(Basis::Messages))
}

/// Lets the primary speak until something is so.
fn until(primary: &Primary, log: &mut Vec<String>, mut so: impl FnMut() -> bool) {
    let begun = truth();
    while !so() {
        let told = primary.next_event(Duration::from_millis(200));
        log.extend(told.map(|told| format!("{told:?}").chars().take(150).collect()));
        assert!((truth() - begun).to_duration() < PATIENCE, "waited in vain after {log:#?}");
    }
}

#[test]
fn a_statement_after_a_reboot_is_dated_in_session_time() {
    // [SESSION-51] [TIME-2]
    let (here, there) = (folder("reboot-p"), folder("reboot-a"));
    let mut proctor = Hardware::new(7);
    let plan = plan(Span::from_secs(60), Span::from_secs(60));
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let reboots = Reboots { here: &here, port, plan, proctor: &proctor.clone() };
    let primary = reboots.start(1, Span::ZERO);
    let assistant = start_assistant(&there);
    let mut log = Vec::new();
    pair(&primary, &assistant, &mut log);
    let now = primary.session_now().unwrap().unwrap();
    assert_eq!((now.basis, now.low, now.high), (Basis::Own, now.at, now.at));
    until(&primary, &mut log, || tied(&here));

    drop(primary);
    log.push("the primary reboots".to_owned());
    let primary = reboots.start(2, truth() - Instant::from_nanos(5_000_000_000));
    // What was written by the old clock is another time by the new one.
    assert!(primary.now() < Instant::from_nanos(60_000_000_000));
    until(&primary, &mut log, || primary.session_now().unwrap().is_some());
    let before = truth();
    let now = primary.session_now().unwrap().unwrap();
    let pause = Statement::Pause(now.at);
    assert!(now.low <= truth() && before <= now.high, "{now:?} between {before:?} and now");
    assert!(now.basis == Basis::Messages && now.within() < Span::from_secs(1), "{now:?}");
    // The assistant counts down to the same end, by the clock that runs now.
    assert_eq!(primary.snapshot().unwrap().phase, diptych_protocol::plan::Phase::Waiting);
    until(&primary, &mut log, || assistant.primary_now().unwrap().is_some());
    let before = primary.now();
    let now = assistant.primary_now().unwrap().unwrap();
    assert!(now.low <= primary.now() && before <= now.high, "{now:?} after {before:?}");
    let end = assistant.snapshot().unwrap().plan.unwrap().windows().answer_end;
    assert!(end - now.at < Span::from_secs(120), "{end:?} at {now:?}");

    let session = primary.session().unwrap();
    let signed = SignedStatement::sign(session, pause, &mut proctor).unwrap();
    primary.hand_in(&signed.to_bytes()).unwrap();
    primary.stop().unwrap();
    let by = proctor.public_key().fingerprint();
    let proven: Vec<_> = statements(&journals(&here), &[by]);
    assert_eq!(proven, [Ok(Proven { statement: pause, by })]);
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}

#[test]
fn a_screen_that_was_made_anew_shows_what_it_never_heard() {
    let (here, there) = (folder("anew-p"), folder("anew-a"));
    let primary = start_primary(&here, plan(Span::from_secs(60), Span::from_secs(60)));
    let assistant = start_assistant(&there);
    let mut log = Vec::new();
    primary.open_pairing(Role::new(1).unwrap()).unwrap();
    let ticket = primary.snapshot().unwrap().seats.first().unwrap().ticket.clone().unwrap();
    assistant.scanned(&ticket).unwrap();
    let question = assistant.snapshot().unwrap().question.unwrap();
    assert_eq!(question.exam, ExamTag::of("a test"));
    assistant.consent(Consent::Declined).unwrap();
    let shown = assistant.snapshot().unwrap();
    let declined = Some(diptych_secondary::PairingFailure::Declined);
    assert_eq!((shown.question, shown.failure), (None, declined));
    pair(&primary, &assistant, &mut log);
    // Nobody asked either of them for an event since.
    let led = primary.snapshot().unwrap();
    let followed = assistant.snapshot().unwrap();
    assert_eq!((led.stage, followed.take), (Stage::Recording { take: 1 }, Some(1)));
    assert_eq!(followed.plan.unwrap().assistants(), 1);
    assert_eq!(followed.label, Some(Label::new("front").unwrap()));
    assistant.leave().unwrap();
    assert_eq!(assistant.snapshot().unwrap().ending, Some(Ending::Left));
    until(&primary, &mut log, || {
        primary.snapshot().unwrap().seats.first().unwrap().link == LinkState::Down
    });
    drop((primary, assistant));
    std::fs::remove_dir_all(here).unwrap();
    std::fs::remove_dir_all(there).unwrap();
}
