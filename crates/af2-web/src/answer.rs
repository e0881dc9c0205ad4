//! A finished answer as a JavaScript object.

use crate::failure::set;
use af2_core::answers::confidence;
use af2_core::engine::{Answer, Generation, TokenLogprob};
use af2_core::text::Tokenizer;
use js_sys::{Array, Float32Array, Object, Uint32Array};
use wasm_bindgen::JsValue;

/// `text`, `finishReason`, `tokens` (end token included) with `tokenTexts` and `logprobs`, `confidence`, and per token, if they were asked
/// for, `alternatives`: lists of `token`, `text`, `logprob`.
pub fn object(answer: &Answer, generation: &Generation, tokenizer: &Tokenizer) -> Object {
    let object = Object::new();
    set(&object, "text", &answer.text.as_str().into());
    set(&object, "finishReason", &answer.finish.as_str().into());
    set(&object, "tokens", &Uint32Array::from(generation.ids.as_slice()));
    set(&object, "tokenTexts", &generation.ids.iter().map(|id| text_of(*id, tokenizer)).collect::<Array>());
    set(&object, "logprobs", &Float32Array::from(generation.logprobs.as_slice()));
    set(&object, "confidence", &confidence(&generation.logprobs).into());
    if !generation.alternatives.is_empty() {
        let lists = generation.alternatives.iter();
        let lists = lists.map(|list| list.iter().map(|token| alternative(*token, tokenizer)).collect::<Array>());
        set(&object, "alternatives", &lists.collect::<Array>());
    }
    object
}

fn alternative(token: TokenLogprob, tokenizer: &Tokenizer) -> Object {
    let object = Object::new();
    set(&object, "token", &token.id.into());
    set(&object, "text", &text_of(token.id, tokenizer));
    set(&object, "logprob", &token.logprob.into());
    object
}

/// The text of one token; U+FFFD for a part of a character.
fn text_of(id: u32, tokenizer: &Tokenizer) -> JsValue {
    tokenizer.decode(&[id], true).unwrap_or_default().into()
}
