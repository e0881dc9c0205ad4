//! Captions from answers, one window after the other.

use super::{Caption, WindowAnswer, caption_text, relevant_span};
use crate::engine::TIMES_PER_WINDOW;

/// Two captions of the same text that are less than this many seconds apart are one: a text that goes and comes back within 1.5 s
/// flickers (BBC Subtitle Guidelines, "Gaps").
const SAME: f64 = 1.5;

/// Makes captions of answers that come in the order of their windows. It holds one caption, the last.
#[derive(Debug)]
pub struct CaptionBuilder {
    window_seconds: f64,
    min_confidence: f32,
    last: Option<Open>,
}

/// A caption that the next window may extend or cut.
#[derive(Debug)]
struct Open {
    caption: Caption,
    /// Seconds of all its windows, and their confidences times their seconds.
    seconds: f64,
    confidence: f64,
}

impl CaptionBuilder {
    /// For windows of `window_seconds` seconds, padding included: what a relevance curve covers. An answer with less than
    /// `min_confidence` counts as silence.
    pub fn new(window_seconds: f64, min_confidence: f32) -> Self {
        Self { window_seconds, min_confidence, last: None }
    }

    /// Takes the next answer; returns the caption before it if nothing can change that any more.
    ///
    /// Windows may overlap. Of two overlapping captions with different texts the earlier ends, and the later begins, in the middle of
    /// what they share: each window speaks for the times that lie nearest to its own middle.
    pub fn push(&mut self, answer: &WindowAnswer) -> Option<Caption> {
        let unheard = answer.silent || answer.confidence < self.min_confidence;
        let text = if unheard { String::new() } else { caption_text(&answer.text) };
        if text.is_empty() {
            return self.close(answer.start);
        }
        let mut next = self.open(answer, text);
        let Some(mut last) = self.last.take() else {
            self.last = Some(next);
            return None;
        };
        let (before, after) = (&mut last.caption, &mut next.caption);
        if before.text.to_lowercase() == after.text.to_lowercase() && after.start - before.end < SAME {
            last.extend(&next);
            self.last = Some(last);
            return None;
        }
        if after.start < before.end {
            let middle = ((after.start + before.end) / 2.0).max(before.start);
            before.end = middle.min(before.end);
            after.start = before.end;
        }
        let done = (before.end > before.start).then_some(last.caption);
        self.last = (next.caption.end > next.caption.start).then_some(next);
        done
    }

    /// The last caption.
    pub fn finish(mut self) -> Option<Caption> {
        self.close(f64::INFINITY)
    }

    fn close(&mut self, silence: f64) -> Option<Caption> {
        let mut caption = self.last.take()?.caption;
        caption.end = caption.end.min(silence);
        (caption.end > caption.start).then_some(caption)
    }

    fn open(&self, answer: &WindowAnswer, text: String) -> Open {
        let step = self.window_seconds / TIMES_PER_WINDOW as f64;
        let heard = ((answer.end - answer.start) / step).ceil() as usize;
        let curve = answer.relevance.as_deref().map_or(&[][..], |curve| &curve[..heard.min(curve.len())]);
        let span = relevant_span(curve);
        let at = |index: usize| (answer.start + index as f64 * step).min(answer.end);
        let (start, end) = span.map_or((answer.start, answer.end), |span| (at(span.start), at(span.end)));
        let seconds = end - start;
        let confidence = f64::from(answer.confidence) * seconds;
        Open { caption: Caption { start, end, text, confidence: answer.confidence }, seconds, confidence }
    }
}

impl Open {
    fn extend(&mut self, next: &Self) {
        self.seconds += next.seconds;
        self.confidence += next.confidence;
        self.caption.end = self.caption.end.max(next.caption.end);
        self.caption.confidence = (self.confidence / self.seconds) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(start: f64, text: &str) -> WindowAnswer {
        WindowAnswer { start, end: start + 10.0, text: text.into(), confidence: 0.5, silent: false, relevance: None }
    }

    fn build(answers: &[WindowAnswer]) -> Vec<(f64, f64, String)> {
        captions(answers).into_iter().map(|caption| (caption.start, caption.end, caption.text)).collect()
    }

    fn captions(answers: &[WindowAnswer]) -> Vec<Caption> {
        let mut builder = CaptionBuilder::new(10.0, 0.4);
        let mut captions: Vec<Caption> = answers.iter().filter_map(|answer| builder.push(answer)).collect();
        captions.extend(builder.finish());
        captions
    }

    fn caption(start: f64, end: f64, text: &str) -> (f64, f64, String) {
        (start, end, text.into())
    }

    #[test]
    fn equal_neighbours_are_one_caption() {
        let mut last = answer(20.0, "rain");
        (last.end, last.confidence) = (25.0, 1.0);
        let found = captions(&[answer(0.0, "it is rain"), answer(10.0, "Rain."), last, answer(25.0, "a dog")]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].start, found[0].end, found[0].text.as_str()), (0.0, 25.0, "rain"));
        assert_eq!(found[0].confidence, 0.6, "(2 · 10 s · 0.5 + 5 s · 1) / 25 s");
        assert_eq!((found[1].start, found[1].text.as_str()), (25.0, "dog"));
    }

    #[test]
    fn silence_gives_no_caption_and_parts_equal_ones() {
        let silent = WindowAnswer { silent: true, ..answer(10.0, "rain") };
        let unsure = WindowAnswer { confidence: 0.3, ..answer(40.0, "a bird") };
        let found = build(&[answer(0.0, "rain"), silent, answer(20.0, "rain"), answer(30.0, " . "), unsure]);
        assert_eq!(found, [caption(0.0, 10.0, "rain"), caption(20.0, 30.0, "rain")]);
        assert!(build(&[]).is_empty());
    }

    #[test]
    fn overlapping_windows_speak_for_their_middle() {
        let found = build(&[answer(0.0, "a"), answer(2.5, "b"), answer(5.0, "c"), answer(7.5, "c")]);
        assert_eq!(found, [caption(0.0, 6.25, "a"), caption(6.25, 8.75, "b"), caption(8.75, 17.5, "c")]);
        let silent = WindowAnswer { silent: true, ..answer(5.0, "") };
        assert_eq!(build(&[answer(0.0, "a"), silent]), [caption(0.0, 5.0, "a")]);
    }

    #[test]
    fn edges_follow_relevance_and_leave_out_padding() {
        let mut curve = vec![0.0; 32];
        curve[8..12].fill(0.25);
        let refined = WindowAnswer { relevance: Some(curve.clone()), ..answer(20.0, "a dog") };
        assert_eq!(build(&[refined]), [caption(20.0 + 7.0 * 0.3125, 20.0 + 13.0 * 0.3125, "dog")]);
        curve[31] = 0.5;
        let short = WindowAnswer { end: 24.0, relevance: Some(curve), ..answer(20.0, "a dog") };
        assert_eq!(build(&[short]), [caption(20.0 + 7.0 * 0.3125, 24.0, "dog")]);
    }

    #[test]
    fn refined_captions_out_of_order_never_overlap() {
        let at = |start: f64, steps: std::ops::Range<usize>, text: &str| {
            let mut curve = vec![0.0; 32];
            curve[steps].fill(1.0);
            WindowAnswer { relevance: Some(curve), ..answer(start, text) }
        };
        let found = build(&[at(0.0, 28..31, "a"), at(2.5, 3..12, "b"), at(5.0, 0..3, "c"), answer(7.5, "d")]);
        assert!(!found.is_empty() && found.iter().all(|caption| caption.1 > caption.0), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{found:?}");
    }
}
