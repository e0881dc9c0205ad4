//! A sound that the model has heard, and answers about it.

use crate::backend::{self, GenerateOptions};
use crate::failure::{Code, failure, set, text_failure};
use crate::options::AskOptions;
use af2_core::generation::FinishReason;
use af2_core::text::answer::{AnswerPiece, AnswerStream};
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

/// A sound's keys and values.
#[wasm_bindgen]
pub struct Clip(backend::Clip);

impl Clip {
    pub(crate) fn new(clip: backend::Clip) -> Self {
        Self(clip)
    }

    fn end_of_text(&self) -> String {
        let model = self.0.model();
        model.tokenizer().token(model.config().tokens.end_of_text).unwrap_or_default()
    }
}

#[wasm_bindgen]
impl Clip {
    /// Answers a question. `on_piece` gets every piece of text, and whether the answer starts anew with it. The result is
    /// an object with `text`, `tokens` (end token included), `finishReason` (`end`, `stop` or `length`), `firstTokenMs` and
    /// `totalMs` from the question on, and `questionCut` for a question that was too long and lost its end.
    ///
    /// # Errors
    /// `ABORTED`, `BAD_REQUEST`, `DEVICE_LOST`.
    pub async fn ask(
        &mut self,
        question: String,
        options: AskOptions,
        on_piece: Function,
        signal: AbortSignal,
    ) -> Result<Object, JsValue> {
        let start = now();
        let (generate, stop) = (options.generate_options()?, options.stop_strings());
        let tokenizer = self.0.model().tokenizer().clone();
        let encoded = PromptIds::encode(&tokenizer, &prompt(&question), PROMPT_LIMIT).map_err(|e| text_failure(&e))?;
        let stream = AnswerStream::new(&tokenizer, &self.end_of_text(), stop).map_err(|e| text_failure(&e))?;
        let mut teller = Teller { stream, text: String::new(), on_piece, stopped: false, first_token_ms: 0.0 };
        let mut on_token = |id: u32| {
            teller.push(id, start);
            !teller.stopped && !signal.aborted()
        };
        let generation = backend::generate(&mut self.0, &encoded.ids, &generate, &mut on_token).await?;
        if signal.aborted() {
            return Err(failure(Code::Aborted, "aborted by the caller"));
        }
        teller.finish();
        let finish_reason = match generation.finish {
            _ if teller.stopped => "stop",
            FinishReason::Length => "length",
            _ => "end",
        };
        let answer = Object::new();
        set(&answer, "text", &teller.text.into());
        set(&answer, "tokens", &Uint32Array::from(generation.ids.as_slice()));
        set(&answer, "finishReason", &finish_reason.into());
        set(&answer, "firstTokenMs", &teller.first_token_ms.into());
        set(&answer, "totalMs", &(now() - start).into());
        set(&answer, "questionCut", &encoded.separator_lost.into());
        Ok(answer)
    }

    /// Logits that would choose the first token of an answer, [V]: for holding one device against another.
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

/// Passes pieces of text on as tokens come.
struct Teller {
    stream: AnswerStream,
    text: String,
    on_piece: Function,
    stopped: bool,
    first_token_ms: f64,
}

impl Teller {
    fn push(&mut self, id: u32, start: f64) {
        if self.first_token_ms == 0.0 {
            self.first_token_ms = now() - start;
        }
        let pieces = self.stream.push(id);
        self.tell(pieces);
    }

    fn finish(&mut self) {
        let pieces = self.stream.finish();
        self.tell(pieces);
    }

    fn tell(&mut self, pieces: Vec<AnswerPiece>) {
        for piece in pieces {
            let (text, restart) = match piece {
                AnswerPiece::Text(text) => (text, false),
                AnswerPiece::Restart => (String::new(), true),
                AnswerPiece::Stop(_) => {
                    self.stopped = true;
                    return;
                }
            };
            if restart {
                self.text.clear();
            }
            self.text.push_str(&text);
            // a listener's own exception is not the engine's business
            let _ = self.on_piece.call2(&JsValue::NULL, &text.into(), &restart.into());
        }
    }
}
