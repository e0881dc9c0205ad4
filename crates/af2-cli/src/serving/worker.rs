//! Answers the jobs of the server, one batch after another.

use af2_core::answers::{JsonRules, JsonSchema};
use af2_core::engine::{AnswerText, AudioView, GenerateOptions, Generation, MOST_POSITIONS, Query, TokenLogprob};
use af2_core::text::prompt::{NEW_TOKEN_LIMIT, PROMPT_LIMIT, PromptIds, prompt};
use af2_core::text::{AnswerDelta, Tokenizer};
use af2_serve::{Answer, AnswerToken, Answerer, ClipUse, Failure, Job, Scored};
use anyhow::{Result, anyhow};

use super::clips::Clips;
use crate::asking::question_cut;
use crate::model::{Engine, Heard, is_lost};
use crate::panics::contain;

/// An engine and the clips that it has heard.
pub struct Worker {
    engine: Box<dyn Engine>,
    clips: Clips,
    /// The rules of the last schema: making them reads the whole vocabulary.
    rules: Option<(JsonSchema, JsonRules)>,
}

impl Worker {
    /// Answers with `engine`, and holds encoded clips of at most `clip_bytes` bytes.
    pub fn new(engine: Box<dyn Engine>, clip_bytes: u64) -> Self {
        Self { engine, clips: Clips::new(clip_bytes), rules: None }
    }

    fn answer_all(&mut self, jobs: &[Job]) -> Result<()> {
        let mut wanted = || jobs.iter().any(|job| job.reply.wanted());
        let rules = match rules_of(&*self.engine, &mut self.rules, &jobs[0]) {
            Ok(rules) => rules,
            Err(failure) => {
                jobs.iter().for_each(|job| job.reply.failed(failure.clone()));
                return Ok(());
            }
        };
        let heard = self.clips.get(&*self.engine, &jobs[0].clip, &mut wanted)?;
        let asker = Asker { engine: &*self.engine, heard };
        asker.answer(jobs, rules)
    }
}

impl Answerer for Worker {
    fn answer(&mut self, jobs: &[Job]) {
        let Some(first) = jobs.first() else { return };
        let mut panicked = true;
        let outcome = contain(|| {
            let outcome = self.answer_all(jobs);
            panicked = false;
            outcome
        });
        if panicked {
            self.clips.forget(&first.clip.digest);
        }
        if let Err(error) = outcome {
            // Those that have their answer do not listen any more.
            jobs.iter().for_each(|job| job.reply.failed(failure(&error)));
        }
    }

    fn clips(&self) -> ClipUse {
        self.clips.usage()
    }
}

fn failure(error: &anyhow::Error) -> Failure {
    let told = format!("{error:#}");
    if is_lost(error) { Failure::DeviceLost(told) } else { Failure::Internal(told) }
}

/// The rules that an answer must obey, made for this model; none where everything may be said.
fn rules_of(
    engine: &dyn Engine,
    made: &mut Option<(JsonSchema, JsonRules)>,
    job: &Job,
) -> Result<Option<JsonRules>, Failure> {
    let Some(schema) = &job.question.decoding.schema else { return Ok(None) };
    if let Some((_, rules)) = made.as_ref().filter(|(known, _)| known == schema) {
        return Ok(Some(rules.anew()));
    }
    let rules = JsonRules::new(engine.tokenizer(), &engine.config().tokens, schema);
    let rules = rules
        .map_err(|error| Failure::Refused { param: "response_format", message: format!("response_format: {error}") })?;
    let anew = rules.anew();
    *made = Some((schema.clone(), rules));
    Ok(Some(anew))
}

/// A question, encoded for one answer.
struct Prepared {
    prompt: PromptIds,
    options: GenerateOptions,
}

struct Asker<'a> {
    engine: &'a dyn Engine,
    heard: &'a mut dyn Heard,
}

