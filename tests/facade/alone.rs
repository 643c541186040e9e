//! An app that depends on one facade and on nothing else of this project.
//!
//! Whatever it has to name it finds there: what it builds, what it hands in, what it
//! implements, and every variant that it is told. So this file imports nothing else,
//! and the functions need only compile.

/// On the primary.
mod primary {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use diptych_primary::{
        Blame, BootClock, Cause, CheckCode, Clock, CloseCode, Device, Disk, Estimate, Event,
        ExamTag, Fact, Failure, Folder, Fragment, Heat, Instant, JournalName, KeyError, Label,
        Language, LinkState, Loopback, Mode, NetworkError, Observed, Options, Outcome, Permissions,
        Phase, Plan, PlanError, Policy, Private, Refused, Requirements, SecretBytes, SessionClock,
        Shortfall, Span, StartError, Storage, StorageError, StorageProblem, Supply, Switch, Tally,
        Text, Windows,
    };

    struct Memory(BTreeMap<JournalName, Vec<u8>>);

    impl Disk for Memory {
        fn journals(&mut self) -> Result<BTreeMap<JournalName, Vec<u8>>, StorageError> {
            Ok(self.0.clone())
        }

        fn truncate(&mut self, journal: JournalName, keep: u64) -> Result<(), StorageError> {
            let keep = usize::try_from(keep).unwrap_or(usize::MAX);
            self.0.entry(journal).or_default().truncate(keep);
            Ok(())
        }

        fn append(&mut self, journal: JournalName, bytes: &[u8]) -> Result<(), StorageError> {
            self.0.entry(journal).or_default().extend(bytes);
            Ok(())
        }

        fn sync(&mut self) -> Result<(), StorageError> {
            let problem = StorageProblem::Full;
            Err(StorageError { path: "memory".into(), action: "keep", problem })
        }

        fn load(&mut self, _: Private) -> Result<Option<SecretBytes>, StorageError> {
            Ok(None)
        }

        fn store(&mut self, _: Private, _: &[u8]) -> Result<(), StorageError> {
            Ok(())
        }
    }

    struct Own(BootClock);

    impl Clock<SessionClock> for Own {
        fn now(&self) -> Instant {
            self.0.now()
        }

        fn suspended(&self) -> Span {
            Clock::<SessionClock>::suspended(&self.0)
        }
    }

    fn plan(now: Instant, label: Label) -> Result<Plan, PlanError> {
        let requirements = Requirements {
            battery_percent: 20,
            charger: Switch::Off,
            bytes_per_second: 1,
            heat: Heat::Hot,
            permissions: Permissions::CAMERA,
        };
        let end = now + Span::from_secs(60);
        let windows =
            Windows { wait_open: now, wait_close: now, answer_start: now, answer_end: end };
        Plan::new(Mode::Mock, label, 1, windows, requirements)
    }

    fn options(plan: Plan, policy: Policy, label: Label) -> Options {
        let supply = Supply {
            storage: Storage::FromApp(Box::new(Memory(BTreeMap::new()))),
            clock: Some(Arc::new(Own(BootClock::new()))),
            loopback: Loopback::Refused,
            last_exit: Observed { cause: Cause::Reboot, raw: 0 },
            ..Supply::folder("unused")
        };
        let (proctors, advertise) = (Vec::new(), Vec::new());
        let (exam, check_code) = (ExamTag::of("a test"), CheckCode::Skipped);
        Options { supply, plan, policy, proctors, exam, label, check_code, advertise }
    }

    fn facts(first: Instant, last: Instant, name: Label) -> [Fact; 5] {
        let fragment = Fragment { first, last, frames: 1, bytes: 1, sha256: [0; 32] };
        [
            Fact::Committed { fragment, offset: 0 },
            Fact::CameraLost(Observed { cause: Cause::Call, raw: 1 }),
            Fact::Device(Device { permissions: Permissions::ALL, ..Device::default() }),
            Fact::Gate { name, outcome: Outcome::Passed },
            Fact::TakeChosen { take: 1 },
        ]
    }

    /// Everything that an event carries can be kept in a field of the app.
    #[derive(PartialEq)]
    enum Seen {
        Link(LinkState),
        Clock(Estimate),
        Phase(Phase),
        Tally(Tally),
        Alarm(CloseCode),
        Device(Device, Vec<Shortfall>),
        Lost(Observed),
    }

