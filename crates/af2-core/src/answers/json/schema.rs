//! The part of JSON Schema that describes regular texts, as a pattern.
//!
//! Known: `type` (also a list of types), `properties`, `required`, `items`, `minItems`, `maxItems`, `minLength`, `maxLength`, `minimum` and
//! `maximum` of integers, `enum`, `const`, `anyOf`, and `$ref` to a definition in the same file that does not contain itself. Notes such as
//! `title`, `description` or `format` change nothing. Any other keyword is refused by name: an answer must not look checked where it was
//! not. Answers have no other properties than those listed, in alphabetical order.

use std::cell::Cell;

use serde::Serialize;
use serde_json::{Map, Value};

use super::automaton::{Automaton, Pattern};
use crate::small_file;

/// Schemas within a schema, those behind a `$ref` each time it is followed.
const MOST_PARTS: usize = 1 << 12;
/// Nesting of a schema.
const MOST_DEPTH: usize = 32;
/// Nesting of objects and arrays within [`JsonSchema::any_object`].
const ANY_DEPTH: usize = 2;
/// Digits of an integer: all such integers are exact in float64.
const DIGITS: usize = 15;
/// Integers of a range that are spelt out one by one.
const MOST_INTEGERS: u64 = 10_000;
/// Most repetitions that a schema may ask for.
const MOST_REPEATED: u64 = 1 << 14;

/// Keywords that do not change which answers are valid, or allow what is never written.
const NOTES: [&str; 14] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "format",
    "deprecated",
    "readOnly",
    "writeOnly",
    "additionalProperties",
];

/// Why a schema cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is no JSON.
    #[error("the schema is no JSON: {0}")]
    NotJson(String),
    /// A part of it.
    #[error("the schema's `{at}`: {what}")]
    Part {
        /// JSON pointer of the part.
        at: String,
        /// What is wrong with it.
        what: String,
    },
    /// It describes too long texts.
    #[error("the schema describes texts that are too long; lower its maxLength, maxItems, minLength and minItems")]
    TooLarge,
}

/// A JSON schema; null stands for any object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JsonSchema(Value);

impl JsonSchema {
    /// Reads the text of a schema.
    ///
    /// # Errors
    /// [`SchemaError`], if it is no JSON or uses what is not known.
    pub fn parse(text: &[u8]) -> Result<Self, SchemaError> {
        let body = small_file::body(text, small_file::CONFIG_LIMIT)
            .map_err(|error| SchemaError::NotJson(error.to_string()))?;
        let schema: Value = serde_json::from_slice(body).map_err(|error| SchemaError::NotJson(error.to_string()))?;
        if schema.is_null() {
            return wrong("#", "it is no object; say with `type` which values are meant");
        }
        let schema = Self(schema);
        schema.automaton()?;
        Ok(schema)
    }

    /// Objects with any properties, nested at most three deep: deeper texts would be no regular language of a bearable size.
    pub fn any_object() -> Self {
        Self(Value::Null)
    }

    pub(super) fn automaton(&self) -> Result<Automaton, SchemaError> {
        let pattern = match &self.0 {
            Value::Null => any_members(ANY_DEPTH, ["{", "}"], true),
            schema => Reader { root: schema, parts: Cell::new(0) }.pattern(schema, "#", 0)?,
        };
        Automaton::new(&pattern).ok_or(SchemaError::TooLarge)
    }
}

struct Reader<'a> {
    root: &'a Value,
    /// Schemas read so far.
    parts: Cell<usize>,
}

type Read = Result<Pattern, SchemaError>;

fn wrong<T>(at: &str, what: impl Into<String>) -> Result<T, SchemaError> {
    Err(SchemaError::Part { at: at.to_owned(), what: what.into() })
}

