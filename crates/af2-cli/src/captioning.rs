//! Captions of a stream of windows, on any engine.

use af2_core::answers::without_end;
use af2_core::audio::WindowStream;
use af2_core::captions::{Caption, CaptionBuilder, CaptionCheck, CaptionQuestion, WindowAnswer, window_answer};
use af2_core::engine::{AudioView, GenerateOptions, Query, ScoreRequest, TIMES_PER_WINDOW};
use anyhow::{Context, Result};

use crate::model::{Engine, Heard};
use crate::window_batch::{BatchWindow, WindowBatch};

/// Asks about every window.
pub struct Captioner<'a> {
    engine: &'a dyn Engine,
    question: CaptionQuestion,
    edges: bool,
    min_confidence: f32,
}

impl<'a> Captioner<'a> {
    /// Asks `question`. With `edges`, what the answers attend to refines the captions' times; captions with less than `min_confidence` are
    /// left out.
    ///
    /// # Errors
    /// The question cannot be encoded.
    pub fn new(engine: &'a dyn Engine, question: &str, edges: bool, min_confidence: f32) -> Result<Self> {
        let question = CaptionQuestion::new(engine.tokenizer(), question)?;
        Ok(Self { engine, question, edges, min_confidence })
    }

    /// Listens to a stream to its end, `size` windows at a time, and hands out captions as soon as they are settled; `heard` gets the
    /// number of windows of every batch. Returns how many windows have no caption because the model, asked back, denies it.
    ///
    /// # Errors
    /// The file cannot be decoded, the device failed, or `on_caption` did.
    pub fn listen(
        &self,
        stream: &mut WindowStream,
        size: usize,
        heard: &mut dyn FnMut(usize),
        on_caption: &mut dyn FnMut(Caption) -> Result<()>,
    ) -> Result<usize> {
        let mut builder = CaptionBuilder::new(self.engine.config().audio.window_length, self.min_confidence);
        let mut denied = 0;
        while let Some(batch) = WindowBatch::next(stream, size, 0.0)? {
            for answer in self.answers(&batch)? {
                denied += usize::from(!answer.silent && answer.text.is_empty());
                builder.push(&answer).map_or(Ok(()), &mut *on_caption)?;
            }
            heard(batch.windows.len());
        }
        builder.finish().map_or(Ok(()), on_caption)?;
        Ok(denied)
    }

    /// An answer for every window of a batch, the silent ones included.
    fn answers(&self, batch: &WindowBatch) -> Result<Vec<WindowAnswer>> {
        let span = |window: &BatchWindow| (window.start, window.start + window.seconds);
        let spans: Vec<_> = batch.windows.iter().filter(|window| window.place.is_some()).map(span).collect();
        let mut asked = if spans.is_empty() { Vec::new() } else { self.ask(batch, &spans)? }.into_iter();
        let answer = |window: &BatchWindow| {
            let (start, end) = span(window);
            let answer = window.place.and_then(|_| asked.next());
            answer.unwrap_or_else(|| WindowAnswer::silence(start, end))
        };
        Ok(batch.windows.iter().map(answer).collect())
    }

    /// Answers about the windows of a batch that are not silent, which have these times.
    fn ask(&self, batch: &WindowBatch, spans: &[(f64, f64)]) -> Result<Vec<WindowAnswer>> {
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        let mut heard = self.engine.hear(&batch.encode(self.engine)?, true)?;
        let queries: Vec<Query> = (0..spans.len()).map(|place| self.question.query(place)).collect();
        let generations = heard.generate_many(&queries, &GenerateOptions::default(), &mut |_, _| true)?;
        let mut answers = Vec::with_capacity(spans.len());
        for (place, (query, generation)) in queries.iter().zip(generations).enumerate() {
            let mut answer = window_answer(tokenizer, tokens, &generation, spans[place])?;
            let words = without_end(tokens, &generation.ids);
            if self.edges && !words.is_empty() {
                let curve = heard.attention(query, words)?;
                answer.relevance = curve.chunks(TIMES_PER_WINDOW).nth(place).map(<[f32]>::to_vec);
            }
            answers.push(answer);
        }
        if self.min_confidence > 0.0 { self.confirmed(&mut *heard, answers) } else { Ok(answers) }
    }

    /// The answers with what the model, asked back, does not deny.
    fn confirmed(&self, heard: &mut dyn Heard, answers: Vec<WindowAnswer>) -> Result<Vec<WindowAnswer>> {
        let checks = answers.into_iter().map(|answer| CaptionCheck::new(self.engine.tokenizer(), answer));
        let checks: Vec<CaptionCheck> = checks.collect::<Result<_, _>>()?;
        let requests: Vec<_> =
            checks.iter().enumerate().map(|(place, check)| check.requests(&AudioView::window(place))).collect();
        let mut scores = heard.score(&requests.concat(), &mut |_, _| true)?.into_iter();
        let confirm = |(check, requests): (CaptionCheck, &Vec<ScoreRequest>)| {
            let scores: Vec<_> = scores.by_ref().take(requests.len()).collect();
            check.confirmed(&scores, self.min_confidence).context("the engine left scores out")
        };
        checks.into_iter().zip(&requests).map(confirm).collect()
    }
}
