//! The report to look at: a lane for every camera and every link.
//!
//! What is recorded is dark, what is lost is a bright box with a number, what is
//! unknown is hatched. The three differ in lightness, outline and texture, so a
//! grey print and a colour-blind reader lose nothing; the two hues are the blue
//! and the orange of the palette of Okabe and Ito.

use core::fmt::Write as _;

use diptych_protocol::plan::Phase;
use diptych_protocol::report::{Moment, Report};
use diptych_protocol::time::{Instant, Primary, Span};

use super::{clock, counted, length};

const LEFT: i64 = 64;
const WIDTH: i64 = 960;
const RIGHT: i64 = 44;
const TOP: i64 = 92;
const LANE: i64 = 52;
const BAR: i64 = 24;

/// The report as an SVG picture, 1,068 units wide.
///
/// ```
/// use diptych_protocol::report::Report;
///
/// fn draw(report: &Report) -> std::io::Result<()> {
///     std::fs::write("timeline.svg", diptych_primary::render::svg(report))
/// }
/// ```
#[must_use]
pub fn svg(report: &Report) -> String {
    let mut out = String::new();
    let cameras = i64::try_from(report.cameras.len()).unwrap_or_default();
    let links = (cameras - 1).max(0);
    let bottom = TOP + LANE * cameras + 34 * links;
    let (width, height) = (LEFT + WIDTH + RIGHT, bottom + 74);
    let mut draw = Draw { out: &mut out, report };
    draw.line(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" \
         role=\"img\">"
    ));
    draw.line(
        "<defs><pattern id=\"unknown\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#fff\"/>\
         <rect width=\"2.5\" height=\"7\" fill=\"#555\"/></pattern></defs>",
    );
    draw.line(&format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"));
    draw.title();
    draw.phases(bottom);
    for (index, row) in (0_i64..).zip(&report.cameras) {
        draw.camera(TOP + LANE * index, row.role.number());
    }
    for index in 0..links {
        draw.link(TOP + LANE * cameras + 34 * index, index);
    }
    draw.legend(bottom + 54);
    draw.line("</svg>");
    out
}

struct Draw<'a> {
    out: &'a mut String,
    report: &'a Report,
}

