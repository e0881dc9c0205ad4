//! Plain comparisons of short texts, shared by several rules.

use af2_core::text::python_str::{lower, strip};

/// Lower case, without white space at the ends.
pub fn folded(text: &str) -> String {
    lower(strip(text))
}

/// [`folded`], without one final full stop.
pub fn folded_sentence(text: &str) -> String {
    let folded = folded(text);
    strip(folded.strip_suffix('.').unwrap_or(&folded)).to_owned()
}
