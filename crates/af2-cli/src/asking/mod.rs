//! A question to a sound in memory: prompt, generation, chain of thought, answer. `ask` and `batch` share it.

mod decoding;
mod report;
mod writer;

use std::io::{self, Write};
use std::time::Instant;

use af2_core::generation::FinishReason;
use af2_core::sampling::SamplingParams;
use af2_core::text::answer::clean_answer;
use af2_core::text::cot;
use af2_core::text::prompt::{self, PromptIds};
use anyhow::Result;

pub use decoding::Decoding;
pub use report::{Answer, Timings};
use writer::AnswerWriter;

use crate::engine::{Engine, Heard};

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
    /// Seconds until the first token.
    pub first_token: f64,
    /// Seconds in all.
    pub seconds: f64,
}

/// Asks with the options of a command.
pub struct Asker<'a> {
    /// What answers.
    pub engine: &'a Engine,
    /// How.
    pub decoding: &'a Decoding,
    /// [`Decoding::sampling`].
    pub sampling: SamplingParams,
    /// Write the answer to stdout as it is made.
    pub stream: bool,
}

impl Asker<'_> {
    fn end_of_text(&self) -> String {
        self.engine.tokenizer().token(self.engine.config().tokens.end_of_text).unwrap_or_default()
    }

    /// An answer about a sound that was heard.
    ///
    /// # Errors
    /// The prompt does not fit, the device failed, or stdout is closed.
    pub fn ask(&self, heard: &mut Heard, question: &str) -> Result<Generated> {
        let text = prompt::prompt(question);
        // A second pass rewrites the answer, and a beam search ends with it: neither can be streamed.
        let stream = self.stream && !self.decoding.cot && self.decoding.beams.is_none();
        let mut generated = self.generate(heard, &text, stream)?;
        if self.decoding.cot {
            generated = self.finish_reasoning(heard, &text, generated)?;
        }
        if self.stream && !stream {
            io::stdout().write_all(generated.text.as_bytes())?;
        }
        if self.stream {
            writeln!(io::stdout())?;
        }
        Ok(generated)
    }

    fn finish_reasoning(&self, heard: &mut Heard, prompt: &str, first: Generated) -> Result<Generated> {
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

    fn generate(&self, heard: &mut Heard, prompt: &str, stream: bool) -> Result<Generated> {
        let (prompt_limit, max_new_tokens) = self.decoding.limits();
        let encoded = PromptIds::encode(self.engine.tokenizer(), prompt, prompt_limit)?;
        if encoded.separator_lost {
            eprintln!(
                "af2: the prompt has {} tokens and is cut to {prompt_limit}, as in the original; the model then does not see where it ends: ask a shorter question",
                encoded.full_length
            );
        }
        match self.decoding.beams {
            Some(beams) => self.search(heard, encoded.ids, beams, max_new_tokens),
            None => self.decode(heard, encoded.ids, max_new_tokens, stream),
        }
    }

    fn decode(
        &self,
        heard: &mut Heard,
        prompt_ids: Vec<u32>,
        max_new_tokens: usize,
        stream: bool,
    ) -> Result<Generated> {
        let start = Instant::now();
        let mut writer = AnswerWriter::new(self.engine.tokenizer(), &self.end_of_text(), &self.decoding.stop, stream)?;
        let mut first_token = None;
        let mut on_token = |id| {
            first_token.get_or_insert_with(|| start.elapsed().as_secs_f64());
            writer.push(id)
        };
        let generation = self.engine.generate(heard, &prompt_ids, self.sampling, max_new_tokens, &mut on_token)?;
        let text = writer.finish()?;
        let seconds = start.elapsed().as_secs_f64();
        let first_token = first_token.unwrap_or(seconds);
        Ok(Generated { prompt_ids, ids: generation.ids, finish: generation.finish, text, first_token, seconds })
    }

    fn search(
        &self,
        heard: &mut Heard,
        prompt_ids: Vec<u32>,
        beams: usize,
        max_new_tokens: usize,
    ) -> Result<Generated> {
        let start = Instant::now();
        let ids = self.engine.beam_search(heard, &prompt_ids, beams, max_new_tokens)?;
        let tokenizer = self.engine.tokenizer();
        let text = clean_answer(&tokenizer.decode(&ids, true)?, &self.end_of_text());
        let ended = ids.last() == Some(&self.engine.config().tokens.end_of_text);
        let finish = if ended { FinishReason::EndOfText } else { FinishReason::Length };
        let seconds = start.elapsed().as_secs_f64();
        Ok(Generated { prompt_ids, ids, finish, text, first_token: seconds, seconds })
    }
}
