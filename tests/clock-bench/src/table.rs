//! The table, for a terminal of 80 columns.

use std::io::{self, Write};

use crate::score::Score;

/// Writes one block per scenario.
pub(crate) fn print(out: &mut impl Write, scores: &[Score]) -> io::Result<()> {
    writeln!(out, "Errors and half-widths in µs; conv: until the error stays below 200 µs, in s;")?;
    writeln!(out, "cover: how often the claimed bound held; ex/s, B/s: traffic, both ways.")?;
    let mut scenario = "";
    for score in scores {
        if score.scenario != scenario {
            scenario = &score.scenario;
            writeln!(out)?;
            writeln!(
                out,
                "{:<16}{:>7}{:>7}{:>7}{:>8}{:>6}{:>9}{:>8}{:>6}{:>6}",
                scenario, "rms", "p95", "p99", "max", "conv", "cover", "half", "ex/s", "B/s"
            )?;
        }
        writeln!(
            out,
            "{:<16}{:>7}{:>7}{:>7}{:>8}{:>6}{:>9}{:>8}{:>6.2}{:>6.0}",
            score.method,
            figure(score.rms_us, 7),
            figure(score.p95_us, 7),
            figure(score.p99_us, 7),
            figure(score.max_us, 8),
            figure(score.converge_200us_s, 6),
            coverage(score),
            figure(score.half_width_us, 8),
            score.exchanges_per_s,
            score.bytes_per_s,
        )?;
    }
    Ok(())
}

/// As many digits as fit into `width` with a space before them.
fn figure(value: Option<f64>, width: usize) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 1_000.0) };
    let text = format!("{value:.decimals$}");
    if text.len() < width { text } else { format!("{value:.0e}") }
}

fn coverage(score: &Score) -> String {
    match score.coverage {
        None => "-".to_owned(),
        Some(_) if score.violations == 0 => "100 %".to_owned(),
        // Rounded down: 100 % means every single one.
        Some(share) => format!("{:.2} %", (share * 1e4).floor() / 1e2),
    }
}
