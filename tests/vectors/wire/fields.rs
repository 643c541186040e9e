//! The implementation's typed messages, shown as a vector lists them: the only
//! place where its fields and the tables' names meet.

use diptych_protocol::device::{Device, Heat, Permissions, Requirements, Switch};
use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::{BootId, ExamTag, Fingerprint, Label, Role, SessionId};
use diptych_protocol::plan::{Mode, Phase, Plan};
use diptych_protocol::time::{Clock, Instant, Primary, Span};
use diptych_protocol::wire::{
    CameraState, CheckCode, Conditions, Control, FinishReason, Low, Pulse, Recording, Resume,
    SenderTime, ShortStamp, Stamp, Timing,
};

use crate::vector::hex;

type Shown = Vec<(String, String)>;

/// How a typed value reads in a vector.
trait Show {
    fn show(&self) -> String;
}

macro_rules! show {
    ($($type:ty: |$value:ident| $shown:expr;)*) => {$(
        impl Show for $type {
            fn show(&self) -> String {
                let $value = self;
                $shown.to_string()
            }
        }
    )*};
}

/// The number of `value` in a list that the page gives in this order.
fn number<T: PartialEq + std::fmt::Debug>(list: &[T], value: &T) -> usize {
    list.iter().position(|other| other == value).unwrap_or_else(|| panic!("{value:?}"))
}

show! {
    u8: |value| value;
    u16: |value| value;
    u32: |value| value;
    u64: |value| value;
    Label: |value| value;
    SessionId: |value| hex(&value.0);
    BootId: |value| hex(&value.0);
    ExamTag: |value| hex(&value.0);
    Fingerprint: |value| hex(&value.0);
    Role: |value| value.number();
    CloseCode: |value| *value as u32;
    Span: |value| value.nanos();
    SenderTime: |value| value.on::<Primary>().nanos();
    CheckCode: |value| number(&[CheckCode::NotAsked, CheckCode::Asked], value);
    Switch: |value| number(&[Switch::Off, Switch::On], value);
    Permissions: |value| value.0;
    Heat: |value| number(
        &[Heat::Unknown, Heat::Normal, Heat::Warm, Heat::Hot, Heat::Critical], value);
    Mode: |value| number(&[Mode::Exam, Mode::Mock], value);
    Phase: |value| number(
        &[Phase::Setup, Phase::Waiting, Phase::Ready, Phase::Answering, Phase::Ended], value);
    FinishReason: |value| number(
        &[FinishReason::Submitted, FinishReason::TimeUp, FinishReason::Host,
            FinishReason::NotReady, FinishReason::Abandoned], value);
    CameraState: |value| number(
        &[CameraState::Unknown, CameraState::Closed, CameraState::Ready, CameraState::Recording,
            CameraState::Taken], value);
    Recording: |value| number(
        &[Recording::Idle, Recording::Armed, Recording::Recording, Recording::Lost,
            Recording::Returning, Recording::Ended], value);
    Conditions: |value| [
        (Conditions::SCREEN_LEFT, 1), (Conditions::STORAGE_FAILED, 2), (Conditions::AUDIO_LOST, 4),
    ].iter().filter(|(bit, _)| value.has(*bit)).map(|(_, bit)| bit).sum::<u32>();
}

impl<const N: usize> Show for [u8; N] {
    fn show(&self) -> String {
        hex(self)
    }
}

impl<const N: usize> Show for Low<N> {
    fn show(&self) -> String {
        self.number().to_string()
    }
}

impl<C: Clock> Show for Instant<C> {
    fn show(&self) -> String {
        self.nanos().to_string()
    }
}

impl Show for Option<Switch> {
    fn show(&self) -> String {
        self.map_or_else(|| "255".to_owned(), |switch| switch.show())
    }
}

macro_rules! list {
    ($from:expr; $($field:ident),*) => {{
        let from = $from;
        vec![$((stringify!($field).to_owned(), from.$field.show())),*]
    }};
}

