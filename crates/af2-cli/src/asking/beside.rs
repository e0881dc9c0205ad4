//! What is measured beside an answer, for evaluations: its options weighed, and the seconds it goes by.

use af2_core::answers::{Choice, Method, Relevance};
use af2_core::audio::LoadedAudio;
use anyhow::Result;

use super::{Asker, Generated};
use crate::model::Heard;

/// What is wanted beside an answer.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Options to weigh; fewer than two for none.
    pub options: Vec<String>,
    /// If this is the answer, the seconds that it goes by, by both methods.
    pub places_of: Option<String>,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Beside {
    /// The options.
    pub choice: Option<Choice>,
    /// The seconds.
    pub places: Vec<Relevance>,
}

impl Asker<'_> {
    /// Measures what is wanted beside an answer about encoded audio.
    ///
    /// # Errors
    /// The options cannot be told apart, or the device failed.
    pub fn beside(
        &self,
        heard: &mut dyn Heard,
        audio: &LoadedAudio,
        question: &str,
        answer: &Generated,
        wanted: &Wanted,
    ) -> Result<Beside> {
        let weighed = wanted.options.len() > 1;
        let choice = weighed.then(|| self.choose(heard, question, &wanted.options)).transpose()?;
        let located = wanted.places_of.as_ref() == Some(&answer.text);
        let methods: &[Method] = if located { &[Method::Effect, Method::Attention] } else { &[] };
        let place = |method: &Method| self.relevance(heard, audio, answer, *method, &mut |_, _| true);
        let places = methods.iter().map(place).collect::<Result<_>>()?;
        Ok(Beside { choice, places })
    }
}
