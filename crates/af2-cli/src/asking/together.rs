//! Several questions about one clip, decoded together: the weights are read once per step for all of them.

use std::time::Instant;

use af2_core::engine::{AnswerText, AudioView, GenerateOptions, Generation, Query};
use af2_core::text::AnswerDelta;
use af2_core::text::prompt::{PromptIds, prompt};
use anyhow::Result;

use super::{Asker, Generated, question_cut};
use crate::model::Heard;
use crate::terminal::note;

/// Most questions that are decoded together: what an interruption loses, and what their KV caches take, stay small.
const TOGETHER: usize = 8;

impl Asker<'_> {
    /// Questions that may be decoded together with the answers that each gets alone: one, unless every token is the most likely.
    pub fn together(&self) -> usize {
        let decoding = self.decoding;
        let greedy = self.sampling.is_greedy() && self.sampling.repetition_penalty == 1.0;
        let ruled = decoding.cot || decoding.beams.is_some() || decoding.has_rules();
        let ranked = decoding.logprobs.is_some_and(|count| count > 0);
        if greedy && !ruled && !ranked && decoding.stop.is_empty() { TOGETHER } else { 1 }
    }

    /// Answers about encoded audio, in the order of at most [`Asker::together`] questions; none is streamed.
    ///
    /// # Errors
    /// A prompt does not fit, or the device failed.
    pub fn ask_together(&self, heard: &mut dyn Heard, questions: &[&str]) -> Result<Vec<Generated>> {
        let start = Instant::now();
        let (limit, max_new_tokens) = self.decoding.limits();
        let prompts =
            questions.iter().map(|question| PromptIds::encode(self.engine.tokenizer(), &prompt(question), limit));
        let prompts: Vec<PromptIds> = prompts.collect::<Result<_, _>>()?;
        let view = AudioView::whole(heard.windows());
        let query = |prompt: &PromptIds| Query { prompt: prompt.ids.clone(), view: view.clone() };
        let queries: Vec<Query> = prompts.iter().map(query).collect();
        let options = GenerateOptions { sampling: self.sampling, max_new_tokens, ..GenerateOptions::default() };
        let generations = heard.generate_many(&queries, &options, &mut |_, _| true)?;
        let share = start.elapsed().as_secs_f64() / questions.len() as f64;
        let generated = |(prompt, generation)| self.generated(prompt, generation, share);
        prompts.into_iter().zip(generations).map(generated).collect()
    }

    fn generated(&self, prompt: PromptIds, generation: Generation, seconds: f64) -> Result<Generated> {
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        let mut answer = AnswerText::new(tokenizer, tokens, Vec::new(), |_: &AnswerDelta| true)?;
        for id in &generation.ids {
            answer.push(*id);
        }
        let answer = answer.finish(generation.finish);
        let notices: Vec<String> = question_cut(&prompt).into_iter().collect();
        notices.iter().for_each(note);
        Ok(Generated {
            prompt_ids: prompt.ids,
            ids: generation.ids,
            finish: answer.finish,
            text: answer.text,
            logprobs: generation.logprobs,
            alternatives: generation.alternatives,
            notices,
            first_token: None,
            seconds,
        })
    }
}
