//! Labels of Audacity, CSV and JSON: what other software reads on.

use serde_json::{Value, json};

use super::Caption;

/// The first line of a CSV file.
pub(super) const CSV_START: &str = "start,end,text,confidence\n";

/// A line of CSV (RFC 4180, with line feeds): seconds with three decimals.
pub(super) fn csv(caption: &Caption) -> String {
    let Caption { start, end, text, confidence } = caption;
    format!("{start:.3},{end:.3},{},{confidence:.4}\n", csv_field(text))
}

/// A field of CSV, in quotes where it needs them.
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

/// An element of a JSON array: seconds in whole milliseconds.
pub(super) fn json(caption: &Caption) -> Value {
    let rounded = |value: f64, steps: f64| (value * steps).round() / steps;
    json!({
        "start": rounded(caption.start, 1e3),
        "end": rounded(caption.end, 1e3),
        "text": caption.text,
        "confidence": rounded(caption.confidence.into(), 1e4),
    })
}

/// A line of a label track of Audacity: start, end and text between tabs. The format has no escapes.
pub(super) fn audacity(caption: &Caption) -> String {
    let Caption { start, end, text, .. } = caption;
    format!("{start:.6}\t{end:.6}\t{}\n", text.replace(['\t', '\n', '\r'], " "))
}
