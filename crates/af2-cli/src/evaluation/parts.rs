//! What of the demo model is measured.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The options of `af2 eval demo`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Demo model")]
pub struct DemoOptions {
    /// What is measured; answers by default. Hours and memory need --hours, all others recordings in the data set's folder.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART,…")]
    parts: Vec<Part>,
    /// Hours of audio with known events, as `cargo xtask sounds hours` writes them.
    #[arg(long, value_name = "DIR", default_value = "target/demo/hours")]
    pub hours: PathBuf,
    /// Length of the file that is captioned and searched.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub minutes: u32,
}

/// A part of the model card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Right answers by kind of question, beside a blind control.
    Answers,
    /// Multiple choice and yes or no: greedy answers beside weighed options.
    Choices,
    /// Calibration of the confidence.
    Confidence,
    /// Whether the seconds that an answer goes by are those of its sound.
    Places,
    /// Captions and search of hours of audio.
    Hours,
    /// Peak memory of captions of 10 minutes and of 2 hours.
    Memory,
    /// All of these.
    All,
}

/// The parts that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts(Vec<Part>);

impl DemoOptions {
    /// Whether parts were named.
    pub fn named(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The parts.
    pub fn parts(&self) -> Parts {
        if self.named() { Parts(self.parts.clone()) } else { Parts(vec![Part::Answers]) }
    }
}

impl Parts {
    /// Whether a part is among them.
    pub fn has(&self, part: Part) -> bool {
        self.0.contains(&part) || self.0.contains(&Part::All)
    }

    /// Whether any of several is.
    pub fn any(&self, parts: &[Part]) -> bool {
        parts.iter().any(|part| self.has(*part))
    }

    /// Whether recordings are asked about.
    pub fn ask(&self) -> bool {
        self.any(&[Part::Answers, Part::Choices, Part::Confidence, Part::Places])
    }

    /// The parts that add something to an answer's line.
    pub fn beside(&self) -> Vec<&'static str> {
        let named = [(Part::Choices, "choices"), (Part::Places, "places")];
        named.into_iter().filter(|(part, _)| self.has(*part)).map(|(_, name)| name).collect()
    }
}
