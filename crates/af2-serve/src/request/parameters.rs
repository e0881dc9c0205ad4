//! The parameters beside the messages.

use std::ops::RangeInclusive;

use af2_core::answers::JsonSchema;
use af2_core::engine::MOST_TOP_LOGPROBS;
use af2_core::sampling::{SamplingParams, SamplingRequest};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// How an answer is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoding {
    /// How each token is chosen. Greedy unless the request sets a temperature or `top_p`; then with seed 0 where none is given.
    pub sampling: SamplingParams,
    /// Most tokens of the answer; none for the model's own limit.
    pub max_tokens: Option<usize>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Alternatives to list beside each token; none where no log-probabilities are asked for.
    pub logprobs: Option<usize>,
    /// The form that the answer must have.
    pub schema: Option<JsonSchema>,
}

/// [`Decoding`], and how it is sent.
#[derive(Debug)]
pub(super) struct Parameters {
    pub decoding: Decoding,
    pub stream: bool,
    pub include_usage: bool,
}

/// Parameters that are served, and labels that have no effect on an answer.
const SERVED: [&str; 18] = [
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "logprobs",
    "top_logprobs",
    "response_format",
    "model",
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "service_tier",
];

/// Most texts that may end an answer.
const MOST_STOPS: usize = 4;

const NO_CALLS: &str = "; this model answers questions about audio and calls nothing: leave it out";

type Object = Map<String, Value>;

/// Whether a value is what this model does anyway; none for a parameter that nobody knows.
fn is_neutral(name: &str, value: &Value) -> bool {
    let empty_list = || value.as_array().is_some_and(Vec::is_empty);
    match name {
        "n" => value.as_u64() == Some(1),
        "tools" | "functions" => empty_list(),
        "tool_choice" | "function_call" => matches!(value.as_str(), Some("none" | "auto")),
        "parallel_tool_calls" => value.is_boolean(),
        "modalities" => value.as_array().is_some_and(|list| matches!(&list[..], [Value::String(one)] if one == "text")),
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "store" => value.as_bool() == Some(false),
        _ => false,
    }
}

/// What to do instead, where there is something.
fn remedy(name: &str) -> &'static str {
    match name {
        "n" => "; one answer is given per request: send it again, with another seed",
        "tools" | "functions" | "tool_choice" | "function_call" => NO_CALLS,
        _ => "",
    }
}

/// Reads and checks everything but the messages.
pub(super) fn read(request: &Object) -> Result<Parameters, ApiError> {
    for (name, value) in request {
        if !value.is_null() && !SERVED.contains(&name.as_str()) && !is_neutral(name, value) {
            let message = format!("{name}: {} is not supported by this model{}", shown(value), remedy(name));
            return Err(ApiError::parameter(name.chars().take(64).collect::<String>(), message));
        }
    }
    let stream = flag(request, "stream")?;
    let asked = SamplingRequest {
        temperature: number(request, "temperature", 0.0..=2.0)?,
        top_p: number(request, "top_p", 0.0..=1.0)?,
        seed: seed(request)?,
        ..SamplingRequest::default()
    };
    let mut sampling = asked.params().map_err(|error| ApiError::parameter("temperature", error.to_string()))?;
    if sampling.is_greedy() {
        sampling = SamplingParams::greedy(); // seed and top_p change nothing
    }
    let limit = count(request, "max_completion_tokens", 1, usize::MAX)?;
    let old_limit = count(request, "max_tokens", 1, usize::MAX)?;
    let decoding = Decoding {
        sampling,
        max_tokens: limit.or(old_limit),
        stop: stops(request)?,
        logprobs: logprobs(request)?,
        schema: schema(request)?,
    };
    Ok(Parameters { decoding, stream, include_usage: include_usage(request, stream)? })
}

/// A parameter's value; null is none.
fn given<'a>(request: &'a Object, name: &str) -> Option<&'a Value> {
    request.get(name).filter(|value| !value.is_null())
}

/// A value in a message, cut where it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut short: String = text.chars().take(100).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn wrong(name: &str, value: &Value, must: &str) -> ApiError {
    ApiError::parameter(name, format!("{name} is {}, but must be {must}", shown(value)))
}

