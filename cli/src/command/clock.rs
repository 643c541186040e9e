//! `diptych clock`: what was known of the assistants' clocks, and when.

use std::io::Write;

use diptych_protocol::clock::Estimate;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::time::Span;
use serde_json::{Value, json};

use super::written::write_whole;
use crate::args::ClockArgs;
use crate::clocks::{ClockStory, Event, Sample, What, draw, stories};
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;

/// Rows of the table for each clock.
const ROWS: usize = 12;

pub(crate) fn clock(args: &ClockArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let stories = stories(&SessionFolder::open(&args.dir)?.replayed()?);
    if let Some(path) = &args.svg {
        write_whole(path, draw(&stories).as_bytes())?;
    }
    if args.json {
        let clocks: Vec<Value> = stories.iter().map(object).collect();
        writeln!(out, "{:#}", json!({ "clocks": clocks }))?;
        return Ok(Exit::Done);
    }
    if stories.is_empty() {
        writeln!(out, "No two clocks of this session exchanged messages.")?;
    }
    for story in &stories {
        print_story(story, out)?;
    }
    if let Some(path) = &args.svg {
        writeln!(out, "wrote {}", path.display())?;
    }
    Ok(Exit::Done)
}

fn print_story(story: &ClockStory, out: &mut dyn Write) -> std::io::Result<()> {
    let ClockStory { other, forward, backward, .. } = story;
    let tenths = story.tenths_a_second();
    let device = if other.device > 1 { format!(".{}", other.device) } else { String::new() };
    writeln!(
        out,
        "{}{device}: {forward} messages to it and {backward} from it, {}.{} a second, {}",
        other.role,
        tenths / 10,
        tenths % 10,
        story.epochs_told()
    )?;
    writeln!(
        out,
        "  {:>10}  {:>20}  {:>13}  {:>13}  {:>12}",
        "time", "offset", "known then", "afterwards", "rate"
    )?;
    let step = story.samples.len().saturating_sub(1).div_ceil(ROWS).max(1);
    let last = story.samples.len().saturating_sub(1);
    for (index, sample) in story.samples.iter().enumerate() {
        if index % step == 0 || index == last {
            print_sample(story, sample, out)?;
        }
    }
    for (number, epoch) in (2..).zip(&story.epochs) {
        let at = seconds(epoch.at - story.from);
        let known = epoch.known.map_or("only afterwards".to_owned(), |known| {
            let late = (known - epoch.at).nanos() / 1_000_000;
            format!("{late} ms later")
        });
        writeln!(out, "  {at:>10}  clock epoch {number} begins: a clock stepped; known {known}")?;
    }
    for event in &story.events {
        writeln!(out, "  {:>10}  {}", seconds(event.at - story.from), event.what.words())?;
    }
    Ok(())
}

fn print_sample(story: &ClockStory, sample: &Sample, out: &mut dyn Write) -> std::io::Result<()> {
    let at = seconds(sample.at - story.from);
    let best = sample.now.or(sample.then);
    let offset = best.map_or("not known".into(), |one| micros(one.offset));
    let rate = best.map_or(String::new(), |one| ppm(one.skew_ppb));
    let (then, now) = (bound(sample.then), bound(sample.now));
    writeln!(out, "  {at:>10}  {offset:>20}  {then:>13}  {now:>13}  {rate:>12}")
}

fn object(story: &ClockStory) -> Value {
    let samples = story.samples.iter().map(|sample| {
        json!({
            "at_ns": sample.at.nanos(),
            "messages": sample.messages,
            "then": sample.then.map(estimate),
            "now": sample.now.map(estimate),
        })
    });
    let epochs = story.epochs.iter().map(|epoch| {
        json!({ "at_ns": epoch.at.nanos(), "known_ns": epoch.known.map(|known| known.nanos()) })
    });
    json!({
        "role": story.other.role.to_string(),
        "device": story.other.device,
        "boot": story.other.boot.to_string(),
        "primary_boot": story.primary.boot.to_string(),
        "messages_to": story.forward,
        "messages_from": story.backward,
        "from_ns": story.from.nanos(),
        "to_ns": story.to.nanos(),
        "epochs": story.epochs.len() + 1,
        "epochs_begin": epochs.collect::<Vec<_>>(),
        "samples": samples.collect::<Vec<_>>(),
        "links": story.events.iter().filter_map(link).collect::<Vec<_>>(),
        "events": story.events.iter().filter_map(event).collect::<Vec<_>>(),
    })
}

fn link(event: &Event) -> Option<Value> {
    let What::Link { state, path } = event.what else { return None };
    let state = state.map(LinkState::name);
    Some(json!({ "at_ns": event.at.nanos(), "state": state, "path": path }))
}

fn event(event: &Event) -> Option<Value> {
    let at_ns = event.at.nanos();
    match event.what {
        What::Link { .. } => None,
        What::NetworkChanged(role) => {
            Some(json!({ "at_ns": at_ns, "role": role.to_string(), "what": "network changed" }))
        }
        What::Slept(role, span) => Some(json!({
            "at_ns": at_ns, "role": role.to_string(), "what": "slept", "span_ns": span.nanos(),
        })),
    }
}

fn estimate(one: Estimate) -> Value {
    json!({
        "offset_ns": one.offset.nanos(),
        "low_ns": one.low.nanos(),
        "high_ns": one.high.nanos(),
        "sigma_ns": one.sigma.nanos(),
        "skew_ppb": one.skew_ppb,
    })
}

fn seconds(span: Span) -> String {
    let tenths = span.nanos() / 100_000_000;
    let sign = if tenths < 0 { '-' } else { '+' };
    format!("{sign}{}.{} s", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

/// An offset to a microsecond.
fn micros(span: Span) -> String {
    let micros = span.nanos().unsigned_abs() / 1_000;
    let sign = if span.nanos() < 0 { '-' } else { '+' };
    format!("{sign}{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
}

fn bound(estimate: Option<Estimate>) -> String {
    estimate.map_or("-".into(), |one| {
        let half = (one.high - one.low).nanos().unsigned_abs().div_ceil(2);
        format!("±{}.{:03} ms", half / 1_000_000, half / 1_000 % 1_000)
    })
}

fn ppm(ppb: i64) -> String {
    let sign = if ppb < 0 { '-' } else { '+' };
    format!("{sign}{}.{:02} ppm", ppb.unsigned_abs() / 1_000, ppb.unsigned_abs() % 1_000 / 10)
}
