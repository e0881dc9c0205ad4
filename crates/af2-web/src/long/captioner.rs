//! Captions of a file, settled as it is heard.

use super::hearing::{self, Hearing};
use crate::backend;
use crate::failure::{Code, failure, set, text_failure};
use crate::request::Request;
use af2_core::captions::{CAPTION_QUESTION, Caption, CaptionBuilder, CaptionQuestion};
use js_sys::Object;
use wasm_bindgen::JsValue;
use web_sys::AbortSignal;

/// Least probability of what a caption names, where a page asks for none.
const MIN_CONFIDENCE: f64 = 0.5;

/// A file and its caption in progress.
pub struct Captioner {
    hearing: Hearing,
    question: CaptionQuestion,
    /// None once the file has ended.
    builder: Option<CaptionBuilder>,
    min_confidence: f32,
}

impl Captioner {
    /// Opens the file.
    pub fn new(model: &backend::Model, request: &Request) -> Result<Self, JsValue> {
        let audio = &model.config().audio;
        let question = request.text("question").unwrap_or_else(|| CAPTION_QUESTION.into());
        let min_confidence = request.number("minConfidence").unwrap_or(MIN_CONFIDENCE) as f32;
        Ok(Self {
            hearing: Hearing::open(request, audio)?,
            question: CaptionQuestion::new(model.tokenizer(), &question).map_err(|e| text_failure(&e))?,
            builder: Some(CaptionBuilder::new(audio.window_length, min_confidence)),
            min_confidence,
        })
    }

    /// Hears the next windows; `json` is an array of the captions that are settled by them.
    pub async fn step(&mut self, model: &backend::Model, signal: &AbortSignal) -> Result<Option<Object>, JsValue> {
        let Some(builder) = &mut self.builder else { return Ok(None) };
        let batch = self.hearing.next_batch()?;
        let answers = hearing::answers(model, &batch, &self.question, self.min_confidence, signal).await?;
        let mut captions: Vec<Caption> = answers.iter().filter_map(|answer| builder.push(answer)).collect();
        if batch.is_empty() {
            captions.extend(self.builder.take().and_then(CaptionBuilder::finish));
        }
        let json = serde_json::to_string(&captions).map_err(|error| failure(Code::Internal, error))?;
        let step = self.hearing.progress();
        set(&step, "json", &json.into());
        Ok(Some(step))
    }
}
