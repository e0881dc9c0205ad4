//! The few methods of Python's `str` the original relies on, with Python's results.

/// `str.lower()`: full Unicode lower-casing, with the final sigma rule and `İ` → `i` + U+0307.
pub fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// `str.strip()`: removes Unicode white space and the separators U+001C–U+001F from both ends.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `text[:count]`: the first `count` characters (code points).
pub fn first_chars(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// `text[:text.rfind(c)]`: the text before the last `c`; without any, `rfind` is −1 and the last character goes.
pub fn before_last(text: &str, c: char) -> &str {
    let end = text.rfind(c).or_else(|| text.char_indices().next_back().map(|(last, _)| last));
    &text[..end.unwrap_or(0)]
}

/// `str.isspace()` counts the information separators as white space; Unicode's `White_Space` property does not.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}
