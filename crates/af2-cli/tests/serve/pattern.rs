//! Patterns of JSON, as `tests/fixtures/openai/README.md` describes them.

use serde_json::Value;

/// The first place where a value does not match; none if it matches.
pub fn mismatch(value: &Value, pattern: &Value, at: &str) -> Option<String> {
    let differs = || Some(format!("{at}: {value} is not {pattern}"));
    match (pattern, value) {
        (Value::String(kind), _) if kind.starts_with('$') => {
            let matches = match kind.as_str() {
                "$string" => value.is_string(),
                "$number" => value.is_number(),
                "$integer" => value.is_u64() || value.is_i64(),
                other => panic!("{other} is no pattern"),
            };
            if matches { None } else { differs() }
        }
        (Value::Object(fields), _) if fields.contains_key("$json") => {
            let Some(inner) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) else {
                return differs();
            };
            mismatch(&inner, &fields["$json"], &format!("{at} as JSON"))
        }
        (Value::Object(fields), Value::Object(found)) => fields.iter().find_map(|(name, pattern)| {
            let at = format!("{at}.{name}");
            match found.get(name) {
                Some(value) => mismatch(value, pattern, &at),
                None => Some(format!("{at} is missing")),
            }
        }),
        (Value::Array(patterns), Value::Array(values)) if patterns.len() == values.len() => {
            let mut pairs = values.iter().zip(patterns).enumerate();
            pairs.find_map(|(i, (value, pattern))| mismatch(value, pattern, &format!("{at}[{i}]")))
        }
        _ if value == pattern => None,
        _ => differs(),
    }
}

#[test]
fn patterns_match_what_they_describe() {
    use serde_json::json;
    let value = json!({ "a": [1, "x"], "b": null, "c": "{\"d\": 2.5}" });
    let good = [
        json!({}),
        json!({ "a": ["$integer", "$string"] }),
        json!({ "b": null }),
        json!({ "c": { "$json": { "d": "$number" } } }),
    ];
    assert!(good.iter().all(|pattern| mismatch(&value, pattern, "").is_none()));
    let bad = [
        json!({ "a": ["$integer"] }),
        json!({ "a": ["$string", "$string"] }),
        json!({ "b": 0 }),
        json!({ "e": null }),
        json!({ "c": { "$json": { "d": "$integer" } } }),
        json!([]),
    ];
    assert!(bad.iter().all(|pattern| mismatch(&value, pattern, "").is_some()));
}
