//! SubRip and WebVTT: what players show over a picture.

use super::Caption;

/// Most letters of a line (Netflix Timed Text Style Guide: 42). More than two lines are written where a text needs them.
const LINE: usize = 42;

/// A SubRip cue. The format has no escapes: an arrow in the text, which some players take for times, is shortened.
pub(super) fn srt(number: usize, caption: &Caption) -> String {
    let (start, end) = (time(caption.start, ','), time(caption.end, ','));
    format!("{number}\n{start} --> {end}\n{}\n\n", in_lines(&caption.text.replace("-->", "->")))
}

/// How a WebVTT file begins.
pub(super) const VTT_START: &str = "WEBVTT\n";

/// A WebVTT cue.
pub(super) fn vtt(caption: &Caption) -> String {
    let escaped = |line: &str| line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (start, end) = (time(caption.start, '.'), time(caption.end, '.'));
    format!("\n{start} --> {end}\n{}\n", escaped(&in_lines(&caption.text)))
}

/// `00:00:01,500`; hours have as many digits as they need, at least two. Times before the start are the start.
fn time(seconds: f64, point: char) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{:02}:{:02}:{:02}{point}{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The text in square brackets, broken at spaces. Brackets mark what is not speech.
fn in_lines(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in format!("[{text}]").split_whitespace() {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > LINE {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_hours_of_any_length() {
        let times = [0.0, 1.5, 3599.9996, 360_000.25, -1.0].map(|seconds| time(seconds, ','));
        assert_eq!(times, ["00:00:00,000", "00:00:01,500", "01:00:00,000", "100:00:00,250", "00:00:00,000"]);
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        let lines = in_lines("dog barks while birds chirp in the background and a car passes");
        assert_eq!(lines, "[dog barks while birds chirp in the\nbackground and a car passes]");
        assert!(lines.lines().all(|line| line.chars().count() <= LINE));
        let word = "a".repeat(60);
        assert_eq!(in_lines(&word), format!("[{word}]"));
    }
}
