//! A question about encoded audio: prompt, generation, chain of thought, answer. `ask` and `batch` share it.

mod beside;
mod choose;
mod decoding;
mod logprobs;
mod relevance;
mod report;
mod together;

use std::time::Instant;

use af2_core::engine::{
    AnswerText, AudioView, FinishReason, GenerateOptions, Query, ScoreRequest, TokenLogprob, end_of_text,
};
use af2_core::sampling::SamplingParams;
use af2_core::text::answer::{AnswerDelta, clean_answer};
use af2_core::text::cot;
use af2_core::text::prompt::{self, PromptIds};
use anyhow::Result;

pub use beside::{Beside, Wanted};
pub use decoding::{Decoding, trimmed};
pub use report::{Answer, Timings};

use crate::model::{Engine, Heard};
use crate::terminal::{StdoutError, note, print, print_line};

/// What a generation produced.
pub struct Generated {
    /// The prompt.
    pub prompt_ids: Vec<u32>,
    /// The answer, its end token included if it has one.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub finish: FinishReason,
    /// The answer as it was streamed; what a stop string cut off is missing.
    pub text: String,
    /// Log-probability of each of `ids`.
    pub logprobs: Vec<f32>,
    /// The most likely tokens in the place of each of `ids`, if asked for.
    pub alternatives: Vec<Vec<TokenLogprob>>,
    /// What of the question was cut.
    pub notices: Vec<String>,
    /// Seconds until the first token; none where several answers were decoded together.
    pub first_token: Option<f64>,
    /// Seconds in all; of answers that were decoded together, the share of each.
    pub seconds: f64,
}

/// Asks with the options of a command.
pub struct Asker<'a> {
    /// What answers.
    pub engine: &'a dyn Engine,
    /// How.
    pub decoding: &'a Decoding,
    /// [`Decoding::sampling`].
    pub sampling: SamplingParams,
    /// Write the answer to stdout as it is made.
    pub stream: bool,
}

