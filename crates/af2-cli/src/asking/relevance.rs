//! Which seconds of the audio an answer goes by, on any engine.

use af2_core::answers::{Effect, Method, Relevance, Timeline, without_end};
use af2_core::audio::LoadedAudio;
use af2_core::engine::{AudioView, Query};
use anyhow::Result;

use super::{Asker, Generated};
use crate::model::Heard;

impl Asker<'_> {
    /// The audio's relevance for an answer about it. `progress` gets the number of hidden parts that are done and of all, and cancels by
    /// returning false.
    ///
    /// # Errors
    /// The device failed.
    pub fn relevance(
        &self,
        heard: &mut dyn Heard,
        audio: &LoadedAudio,
        answer: &Generated,
        method: Method,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Relevance> {
        let config = self.engine.config();
        let timeline = Timeline::new(&config.audio, audio.windows.count, audio.windows.seconds());
        let query = Query { prompt: answer.prompt_ids.clone(), view: AudioView::whole(audio.windows.count) };
        let words = without_end(&config.tokens, &answer.ids);
        let curve = match method {
            _ if words.is_empty() => vec![0.0; timeline.times()],
            Method::Attention => heard.attention(&query, words)?,
            Method::Effect => effect(heard, &Effect::new(query, words, timeline.times()), progress)?,
        };
        Ok(Relevance::new(method, &curve, &timeline))
    }
}

fn effect(heard: &mut dyn Heard, effect: &Effect, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<f32>> {
    let scores = heard.score(&effect.requests(), progress)?;
    let [end, answer] = effect.attention().map(|(query, tokens)| heard.attention(query, tokens));
    Ok(effect.curve(&scores, [&end?, &answer?]))
}
