//! A reliability diagram as SVG: accuracy over confidence, with the number of answers behind every bar.

use std::fmt::Write as _;

use super::{BinFigure, ConfidenceFigure};

const SIDE: f64 = 320.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 36.0;
const GAP: f64 = 72.0;

/// One panel per set, side by side. Colours and type are legible on light and dark pages.
pub fn reliability_svg(panels: &[ConfidenceFigure]) -> String {
    let width = LEFT + panels.len() as f64 * (SIDE + GAP);
    let height = TOP + SIDE + 56.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"Reliability diagram\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (i, of_set) in panels.iter().enumerate() {
        panel(&mut out, LEFT + i as f64 * (SIDE + GAP), &of_set.set, &of_set.bins);
    }
    out.push_str("</svg>\n");
    out
}

fn panel(out: &mut String, left: f64, title: &str, bins: &[BinFigure]) {
    let (x, y) = (|value: f64| left + value * SIDE, |value: f64| TOP + (1.0 - value) * SIDE);
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("<text x=\"{left}\" y=\"22\" font-size=\"14\" fill=\"#111\">{}</text>", escaped(title)));
    for tick in 0..=5 {
        let value = f64::from(tick) / 5.0;
        line(format!("<path d=\"M{left} {:.1}h{SIDE}\" stroke=\"#ddd\"/>", y(value)));
        line(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444\">{value}</text>",
            left - 6.0,
            y(value) + 4.0
        ));
        let below = y(0.0) + 18.0;
        line(format!("<text x=\"{:.1}\" y=\"{below}\" text-anchor=\"middle\" fill=\"#444\">{value}</text>", x(value)));
    }
    for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.share.n > 0) {
        let (start, wide) = (x(i as f64 / bins.len() as f64), SIDE / bins.len() as f64);
        let (mean, (low, high)) = (bin.share.score, bin.share.interval);
        line(bar(start + 1.0, y(mean), wide - 2.0, mean * SIDE));
        let centre = start + wide / 2.0;
        line(format!("<path d=\"M{centre:.1} {:.1}V{:.1}\" stroke=\"#123\" stroke-width=\"1.5\"/>", y(high), y(low)));
        let dot = (x(bin.mean_confidence), y(mean));
        line(format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#c2410c\"/>", dot.0, dot.1));
        let n = bin.share.n;
        line(format!(
            "<text x=\"{centre:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#123\" font-size=\"10\">{n}</text>",
            y(0.0) - 4.0
        ));
    }
    line(format!(
        "<path d=\"M{} {}L{} {}\" stroke=\"#666\" stroke-dasharray=\"4 4\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    ));
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#111\">confidence</text>\n\
         <text transform=\"translate({:.1} {:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#111\">share of right answers</text>",
        x(0.5),
        y(0.0) + 36.0,
        left - 36.0,
        y(0.5)
    );
}

fn bar(x: f64, y: f64, width: f64, height: f64) -> String {
    format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"#7dd3fc\"/>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::statistics::Share;

    #[test]
    fn bars_are_as_high_as_the_share_and_empty_bins_have_none() {
        let bin =
            |from: f64, share: Share| BinFigure { from, to: from + 0.5, share: share.figure(), mean_confidence: 0.7 };
        let bins = vec![bin(0.0, Share::default()), bin(0.5, Share { right: 1, n: 2 })];
        let share = Share { right: 1, n: 2 }.figure();
        let drawn = reliability_svg(&[ConfidenceFigure { set: "a < b".into(), share, values: Vec::new(), bins }]);
        assert_eq!(drawn.matches("fill=\"#7dd3fc\"").count(), 1);
        assert!(drawn.contains("height=\"160.0\" fill=\"#7dd3fc\""), "{drawn}");
        assert!(drawn.contains("a &lt; b"));
    }
}
