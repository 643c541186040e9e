//! The stories of clocks as a picture.
//!
//! For each clock four panels over one time: where the offset lies once the straight
//! line of its epoch is taken away, how wide the bound is, how fast the clock runs,
//! and how many messages came. What was known at the time is dashed and orange, what is known afterwards
//! solid and blue: different in grey, and to colour-blind eyes.

use core::fmt::Write as _;

use diptych_protocol::clock::Estimate;
use diptych_protocol::time::{Instant, Primary, Span};

use super::page::{LEFT, Page, WIDTH};
use super::{ClockStory, Sample, What};

const HEAD: f64 = 64.0;
/// Heights of the four panels.
const OFFSET: f64 = 150.0;
const BOUND: f64 = 110.0;
const RATE: f64 = 80.0;
const MESSAGES: f64 = 40.0;
/// Between two panels, for the title of the lower one.
const GAP: f64 = 30.0;
const STORY: f64 = HEAD + OFFSET + BOUND + RATE + MESSAGES + 3.0 * GAP + 44.0;
/// What a letter of a mark is wide, and less than that it must not be from another.
const LETTER: f64 = 5.6;
const THEN: &str = "fill=\"none\" stroke=\"#d55e00\" stroke-width=\"1.6\" stroke-dasharray=\"5 3\"";
const NOW: &str = "fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1.8\"";
const BAND: &str = "fill=\"#0072b2\" fill-opacity=\"0.22\" stroke=\"none\"";

/// The picture, 1,048 units wide.
pub(crate) fn draw(stories: &[ClockStory]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a handful of clocks")]
    let height = STORY * (stories.len().max(1) as f64);
    let mut page = Page(String::new());
    page.line(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1048 {height}\" width=\"1048\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">"
    ));
    page.line(&format!("<rect width=\"1048\" height=\"{height}\" fill=\"#fff\"/>"));
    if stories.is_empty() {
        page.text(LEFT, 40.0, "", "No two clocks of this session exchanged messages.");
    }
    let mut top = 0.0;
    for (index, story) in stories.iter().enumerate() {
        let mut panels = Panels { page: &mut page, story, top, index };
        panels.head();
        panels.offset(top + HEAD);
        panels.bound(top + HEAD + OFFSET + GAP);
        panels.rate(top + HEAD + OFFSET + BOUND + 2.0 * GAP);
        panels.messages(top + HEAD + OFFSET + BOUND + RATE + 3.0 * GAP);
        panels.axis();
        top += STORY;
    }
    page.line("</svg>");
    page.0
}

struct Panels<'a> {
    page: &'a mut Page,
    story: &'a ClockStory,
    top: f64,
    index: usize,
}