impl Reader<'_> {
    fn pattern(&self, schema: &Value, at: &str, depth: usize) -> Read {
        let Value::Object(schema) = schema else {
            return wrong(at, "it is no object; say with `type` which values are meant");
        };
        self.parts.set(self.parts.get() + 1);
        if depth > MOST_DEPTH || self.parts.get() > MOST_PARTS {
            return wrong(at, "it has too many parts or contains itself");
        }
        let has = |keyword: &str| schema.contains_key(keyword);
        let (used, pattern): (&[&str], Pattern) = if let Some(name) = schema.get("$ref") {
            (&["$ref"], self.reference(name, at, depth)?)
        } else if let Some(value) = schema.get("const") {
            (&["const", "type"], Pattern::text(&value.to_string()))
        } else if let Some(values) = schema.get("enum") {
            let Some(values) = values.as_array().filter(|values| !values.is_empty()) else {
                return wrong(at, "`enum` is no list of values");
            };
            (&["enum", "type"], Pattern::one_of(values.iter().map(|value| Pattern::text(&value.to_string()))))
        } else if has("anyOf") {
            (&["anyOf"], self.any_of(schema, at, depth)?)
        } else {
            (&TYPED, self.typed(schema, at, depth)?)
        };
        match schema.keys().find(|keyword| !used.contains(&keyword.as_str()) && !NOTES.contains(&keyword.as_str())) {
            Some(unknown) => wrong(at, format!("the keyword `{unknown}` is not known here; leave it out")),
            None => Ok(pattern),
        }
    }

    fn reference(&self, name: &Value, at: &str, depth: usize) -> Read {
        let path = name.as_str().unwrap_or_default();
        let target = path.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        match target {
            Some(target) => self.pattern(target, path, depth + 1),
            None => wrong(at, format!("`$ref` to {name} leads nowhere in this file")),
        }
    }

    fn any_of(&self, schema: &Map<String, Value>, at: &str, depth: usize) -> Read {
        let Some(parts) = schema["anyOf"].as_array().filter(|parts| !parts.is_empty()) else {
            return wrong(at, "`anyOf` is no list of schemas");
        };
        let part = |(i, part): (usize, &Value)| self.pattern(part, &format!("{at}/anyOf/{i}"), depth + 1);
        Ok(Pattern::one_of(parts.iter().enumerate().map(part).collect::<Result<Vec<_>, _>>()?))
    }

    fn typed(&self, schema: &Map<String, Value>, at: &str, depth: usize) -> Read {
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if names.is_empty() {
            return wrong(at, "a value of any type is not known; give it a `type`, `enum`, `const` or `anyOf`");
        }
        let patterns = names.into_iter().map(|name| match name {
            "null" => Ok(Pattern::text("null")),
            "boolean" => Ok(Pattern::one_of([Pattern::text("true"), Pattern::text("false")])),
            "string" => string(schema, at),
            "integer" => integer(schema, at),
            "number" if schema.contains_key("minimum") || schema.contains_key("maximum") => {
                wrong(at, "`minimum` and `maximum` are known of integers only; leave them out")
            }
            "number" => Ok(number()),
            "array" => self.array(schema, at, depth),
            "object" => self.object(schema, at, depth),
            _ => wrong(at, format!("`{name}` is no type")),
        });
        Ok(Pattern::one_of(patterns.collect::<Result<Vec<_>, _>>()?))
    }

    fn array(&self, schema: &Map<String, Value>, at: &str, depth: usize) -> Read {
        let Some(items) = schema.get("items") else {
            return wrong(at, "an array needs `items`, the schema of its values");
        };
        let item = self.pattern(items, &format!("{at}/items"), depth + 1)?;
        let (least, most) = (count(schema, "minItems", at)?.unwrap_or(0), count(schema, "maxItems", at)?);
        if most.is_some_and(|most| most < least) {
            return wrong(at, "`maxItems` is less than `minItems`");
        }
        let further = Pattern::sequence([comma(), item.clone()]);
        let further = further.repeated(least.saturating_sub(1), most.map(|most| most.saturating_sub(1)));
        let filled = Pattern::sequence([item, further]);
        let inside = match (least, most) {
            (_, Some(0)) => Pattern::text(""),
            (0, _) => filled.optional(),
            _ => filled,
        };
        Ok(Pattern::sequence([Pattern::text("["), inside, Pattern::text("]")]))
    }

    fn object(&self, schema: &Map<String, Value>, at: &str, depth: usize) -> Read {
        let none = Map::new();
        let properties = match schema.get("properties") {
            Some(Value::Object(properties)) => properties,
            Some(_) => return wrong(at, "`properties` is no object"),
            None => &none,
        };
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(absent) = required.iter().find(|name| !properties.contains_key(**name)) {
            return wrong(at, format!("`{absent}` is required, but not among `properties`"));
        }
        // From the last property to the first: what may follow where nothing, or something, stands before.
        let (mut first, mut further) = (Pattern::text(""), Pattern::text(""));
        for (name, schema) in properties.iter().rev() {
            let value = self.pattern(schema, &format!("{at}/properties/{name}"), depth + 1)?;
            let key = Pattern::text(&format!("{}:", Value::from(name.as_str())));
            let property = Pattern::sequence([key, blank(), value]);
            let another = Pattern::sequence([comma(), property.clone()]);
            let with = Pattern::sequence([property, further.clone()]);
            let must = required.contains(&name.as_str());
            further = Pattern::sequence([if must { another } else { another.optional() }, further]);
            first = if must { with } else { Pattern::one_of([with, first]) };
        }
        Ok(Pattern::sequence([Pattern::text("{"), first, Pattern::text("}")]))
    }
}