fn device(device: &Device) -> Shown {
    let battery = device.battery_percent.map_or(255, u64::from);
    let mut shown = vec![("battery_percent".to_owned(), battery.show())];
    shown.extend(list!(device; charging, power_save, heat));
    shown.push(("free_bytes".to_owned(), device.free_bytes.unwrap_or(u64::MAX).show()));
    shown.extend(list!(device; permissions));
    shown
}

fn short_stamp(stamp: &ShortStamp) -> Shown {
    list!(stamp; seq, sent, echo_seq, echo_received)
}

fn stamp(stamp: &Stamp) -> Shown {
    list!(stamp; seq, sent, epoch, echo_seq, echo_clock, echo_received)
}

fn pulse(pulse: &Pulse) -> Shown {
    let mut shown = stamp(&pulse.stamp);
    shown.extend(list!(pulse; recording, conditions, last_committed));
    shown
}

fn resume(resume: &Resume) -> Shown {
    list!(resume; session, role, epoch, boot, head, sequence, peer_sequence, mac)
}

fn plan(plan: &Plan) -> Shown {
    let named = |name: &str, value: String| (name.to_owned(), value);
    let requirements: &Requirements = plan.requirements();
    let mut shown = vec![
        named("mode", plan.mode().show()),
        named("issuer", plan.issuer().show()),
        named("assistants", plan.assistants().show()),
    ];
    shown.extend(list!(plan.windows(); wait_open, wait_close, answer_start, answer_end));
    shown
        .extend(list!(requirements; battery_percent, charger, bytes_per_second, heat, permissions));
    shown
}

/// The fields of a control message.
pub(crate) fn control(message: &Control) -> Shown {
    match message {
        Control::Hello(m) => {
            let mut shown = vec![("version".to_owned(), "1".to_owned())];
            shown.extend(list!(m; epoch));
            shown.push(("suite".to_owned(), "1".to_owned()));
            shown.push(("capabilities".to_owned(), m.capabilities.0.show()));
            shown.extend(list!(m; nonce, label, key, proof));
            shown
        }
        Control::Accept(m) => list!(m; session, role, device, check_code, nonce, label, key, proof),
        Control::Confirm(m) => list!(m; mac),
        Control::Resume(m) | Control::Resumed(m) => resume(m),
        Control::Alarm(m) => list!(m; code, role),
        Control::CheckCodeConfirmed(_) => vec![],
        Control::Announce(m) => {
            let mut shown = list!(m; exam);
            shown.extend(plan(&m.plan));
            shown.extend(list!(m; policy));
            shown
        }
        Control::PhaseChanged(m) => list!(m; phase, at),
        Control::Begin(m) => list!(m; take),
        Control::Finish(m) => list!(m; reason, at),
        Control::Finished(m) => list!(m; head, sequence),
        Control::DeviceReport(m) => {
            let mut shown = device(&m.device);
            shown.extend(list!(m; camera, boot));
            shown
        }
        Control::Journal(m) => vec![
            ("from_sequence".to_owned(), m.from_sequence().show()),
            ("count".to_owned(), m.count().show()),
            ("records".to_owned(), hex(m.records())),
        ],
        Control::JournalAsk(m) => list!(m; from_sequence),
        Control::JournalHave(m) => list!(m; sequence, head),
        Control::AddressUpdate(m) => {
            let mut bytes = Vec::new();
            m.addresses.encode(&mut bytes);
            vec![
                ("count".to_owned(), m.addresses.count().show()),
                ("port".to_owned(), m.addresses.port().show()),
                ("addresses".to_owned(), hex(&bytes)),
            ]
        }
    }
}

/// The fields of a timing message.
pub(crate) fn timing(message: &Timing) -> Shown {
    match message {
        Timing::Heartbeat(m) => {
            let mut shown = pulse(&m.pulse);
            shown.extend(list!(m; frames, journal_sequence, journal_head, clock_digest));
            shown
        }
        Timing::Pulse(m) => pulse(m),
        Timing::Probe(m) => stamp(&m.stamp),
        Timing::ShortProbe(m) => short_stamp(&m.stamp),
        Timing::ShortPulse(m) => {
            let mut shown = short_stamp(&m.stamp);
            shown.extend(list!(m; recording, conditions, last_committed));
            shown
        }
    }
}
