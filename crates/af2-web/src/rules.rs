//! The rules that an answer must obey: it is one of some texts, or JSON of a schema.

use crate::failure::{Code, failure, text_failure};
use crate::request::Request;
use af2_core::answers::{JsonRules, JsonSchema, OneOf, OneOfError, SchemaError};
use af2_core::config::SpecialTokens;
use af2_core::engine::TokenRules;
use af2_core::text::Tokenizer;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::JsValue;

/// In place of a schema: any JSON object.
const ANY: &str = "object";

/// The JSON schema that a model was asked for last, with its rules: they hold the sorted vocabulary, 151,669 tokens of the released models.
/// The model's clips share it.
#[derive(Clone, Default)]
pub struct LastSchema(Rc<RefCell<Option<(String, JsonRules)>>>);

impl LastSchema {
    /// The rules of one answer of at most `most` tokens: `choices` are its texts, `jsonSchema` is the text of its schema, or
    /// `object` for any object. None where neither is
    /// given.
    ///
    /// # Errors
    /// `BAD_REQUEST` for both at once, a choice that is empty or too long, and a schema that cannot be followed.
    pub fn rules(
        &self,
        request: &Request,
        tokenizer: &Tokenizer,
        tokens: &SpecialTokens,
        most: usize,
    ) -> Result<Option<Box<dyn TokenRules>>, JsValue> {
        match (request.texts("choices"), request.text("jsonSchema")) {
            (None, None) => Ok(None),
            (Some(texts), None) => Ok(Some(Box::new(one_of(tokenizer, tokens, &texts, most)?))),
            (None, Some(schema)) => Ok(Some(Box::new(self.json(&schema, tokenizer, tokens).map_err(refused)?))),
            (Some(_), Some(_)) => Err(refused("choices and jsonSchema exclude each other; give one of them")),
        }
    }

    fn json(&self, schema: &str, tokenizer: &Tokenizer, tokens: &SpecialTokens) -> Result<JsonRules, SchemaError> {
        let mut last = self.0.borrow_mut();
        if let Some((_, rules)) = last.as_ref().filter(|(text, _)| text == schema) {
            return Ok(rules.anew());
        }
        let parsed = if schema == ANY { JsonSchema::any_object() } else { JsonSchema::parse(schema.as_bytes())? };
        let rules = JsonRules::new(tokenizer, tokens, &parsed)?;
        let (_, rules) = last.insert((schema.to_owned(), rules));
        Ok(rules.anew())
    }
}

fn one_of(tokenizer: &Tokenizer, tokens: &SpecialTokens, texts: &[String], most: usize) -> Result<OneOf, JsValue> {
    let rules = OneOf::new(tokenizer, tokens, texts).map_err(|error| match &error {
        OneOfError::Text(text) => text_failure(text),
        _ => refused(&error),
    })?;
    let longest = rules.longest();
    if longest > most {
        return Err(refused(format!(
            "the longest choice has {longest} tokens, and an answer at most {most}; shorten it, or raise maxNewTokens"
        )));
    }
    Ok(rules)
}

fn refused(cause: impl std::fmt::Display) -> JsValue {
    failure(Code::BadRequest, cause)
}
