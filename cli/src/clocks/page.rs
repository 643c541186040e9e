//! The lines of the picture: text, frames, grids and paths between the same edges.

use core::fmt::Write as _;

/// The left edge of every panel.
pub(super) const LEFT: f64 = 92.0;
/// How wide every panel is.
pub(super) const WIDTH: f64 = 920.0;

/// Lines of SVG.
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    pub(super) fn text(&mut self, x: f64, y: f64, style: &str, text: &str) {
        self.line(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{text}</text>"));
    }

    pub(super) fn frame(&mut self, top: f64, height: f64, title: &str) {
        self.text(LEFT, top - 8.0, "fill=\"#333\"", title);
        self.line(&format!(
            "<rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{height}\" \
             fill=\"none\" stroke=\"#999\"/>"
        ));
    }

    /// A grid line with its value at the left.
    pub(super) fn grid(&mut self, y: f64, label: &str) {
        let right = LEFT + WIDTH;
        self.line(&format!("<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\" fill=\"none\"/>"));
        self.text(LEFT - 8.0, y + 4.0, "text-anchor=\"end\" fill=\"#333\"", label);
    }

    pub(super) fn path(&mut self, style: &str, points: &[(f64, f64)], end: &str) {
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
