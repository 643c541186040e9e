//! A [`Report`] for machines, for reading and
//! for looking at.
//!
//! All three say the same and compute nothing: whoever disagrees with a picture
//! looks the number up in the JSON, and whoever disagrees with a number computes
//! the report again from the journals. Rejected: templates and a drawing crate,
//! for three files whose every byte we want to choose.

mod json;
mod svg;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use json::{claim, json};
pub use svg::svg;
pub use text::text;

use diptych_protocol::journal::{Claim, Finding, Integrity};
use diptych_protocol::policy::{Interruption, Judgement, Length, Standing};
use diptych_protocol::report::Report;
use diptych_protocol::time::{Instant, Primary, Span};

/// `+0:20:03.250`: a place in the exam, counted from the start of answering.
fn clock(report: &Report, at: Instant<Primary>) -> String {
    let from = (at - report.window.start).nanos();
    let sign = if from < 0 { '-' } else { '+' };
    let ms = from.unsigned_abs().saturating_add(500_000) / 1_000_000;
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("{sign}{}:{:02}:{:02}.{ms:03}", s / 3_600, s / 60 % 60, s % 60)
}

/// A length that a person can compare: three digits after the point.
fn length(span: Span) -> String {
    let nanos = span.nanos().unsigned_abs();
    let (unit, name) = match nanos {
        1_000_000_000.. => (1_000_000_000, "s"),
        1_000_000.. => (1_000_000, "ms"),
        0.. => (1_000, "µs"),
    };
    let thousandths = nanos.saturating_mul(1_000).saturating_add(unit / 2) / unit;
    let sign = if span.nanos() < 0 { "-" } else { "" };
    format!("{sign}{}.{:03} {name}", thousandths / 1_000, thousandths % 1_000)
}

/// Why an interruption counts, or why it does not, with its rule.
fn ruling(one: &Interruption) -> String {
    let standing = match one.standing {
        Standing::Counted => "counted",
        Standing::SameEpisode => "not counted again: began together with another camera's",
        Standing::Hiccup => "not counted: lost too little",
        Standing::Excused => "not counted: excused",
        Standing::OutOfScope => "not counted: this camera is out of the policy's scope",
        Standing::Waiting => "not counted: before answering began",
        Standing::Sound => "not counted: only the sound was lost",
    };
    let limit = match one.length {
        Length::Within => "",
        Length::Marginal => "; too long only if mistimed (R6)",
        Length::Over => "; too long (R6)",
    };
    format!("{standing} ({}){limit}", one.standing.rule())
}

/// `2 interruptions`, or `0 to 1 interruptions` where it depends on what is unknown.
fn counted(judgement: &Judgement) -> String {
    match (judgement.count_min, judgement.count_max) {
        (1, 1) => "1 interruption".to_owned(),
        (least, most) if least == most => format!("{least} interruptions"),
        (least, most) => format!("{least} to {most} interruptions"),
    }
}

/// The two heads that exclude each other, where that is what was found.
fn claims(finding: &Finding) -> impl Iterator<Item = &Claim> {
    finding.proof.iter().flat_map(|proof| [&proof.here, &proof.seen])
}

/// The one word for what the journals are worth together.
fn evidence(report: &Report) -> &'static str {
    let worst = report.findings.iter().map(|finding| finding.offence.means()).max();
    match worst {
        None | Some(Integrity::Intact) => "intact",
        Some(Integrity::Incomplete) => "incomplete",
        Some(Integrity::Tampered) => "tampered",
    }
}