fn flag(request: &Object, name: &str) -> Result<bool, ApiError> {
    let Some(value) = given(request, name) else { return Ok(false) };
    value.as_bool().ok_or_else(|| wrong(name, value, "true or false"))
}

fn number(request: &Object, name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, ApiError> {
    let Some(value) = given(request, name) else { return Ok(None) };
    let must = || wrong(name, value, &format!("a number from {} to {}", range.start(), range.end()));
    value.as_f64().filter(|number| range.contains(number)).ok_or_else(must).map(Some)
}

fn count(request: &Object, name: &str, least: usize, most: usize) -> Result<Option<usize>, ApiError> {
    let Some(value) = given(request, name) else { return Ok(None) };
    let must = || {
        let most = if most == usize::MAX { " or more".to_owned() } else { format!(" to {most}") };
        wrong(name, value, &format!("a whole number, {least}{most}"))
    };
    // JSON numbers such as 16.0 are whole too.
    let whole = value.as_u64().or_else(|| value.as_f64().filter(|x| x.fract() == 0.0 && *x >= 0.0).map(|x| x as u64));
    let whole = whole.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    whole.filter(|count| (least..=most).contains(count)).ok_or_else(must).map(Some)
}

fn seed(request: &Object) -> Result<u64, ApiError> {
    let Some(value) = given(request, "seed") else { return Ok(0) };
    let whole = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
    whole.ok_or_else(|| wrong("seed", value, "a whole number of 64 bits"))
}

fn stops(request: &Object) -> Result<Vec<String>, ApiError> {
    let Some(value) = given(request, "stop") else { return Ok(Vec::new()) };
    let one = std::slice::from_ref(value);
    let texts = value.as_array().map_or(one, Vec::as_slice).iter().map(|text| text.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    let good = |texts: &Vec<String>| texts.len() <= MOST_STOPS && texts.iter().all(|text| !text.is_empty());
    texts.filter(good).ok_or_else(|| wrong("stop", value, &format!("a text or up to {MOST_STOPS} texts, none empty")))
}

fn logprobs(request: &Object) -> Result<Option<usize>, ApiError> {
    let wanted = flag(request, "logprobs")?;
    let top = count(request, "top_logprobs", 0, MOST_TOP_LOGPROBS)?;
    if top.is_some_and(|top| top > 0) && !wanted {
        return Err(ApiError::parameter("top_logprobs", "top_logprobs needs logprobs: true"));
    }
    Ok(wanted.then(|| top.unwrap_or(0)))
}

fn include_usage(request: &Object, stream: bool) -> Result<bool, ApiError> {
    let name = "stream_options";
    let Some(value) = given(request, name) else { return Ok(false) };
    if !stream {
        return Err(ApiError::parameter(name, "stream_options needs stream: true"));
    }
    let must = || wrong(name, value, "an object with include_usage");
    let options = value.as_object().ok_or_else(must)?;
    let known = |name: &String| ["include_usage", "include_obfuscation"].contains(&name.as_str());
    if !options.keys().all(known) || options.get("include_obfuscation").is_some_and(|value| value == true) {
        return Err(must());
    }
    flag(options, "include_usage").map_err(|_| must())
}

fn schema(request: &Object) -> Result<Option<JsonSchema>, ApiError> {
    let name = "response_format";
    let Some(value) = given(request, name) else { return Ok(None) };
    let refused = |what: &str| ApiError::parameter(name, format!("response_format: {what}"));
    match value.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_schema") => {
            let schema = value.get("json_schema").and_then(|format| format.get("schema"));
            let schema = schema.ok_or_else(|| refused("json_schema.schema is missing; give the schema there"))?;
            let schema = JsonSchema::parse(schema.to_string().as_bytes());
            schema.map(Some).map_err(|error| refused(&error.to_string()))
        }
        Some("json_object") => Ok(Some(JsonSchema::any_object())),
        _ => Err(wrong(name, value, "an object of type text, json_object or json_schema")),
    }
}
