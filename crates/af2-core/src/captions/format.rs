//! Captions as files.

use std::fmt;
use std::str::FromStr;

use super::{Caption, SubtitleTimer, subtitle, table};

/// A format of captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptionFormat {
    /// SubRip: shown by every player.
    Srt,
    /// WebVTT: shown by browsers.
    Vtt,
    /// Comma-separated values with a head line.
    Csv,
    /// An array of objects.
    Json,
    /// A label track of Audacity.
    Audacity,
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format of captions; take srt, vtt, csv, json or audacity")]
pub struct UnknownFormat(String);

impl CaptionFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Srt, Self::Vtt, Self::Csv, Self::Json, Self::Audacity];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Audacity => "audacity",
        }
    }
}

impl fmt::Display for CaptionFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CaptionFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.into()))
    }
}

/// Writes captions in a format as they come. The texts of [`CaptionWriter::start`], every [`CaptionWriter::push`] and
/// [`CaptionWriter::finish`] together are the file.
#[derive(Debug)]
pub struct CaptionWriter {
    format: CaptionFormat,
    timer: SubtitleTimer,
    written: usize,
}

impl CaptionWriter {
    /// A file without a caption.
    pub fn new(format: CaptionFormat) -> Self {
        Self { format, timer: SubtitleTimer::default(), written: 0 }
    }

    /// What stands before the first caption.
    pub fn start(&self) -> &'static str {
        match self.format {
            CaptionFormat::Vtt => subtitle::VTT_START,
            CaptionFormat::Csv => table::CSV_START,
            CaptionFormat::Json => "[",
            CaptionFormat::Srt | CaptionFormat::Audacity => "",
        }
    }

    /// Takes a caption; the text that is settled by it may be that of the caption before.
    pub fn push(&mut self, caption: &Caption) -> String {
        match self.format {
            CaptionFormat::Srt | CaptionFormat::Vtt => self.timer.push(caption).map(|shown| self.text(&shown)),
            CaptionFormat::Csv | CaptionFormat::Json | CaptionFormat::Audacity => Some(self.text(caption)),
        }
        .unwrap_or_default()
    }

    /// What is left.
    pub fn finish(mut self) -> String {
        let mut rest = self.timer.finish().map(|shown| self.text(&shown)).unwrap_or_default();
        if self.format == CaptionFormat::Json {
            rest.push_str(if self.written == 0 { "]\n" } else { "\n]\n" });
        }
        rest
    }

    fn text(&mut self, caption: &Caption) -> String {
        self.written += 1;
        match self.format {
            CaptionFormat::Srt => subtitle::srt(self.written, caption),
            CaptionFormat::Vtt => subtitle::vtt(caption),
            CaptionFormat::Csv => table::csv(caption),
            CaptionFormat::Json => {
                let comma = if self.written == 1 { "" } else { "," };
                format!("{comma}\n  {}", table::json(caption))
            }
            CaptionFormat::Audacity => table::audacity(caption),
        }
    }
}

/// A whole file of captions.
pub fn format_captions(captions: &[Caption], format: CaptionFormat) -> String {
    let mut writer = CaptionWriter::new(format);
    let mut text = String::from(writer.start());
    for caption in captions {
        text.push_str(&writer.push(caption));
    }
    text + &writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captions() -> [Caption; 3] {
        let caption = |start, end, text: &str, confidence| Caption { start, end, text: text.into(), confidence };
        [
            caption(0.0, 30.0, "rain", 0.75),
            caption(40.0, 40.3125, "A & B <i> --> \"C\", D", 0.5),
            caption(400_000.0, 400_010.0, "dog barking", 0.123_456),
        ]
    }

    #[test]
    fn srt() {
        let expected = "1\n00:00:00,000 --> 00:00:07,000\n[rain]\n\n\
            2\n00:00:40,000 --> 00:00:40,833\n[A & B <i> -> \"C\", D]\n\n\
            3\n111:06:40,000 --> 111:06:47,000\n[dog barking]\n\n";
        assert_eq!(format_captions(&captions(), CaptionFormat::Srt), expected);
    }

    #[test]
    fn vtt() {
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:07.000\n[rain]\n\n\
            00:00:40.000 --> 00:00:40.833\n[A &amp; B &lt;i&gt; --&gt; \"C\", D]\n\n\
            111:06:40.000 --> 111:06:47.000\n[dog barking]\n";
        assert_eq!(format_captions(&captions(), CaptionFormat::Vtt), expected);
    }

    #[test]
    fn csv() {
        let expected = "start,end,text,confidence\n0.000,30.000,rain,0.7500\n\
            40.000,40.312,\"A & B <i> --> \"\"C\"\", D\",0.5000\n400000.000,400010.000,dog barking,0.1235\n";
        assert_eq!(format_captions(&captions(), CaptionFormat::Csv), expected);
    }

    #[test]
    fn json() {
        let text = format_captions(&captions(), CaptionFormat::Json);
        let first = "[\n  {\"confidence\":0.75,\"end\":30.0,\"start\":0.0,\"text\":\"rain\"},\n  {";
        assert!(text.starts_with(first) && text.ends_with("}\n]\n"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read[1]["text"], captions()[1].text);
        assert_eq!((&read[2]["end"], &read[2]["confidence"]), (&400_010.0.into(), &0.1235.into()));
    }

    #[test]
    fn audacity() {
        let expected = "0.000000\t30.000000\train\n40.000000\t40.312500\tA & B <i> --> \"C\", D\n\
            400000.000000\t400010.000000\tdog barking\n";
        assert_eq!(format_captions(&captions(), CaptionFormat::Audacity), expected);
    }

    #[test]
    fn files_without_captions_are_valid() {
        let empty = CaptionFormat::ALL.map(|format| format_captions(&[], format));
        assert_eq!(empty, ["", "WEBVTT\n", "start,end,text,confidence\n", "[]\n", ""]);
    }

    #[test]
    fn formats_have_names() {
        assert!(CaptionFormat::ALL.iter().all(|format| format.name().parse() == Ok(*format)));
        assert!("ass".parse::<CaptionFormat>().unwrap_err().to_string().contains("srt, vtt"));
    }
}
