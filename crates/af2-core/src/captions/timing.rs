//! How long subtitles stay on the screen.
//!
//! Durations and the gap between two subtitles are those of the Netflix Timed Text Style Guide (General Requirements: "Duration", "Frame
//! Gap"). A long, steady sound is shown when it begins, for the longest time of a subtitle, and not again while it goes on: the DCMP
//! Captioning Key does not repeat a source that goes on, and a caption that stayed would cover the picture for minutes. Formats that are
//! not shown on a screen keep the sound's own times.

use super::Caption;

/// Shortest time on the screen, in seconds: five sixths, 20 frames at 24 per second.
pub const SHORTEST: f64 = 5.0 / 6.0;
/// Longest time on the screen, in seconds.
pub const LONGEST: f64 = 7.0;
/// Shortest time between two subtitles, in seconds: two frames at 24 per second.
pub const SHORTEST_GAP: f64 = 2.0 / 24.0;
/// A gap below this, in seconds, is closed to [`SHORTEST_GAP`]: 12 frames at 24 per second.
const CLOSED_GAP: f64 = 0.5;
/// What a subtitle between two others is given if there is no room at all, in seconds.
const LEAST: f64 = 0.001;

/// Gives captions their times on the screen. It holds one caption: the next decides how long it may stay.
#[derive(Debug, Default)]
pub struct SubtitleTimer {
    last: Option<Caption>,
    /// Where the subtitle before `last` ends.
    end: Option<f64>,
}

impl SubtitleTimer {
    /// Takes the next caption and returns the one before it with its times on the screen.
    pub fn push(&mut self, next: &Caption) -> Option<Caption> {
        let last = self.last.replace(next.clone())?;
        Some(self.shown(last, next.start))
    }

    /// The last caption.
    pub fn finish(&mut self) -> Option<Caption> {
        let last = self.last.take()?;
        Some(self.shown(last, f64::INFINITY))
    }

    fn shown(&mut self, mut caption: Caption, next: f64) -> Caption {
        let start = caption.start;
        let latest = (next - SHORTEST_GAP).max(start + LEAST).min(start + LONGEST);
        caption.end = caption.end.clamp(start, latest.max(start));
        if caption.end - start < SHORTEST {
            caption.end = (start + SHORTEST).min(latest);
            let earliest = self.end.map_or(0.0, |end| end + SHORTEST_GAP).min(start);
            caption.start = (caption.end - SHORTEST).clamp(earliest, start);
        }
        if next - caption.end < CLOSED_GAP {
            caption.end = latest.max(caption.end);
        }
        self.end = Some(caption.end);
        caption
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spans: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let mut timer = SubtitleTimer::default();
        let caption = |&(start, end): &(f64, f64)| Caption { start, end, text: String::new(), confidence: 1.0 };
        let mut shown: Vec<Caption> = spans.iter().filter_map(|span| timer.push(&caption(span))).collect();
        shown.extend(timer.finish());
        shown.iter().map(|caption| (caption.start, caption.end)).collect()
    }

    #[test]
    fn times_follow_the_conventions() {
        assert_eq!(shown(&[(0.0, 60.0)]), [(0.0, 7.0)], "a steady sound");
        assert_eq!(shown(&[(3.0, 3.1)]), [(3.0, 3.0 + SHORTEST)], "a short one");
        assert_eq!(shown(&[(0.0, 5.0), (5.0, 9.0)]), [(0.0, 5.0 - SHORTEST_GAP), (5.0, 9.0)]);
        assert_eq!(shown(&[(0.0, 4.6), (5.0, 9.0)])[0].1, 5.0 - SHORTEST_GAP, "a gap of 0.4 s is closed");
        assert_eq!(shown(&[(0.0, 4.0), (5.0, 9.0)])[0].1, 4.0, "a gap of 1 s stays");
        assert_eq!(shown(&[(0.0, 6.9), (7.2, 9.0)])[0].1, 7.0, "never longer than the longest");
        assert!(shown(&[]).is_empty());
    }

    #[test]
    fn a_short_sound_before_another_begins_earlier() {
        let found = shown(&[(0.0, 2.0), (4.0, 4.3), (4.5, 9.0)]);
        assert_eq!(found[1].1, 4.5 - SHORTEST_GAP);
        assert!((found[1].1 - found[1].0 - SHORTEST).abs() < 1e-9, "{found:?}");
        let crowded = shown(&[(0.0, 1.0), (1.1, 1.2), (1.3, 1.4), (1.4, 1.5)]);
        let apart = |pair: &[(f64, f64)]| pair[0].1 > pair[0].0 && pair[0].1 <= pair[1].0 + 1e-9;
        assert!(crowded.windows(2).all(apart), "{crowded:?}");
    }

    #[test]
    fn captions_out_of_order_still_end_after_they_begin() {
        for (start, end) in shown(&[(5.0, 9.0), (2.0, 3.0), (2.0, 2.0), (-1.0, -2.0)]) {
            assert!(end > start, "{start} {end}");
        }
    }
}
