//! Audio that the model has encoded, and answers about it.

use crate::answer;
use crate::backend;
use crate::failure::{Code, failure, set, text_failure};
use crate::request::Request;
use crate::rules::LastSchema;
use af2_core::answers::Timeline;
use af2_core::engine::{AnswerText, GenerateOptions, TokenRules};
use af2_core::text::answer::AnswerDelta;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use js_sys::{Float32Array, Function, Object};
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
pub struct Clip {
    engine: backend::Clip,
    /// Seconds of audio.
    seconds: f64,
    last_schema: LastSchema,
}

impl Clip {
    pub(crate) fn new(engine: backend::Clip, seconds: f64, last_schema: LastSchema) -> Self {
        Self { engine, seconds, last_schema }
    }

    pub(crate) fn engine_mut(&mut self) -> &mut backend::Clip {
        &mut self.engine
    }

    /// Where the times of its windows lie in its audio.
    pub(crate) fn timeline(&self) -> Timeline {
        Timeline::new(&self.engine.model().config().audio, self.engine.windows(), self.seconds)
    }
}

#[wasm_bindgen]
impl Clip {
    /// Answers a question, by the rules of [`LastSchema::rules`]. `on_delta` gets every text delta, and whether the answer starts anew with it. The result is that of
    /// [`answer::object`] with `firstTokenMs` and `totalMs` from the question on, `promptTokens`, and `questionCut` for a question that was
    /// too long and lost its end.
    ///
    /// # Errors
    /// `ABORTED`, `BAD_REQUEST`, `DEVICE_LOST`.
    pub async fn ask(
        &mut self,
        question: String,
        options: Request,
        on_delta: Function,
        signal: AbortSignal,
    ) -> Result<Object, JsValue> {
        let start = now();
        let (generate, stop) = (options.generate_options()?, options.stop_strings());
        let tokenizer = self.engine.model().tokenizer().clone();
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
        let tokens = self.engine.model().config().tokens.clone();
        let most = generate.max_new_tokens;
        let mut rules = self.last_schema.rules(&options, &tokenizer, &tokens, most)?;
        let rules = rules.as_deref_mut().map(|rules| rules as &mut dyn TokenRules);
        let mut text = AnswerText::new(&tokenizer, &tokens, stop, sink).map_err(|e| text_failure(&e))?;
        let mut first_token_ms = 0.0;
        let mut on_token = |id: u32| {
            if first_token_ms == 0.0 {
                first_token_ms = now() - start;
            }
            text.push(id) && !signal.aborted()
        };
        let generation = backend::generate(&mut self.engine, &encoded.ids, &generate, rules, &mut on_token).await?;
        if signal.aborted() {
            return Err(failure(Code::Aborted, "aborted by the caller"));
        }
        let finished = text.finish(generation.finish);
        let answer = answer::object(&finished, &generation, &tokenizer);
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
        let tokenizer = self.engine.model().tokenizer().clone();
        let encoded = PromptIds::encode(&tokenizer, &prompt(&question), PROMPT_LIMIT).map_err(|e| text_failure(&e))?;
        let options = GenerateOptions { max_new_tokens: 1, keep_logits: true, ..GenerateOptions::default() };
        let generation = backend::generate(&mut self.engine, &encoded.ids, &options, None, &mut |_| true).await?;
        Ok(Float32Array::from(generation.logits.concat().as_slice()))
    }
}
