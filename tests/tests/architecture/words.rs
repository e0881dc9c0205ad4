//! The field's own words: private vocabulary that once was here does not come back.

use crate::workspace::{assert_none, sources};

/// A word or phrase that has a better one. Where it ends in `*`, longer words count too.
const REPLACED: [(&str, &str); 14] = [
    ("processor*", "CPU"),
    ("chip", "hardware GPU"),
    ("chips", "hardware GPUs"),
    ("plays a gpu", "software adapter"),
    ("play a gpu", "software adapter"),
    ("rival*", "baseline"),
    ("made-up weights", "random weights"),
    ("under way", "in flight"),
    ("way out", "remedy"),
    ("rowproduct", "matvec"),
    ("row_product", "matvec"),
    ("audiomemory", "audio KV"),
    ("adapterfacts", "adapter info"),
    ("answerpiece", "text delta"),
];

/// Where the word is somebody else's (field names of tokenizer files, hardware terms, library names), or the name of an option.
const ALLOWED: [&str; 7] = [
    "post_processor",
    "postprocessor",
    "multiprocessor",
    "preprocessor",
    "tokenizers.processors",
    "long = \"rivals\"",
    "--rivals",
];

#[test]
fn the_fields_own_words_are_used() {
    let mut broken = Vec::new();
    for file in sources(".", &["rs", "wgsl", "ts", "js", "css", "html", "toml", "md", "py"]) {
        if file.path.ends_with("architecture/words.rs") || file.path.contains("/fixtures/") {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            let line = ALLOWED.iter().fold(line.to_lowercase(), |line, word| line.replace(word, ""));
            let found = REPLACED.iter().filter(|(word, _)| contains(&line, word));
            broken.extend(found.map(|(word, better)| format!("{}:{}: {word} → {better}", file.path, number + 1)));
        }
    }
    assert_none("words that have a better one:", broken);
}

/// Whether `line` has the word, not as a part of a longer one.
fn contains(line: &str, word: &str) -> bool {
    let (stem, open) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    line.match_indices(stem).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + stem.len()..].chars().next());
        !letter(before) && (open || !letter(after))
    })
}

#[test]
fn words_are_found_whole() {
    assert!(contains("a chip, and", "chip") && contains("_chip_", "chip") && contains("processors", "processor*"));
    assert!(!contains("chirp chipped", "chip") && !contains("arrival", "rival*"));
}
