//! How far an answer can be trusted: which of several texts is likely, and which seconds an answer goes by.

use crate::backend;
use crate::clip::Clip;
use crate::failure::{Code, failure, set, text_failure};
use crate::request::Request;
use af2_core::answers::{
    Choice, ChoiceError, ChoiceOption, Effect, Method, MultipleChoice, Relevance, continuation, without_end,
};
use af2_core::engine::{AudioView, Query};
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use js_sys::{Array, Float32Array, Object};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen]
impl Clip {
    /// Weighs the texts `options` that may answer the `question`. With `letters` it is asked with the options in it, named by letters.
    /// The result has `best` and `options`, each with `text`, `logprob`, `logprobPerToken`, `priorLogprob`, `probability` and
    /// `rawProbability`; see [`ChoiceOption`].
    ///
    /// # Errors
    /// `BAD_REQUEST`, `ABORTED`, `DEVICE_LOST`.
    pub async fn choose(&mut self, request: Request, signal: AbortSignal) -> Result<Object, JsValue> {
        let engine = self.engine_mut();
        let (tokenizer, tokens) = (engine.model().tokenizer(), &engine.model().config().tokens);
        let (question, options) = (request.needed("question"), request.texts("options").unwrap_or_default());
        let letters = request.number("letters") == Some(1.0);
        let choice = MultipleChoice::new(tokenizer, tokens, &question, &options, letters).map_err(|e| refused(&e))?;
        let requests = choice.requests(&AudioView::whole(engine.windows()));
        let scores = backend::score(engine, &requests, &|| !signal.aborted()).await?;
        Ok(choice_object(&choice.result(&scores).map_err(|e| refused(&e))?))
    }

    /// Which seconds an answer to the `question` goes by: its `tokens`, or, if there are none, those of `text`. The `method` is `effect` or
    /// `attention`. The result has `method`, `secondsPerStep`, `curve`, and `intervals` with `start`, `end` and `weight`; see
    /// [`Relevance`].
    ///
    /// # Errors
    /// `BAD_REQUEST`, `ABORTED`, `DEVICE_LOST`.
    #[wasm_bindgen(js_name = where)]
    pub async fn where_(&mut self, request: Request, signal: AbortSignal) -> Result<Object, JsValue> {
        let timeline = self.timeline();
        let engine = self.engine_mut();
        let (tokenizer, special) = (engine.model().tokenizer(), &engine.model().config().tokens);
        let question = prompt(&request.needed("question"));
        let encoded = PromptIds::encode(tokenizer, &question, PROMPT_LIMIT).map_err(|e| text_failure(&e))?;
        let answer = match request.ids("tokens") {
            Some(tokens) => Ok(tokens.to_vec()),
            None => continuation(tokenizer, special, &request.needed("text")),
        };
        let answer = answer.map_err(|e| text_failure(&e))?;
        let words = without_end(special, &answer);
        let query = Query { prompt: encoded.ids, view: AudioView::whole(engine.windows()) };
        let attention = request.text("method").as_deref() == Some("attention");
        let method = if attention { Method::Attention } else { Method::Effect };
        let times = if words.is_empty() {
            vec![0.0; timeline.times()]
        } else if attention {
            backend::attention(engine, &query, words).await?
        } else {
            let effect = Effect::new(query, words, timeline.times());
            let scores = backend::score(engine, &effect.requests(), &|| !signal.aborted()).await?;
            let [(question, separator), (query, words)] = effect.attention();
            let end = backend::attention(engine, question, separator).await?;
            effect.curve(&scores, [&end, &backend::attention(engine, query, words).await?])
        };
        Ok(relevance_object(&Relevance::new(method, &times, &timeline)))
    }
}

fn refused(error: &ChoiceError) -> JsValue {
    match error {
        ChoiceError::Text(text) => text_failure(text),
        ChoiceError::OtherScores => failure(Code::Internal, error),
        _ => failure(Code::BadRequest, error),
    }
}

fn choice_object(choice: &Choice) -> Object {
    let object = Object::new();
    set(&object, "best", &choice.best.into());
    set(&object, "options", &choice.options.iter().map(option_object).collect::<Array>());
    object
}

fn option_object(option: &ChoiceOption) -> Object {
    let object = Object::new();
    set(&object, "text", &option.text.as_str().into());
    for (key, value) in [
        ("logprob", option.logprob),
        ("logprobPerToken", option.logprob_per_token),
        ("priorLogprob", option.prior_logprob),
        ("probability", option.probability),
        ("rawProbability", option.raw_probability),
    ] {
        set(&object, key, &value.into());
    }
    object
}

fn relevance_object(relevance: &Relevance) -> Object {
    let object = Object::new();
    let method = if relevance.method == Method::Attention { "attention" } else { "effect" };
    set(&object, "method", &method.into());
    set(&object, "secondsPerStep", &relevance.seconds_per_step.into());
    set(&object, "curve", &Float32Array::from(relevance.curve.as_slice()));
    let interval = |interval: &af2_core::answers::Interval| {
        let object = Object::new();
        set(&object, "start", &interval.start.into());
        set(&object, "end", &interval.end.into());
        set(&object, "weight", &interval.weight.into());
        object
    };
    set(&object, "intervals", &relevance.intervals.iter().map(interval).collect::<Array>());
    object
}
