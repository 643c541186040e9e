//! `diptych plan`: an example to begin with, and a check of what was made of it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use diptych_driver::clock::wall_clock_millis;
use diptych_protocol::device::Switch;
use diptych_protocol::plan::{Mode, Plan};
use diptych_protocol::policy::Terms;
use diptych_protocol::time::Instant;

use super::words::{counted, length, utc};
use crate::args::PlanArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::plan::{EXAMPLE, PlanFile};

pub(crate) fn plan(args: &PlanArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    match (&args.check, &args.out) {
        (Some(path), _) => check(path, out)?,
        (None, Some(path)) => {
            write_new(path)?;
            writeln!(out, "wrote {}; edit it, then: diptych plan --check FILE", path.display())?;
        }
        (None, None) => out.write_all(EXAMPLE.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// Somebody may have edited the file since: it is never replaced.
fn write_new(path: &Path) -> Result<(), Fail> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(EXAMPLE.as_bytes()));
    written.map_err(|source| {
        let path = path.to_owned();
        if source.kind() == ErrorKind::AlreadyExists {
            Fail::Exists { path }
        } else {
            Fail::Write { path, source }
        }
    })
}

fn check(path: &Path, out: &mut dyn Write) -> Result<(), Fail> {
    let file = PlanFile::load(path)?;
    let (now, wall_ms) = (Instant::from_nanos(0), wall_clock_millis());
    let plan = file.plan(now, wall_ms)?;
    let kind = match plan.mode() {
        Mode::Exam => "An exam",
        Mode::Mock => "A mock exam",
    };
    let seats = counted(plan.assistants(), "assistant");
    writeln!(out, "{kind} of {}, with {seats}.", plan.issuer())?;
    let windows = plan.windows();
    for (name, at) in [
        ("waiting opens", windows.wait_open),
        ("waiting closes", windows.wait_close),
        ("answering starts", windows.answer_start),
        ("answering ends", windows.answer_end),
    ] {
        let from_now = at - now;
        let told = if from_now.nanos() < 0 { "ago" } else { "from now" };
        let wall = wall_ms.saturating_add(from_now.nanos().div_euclid(1_000_000));
        writeln!(out, "  {name:<17} {}, {} {told}", utc(wall), length(from_now))?;
    }
    let terms = file.policy().terms();
    writeln!(out, "  {:<17} {}", "fails by", rule(terms))?;
    writeln!(out, "  {:<17} the policy {}", "as judged by", terms.name)?;
    writeln!(out, "  {:<17} {}", "devices need", needs(&plan))?;
    Ok(())
}

fn rule(terms: &Terms) -> String {
    let count = terms.max_count.map(|most| format!("more than {}", counted(most, "interruption")));
    let longest = terms.max_duration.map(|most| format!("one of more than {most}"));
    let limits: Vec<String> = count.into_iter().chain(longest).collect();
    if limits.is_empty() { "nothing".into() } else { limits.join(", or ") }
}

fn needs(plan: &Plan) -> String {
    let required = plan.requirements();
    let storage = u128::from(required.bytes_per_second)
        * u128::from(plan.planned_length().nanos().unsigned_abs())
        / 1_000_000_000_000_000;
    let charger = if required.charger == Switch::On { ", a charger" } else { "" };
    format!(
        "battery {} %{charger}, {storage} MB free, permission for {}",
        required.battery_percent, required.permissions
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_protocol::policy::Policy;

    #[test]
    fn what_fails_is_told_for_one_interruption_and_for_several() {
        let told = |most| {
            let terms = *Policy::preset("xyb-seed").unwrap().terms();
            rule(&Terms { max_count: Some(most), max_duration: None, ..terms })
        };
        let expected = ["0 interruptions", "1 interruption", "3 interruptions"];
        assert_eq!([0, 1, 3].map(told), expected.map(|count| format!("more than {count}")));
    }
}