impl Draw<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn text(&mut self, x: i64, y: i64, style: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.line(&format!("<text x=\"{x}\" y=\"{y}\" {style}>{text}</text>"));
    }

    fn range(&self) -> (Instant<Primary>, Span) {
        let start = self.report.waiting.0.min(self.report.window.start);
        let long = (self.report.window.end - start).max(Span::from_millis(1));
        (start, long)
    }

    /// Where an instant lies, inside the lanes.
    fn x(&self, at: Instant<Primary>) -> i64 {
        let (start, long) = self.range();
        let part = i128::from((at - start).nanos().clamp(0, long.nanos()));
        let across = part * i128::from(WIDTH) / i128::from(long.nanos());
        LEFT + i64::try_from(across).unwrap_or(WIDTH)
    }

    fn title(&mut self) {
        let report = self.report;
        let longest = report.longest().map_or("none".to_owned(), length);
        let aligned = report
            .worst_alignment()
            .map_or("not aligned".to_owned(), |error| format!("aligned to ±{}", length(error)));
        let flags: Vec<_> = report.flags.iter().map(|flag| flag.name()).collect();
        let verdict = report.judgement.verdict.to_string();
        let shape = match verdict.as_str() {
            "PASS" => "✓",
            "UNDETERMINED" => "?",
            _ => "✗",
        };
        self.text(LEFT, 30, "font-size=\"20\" font-weight=\"bold\"", &format!("{shape} {verdict}"));
        let revised = report.revision.as_ref().map_or(String::new(), |revision| {
            format!("; revised by statements: {}", revision.verdict())
        });
        let count = counted(&report.judgement);
        let line = format!("{count}, longest {longest}, {aligned}{revised}");
        self.text(LEFT, 50, "fill=\"#333\"", &line);
        let end = "text-anchor=\"end\" fill=\"#333\" font-weight=\"bold\"";
        self.text(LEFT + WIDTH, 30, end, &flags.join(" · "));
    }

    /// Phases as names between hairlines, and the axis below the lanes.
    fn phases(&mut self, bottom: i64) {
        let report = self.report;
        let bounds = [
            ("waiting", report.waiting.0, report.waiting.1),
            ("answering", report.window.start, report.window.end),
        ];
        for (name, start, end) in bounds {
            let (from, to) = (self.x(start), self.x(end));
            let fill = if name == "answering" { "#f2f2f2" } else { "#fafafa" };
            self.line(&format!(
                "<rect x=\"{from}\" y=\"66\" width=\"{}\" height=\"{}\" fill=\"{fill}\" \
                 stroke=\"#bbb\"/>",
                (to - from).max(1),
                bottom - 66
            ));
            if to - from > 70 {
                self.text(from + 6, 81, "fill=\"#555\" font-size=\"12\"", name);
            }
        }
        self.ticks(bottom);
        for moment in &report.moments {
            let (at, name) = match moment {
                Moment::Mark(at, label) => (*at, label.to_string()),
                Moment::Take(at, take, 0) => (*at, format!("take {take}")),
                Moment::Phase(at, phase @ Phase::Ended) => (*at, phase.name().to_lowercase()),
                Moment::Take(..) | Moment::Phase(..) => continue,
            };
            let x = self.x(at);
            self.line(&format!(
                "<path d=\"M{x} 84V{bottom}\" stroke=\"#555\" stroke-dasharray=\"1 3\"/>"
            ));
            self.text(x + 3, 92, "fill=\"#555\" font-size=\"10\"", &name);
        }
    }

    fn ticks(&mut self, bottom: i64) {
        let (start, long) = self.range();
        let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
        let step = steps.into_iter().find(|step| long.nanos() / 1_000_000_000 / step <= 9);
        let step = Span::from_secs(step.unwrap_or(14_400));
        let mut at = self.report.window.start;
        while at - step >= start {
            at = at - step;
        }
        while at <= self.report.window.end {
            let x = self.x(at);
            self.line(&format!("<path d=\"M{x} {bottom}v6\" stroke=\"#333\"/>"));
            let label = clock(self.report, at);
            let label = label.split('.').next().unwrap_or_default();
            self.text(x, bottom + 20, "text-anchor=\"middle\" font-size=\"11\"", label);
            at = at + step;
        }
    }

    fn camera(&mut self, top: i64, role: u8) {
        let report = self.report;
        let Some(camera) = report.cameras.iter().find(|camera| camera.role.number() == role) else {
            return;
        };
        let bar = top + 20;
        self.text(
            LEFT - 12,
            bar + 17,
            "text-anchor=\"end\" font-weight=\"bold\"",
            &camera.role.to_string(),
        );
        self.line(&format!(
            "<rect x=\"{LEFT}\" y=\"{bar}\" width=\"{WIDTH}\" height=\"{BAR}\" fill=\"#fff\" \
             stroke=\"#999\"/>"
        ));
        for covered in &camera.covered {
            let (from, to) = (self.x(covered.start.at), self.x(covered.end.at));
            let wide = (to - from).max(1);
            self.line(&format!(
                "<rect x=\"{from}\" y=\"{bar}\" width=\"{wide}\" height=\"{BAR}\" fill=\"#0072b2\"/>"
            ));
        }
        for gap in report.unknown.iter().filter(|gap| gap.role == camera.role) {
            let (from, to) = (self.x(gap.start), self.x(gap.end));
            let wide = (to - from).max(3);
            self.line(&format!(
                "<rect x=\"{from}\" y=\"{bar}\" width=\"{wide}\" height=\"{BAR}\" \
                 fill=\"url(#unknown)\" stroke=\"#222\"/>"
            ));
        }
        let mut free = [i64::MIN; 2];
        for (number, account) in (1_u32..).zip(&report.accounts) {
            let one = &account.interruption;
            if one.role != camera.role {
                continue;
            }
            let (from, to) = (self.x(one.start), self.x(one.end));
            let wide = (to - from).max(4);
            let (y, high) = (bar - 3, BAR + 6);
            let dash = if one.episode.is_some() { "" } else { " stroke-dasharray=\"3 2\"" };
            self.line(&format!(
                "<rect x=\"{from}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" \
                 fill=\"#ffd58a\" stroke=\"#000\" stroke-width=\"1.6\"{dash}/>"
            ));
            let middle = from + wide / 2;
            let label = format!("{number}: {}", length(one.duration));
            let half = i64::try_from(label.len()).unwrap_or(20) * 3 + 4;
            let row = free.iter().position(|end| middle - half > *end);
            let (row, label) = match row {
                Some(row) => (row, label),
                None => (0, number.to_string()),
            };
            if let Some(end) = free.get_mut(row) {
                *end = middle + half;
            }
            // A second row of labels where the first is taken.
            let y = if row == 0 { bar - 7 } else { bar + BAR + 13 };
            let style = "text-anchor=\"middle\" font-size=\"11\" font-weight=\"bold\"";
            self.text(middle, y, style, &label);
        }
    }

    fn link(&mut self, top: i64, index: i64) {
        let report = self.report;
        let middle = top + 22;
        let number = index + 1;
        self.text(
            LEFT - 12,
            middle + 4,
            "text-anchor=\"end\" fill=\"#555\" font-size=\"11\"",
            &format!("P–A{number}"),
        );
        self.line(&format!(
            "<path d=\"M{LEFT} {middle}H{}\" stroke=\"#777\" stroke-width=\"3\"/>",
            LEFT + WIDTH
        ));
        for loss in report.links.iter().filter(|loss| i64::from(loss.peer.number()) == number) {
            let (from, to) = (self.x(loss.start), self.x(loss.end));
            let wide = (to - from).max(3);
            self.line(&format!(
                "<rect x=\"{from}\" y=\"{}\" width=\"{wide}\" height=\"12\" fill=\"#fff\" \
                 stroke=\"#777\" stroke-dasharray=\"4 3\"/>",
                middle - 6
            ));
        }
    }

    fn legend(&mut self, y: i64) {
        let entries = [
            ("fill=\"#0072b2\"", "recorded"),
            ("fill=\"#ffd58a\" stroke=\"#000\" stroke-width=\"1.6\"", "interruption"),
            ("fill=\"#ffd58a\" stroke=\"#000\" stroke-dasharray=\"3 2\"", "not counted"),
            ("fill=\"url(#unknown)\" stroke=\"#222\"", "unknown"),
            (
                "fill=\"#fff\" stroke=\"#777\" stroke-dasharray=\"4 3\"",
                "link silent (never counts)",
            ),
        ];
        let mut x = LEFT;
        for (style, name) in entries {
            let mut swatch = String::new();
            // Writing to a String cannot fail.
            _ = write!(
                swatch,
                "<rect x=\"{x}\" y=\"{}\" width=\"26\" height=\"12\" {style}/>",
                y - 10
            );
            self.line(&swatch);
            self.text(x + 32, y, "font-size=\"12\"", name);
            x += 60 + i64::try_from(name.len()).unwrap_or(10) * 7;
        }
    }
}
