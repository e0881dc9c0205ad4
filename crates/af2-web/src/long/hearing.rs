//! A file that is heard from its start to its end, a batch of windows at a time.

use crate::audio::{audio_failure, channel_of};
use crate::backend::{self, BATCH};
use crate::failure::{Code, failure, set, text_failure};
use crate::page_file::PageFile;
use crate::request::Request;
use af2_core::audio::{LoadRules, StreamedWindow, WindowStream, Windows};
use af2_core::captions::{CaptionCheck, CaptionQuestion, WindowAnswer, window_answer};
use af2_core::config::AudioConfig;
use af2_core::engine::{AudioView, GenerateOptions, ScoreRequest};
use js_sys::Object;
use wasm_bindgen::JsValue;
use web_sys::AbortSignal;

/// The windows of a file, in order.
pub struct Hearing {
    stream: WindowStream,
    /// Seconds that were heard.
    seconds: f64,
}

impl Hearing {
    /// Opens the file that `request` names `name`. `channel` is a number from 1, or `mix`; without a `hop` windows follow each other.
    pub fn open(request: &Request, config: &AudioConfig) -> Result<Self, JsValue> {
        let hop = request.number("hop").unwrap_or(config.window_length - config.window_overlap);
        let (name, channel) = (request.needed("name"), channel_of(request.text("channel"))?);
        let file = PageFile::of(request).ok_or_else(|| failure(Code::BadRequest, "there is no file to read"))?;
        let stream = WindowStream::open(file, &name, LoadRules::ByName, channel, config, hop).map_err(audio_failure)?;
        Ok(Self { stream, seconds: 0.0 })
    }

    /// What is told after a step: the `seconds` that were heard, and, if the file tells, its `duration`.
    pub fn progress(&self) -> Object {
        let progress = Object::new();
        set(&progress, "seconds", &self.seconds.into());
        set(&progress, "duration", &self.stream.duration().into());
        progress
    }

    /// The next windows; none at the end.
    pub fn next_batch(&mut self) -> Result<Vec<StreamedWindow>, JsValue> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let Some(window) = self.stream.next().map_err(audio_failure)? else { break };
            self.seconds = window.start + window.seconds;
            batch.push(window);
        }
        Ok(batch)
    }
}

/// Encoder tokens, [64 · n, D], of the n windows that are not silent.
pub async fn encode(
    model: &backend::Model,
    batch: &[StreamedWindow],
    signal: &AbortSignal,
) -> Result<Vec<f32>, JsValue> {
    match side_by_side(batch) {
        Some(windows) => backend::encode(model, &windows, &|| !signal.aborted()).await,
        None => Ok(Vec::new()),
    }
}

/// The windows that are not silent, one after the other; none if all are.
fn side_by_side(batch: &[StreamedWindow]) -> Option<Windows> {
    let mut audible = batch.iter().filter(|window| !window.level.is_silent());
    let first = &audible.next()?.windows;
    let mut windows = Windows { hop_samples: first.window_samples, ..first.clone() };
    for window in audible {
        windows.codes.resize(windows.count * windows.window_samples, 0);
        windows.codes.extend(window.windows.covered_codes(0));
        windows.count += 1;
    }
    Some(windows)
}

/// What the model says of each window by itself. Asked back, it confirms that with at least `min_confidence`; nothing is asked back for 0.
pub async fn answers(
    model: &backend::Model,
    batch: &[StreamedWindow],
    question: &CaptionQuestion,
    min_confidence: f32,
    signal: &AbortSignal,
) -> Result<Vec<WindowAnswer>, JsValue> {
    let (tokenizer, tokens) = (model.tokenizer(), &model.config().tokens);
    let span = |window: &StreamedWindow| (window.start, window.start + window.seconds);
    let audible: Vec<_> = batch.iter().filter(|window| !window.level.is_silent()).map(span).collect();
    let mut answers = Vec::new();
    if !audible.is_empty() {
        let (encoded, go_on) = (encode(model, batch, signal).await?, || !signal.aborted());
        let mut clip = backend::hear(model, encoded, true).await?;
        let queries: Vec<_> = (0..audible.len()).map(|index| question.query(index)).collect();
        let generations = backend::generate_many(&mut clip, &queries, &GenerateOptions::default(), &go_on).await?;
        let answer = |(generation, span)| window_answer(tokenizer, tokens, generation, span);
        let given = generations.iter().zip(audible).map(answer).collect::<Result<Vec<_>, _>>();
        answers = given.map_err(|error| text_failure(&error))?;
        if min_confidence > 0.0 {
            answers = confirmed(model, &mut clip, answers, min_confidence, &go_on).await?;
        }
    }
    let mut answers = answers.into_iter();
    let answer = |window: &StreamedWindow| {
        let heard = if window.level.is_silent() { None } else { answers.next() };
        let (start, end) = span(window);
        heard.unwrap_or_else(|| WindowAnswer::silence(start, end))
    };
    Ok(batch.iter().map(answer).collect())
}

/// The answers about a clip's windows, with what the model confirms of them.
pub async fn confirmed(
    model: &backend::Model,
    clip: &mut backend::Clip,
    answers: Vec<WindowAnswer>,
    min_confidence: f32,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<WindowAnswer>, JsValue> {
    let checks = answers.into_iter().map(|answer| CaptionCheck::new(model.tokenizer(), answer));
    let checks = checks.collect::<Result<Vec<_>, _>>().map_err(|error| text_failure(&error))?;
    let requests: Vec<_> =
        checks.iter().enumerate().map(|(index, check)| check.requests(&AudioView::window(index))).collect();
    let mut scores = backend::score(clip, &requests.concat(), go_on).await?.into_iter();
    let confirm = |(check, requests): (CaptionCheck, &Vec<ScoreRequest>)| {
        let scores: Vec<_> = scores.by_ref().take(requests.len()).collect();
        check.confirmed(&scores, min_confidence).ok_or_else(|| failure(Code::Internal, "the engine left scores out"))
    };
    checks.into_iter().zip(&requests).map(confirm).collect()
}