impl Asker<'_> {
    fn answer(mut self, jobs: &[Job], mut rules: Option<JsonRules>) -> Result<()> {
        if jobs.len() > 1 {
            match self.together(jobs) {
                Err(error) if is_lost(&error) => return Err(error),
                // Alone a question costs no other's answer.
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
        for job in jobs {
            if job.reply.wanted() {
                self.alone(job, rules.as_mut())?;
            }
        }
        Ok(())
    }

    fn prepare(&self, job: &Job) -> Result<Prepared> {
        let decoding = &job.question.decoding;
        let prompt = PromptIds::encode(self.engine.tokenizer(), &prompt(&job.question.text), PROMPT_LIMIT)?;
        let room = MOST_POSITIONS.saturating_sub(prompt.ids.len());
        let options = GenerateOptions {
            sampling: decoding.sampling,
            max_new_tokens: decoding.max_tokens.unwrap_or(NEW_TOKEN_LIMIT).min(room),
            top_logprobs: decoding.logprobs.unwrap_or(0),
            ..GenerateOptions::default()
        };
        Ok(Prepared { prompt, options })
    }

    /// One answer, sent as it is made. Where the model starts anew (`<SEP>`), the whole text at the end is right, and a stream has both.
    fn alone(&mut self, job: &Job, rules: Option<&mut JsonRules>) -> Result<()> {
        let Prepared { prompt, options } = self.prepare(job)?;
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        let sink = |delta: &AnswerDelta| match delta {
            AnswerDelta::Text(text) if job.question.stream => job.reply.text(text.as_str()),
            _ => job.reply.wanted(),
        };
        let mut text = AnswerText::new(tokenizer, tokens, job.question.decoding.stop.clone(), sink)?;
        let mut on_token = |id| text.push(id) && job.reply.wanted();
        let generation = match rules {
            Some(rules) => self.heard.generate_with(&prompt.ids, &options, rules, &mut on_token)?,
            None => self.heard.generate(&prompt.ids, &options, &mut on_token)?,
        };
        let finished = text.finish(generation.finish);
        job.reply.done(answer(tokenizer, job, &prompt, &generation, finished)?);
        Ok(())
    }

    /// Answers decoded together: the weights are read once per step for all.
    fn together(&mut self, jobs: &[Job]) -> Result<()> {
        let prepared = jobs.iter().map(|job| self.prepare(job)).collect::<Result<Vec<_>>>()?;
        let view = AudioView::whole(self.heard.windows());
        let query = |one: &Prepared| Query { prompt: one.prompt.ids.clone(), view: view.clone() };
        let queries: Vec<Query> = prepared.iter().map(query).collect();
        let shortest = prepared.iter().map(|one| one.options.max_new_tokens).min().unwrap_or(NEW_TOKEN_LIMIT);
        let options = GenerateOptions { max_new_tokens: shortest, ..prepared[0].options.clone() };
        let mut wanted = |_, _| jobs.iter().any(|job| job.reply.wanted());
        let generations = self.heard.generate_many(&queries, &options, &mut wanted)?;
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        for ((job, one), generation) in jobs.iter().zip(&prepared).zip(generations) {
            let mut text = AnswerText::new(tokenizer, tokens, Vec::new(), |_: &AnswerDelta| true)?;
            for id in &generation.ids {
                text.push(*id);
            }
            let finished = text.finish(generation.finish);
            job.reply.done(answer(tokenizer, job, &one.prompt, &generation, finished)?);
        }
        Ok(())
    }
}

fn answer(
    tokenizer: &Tokenizer,
    job: &Job,
    prompt: &PromptIds,
    generation: &Generation,
    finished: af2_core::engine::Answer,
) -> Result<Answer> {
    if generation.logprobs.len() != generation.ids.len() {
        return Err(anyhow!(
            "internal error: {} tokens have {} log-probabilities",
            generation.ids.len(),
            generation.logprobs.len()
        ));
    }
    let scored = |id, logprob| anyhow::Ok(Scored { text: tokenizer.decode(&[id], true)?, logprob });
    let token = |(at, (id, logprob)): (usize, (&u32, &f32))| {
        let top = generation.alternatives.get(at).into_iter().flatten();
        let top = top.map(|TokenLogprob { id, logprob }| scored(*id, *logprob)).collect::<Result<_>>()?;
        Ok(AnswerToken { token: scored(*id, *logprob)?, top })
    };
    let tokens = generation.ids.iter().zip(&generation.logprobs).enumerate().map(token).collect::<Result<_>>()?;
    let info = &job.clip.audio.info;
    let mut notices = info.notices.clone();
    if info.truncated {
        let seconds = job.clip.audio.windows.seconds();
        notices.push(format!("only the first {seconds:.0} s were heard; `af2 serve --max-windows` sets how much is"));
    }
    notices.extend(question_cut(prompt));
    Ok(Answer { text: finished.text, finish: finished.finish, prompt_tokens: prompt.ids.len(), tokens, notices })
}
