//! The stories of clocks as a picture.
//!
//! For each clock three panels over one time: where the offset lies once its
//! straight line is taken away, how wide the bound is, and how many messages
//! came. What was known at the time is dashed and orange, what is known afterwards
//! solid and blue: different in grey, and to colour-blind eyes.

use core::fmt::Write as _;

use diptych_protocol::clock::Estimate;
use diptych_protocol::time::{Instant, Primary, Span};

use super::{ClockStory, Sample};

const LEFT: f64 = 92.0;
const WIDTH: f64 = 920.0;
const HEAD: f64 = 64.0;
/// Heights of the three panels.
const OFFSET: f64 = 150.0;
const BOUND: f64 = 110.0;
const MESSAGES: f64 = 40.0;
/// Between two panels, for the title of the lower one.
const GAP: f64 = 30.0;
const STORY: f64 = HEAD + OFFSET + BOUND + MESSAGES + 2.0 * GAP + 44.0;
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
        panels.messages(top + HEAD + OFFSET + BOUND + 2.0 * GAP);
        panels.axis();
        top += STORY;
    }
    page.line("</svg>");
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn text(&mut self, x: f64, y: f64, style: &str, text: &str) {
        self.line(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{text}</text>"));
    }

    fn frame(&mut self, top: f64, height: f64, title: &str) {
        self.text(LEFT, top - 8.0, "fill=\"#333\"", title);
        self.line(&format!(
            "<rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{height}\" \
             fill=\"none\" stroke=\"#999\"/>"
        ));
    }

    /// A grid line with its value at the left.
    fn grid(&mut self, y: f64, label: &str) {
        let right = LEFT + WIDTH;
        self.line(&format!("<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\" fill=\"none\"/>"));
        self.text(LEFT - 8.0, y + 4.0, "text-anchor=\"end\" fill=\"#333\"", label);
    }

    fn path(&mut self, style: &str, points: &[(f64, f64)], end: &str) {
        let mut d = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(d, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        if !points.is_empty() {
            self.line(&format!("<path d=\"{d}{end}\" {style}/>"));
        }
    }
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
        let told =
            format!("{} messages, {} clock epoch(s)", story.forward + story.backward, story.epochs);
        self.page.text(LEFT + WIDTH, top + 24.0, end, &told);
        self.page.line(&format!(
            "<path d=\"M690 {0:.1}h34\" {THEN}/><path d=\"M868 {0:.1}h34\" {NOW}/>",
            top + 40.0
        ));
        self.page.text(730.0, top + 44.0, "", "known at the time");
        self.page.text(908.0, top + 44.0, "", "known afterwards");
    }

    /// The offset against the straight line that fits it best at the end.
    fn offset(&mut self, top: f64) {
        let Some((at, line)) = self.story.last().and_then(|last| Some((last.at, last.now?))) else {
            self.page.frame(top, OFFSET, "Offset: not known at any time");
            return;
        };
        let beyond = |when: Instant<Primary>, offset: Span| {
            let drift = float(when - at) * rate(line);
            float(offset - line.offset) - drift
        };
        let now = self.each(|sample| sample.now);
        let reach = now.iter().flat_map(|(when, one)| [(*when, one.low), (*when, one.high)]);
        let reach = reach.map(|(when, offset)| beyond(when, offset).abs()).fold(1_000.0, f64::max);
        // Twice as high, so that what was known at the time is seen as well.
        let scale = round_up(2.0 * reach);
        let y = |value: f64| top + OFFSET / 2.0 * (1.0 - (value / scale).clamp(-1.0, 1.0));
        let title = format!(
            "Offset {} at the end, running {}; deviation from that line",
            signed(line.offset),
            ppm(line.skew_ppb)
        );
        self.page.frame(top, OFFSET, &title);
        for part in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            self.page.grid(y(part * scale), &told(part * scale));
        }
        let then = self.each(|sample| sample.then);
        let trace = |list: &[(Instant<Primary>, Estimate)], pick: fn(&Estimate) -> Span| {
            let point = |(when, one): &(Instant<Primary>, Estimate)| {
                (self.x(*when), y(beyond(*when, pick(one))))
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
        self.marks(top);
    }

    /// Half the width of the bound, in powers of ten.
    fn bound(&mut self, top: f64) {
        self.page.frame(top, BOUND, "Bound: the truth is certainly within ± this");
        let half = |one: &Estimate| (float(one.high - one.low) / 2.0).max(1.0).log10();
        let widths = |list: &[(Instant<Primary>, Estimate)]| {
            list.iter().map(|(at, one)| (self.x(*at), half(one))).collect::<Vec<_>>()
        };
        let (then, now) =
            (widths(&self.each(|sample| sample.then)), widths(&self.each(|sample| sample.now)));
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
        self.marks(top);
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

    /// Where the link or its path changed.
    fn marks(&mut self, top: f64) {
        let story = self.story;
        let height = if top < self.top + HEAD + OFFSET { OFFSET } else { BOUND };
        let mut path = None;
        for change in story.links.iter().filter(|one| one.at >= story.from && one.at <= story.to) {
            let x = self.x(change.at);
            let state = change.state.map_or("?", |state| state.name());
            let moved = path.replace(change.path).is_some_and(|before| before != change.path);
            let words = if moved { format!("{state}, path {}", change.path) } else { state.into() };
            self.page.line(&format!(
                "<path d=\"M{x:.1} {top:.1}v{height}\" stroke=\"#333\" stroke-dasharray=\"1 3\"/>"
            ));
            if top < self.top + HEAD + OFFSET {
                self.page.text(x + 3.0, top + 12.0, "font-size=\"10\" fill=\"#333\"", &words);
            }
        }
    }

    /// Five times below the last panel, and a border between two clocks.
    fn axis(&mut self) {
        let story = self.story;
        let y = self.top + STORY - 26.0;
        let fifth = (story.to - story.from).nanos() / 5;
        for part in 0..=5 {
            let after = Span::from_nanos(fifth.saturating_mul(part));
            let seconds = float(after) / 1e9;
            let x = self.x(story.from + after);
            let label = format!("+{seconds:.1} s");
            self.page.text(x, y, "text-anchor=\"middle\" fill=\"#333\"", &label);
        }
        if self.index > 0 {
            let top = self.top;
            self.page.line(&format!("<path d=\"M0 {top:.1}h1048\" stroke=\"#333\"/>"));
        }
    }

    fn each(
        &self,
        pick: impl Fn(&Sample) -> Option<Estimate>,
    ) -> Vec<(Instant<Primary>, Estimate)> {
        let samples = self.story.samples.iter();
        samples.filter_map(|sample| Some((sample.at, pick(sample)?))).collect()
    }
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
