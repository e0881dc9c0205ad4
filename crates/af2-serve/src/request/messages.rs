//! The question and the audio of a conversation.
//!
//! The model reads one question about one clip. The question is the text of the last user message that has text, the audio the last one of
//! the user messages. Instructions and earlier answers are passed over; a notice says so of instructions.

use serde_json::{Map, Value};

use super::audio::AudioSource;
use crate::error::ApiError;

/// What a conversation comes down to.
pub(super) struct Asked {
    pub text: String,
    pub audio: AudioSource,
    pub notices: Vec<String>,
}

fn wrong(what: impl Into<String>) -> ApiError {
    ApiError::parameter("messages", what)
}

/// Reads the messages of a request, which is taken apart: audio is large.
pub(super) fn read(mut request: Map<String, Value>) -> Result<Asked, ApiError> {
    let messages = match request.remove("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(Value::Array(_)) => return Err(wrong("messages is empty; send a user message with audio and a question")),
        _ => return Err(wrong("messages must be an array of messages")),
    };
    let (mut text, mut audio, mut instructed) = (None, None, false);
    for (at, message) in messages.into_iter().enumerate() {
        match Message::read(message, at)? {
            Message::Instruction => instructed = true,
            Message::Answer => {}
            Message::Question { text: said, audio: heard } => {
                text = said.or(text);
                audio = heard.or(audio);
            }
        }
    }
    let text = text.ok_or_else(|| wrong("the messages hold no question; add a text part to the last user message"))?;
    let audio = audio
        .ok_or_else(|| wrong("the messages hold no audio; add an input_audio or audio_url part to a user message"))?;
    let notice = "the model reads one question about one clip; system and developer messages were passed over";
    Ok(Asked { text, audio, notices: instructed.then(|| notice.to_owned()).into_iter().collect() })
}

enum Message {
    /// Of the system or the developer.
    Instruction,
    /// Of the model.
    Answer,
    /// Of the user.
    Question { text: Option<String>, audio: Option<AudioSource> },
}

impl Message {
    fn read(message: Value, at: usize) -> Result<Self, ApiError> {
        let Value::Object(mut message) = message else {
            return Err(wrong(format!("messages[{at}] must be an object with role and content")));
        };
        let content = message.remove("content").unwrap_or_default();
        let Some(role) = message.get("role").and_then(Value::as_str) else {
            return Err(wrong(format!("messages[{at}] has no role; it is system, developer, user or assistant")));
        };
        match (role, content) {
            ("system" | "developer", Value::Null | Value::String(_) | Value::Array(_)) => Ok(Self::Instruction),
            ("assistant", Value::Null | Value::String(_) | Value::Array(_)) => Ok(Self::Answer),
            ("user", Value::String(text)) => {
                Ok(Self::Question { text: Some(text).filter(|text| !text.trim().is_empty()), audio: None })
            }
            ("user", Value::Array(parts)) => parts_of_question(parts, at),
            ("system" | "developer" | "assistant" | "user", _) => {
                Err(wrong(format!("the content of messages[{at}] must be a text or an array of parts")))
            }
            (role, _) => {
                let role: String = role.chars().take(40).collect();
                Err(wrong(format!(
                    "messages[{at}] has the role {role:?}; it must be system, developer, user or assistant"
                )))
            }
        }
    }
}

fn parts_of_question(parts: Vec<Value>, at: usize) -> Result<Message, ApiError> {
    let (mut texts, mut audio) = (Vec::new(), None);
    for part in parts {
        let kind = part.get("type").and_then(Value::as_str).map(str::to_owned);
        let Some(kind) = kind else {
            return Err(wrong(format!("a part of messages[{at}] has no type; it is text, input_audio or audio_url")));
        };
        let heard = match kind.as_str() {
            "text" => {
                let text = part.get("text").and_then(Value::as_str);
                let text = text.ok_or_else(|| wrong(format!("a text part of messages[{at}] has no text")))?;
                texts.push(text.trim().to_owned());
                continue;
            }
            "input_audio" => AudioSource::of_input(part)?,
            "audio_url" => AudioSource::of_url(part)?,
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(wrong(format!(
                    "a content part of type {other:?} is not supported by this model; it hears audio and reads text"
                )));
            }
        };
        if audio.replace(heard).is_some() {
            return Err(wrong(format!("messages[{at}] has several clips; send one clip per message")));
        }
    }
    texts.retain(|text| !text.is_empty());
    let text = (!texts.is_empty()).then(|| texts.join(" "));
    Ok(Message::Question { text, audio })
}