impl Panels<'_> {
    fn x(&self, at: Instant<Primary>) -> f64 {
        let long = float(self.story.to - self.story.from).max(1.0);
        LEFT + WIDTH * (float(at - self.story.from) / long).clamp(0.0, 1.0)
    }

    fn head(&mut self) {
        let story = self.story;
        let (role, device) = (story.other.role, story.other.device);
        let device = if device > 1 { format!(".{device}") } else { String::new() };
        let top = self.top;
        let bold = "font-size=\"17\" font-weight=\"bold\"";
        self.page.text(LEFT, top + 24.0, bold, &format!("The clock of {role}{device}"));
        let end = "text-anchor=\"end\" fill=\"#333\"";
        let told = format!("{} messages, {}", story.forward + story.backward, story.epochs_told());
        self.page.text(LEFT + WIDTH, top + 24.0, end, &told);
        self.page.line(&format!(
            "<path d=\"M690 {0:.1}h34\" {THEN}/><path d=\"M868 {0:.1}h34\" {NOW}/>",
            top + 40.0
        ));
        self.page.text(730.0, top + 44.0, "", "known at the time");
        self.page.text(908.0, top + 44.0, "", "known afterwards");
    }

    /// The offset against the straight line that fits its epoch best at its end.
    fn offset(&mut self, top: f64) {
        let Some(line) = self.story.last().and_then(|last| last.now) else {
            self.page.frame(top, OFFSET, "Offset: not known at any time");
            return;
        };
        let parts = self.epochs();
        let beyond = |part: &[Sample], when: Instant<Primary>, offset: Span| {
            let last = part.iter().rev().find_map(|sample| Some((sample.at, sample.now?)));
            last.map_or(0.0, |(at, line)| {
                float(offset - line.offset) - float(when - at) * rate(line)
            })
        };
        let mut reach = 1_000.0;
        for part in &parts {
            for (when, one) in each(part, |sample| sample.now) {
                for offset in [one.low, one.high] {
                    reach = f64::max(reach, beyond(part, when, offset).abs());
                }
            }
        }
        // Twice as high, so that what was known at the time is seen as well.
        let scale = round_up(2.0 * reach);
        let y = |value: f64| top + OFFSET / 2.0 * (1.0 - (value / scale).clamp(-1.0, 1.0));
        let title = format!(
            "Offset {} at the end, running {}; deviation from {} line",
            signed(line.offset),
            ppm(line.skew_ppb),
            if parts.len() > 1 { "each epoch's" } else { "that" }
        );
        self.page.frame(top, OFFSET, &title);
        for part in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            self.page.grid(y(part * scale), &told(part * scale));
        }
        for part in &parts {
            let (now, then) = (each(part, |sample| sample.now), each(part, |sample| sample.then));
            let trace = |list: &[(Instant<Primary>, Estimate)], pick: fn(&Estimate) -> Span| {
                let point = |(when, one): &(Instant<Primary>, Estimate)| {
                    (self.x(*when), y(beyond(part, *when, pick(one))))
                };
                list.iter().map(point).collect::<Vec<_>>()
            };
            let (low, high) = (trace(&now, |one| one.low), trace(&now, |one| one.high));
            let band: Vec<_> = low.iter().chain(high.iter().rev()).copied().collect();
            let lines = [
                (THEN, trace(&then, |one| one.low)),
                (THEN, trace(&then, |one| one.high)),
                (NOW, trace(&now, |one| one.offset)),
            ];
            self.page.path(BAND, &band, "Z");
            for (style, points) in lines {
                self.page.path(style, &points, "");
            }
        }
        self.marks(top, OFFSET, Labels::Shown);
    }

    /// The samples of each clock epoch.
    fn epochs(&self) -> Vec<Vec<Sample>> {
        let epoch = |sample: &Sample| {
            self.story.epochs.iter().filter(|epoch| epoch.at <= sample.at).count()
        };
        let parts = self.story.samples.chunk_by(|one, other| epoch(one) == epoch(other));
        parts.map(<[Sample]>::to_vec).collect()
    }

    /// How much faster the clock ran than the primary's.
    fn rate(&mut self, top: f64) {
        self.page.frame(top, RATE, "Rate: how much faster it runs than the primary's");
        let parts = self.epochs();
        let rates = |pick: fn(&Sample) -> Option<Estimate>| {
            let part = |part: &Vec<Sample>| {
                let list = each(part, pick).into_iter();
                list.map(|(at, one)| (self.x(at), rate(one) * 1e6)).collect::<Vec<_>>()
            };
            parts.iter().map(part).collect::<Vec<_>>()
        };
        let (then, now) = (rates(|sample| sample.then), rates(|sample| sample.now));
        let of_now = || now.iter().flatten().map(|(_, rate)| *rate);
        let (low, high) = (of_now().fold(f64::MAX, f64::min), of_now().fold(f64::MIN, f64::max));
        if low > high {
            return;
        }
        let (middle, scale) = (f64::midpoint(low, high), round_up((high - low).max(1.0)));
        let y = |value: f64| top + RATE / 2.0 * (1.0 - ((value - middle) / scale).clamp(-1.0, 1.0));
        for part in [-1.0, 0.0, 1.0] {
            let value = middle + part * scale;
            self.page.grid(y(value), &format!("{value:.1} ppm"));
        }
        for (style, parts) in [(THEN, then), (NOW, now)] {
            for points in parts {
                let points: Vec<_> = points.iter().map(|(x, rate)| (*x, y(*rate))).collect();
                self.page.path(style, &points, "");
            }
        }
        self.marks(top, RATE, Labels::Hidden);
    }

    /// Half the width of the bound, in powers of ten.
    fn bound(&mut self, top: f64) {
        self.page.frame(top, BOUND, "Bound: the truth is certainly within ± this");
        let half = |one: &Estimate| (float(one.high - one.low) / 2.0).max(1.0).log10();
        let samples = &self.story.samples;
        let widths = |list: &[(Instant<Primary>, Estimate)]| {
            list.iter().map(|(at, one)| (self.x(*at), half(one))).collect::<Vec<_>>()
        };
        let (then, now) = (
            widths(&each(samples, |sample| sample.then)),
            widths(&each(samples, |sample| sample.now)),
        );
        let all = || then.iter().chain(&now).map(|(_, width)| *width);
        let lowest = all().fold(f64::MAX, f64::min).floor();
        let highest = all().fold(f64::MIN, f64::max).ceil().max(lowest + 1.0);
        let y = |width: f64| top + BOUND * (1.0 - (width - lowest) / (highest - lowest));
        if then.is_empty() && now.is_empty() {
            return;
        }
        let mut decade = lowest;
        while decade <= highest {
            self.page.grid(y(decade), &told(10_f64.powf(decade)));
            decade += 1.0;
        }
        for (style, points) in [(THEN, then), (NOW, now)] {
            let points: Vec<_> = points.iter().map(|(x, width)| (*x, y(*width))).collect();
            self.page.path(style, &points, "");
        }
        self.marks(top, BOUND, Labels::Hidden);
    }

    fn messages(&mut self, top: f64) {
        let tenths = self.story.tenths_a_second();
        let title = format!("Messages: {}.{} a second", tenths / 10, tenths % 10);
        self.page.frame(top, MESSAGES, &title);
        let samples = &self.story.samples;
        let most = samples.iter().map(|sample| sample.messages).max().unwrap_or_default().max(1);
        let mut d = String::new();
        for (before, sample) in samples.iter().zip(samples.iter().skip(1)) {
            #[expect(clippy::cast_precision_loss, reason = "a share of a bar")]
            let high = MESSAGES * (sample.messages as f64) / (most as f64);
            let (from, to) = (self.x(before.at), self.x(sample.at));
            let bottom = top + MESSAGES;
            let _ = write!(d, "M{from:.1} {bottom:.1}V{:.1}H{to:.1}V{bottom:.1}Z", bottom - high);
        }
        self.page.line(&format!("<path d=\"{d}\" fill=\"#777\"/>"));
    }

    /// Where a clock began anew, the link or its path changed, or a device slept.
    fn marks(&mut self, top: f64, height: f64, labels: Labels) {
        let story = self.story;
        let (mut path, mut marks) = (None, Vec::new());
        for event in &story.events {
            let words = match event.what {
                What::Link { state, path: now } => {
                    let state = state.map_or("?", |state| state.name());
                    let moved = path.replace(now).is_some_and(|before| before != now);
                    if moved { format!("{state}, path {now}") } else { state.into() }
                }
                What::NetworkChanged(_) | What::Slept(..) => event.what.words(),
            };
            marks.push((event.at, words, "stroke=\"#333\" stroke-dasharray=\"1 3\""));
        }
        for (number, epoch) in (2..).zip(&story.epochs) {
            marks.push((
                epoch.at,
                format!("epoch {number}"),
                "stroke=\"#111\" stroke-width=\"1.6\"",
            ));
        }
        marks.retain(|(at, ..)| *at >= story.from && *at <= story.to);
        marks.sort_by_key(|(at, ..)| *at);
        // Labels stand in two rows, and one that has no room in either is left out.
        let mut free = [LEFT; 2];
        for (at, words, style) in marks {
            let x = self.x(at);
            self.page.line(&format!("<path d=\"M{x:.1} {top:.1}v{height}\" {style}/>"));
            #[expect(clippy::cast_precision_loss, reason = "a few letters")]
            let end = x + 3.0 + LETTER * (words.chars().count() as f64);
            let row = free.iter().position(|free| *free <= x && end <= LEFT + WIDTH + 36.0);
            if let (Labels::Shown, Some(row)) = (labels, row) {
                let y = if row == 0 { top + 12.0 } else { top + 24.0 };
                self.page.text(x + 3.0, y, "font-size=\"10\" fill=\"#333\"", &words);
                if let Some(free) = free.get_mut(row) {
                    *free = end;
                }
            }
        }
    }

    /// Round times below the last panel, and a border between two clocks.
    fn axis(&mut self) {
        let story = self.story;
        let y = self.top + STORY - 26.0;
        let length = story.to - story.from;
        let fits = |step: &&i64| length.nanos() / (**step * 1_000_000_000) <= 8;
        let step = STEPS.iter().find(fits).or(STEPS.last()).map_or(1, |step| *step);
        for part in 0..=length.nanos() / (step * 1_000_000_000) {
            let after = Span::from_secs(step * part);
            let x = self.x(story.from + after);
            let label = if step < 60 {
                format!("+{} s", step * part)
            } else {
                format!("+{} min", step * part / 60)
            };
            self.page.text(x, y, "text-anchor=\"middle\" fill=\"#333\"", &label);
        }
        if self.index > 0 {
            let top = self.top;
            self.page.line(&format!("<path d=\"M0 {top:.1}h1048\" stroke=\"#333\"/>"));
        }
    }
}

