//! Audio that the model has encoded, and answers about it.

use crate::backend;
use crate::failure::{Code, failure, set, text_failure};
use crate::options::AskOptions;
use af2_core::engine::{AnswerText, GenerateOptions};
use af2_core::text::answer::AnswerDelta;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use js_sys::{Float32Array, Function, Object, Uint32Array};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen]
extern "C" {
    /// Milliseconds on the thread's monotone clock.
    #[wasm_bindgen(js_namespace = performance)]
    pub(crate) fn now() -> f64;
}

/// Audio keys and values of a model.
#[wasm_bindgen]
pub struct Clip(backend::Clip);

impl Clip {
    pub(crate) fn new(clip: backend::Clip) -> Self {
        Self(clip)
    }
}

#[wasm_bindgen]
impl Clip {
    /// Answers a question. `on_delta` gets every text delta, and whether the answer starts anew with it. The result is
    /// an object with `text`, `tokens` (end token included), `finishReason` (`stop` or `length`), `firstTokenMs` and
    /// `totalMs` from the question on, `promptTokens`, and `questionCut` for a question that was too long and lost its end.
    ///
    /// # Errors
    /// `ABORTED`, `BAD_REQUEST`, `DEVICE_LOST`.
    pub async fn ask(
        &mut self,
        question: String,
        options: AskOptions,
        on_delta: Function,
        signal: AbortSignal,
    ) -> Result<Object, JsValue> {
        let start = now();
        let (generate, stop) = (options.generate_options()?, options.stop_strings());
        let tokenizer = self.0.model().tokenizer().clone();
        let encoded = PromptIds::encode(&tokenizer, &prompt(&question), PROMPT_LIMIT).map_err(|e| text_failure(&e))?;
        let sink = |delta: &AnswerDelta| {
            let (text, restart) = match delta {
                AnswerDelta::Text(text) => (text.as_str(), false),
                AnswerDelta::Restart => ("", true),
                AnswerDelta::Stop(_) => return true,
            };
            // a listener's own exception is not the engine's business
            let _ = on_delta.call2(&JsValue::NULL, &text.into(), &restart.into());
            true
        };
        let tokens = self.0.model().config().tokens.clone();
        let mut text = AnswerText::new(&tokenizer, &tokens, stop, sink).map_err(|e| text_failure(&e))?;
        let mut first_token_ms = 0.0;
        let mut on_token = |id: u32| {
            if first_token_ms == 0.0 {
                first_token_ms = now() - start;
            }
            text.push(id) && !signal.aborted()
        };
        let generation = backend::generate(&mut self.0, &encoded.ids, &generate, &mut on_token).await?;
        if signal.aborted() {
            return Err(failure(Code::Aborted, "aborted by the caller"));
        }
        let finished = text.finish(generation.finish);
        let answer = Object::new();
        set(&answer, "text", &finished.text.into());
        set(&answer, "tokens", &Uint32Array::from(generation.ids.as_slice()));
        set(&answer, "finishReason", &finished.finish.as_str().into());
        set(&answer, "firstTokenMs", &first_token_ms.into());
        set(&answer, "totalMs", &(now() - start).into());
        set(&answer, "promptTokens", &(encoded.ids.len() as f64).into());
        set(&answer, "questionCut", &encoded.question_cut.into());
        Ok(answer)
    }

    /// Logits of the first token of an answer, [V]: to compare devices.
    ///
    /// # Errors
    /// `BAD_REQUEST`, `DEVICE_LOST`.
    pub async fn logits(&mut self, question: String) -> Result<Float32Array, JsValue> {
        let tokenizer = self.0.model().tokenizer().clone();
        let encoded = PromptIds::encode(&tokenizer, &prompt(&question), PROMPT_LIMIT).map_err(|e| text_failure(&e))?;
        let options = GenerateOptions { max_new_tokens: 1, keep_logits: true, ..GenerateOptions::default() };
        let generation = backend::generate(&mut self.0, &encoded.ids, &options, &mut |_| true).await?;
        Ok(Float32Array::from(generation.logits.concat().as_slice()))
    }
}
