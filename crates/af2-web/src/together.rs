//! Several questions at once, about a clip or about no audio at all: the weights are read once per step for all of them.

use crate::answer;
use crate::backend::{self, BATCH};
use crate::clip::{Clip, now};
use crate::failure::{set, text_failure};
use crate::model::Model;
use crate::request::Request;
use af2_core::engine::{AnswerText, AudioView, GenerateOptions, Generation, Query, TOKENS_PER_WINDOW};
use af2_core::text::AnswerDelta;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use js_sys::{Function, Object};
use std::cell::Cell;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen]
impl Clip {
    /// Answers questions, greedy, [`BATCH`] of them together; the tokens are those of [`Clip::ask`]. `on_answer` gets every answer in the
    /// order of the questions, as an object like that of [`Clip::ask`]; its times are those of the answers decoded with it.
    ///
    /// # Errors
    /// `ABORTED`, `BAD_REQUEST` (also for options that are not greedy), `DEVICE_LOST`.
    #[wasm_bindgen(js_name = askTogether)]
    pub async fn ask_together(
        &mut self,
        questions: Vec<String>,
        options: Request,
        on_answer: Function,
        signal: AbortSignal,
    ) -> Result<(), JsValue> {
        let view = AudioView::whole(self.engine_mut().windows());
        answer_all(self.engine_mut(), &view, &questions, &options, &on_answer, &signal).await
    }
}

#[wasm_bindgen]
impl Model {
    /// As [`Clip::ask_together`], without audio: all of it is hidden from the cross-attention, and the model of the text answers.
    ///
    /// # Errors
    /// As [`Clip::ask_together`], and `INSUFFICIENT_MEMORY`.
    #[wasm_bindgen(js_name = askTogether)]
    pub async fn ask_together(
        &self,
        questions: Vec<String>,
        options: Request,
        on_answer: Function,
        signal: AbortSignal,
    ) -> Result<(), JsValue> {
        let unheard = vec![0.0; TOKENS_PER_WINDOW * self.engine().config().audio_transformer.d_model];
        let mut clip = backend::hear(self.engine(), unheard, false).await?;
        let view = AudioView::whole(1).silent();
        answer_all(&mut clip, &view, &questions, &options, &on_answer, &signal).await
    }
}

async fn answer_all(
    clip: &mut backend::Clip,
    view: &AudioView,
    questions: &[String],
    options: &Request,
    on_answer: &Function,
    signal: &AbortSignal,
) -> Result<(), JsValue> {
    let options = options.generate_options()?;
    let tokenizer = clip.model().tokenizer().clone();
    let prompts = questions.iter().map(|question| PromptIds::encode(&tokenizer, &prompt(question), PROMPT_LIMIT));
    let prompts = prompts.collect::<Result<Vec<_>, _>>().map_err(|error| text_failure(&error))?;
    for group in prompts.chunks(BATCH) {
        for object in answer_group(clip, view, group, &options, signal).await? {
            // a listener's own exception is not the engine's business
            let _ = on_answer.call1(&JsValue::NULL, &object);
        }
    }
    Ok(())
}

async fn answer_group(
    clip: &mut backend::Clip,
    view: &AudioView,
    prompts: &[PromptIds],
    options: &GenerateOptions,
    signal: &AbortSignal,
) -> Result<Vec<Object>, JsValue> {
    let (start, first_token_ms) = (now(), Cell::new(0.0));
    let queries: Vec<_> =
        prompts.iter().map(|prompt| Query { prompt: prompt.ids.clone(), view: view.clone() }).collect();
    let go_on = || {
        if first_token_ms.get() == 0.0 {
            first_token_ms.set(now() - start);
        }
        !signal.aborted()
    };
    let generations = backend::generate_many(clip, &queries, options, &go_on).await?;
    let times = (first_token_ms.get(), now() - start);
    prompts.iter().zip(&generations).map(|(prompt, generation)| object(clip, prompt, generation, times)).collect()
}

/// An answer as JavaScript sees it; `times` are the milliseconds from the question to the first and to the last token.
fn object(
    clip: &backend::Clip,
    prompt: &PromptIds,
    generation: &Generation,
    times: (f64, f64),
) -> Result<Object, JsValue> {
    let (tokenizer, tokens) = (clip.model().tokenizer(), &clip.model().config().tokens);
    let text = AnswerText::new(tokenizer, tokens, Vec::new(), |_: &AnswerDelta| true);
    let mut text = text.map_err(|error| text_failure(&error))?;
    generation.ids.iter().for_each(|id| {
        text.push(*id);
    });
    let object = answer::object(&text.finish(generation.finish), generation, tokenizer);
    set(&object, "firstTokenMs", &times.0.into());
    set(&object, "totalMs", &times.1.into());
    set(&object, "promptTokens", &(prompt.ids.len() as f64).into());
    set(&object, "questionCut", &prompt.question_cut.into());
    Ok(object)
}