/// Whether marks say what they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    Shown,
    Hidden,
}

/// Seconds between two times of the axis, the first with at most nine times.
const STEPS: [i64; 12] = [1, 2, 5, 10, 20, 60, 120, 300, 600, 1_800, 3_600, 7_200];

/// What `pick` takes of each sample that has it.
fn each(
    samples: &[Sample],
    pick: impl Fn(&Sample) -> Option<Estimate>,
) -> Vec<(Instant<Primary>, Estimate)> {
    samples.iter().filter_map(|sample| Some((sample.at, pick(sample)?))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn float(span: Span) -> f64 {
    span.nanos() as f64
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn rate(estimate: Estimate) -> f64 {
    estimate.skew_ppb as f64 / 1e9
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|step| step * decade)
        .find(|step| *step >= value)
        .unwrap_or(10.0 * decade)
}

/// A number of nanoseconds with a unit that suits it.
fn told(nanos: f64) -> String {
    let (by, unit) = match nanos.abs() {
        size if size >= 0.999e9 => (1e9, "s"),
        size if size >= 0.999e6 => (1e6, "ms"),
        size if size >= 0.999e3 => (1e3, "µs"),
        _ => (1.0, "ns"),
    };
    let value = nanos / by;
    let digits = usize::from((value - value.round()).abs() > 0.01);
    format!("{value:.digits$} {unit}")
}

/// An offset to a microsecond.
fn signed(offset: Span) -> String {
    let micros = offset.nanos().unsigned_abs() / 1_000;
    let sign = if offset.nanos() < 0 { '−' } else { '+' };
    format!("{sign}{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
}

/// A rate in parts per million.
fn ppm(ppb: i64) -> String {
    let (size, way) = (ppb.unsigned_abs(), if ppb < 0 { "slow" } else { "fast" });
    format!("{}.{:02} ppm {way}", size / 1_000, size % 1_000 / 10)
}
