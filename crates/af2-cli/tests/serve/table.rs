//! The table of requests that the server and the browser's adapter share.

use serde_json::Value;

use crate::client::{Answer, Server, base64, repository};
use crate::pattern::mismatch;

/// The cases of a file, with the audio in them.
fn cases(file: &str) -> Vec<Value> {
    let mut text = std::fs::read_to_string(repository().join("tests/fixtures/openai").join(file)).unwrap();
    for sound in ["cow.ogg", "dog.ogg"] {
        text = text.replace(&format!("$audio:{sound}"), &base64(sound));
    }
    assert!(!text.contains("$audio:"), "a sound that is not filled in");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_shared_table_holds() {
    let server = Server::start(&[]);
    let cases = [cases("answered.json"), cases("refused.json")].concat();
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case, &server.ask(&case["request"]))).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n  {}", wrong.len(), cases.len(), wrong.join("\n  "));
    assert!(cases.len() > 100, "{} cases", cases.len());
    // Two clips in all cases, each encoded once.
    assert_eq!((server.metric("af2_clip_misses_total"), server.metric("af2_clips")), (2, 2));
}

fn check(case: &Value, answer: &Answer) -> Option<String> {
    let name = case["name"].as_str().unwrap();
    let problem = if case["status"] != answer.status {
        Some(format!("status {}: {}", answer.status, answer.text()))
    } else if let Some(pattern) = case.get("response") {
        mismatch(&answer.json(), pattern, "")
    } else if let Some(stream) = case.get("stream") {
        check_stream(stream, answer)
    } else {
        check_error(&case["error"], answer)
    };
    problem.map(|problem| format!("{name}: {problem}"))
}

fn check_error(wanted: &Value, answer: &Answer) -> Option<String> {
    let (message, error) = (answer.refusal(), &answer.json()["error"]);
    let unsaid = |part: &&Value| !message.contains(part.as_str().unwrap());
    if let Some(part) = wanted["says"].as_array().unwrap().iter().find(unsaid) {
        return Some(format!("{message:?} does not say {part}"));
    }
    (wanted["param"] != error["param"]).then(|| format!("param is {}", error["param"]))
}

/// The data of a stream's events.
pub fn events(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    let events = text.split_terminator("\n\n").filter(|event| !event.starts_with(':'));
    events.map(|event| event.strip_prefix("data: ").unwrap().to_owned()).collect()
}

fn check_stream(wanted: &Value, answer: &Answer) -> Option<String> {
    let mut events = events(answer);
    if events.pop().as_deref() != Some("[DONE]") {
        return Some("the stream does not end with [DONE]".into());
    }
    let mut chunks: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let head = |chunk: &Value| ["id", "created", "model", "object"].map(|field| chunk[field].clone());
    let first = head(&chunks[0]);
    if first[3] != "chat.completion.chunk" || chunks.iter().any(|chunk| head(chunk) != first) {
        return Some("the chunks are not of one stream".into());
    }
    if let Some(usage) = wanted.get("usage") {
        let last = chunks.pop().unwrap();
        if last["choices"] != Value::Array(Vec::new()) || chunks.iter().any(|chunk| chunk["usage"] != Value::Null) {
            return Some(format!("the usage comes elsewhere: {last}"));
        }
        if let Some(problem) = mismatch(&last["usage"], usage, ".usage") {
            return Some(problem);
        }
    } else if chunks.iter().any(|chunk| chunk.get("usage").is_some()) {
        return Some("a usage that was not asked for".into());
    }
    let choices: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]).collect();
    let text: String = choices.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
    let (last, before) = choices.split_last().unwrap();
    let listed = last["logprobs"]["content"].as_array();
    let listed = listed.map(|list| list.iter().map(|token| token["token"].clone()).collect());
    let open = before.iter().all(|choice| choice["finish_reason"].is_null() && choice["logprobs"].is_null());
    let right = text == wanted["text"]
        && choices[0]["delta"]["role"] == "assistant"
        && last["finish_reason"] == wanted["finish_reason"]
        && listed.map(Value::Array).as_ref() == wanted.get("logprobs");
    (!right || !open).then(|| format!("{text:?} in {chunks:?}"))
}
