//! The parts of the demo model's evaluation: what each wants beside the answers, and the figures of what came.

use std::collections::HashMap;

use af2_eval::demo::{DemoReport, Recording, choices, confidence, places};
use af2_eval::{DataDir, Item, Predictions};
use anyhow::Result;

use super::{Part, Parts};
use crate::asking::Wanted;

/// What is measured of which recordings.
pub struct DemoPlan {
    parts: Parts,
    recordings: Vec<Recording>,
    /// By the ids of the items.
    wanted: HashMap<String, Wanted>,
}

impl DemoPlan {
    /// Reads the recordings that the parts want.
    ///
    /// # Errors
    /// A part wants recordings, and the folder has none.
    pub fn new(parts: Parts, data: &DataDir) -> Result<Self> {
        let listed = parts.any(&[Part::Choices, Part::Confidence, Part::Places]);
        let recordings = if listed { Recording::read_all(data)? } else { Vec::new() };
        let mut wanted = HashMap::new();
        for recording in &recordings {
            for (place, question) in recording.questions.iter().enumerate() {
                let options = if parts.has(Part::Choices) { question.options() } else { None };
                let located = parts.has(Part::Places) && question.about.is_some();
                let places_of = located.then(|| question.answer.clone());
                if options.is_some() || places_of.is_some() {
                    wanted.insert(recording.id(place), Wanted { options: options.unwrap_or_default(), places_of });
                }
            }
        }
        Ok(Self { parts, recordings, wanted })
    }

    /// The parts.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What is measured beside the answers, by the ids of the items.
    pub fn wanted(&self) -> &HashMap<String, Wanted> {
        &self.wanted
    }

    /// Whether an item is asked about: all for the answers' figures, else what another part wants.
    pub fn asks(&self, item: &Item) -> bool {
        let own = || !item.control && (self.parts.has(Part::Confidence) || self.wanted.contains_key(&item.id));
        self.parts.has(Part::Answers) || own()
    }

    /// The figures of the answers.
    pub fn figures(&self, predictions: &Predictions) -> DemoReport {
        let (recordings, has) = (&self.recordings, |part| self.parts.has(part));
        DemoReport {
            choices: if has(Part::Choices) { choices(recordings, predictions) } else { Vec::new() },
            confidence: if has(Part::Confidence) { confidence(recordings, predictions) } else { Vec::new() },
            places: if has(Part::Places) { places(recordings, predictions) } else { Vec::new() },
            ..DemoReport::default()
        }
    }
}