/// Keywords beside `type`. Those of other types than a schema's own change nothing, as JSON Schema has it.
const TYPED: [&str; 10] =
    ["type", "properties", "required", "items", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"];

/// A blank that may stand after a colon or comma: models are used to both spellings.
fn blank() -> Pattern {
    Pattern::text(" ").optional()
}

fn comma() -> Pattern {
    Pattern::sequence([Pattern::text(","), blank()])
}

/// A keyword that counts.
fn count(schema: &Map<String, Value>, keyword: &str, at: &str) -> Result<Option<usize>, SchemaError> {
    match schema.get(keyword).map(|value| value.as_u64().filter(|count| *count <= MOST_REPEATED)) {
        Some(None) => wrong(at, format!("`{keyword}` is no number from 0 to {MOST_REPEATED}")),
        found => Ok(found.flatten().map(|count| count as usize)),
    }
}

/// A value of any kind that holds others at most `depth` deep.
fn any_value(depth: usize) -> Pattern {
    let words = ["null", "true", "false"].map(Pattern::text);
    let mut kinds = Vec::from(words);
    kinds.extend([number(), text(0, None)]);
    if depth > 0 {
        kinds.extend([any_members(depth - 1, ["[", "]"], false), any_members(depth - 1, ["{", "}"], true)]);
    }
    Pattern::one_of(kinds)
}

/// Values between brackets, behind names if they are `named`.
fn any_members(depth: usize, [open, close]: [&str; 2], named: bool) -> Pattern {
    let value = any_value(depth);
    let name = || Pattern::sequence([text(0, None), Pattern::text(":"), blank()]);
    let member = if named { Pattern::sequence([name(), value]) } else { value };
    let further = Pattern::sequence([comma(), member.clone()]).repeated(0, None);
    let members = Pattern::sequence([member, further]).optional();
    Pattern::sequence([Pattern::text(open), members, Pattern::text(close)])
}

fn string(schema: &Map<String, Value>, at: &str) -> Read {
    let (least, most) = (count(schema, "minLength", at)?.unwrap_or(0), count(schema, "maxLength", at)?);
    if most.is_some_and(|most| most < least) {
        return wrong(at, "`maxLength` is less than `minLength`");
    }
    Ok(text(least, most))
}

/// A string of `least` to `most` characters.
fn text(least: usize, most: Option<usize>) -> Pattern {
    Pattern::sequence([Pattern::text("\""), character().repeated(least, most), Pattern::text("\"")])
}

/// A character of a string: valid UTF-8 without quote, backslash and control characters, or an escape of one character.
fn character() -> Pattern {
    let byte = |range| Pattern::byte([range]);
    let tail = || byte(0x80..=0xBF);
    let hex = || Pattern::byte([b'0'..=b'9', b'a'..=b'f', b'A'..=b'F']);
    let scalar = Pattern::one_of([
        Pattern::sequence([Pattern::byte([b'0'..=b'9', b'a'..=b'c', b'e'..=b'f', b'A'..=b'C', b'E'..=b'F']), hex()]),
        Pattern::sequence([Pattern::byte([b'd'..=b'd', b'D'..=b'D']), byte(b'0'..=b'7')]),
    ]);
    let code = Pattern::sequence([Pattern::text("u"), scalar, hex(), hex()]);
    let named = Pattern::byte(b"\"\\/bfnrt".map(|letter| letter..=letter));
    Pattern::one_of([
        Pattern::byte([0x20..=0x21, 0x23..=0x5B, 0x5D..=0x7F]),
        Pattern::sequence([byte(0xC2..=0xDF), tail()]),
        Pattern::sequence([byte(0xE0..=0xE0), byte(0xA0..=0xBF), tail()]),
        Pattern::sequence([Pattern::byte([0xE1..=0xEC, 0xEE..=0xEF]), tail(), tail()]),
        Pattern::sequence([byte(0xED..=0xED), byte(0x80..=0x9F), tail()]),
        Pattern::sequence([byte(0xF0..=0xF0), byte(0x90..=0xBF), tail(), tail()]),
        Pattern::sequence([byte(0xF1..=0xF3), tail(), tail(), tail()]),
        Pattern::sequence([byte(0xF4..=0xF4), byte(0x80..=0x8F), tail(), tail()]),
        Pattern::sequence([Pattern::text("\\"), Pattern::one_of([named, code])]),
    ])
}

/// An integer without leading zeros.
fn natural() -> Pattern {
    let digits = Pattern::byte([b'0'..=b'9']).repeated(0, Some(DIGITS - 1));
    Pattern::one_of([Pattern::text("0"), Pattern::sequence([Pattern::byte([b'1'..=b'9']), digits])])
}

fn integer(schema: &Map<String, Value>, at: &str) -> Read {
    let bound = |keyword: &str| schema.get(keyword).map(Value::as_i64);
    match (bound("minimum"), bound("maximum")) {
        (None, None) => Ok(Pattern::sequence([Pattern::text("-").optional(), natural()])),
        (Some(Some(0)), None) => Ok(natural()),
        (Some(Some(least)), Some(Some(most))) if least <= most && most.abs_diff(least) < MOST_INTEGERS => {
            Ok(Pattern::one_of((least..=most).map(|integer| Pattern::text(&integer.to_string()))))
        }
        _ => wrong(
            at,
            format!(
                "of an integer, `minimum` 0, or `minimum` and `maximum` with at most {MOST_INTEGERS} values, are known"
            ),
        ),
    }
}

fn number() -> Pattern {
    let digits = Pattern::byte([b'0'..=b'9']).repeated(1, Some(DIGITS));
    let fraction = Pattern::sequence([Pattern::text("."), digits]).optional();
    Pattern::sequence([Pattern::text("-").optional(), natural(), fraction])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a schema's automaton takes a text.
    fn takes(schema: &str, text: &str) -> bool {
        let automaton = JsonSchema::parse(schema.as_bytes()).unwrap().automaton().unwrap();
        let set = text.bytes().fold(automaton.start(), |set, byte| automaton.step(&set, byte));
        automaton.is_complete(&set)
    }

    #[test]
    fn texts_of_a_schema_are_taken_and_others_are_not() {
        let object = r#"{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "null"}}, "required": ["b"]}"#;
        for (schema, text, expected) in [
            (object, r#"{"b":"x"}"#, true),
            (object, r#"{"a": -12, "b": "x", "c": null}"#, true),
            (object, r#"{"b": "x","c":null}"#, true),
            (object, r#"{"a":1}"#, false),
            (object, r#"{,"b":"x"}"#, false),
            (object, r#"{"a":01,"b":"x"}"#, false),
            (r#"{"type": "string", "maxLength": 2}"#, r#""é\u00e9""#, true),
            (r#"{"type": "string", "maxLength": 2}"#, r#""abc""#, false),
            (r#"{"type": "string"}"#, r#""\ud800""#, false),
            (r#"{"type": "array", "items": {"type": "boolean"}, "maxItems": 2}"#, "[]", true),
            (r#"{"type": "array", "items": {"type": "boolean"}, "maxItems": 2}"#, "[true, false]", true),
            (r#"{"type": "array", "items": {"type": "boolean"}, "maxItems": 2}"#, "[true,true,true]", false),
            (r#"{"type": "array", "items": {"type": "boolean"}, "minItems": 2}"#, "[true]", false),
            (r#"{"type": "number"}"#, "-0.25", true),
            (r#"{"type": "number"}"#, "1.", false),
            (r#"{"type": "integer", "minimum": 3, "maximum": 12}"#, "12", true),
            (r#"{"type": "integer", "minimum": 3, "maximum": 12}"#, "2", false),
            (r#"{"anyOf": [{"const": {"x": 1}}, {"type": "null"}]}"#, r#"{"x":1}"#, true),
            (r#"{"type": "object"}"#, "{}", true),
        ] {
            assert_eq!(takes(schema, text), expected, "{schema}: {text}");
        }
    }

    #[test]
    fn any_object_is_an_object() {
        let automaton = JsonSchema::any_object().automaton().unwrap();
        let taken = |text: &str| {
            let set = text.bytes().fold(automaton.start(), |set, byte| automaton.step(&set, byte));
            automaton.is_complete(&set)
        };
        for text in ["{}", r#"{"a": [1, {"b":null}, "ü\n"],"c":-0.5, "": true}"#, r#"{"a":{"b":{"c":[]}}}"#] {
            let expected = !text.contains("[]"); // the fourth level
            assert_eq!(taken(text), expected, "{text}");
            assert!(serde_json::from_str::<Value>(text).is_ok());
        }
        for text in ["", "[]", "null", "{", "{} ", r#"{"a"}"#, r#"{"a":1,}"#, r#"{a:1}"#, r#"{"a":1"b":2}"#] {
            assert!(!taken(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (schema, words) in [
            ("{", "no JSON"),
            ("true", "no object"),
            ("null", "no object"),
            ("{}", "any type"),
            (r#"{"type": "text"}"#, "`text` is no type"),
            (r#"{"type": "string", "pattern": "a+"}"#, "`pattern`"),
            (
                r#"{"type": "object", "properties": {"x": {"type": "string", "maxLength": -1}}}"#,
                "`#/properties/x`: `maxLength`",
            ),
            (r#"{"type": "object", "required": ["x"]}"#, "`x` is required"),
            (r#"{"type": "array"}"#, "`items`"),
            (r#"{"type": "integer", "minimum": 5}"#, "`minimum` 0"),
            (r##"{"$ref": "#"}"##, "contains itself"),
            (r##"{"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}"##, "contains itself"),
            (r##"{"$ref": "other.json"}"##, "leads nowhere"),
            (r#"{"type": "string", "minLength": 16000, "maxLength": 16000}"#, "too long"),
        ] {
            let error = JsonSchema::parse(schema.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{schema}: {error}");
        }
    }
}
