//! The picture: error and bound over time, one panel per scenario.
//!
//! Errors of ten microseconds and bounds of a thousand have to share an axis
//! that passes through zero, so the axis is linear up to 10 µs and logarithmic
//! from there (an inverse hyperbolic sine). Everything is a shade of grey: it
//! prints, and no meaning hangs on a colour. Rejected: a plotting crate, for
//! three polygons and some text.

use std::fmt::Write;

use diptych_protocol::time::Span;
use diptych_tests::scenario::Scenario;

use crate::methods::{Entry, METHODS};
use crate::run::{Keep, Observation, World, instants};
use crate::score::Score;

const COLUMNS: usize = 3;
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 74.0;
const GAP: (f64, f64) = (16.0, 44.0);
const BINS: usize = 150;
/// Where the axis turns from linear to logarithmic, and where it ends, in µs.
const KNEE: f64 = 10.0;
const END: f64 = 4_000.0;
const TICKS: [f64; 7] = [-1_000.0, -100.0, -10.0, 0.0, 10.0, 100.0, 1_000.0];

/// The method whose error and bound are drawn.
const OURS: &str = "ours-online";

/// Draws `scenarios` as `seed` meets them; `scores` say who the best peer is.
pub(crate) fn draw(scenarios: &[Scenario], scores: &[Score], seed: u64, lasting: Span) -> String {
    let rows = scenarios.len().div_ceil(COLUMNS);
    let width = LEFT + COLUMNS as f64 * (WIDTH + GAP.0);
    let height = TOP + rows as f64 * (HEIGHT + GAP.1);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<title>Error and bound of the clock estimate over time, by scenario</title>
<rect width="{width}" height="{height}" fill="#fff"/>
"##
    );
    legend(&mut svg, lasting);
    for (index, scenario) in scenarios.iter().enumerate() {
        let x = LEFT + (index % COLUMNS) as f64 * (WIDTH + GAP.0);
        let y = TOP + (index / COLUMNS) as f64 * (HEIGHT + GAP.1);
        let _ = writeln!(svg, r#"<g transform="translate({x} {y})">"#);
        panel(&mut svg, scenario, scores, seed, lasting, index % COLUMNS == 0);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, lasting: Span) {
    let items = [
        (0.0, r##"fill="#ddd""##, "guaranteed bound"),
        (170.0, r##"fill="#999""##, "error of the best live peer"),
        (390.0, r##"fill="#000""##, "error of Diptych, live"),
    ];
    let minutes = lasting.nanos() / 60_000_000_000;
    let _ = writeln!(
        svg,
        r#"<text x="{LEFT}" y="20" font-size="14">Estimate minus truth, in µs, over {minutes} minutes; zero is the truth</text>"#
    );
    for (x, fill, text) in items {
        let x = LEFT + x;
        let _ = writeln!(
            svg,
            r#"<rect x="{x}" y="32" width="22" height="12" {fill}/><text x="{}" y="42">{text}</text>"#,
            x + 28.0
        );
    }
}

fn panel(
    svg: &mut String,
    scenario: &Scenario,
    scores: &[Score],
    seed: u64,
    lasting: Span,
    labelled: bool,
) {
    let peer = best_peer(scenario, scores);
    let ours = observe(scenario, find(OURS), seed, lasting);
    let bounds = bins(&ours, lasting, |seen| seen.bound);
    area(svg, "#ddd", &bounds);
    if let Some(entry) = peer {
        let theirs = observe(scenario, Some(entry), seed, lasting);
        area(svg, "#999", &bins(&theirs, lasting, |seen| Some((seen.error, seen.error))));
    }
    area(svg, "#000", &bins(&ours, lasting, |seen| Some((seen.error, seen.error))));
    for tick in TICKS {
        let y = height_of(tick);
        let weight = if tick == 0.0 { 0.8 } else { 0.2 };
        let _ = writeln!(
            svg,
            r##"<path d="M0 {y:.1}H{WIDTH}" stroke="#555" stroke-width="{weight}" fill="none"/>"##
        );
        if labelled {
            let _ = writeln!(
                svg,
                r#"<text x="-5" y="{:.1}" text-anchor="end" font-size="10">{tick}</text>"#,
                y + 3.5
            );
        }
    }
    let against = peer.map_or_else(String::new, |peer| format!(" · peer: {}", peer.name));
    let _ = writeln!(
        svg,
        r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#555" stroke-width="0.6"/><text x="0" y="-6"><tspan font-weight="bold">{}</tspan> {}{against}</text>"##,
        scenario.name, scenario.title
    );
}

fn find(name: &str) -> Option<&'static Entry> {
    METHODS.iter().find(|entry| entry.name == name)
}

/// The live peer with the least error in this scenario, of those that ran.
fn best_peer(scenario: &Scenario, scores: &[Score]) -> Option<&'static Entry> {
    let live = scores.iter().filter(|score| {
        score.scenario == scenario.name && score.live && !score.method.starts_with("ours")
    });
    let best = live
        .filter_map(|score| Some((score.rms_us?, score.method)))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    best.and_then(|(_, name)| find(name))
}

fn observe(
    scenario: &Scenario,
    entry: Option<&Entry>,
    seed: u64,
    lasting: Span,
) -> Vec<Observation> {
    let Some(entry) = entry else { return Vec::new() };
    let mut method = (entry.start)();
    let instants = instants(scenario, lasting, Span::from_millis(250));
    World::new(scenario, seed, lasting)
        .run(method.as_mut(), &instants, Keep::Observations)
        .observations
}

/// The least and greatest value in each bin of time.
fn bins(
    seen: &[Observation],
    lasting: Span,
    value: impl Fn(&Observation) -> Option<(i64, i64)>,
) -> Vec<Option<(f64, f64)>> {
    let mut bins = vec![None; BINS];
    for seen in seen {
        let bin = (seen.since as f64 / lasting.nanos() as f64 * BINS as f64) as i64;
        let Some(bin) = usize::try_from(bin).ok().and_then(|bin| bins.get_mut(bin)) else {
            continue;
        };
        let Some((low, high)) = value(seen) else { continue };
        let (low, high) = (low as f64 / 1e3, high as f64 / 1e3);
        *bin = Some(bin.map_or((low, high), |(l, h): (f64, f64)| (l.min(low), h.max(high))));
    }
    bins
}

/// The area between least and greatest; gaps where nothing was said.
fn area(svg: &mut String, fill: &str, bins: &[Option<(f64, f64)>]) {
    let mut path = String::new();
    let step = WIDTH / BINS as f64;
    for run in bins.iter().enumerate().collect::<Vec<_>>().split(|(_, bin)| bin.is_none()) {
        let edge = |high: bool, (index, bin): &(usize, &Option<(f64, f64)>)| {
            let (low, top) = bin.unwrap_or_default();
            // Never thinner than a line.
            let (low, top) = (height_of(low) + 0.4, height_of(top) - 0.4);
            format!("{:.1} {:.1}", (*index as f64 + 0.5) * step, if high { top } else { low })
        };
        let there = run.iter().map(|bin| edge(true, bin));
        let back = run.iter().rev().map(|bin| edge(false, bin));
        let points: Vec<String> = there.chain(back).collect();
        if !points.is_empty() {
            let _ = write!(path, "M{}Z", points.join("L"));
        }
    }
    if !path.is_empty() {
        let _ = writeln!(svg, r#"<path d="{path}" fill="{fill}"/>"#);
    }
}

fn height_of(micros: f64) -> f64 {
    let scaled = (micros.clamp(-END, END) / KNEE).asinh() / (END / KNEE).asinh();
    HEIGHT / 2.0 * (1.0 - scaled)
}