    fn seen(event: Event) -> Option<Seen> {
        Some(match event {
            Event::Link { state, .. } => Seen::Link(state),
            Event::Clock { estimate, .. } => Seen::Clock(estimate),
            Event::Phase(phase) => Seen::Phase(phase),
            Event::Tally(tally) => Seen::Tally(tally),
            Event::Alarm { code, .. } => Seen::Alarm(code),
            Event::Device { device, shortfalls, .. } => Seen::Device(device, shortfalls),
            Event::CameraLost { observed, .. } => Seen::Lost(observed),
            _ => return None,
        })
    }

    fn told(failure: &Failure) -> (Blame, Text, &'static str) {
        let text = match failure {
            Failure::Refused { refused: Refused::NoNetwork } => "join a network",
            Failure::Key { problem: KeyError::Unusable } => "unlock",
            Failure::Damaged { problem: StartError::Foreign } => "another session",
            Failure::Network { problem: NetworkError::Bind { .. } } => "a port",
            _ => failure.advice_text().template(Language::Chinese),
        };
        (failure.blame(), failure.meaning_text(), text)
    }

    #[test]
    fn a_primary_needs_no_other_crate() {
        let open = |session: &str| Folder::open(session);
        _ = (plan, options, facts, seen, told, open);
        let refused = Failure::Refused { refused: Refused::NoNetwork };
        assert_eq!(told(&refused).2, "join a network");
    }
}

/// On an assistant.
mod secondary {
    use std::sync::Arc;

    use diptych_secondary::{
        AssistantClock, BootClock, Cause, Clock, CloseCode, Device, Estimate, Event, ExamTag, Fact,
        Fault, Fingerprint, Fragment, Instant, Label, Language, LinkState, Loopback, Lost,
        Observed, Options, PairingFailure, Permissions, Phase, Plan, Question, Shortfall, Span,
        Supply, Text,
    };

    struct Own(BootClock);

    impl Clock<AssistantClock> for Own {
        fn now(&self) -> Instant {
            self.0.now()
        }

        fn suspended(&self) -> Span {
            Clock::<AssistantClock>::suspended(&self.0)
        }
    }

    fn options(label: Label) -> Options {
        let supply = Supply {
            clock: Some(Arc::new(Own(BootClock::new()))),
            loopback: Loopback::Refused,
            last_exit: Observed::NOTHING,
            ..Supply::folder("unused")
        };
        Options { supply, label }
    }

    fn facts(first: Instant, last: Instant) -> [Fact; 3] {
        let fragment = Fragment { first, last, frames: 1, bytes: 1, sha256: [0; 32] };
        [
            Fact::Committed { fragment, offset: 0 },
            Fact::AudioLost(Observed { cause: Cause::MicTaken, raw: 1 }),
            Fact::Device(Device { permissions: Permissions::ALL, ..Device::default() }),
        ]
    }

    #[derive(PartialEq)]
    enum Seen {
        Asked(ExamTag, Option<Label>, Fingerprint),
        Link(LinkState),
        Clock(Estimate),
        Phase(Phase),
        Plan(Plan),
        Alarm(CloseCode),
        Missing(Vec<Shortfall>),
        Failed(Option<Fault>, Option<Lost>),
    }

    fn seen(event: Event) -> Option<Seen> {
        Some(match event {
            Event::ConsentNeeded(Question { exam, issuer, primary }) => {
                Seen::Asked(exam, issuer, primary)
            }
            Event::Link(state) => Seen::Link(state),
            Event::Clock(estimate) => Seen::Clock(estimate),
            Event::Phase(phase) => Seen::Phase(phase),
            Event::Plan(plan) => Seen::Plan(*plan),
            Event::Alarm(code) => Seen::Alarm(code),
            Event::Shortfalls(missing) => Seen::Missing(missing),
            Event::PairingFailed(PairingFailure::Fault(fault)) => Seen::Failed(Some(fault), None),
            Event::PairingFailed(PairingFailure::Lost(lost)) => Seen::Failed(None, Some(lost)),
            _ => return None,
        })
    }

    #[test]
    fn an_assistant_needs_no_other_crate() {
        _ = (options, facts, seen);
        let told = Text::LinkLost.template(Language::Chinese);
        assert!(!told.is_empty());
    }
}
