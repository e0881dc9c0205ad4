//! What is heard right now, in one window.

use super::hearing::confirmed;
use crate::audio::AudioWindows;
use crate::backend;
use crate::failure::{set, text_failure};
use crate::model::Model;
use crate::request::Request;
use af2_core::captions::{CAPTION_QUESTION, CaptionQuestion, caption_text, window_answer};
use af2_core::engine::GenerateOptions;
use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen]
impl Model {
    /// Asks a `question` about one window: `text` in a caption's words, `confidence`, and `silent` for audio that is not worth a question.
    /// Asked back, the model confirms the text with at least `minConfidence`, or it is empty; nothing is asked back for 0.
    ///
    /// # Errors
    /// `BAD_REQUEST`, `ABORTED`, `INSUFFICIENT_MEMORY`, `DEVICE_LOST`.
    pub async fn glance(
        &self,
        windows: &AudioWindows,
        request: Request,
        signal: AbortSignal,
    ) -> Result<Object, JsValue> {
        let glance = Object::new();
        let (text, confidence) =
            if windows.silent() { (String::new(), 0.0) } else { self.caption(windows, &request, &signal).await? };
        set(&glance, "text", &text.into());
        set(&glance, "confidence", &confidence.into());
        set(&glance, "silent", &windows.silent().into());
        Ok(glance)
    }

    async fn caption(
        &self,
        windows: &AudioWindows,
        request: &Request,
        signal: &AbortSignal,
    ) -> Result<(String, f32), JsValue> {
        let engine = self.engine();
        let question = request.text("question").unwrap_or_else(|| CAPTION_QUESTION.into());
        let question = CaptionQuestion::new(engine.tokenizer(), &question).map_err(|e| text_failure(&e))?;
        let mut clip = backend::listen(engine, windows.windows(), &mut |_, _| !signal.aborted()).await?;
        let go_on = || !signal.aborted();
        let generations =
            backend::generate_many(&mut clip, &[question.query(0)], &GenerateOptions::default(), &go_on).await?;
        let Some(generation) = generations.first() else { return Ok((String::new(), 0.0)) };
        let span = (0.0, windows.seconds());
        let answer = window_answer(engine.tokenizer(), &engine.config().tokens, generation, span);
        let mut answers = vec![answer.map_err(|e| text_failure(&e))?];
        let least = request.number("minConfidence").unwrap_or_default() as f32;
        if least > 0.0 {
            answers = confirmed(engine, &mut clip, answers, least, &go_on).await?;
        }
        let caption = answers.pop().map(|answer| (caption_text(&answer.text), answer.confidence));
        Ok(caption.filter(|(text, _)| !text.is_empty()).unwrap_or_default())
    }
}