impl Asker<'_> {
    fn end_of_text(&self) -> String {
        end_of_text(self.engine.tokenizer(), &self.engine.config().tokens)
    }

    /// An answer about encoded audio.
    ///
    /// # Errors
    /// The prompt does not fit, the device failed, or stdout is closed.
    pub fn ask(&self, heard: &mut dyn Heard, question: &str) -> Result<Generated> {
        let text = prompt::prompt(question);
        // A second pass rewrites the answer, and a beam search ends with it: neither can be streamed.
        let stream = self.stream && !self.decoding.cot && self.decoding.beams.is_none();
        let mut generated = self.generate(heard, &text, stream)?;
        if self.decoding.cot {
            generated = self.finish_reasoning(heard, &text, generated)?;
        }
        if self.stream && !stream {
            print(&generated.text)?;
        }
        if self.stream {
            print_line("")?;
        }
        Ok(generated)
    }

    fn finish_reasoning(&self, heard: &mut dyn Heard, prompt: &str, first: Generated) -> Result<Generated> {
        let tokenizer = self.engine.tokenizer();
        let whole = |generated: &Generated| -> Result<String> {
            let ids: Vec<u32> = generated.prompt_ids.iter().chain(&generated.ids).copied().collect();
            Ok(cot::answer(&tokenizer.decode(&ids, true)?, &self.end_of_text()))
        };
        let text = whole(&first)?;
        let Some(next) = cot::next_prompt(prompt, &text) else { return Ok(Generated { text, ..first }) };
        let second = self.generate(heard, &next, false)?;
        let text = whole(&second)?;
        Ok(Generated { text, first_token: first.first_token, seconds: first.seconds + second.seconds, ..second })
    }

    fn generate(&self, heard: &mut dyn Heard, prompt: &str, stream: bool) -> Result<Generated> {
        let (prompt_limit, max_new_tokens) = self.decoding.limits();
        let encoded = PromptIds::encode(self.engine.tokenizer(), prompt, prompt_limit)?;
        let notice = question_cut(&encoded);
        notice.iter().for_each(note);
        let generated = match self.decoding.beams {
            Some(beams) => self.search(heard, encoded.ids, beams, max_new_tokens),
            None => self.decode(heard, encoded.ids, max_new_tokens, stream),
        };
        Ok(Generated { notices: notice.into_iter().collect(), ..generated? })
    }

    fn decode(
        &self,
        heard: &mut dyn Heard,
        prompt_ids: Vec<u32>,
        max_new_tokens: usize,
        stream: bool,
    ) -> Result<Generated> {
        let start = Instant::now();
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        let mut written = Ok(());
        let sink = |delta: &AnswerDelta| {
            if stream && written.is_ok() {
                written = write_delta(delta);
            }
            written.is_ok()
        };
        let mut answer = AnswerText::new(tokenizer, tokens, self.decoding.stop.clone(), sink)?;
        let mut first_token = None;
        let mut on_token = |id| {
            first_token.get_or_insert_with(|| start.elapsed().as_secs_f64());
            answer.push(id)
        };
        let top_logprobs = self.decoding.logprobs.map_or(0, usize::from);
        let options =
            GenerateOptions { sampling: self.sampling, max_new_tokens, top_logprobs, ..GenerateOptions::default() };
        let generation = match self.decoding.rules(self.engine)? {
            Some(mut rules) => heard.generate_with(&prompt_ids, &options, &mut *rules, &mut on_token)?,
            None => heard.generate(&prompt_ids, &options, &mut on_token)?,
        };
        let answer = answer.finish(generation.finish);
        written?;
        let seconds = start.elapsed().as_secs_f64();
        let first_token = first_token.or(Some(seconds));
        let (finish, text) = (answer.finish, answer.text);
        let (ids, logprobs, alternatives) = (generation.ids, generation.logprobs, generation.alternatives);
        let notices = Vec::new();
        Ok(Generated { prompt_ids, ids, finish, text, logprobs, alternatives, notices, first_token, seconds })
    }

    fn search(
        &self,
        heard: &mut dyn Heard,
        prompt_ids: Vec<u32>,
        beams: usize,
        max_new_tokens: usize,
    ) -> Result<Generated> {
        let start = Instant::now();
        let ids = heard.beam_search(&prompt_ids, beams, max_new_tokens)?;
        let tokenizer = self.engine.tokenizer();
        let text = clean_answer(&tokenizer.decode(&ids, true)?, &self.end_of_text());
        let ended = ids.last() == Some(&self.engine.config().tokens.end_of_text);
        let finish = if ended { FinishReason::Stop } else { FinishReason::Length };
        let seconds = start.elapsed().as_secs_f64();
        let logprobs = score(heard, &prompt_ids, &ids)?;
        let (alternatives, notices) = (Vec::new(), Vec::new());
        Ok(Generated {
            prompt_ids,
            ids,
            finish,
            text,
            logprobs,
            alternatives,
            notices,
            first_token: Some(seconds),
            seconds,
        })
    }
}

/// Log-probabilities of an answer that was searched for.
fn score(heard: &mut dyn Heard, prompt_ids: &[u32], ids: &[u32]) -> Result<Vec<f32>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query { prompt: prompt_ids.to_vec(), view: AudioView::whole(heard.windows()) };
    let request = ScoreRequest { query, continuations: vec![ids.to_vec()] };
    Ok(heard.score(&[request], &mut |_, _| true)?.into_iter().flatten().flatten().collect())
}

/// What to say of a prompt whose end was cut off; none of a whole one.
pub fn question_cut(prompt: &PromptIds) -> Option<String> {
    prompt.question_cut.then(|| {
        format!(
            "the prompt has {} tokens and is cut to {}, as in the original; the model then does not see where it ends: ask a shorter question",
            prompt.full_length,
            prompt.ids.len()
        )
    })
}

/// Writes a delta to stdout at once; an answer that starts anew gets a new line.
fn write_delta(delta: &AnswerDelta) -> Result<(), StdoutError> {
    match delta {
        AnswerDelta::Text(text) => print(text),
        AnswerDelta::Restart => print_line(""),
        AnswerDelta::Stop(_) => Ok(()),
    }
}
