//! Answers in OpenAI's words: one object, or the chunks of a stream.

use std::time::{SystemTime, UNIX_EPOCH};

use af2_core::engine::FinishReason;
use serde_json::{Value, json};

use crate::answer::{Answer, AnswerToken, Scored};

/// What all objects of one answer share.
pub(crate) struct Head {
    id: String,
    created: u64,
    model: String,
}

/// What an answer is asked to report beside its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub logprobs: bool,
    /// Of a stream: a last chunk with the usage.
    pub usage: bool,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl Head {
    /// Of answer `number` since the start.
    pub fn new(model: &str, number: u64) -> Self {
        let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        Self { id: format!("chatcmpl-{nanoseconds:016x}{number:08x}"), created: now(), model: model.to_owned() }
    }

    /// The whole answer. `notices` is ours: it is there only where something should be known of the answer.
    pub fn completion(&self, answer: &Answer, wanted: Wanted) -> Value {
        let choice = json!({
            "index": 0,
            "message": { "role": "assistant", "content": answer.text, "refusal": null },
            "logprobs": wanted.logprobs.then(|| logprobs(answer)),
            "finish_reason": finish(answer),
        });
        let mut completion = json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": usage(answer),
        });
        if !answer.notices.is_empty() {
            completion["notices"] = json!(answer.notices);
        }
        completion
    }

    fn chunk(&self, choices: Value, wanted: Wanted, used: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if wanted.usage {
            chunk["usage"] = used;
        }
        chunk
    }

    /// The chunk that a stream begins with.
    pub fn opening(&self, wanted: Wanted) -> Value {
        self.delta(json!({ "role": "assistant", "content": "" }), wanted)
    }

    /// A chunk with more text.
    pub fn text(&self, text: &str, wanted: Wanted) -> Value {
        self.delta(json!({ "content": text }), wanted)
    }

    fn delta(&self, delta: Value, wanted: Wanted) -> Value {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": null });
        self.chunk(json!([choice]), wanted, Value::Null)
    }

    /// The chunks after the text: why it ended, with all log-probabilities, then the usage if asked for.
    pub fn closing(&self, answer: &Answer, wanted: Wanted) -> Vec<Value> {
        let logprobs = wanted.logprobs.then(|| logprobs(answer));
        let choice = json!({ "index": 0, "delta": {}, "logprobs": logprobs, "finish_reason": finish(answer) });
        let mut last = self.chunk(json!([choice]), wanted, Value::Null);
        if !answer.notices.is_empty() {
            last["notices"] = json!(answer.notices);
        }
        let used = wanted.usage.then(|| self.chunk(json!([]), wanted, usage(answer)));
        std::iter::once(last).chain(used).collect()
    }
}

fn finish(answer: &Answer) -> &'static str {
    match answer.finish {
        FinishReason::Length => "length",
        FinishReason::Stop | FinishReason::Cancelled => "stop",
    }
}

fn usage(answer: &Answer) -> Value {
    let (prompt, completion) = (answer.prompt_tokens, answer.tokens.len());
    json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
}

fn logprobs(answer: &Answer) -> Value {
    let content: Vec<Value> = answer.tokens.iter().map(token).collect();
    json!({ "content": content, "refusal": null })
}

fn token(token: &AnswerToken) -> Value {
    let mut value = scored(&token.token);
    value["top_logprobs"] = token.top.iter().map(scored).collect();
    value
}

fn scored(Scored { text, logprob }: &Scored) -> Value {
    let whole = !text.contains('\u{fffd}');
    // A logit far below the others can come to minus infinity, which JSON does not have.
    json!({ "token": text, "logprob": logprob.max(-9999.0), "bytes": whole.then_some(text.as_bytes()) })
}
