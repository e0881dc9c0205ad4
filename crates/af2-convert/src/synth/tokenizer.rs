//! A byte-level BPE tokenizer of the released size with invented merges.

use serde_json::{Value, json};

/// Entries before the added tokens, as in Qwen2.5.
const ENTRIES: usize = 151_643;
/// Added tokens of Qwen2.5; the first ends a text.
const ADDED: [&str; 22] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<tool_call>",
    "</tool_call>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
]; // in the order of their ids
const PATTERN: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// `tokenizer.json`.
pub fn tokenizer() -> Value {
    let (vocabulary, merges) = words();
    let added: Vec<Value> = (ENTRIES..).zip(ADDED).map(|(id, content)| added(id, content)).collect();
    let vocabulary: serde_json::Map<String, Value> =
        vocabulary.into_iter().enumerate().map(|(id, word)| (word, id.into())).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": { "type": "NFC" },
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": PATTERN }, "behavior": "Isolated", "invert": false },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        ] },
        "post_processor": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "", "end_of_word_suffix": "",
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": merges,
        },
    })
}

/// `tokenizer_config.json`.
pub fn tokenizer_config() -> Value {
    json!({
        "add_prefix_space": false, "bos_token": null, "eos_token": ADDED[0], "pad_token": ADDED[0],
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": null,
    })
}

fn added(id: usize, content: &str) -> Value {
    let special =
        content.starts_with("<|") && !content.contains("fim") && !content.contains("repo") && !content.contains("file");
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": special,
    })
}

/// All bytes, then pairs of printable ones, then pairs with a third, until the vocabulary is full.
fn words() -> (Vec<String>, Vec<String>) {
    let bytes: Vec<char> = (0..=255).map(character).collect();
    let mut vocabulary: Vec<String> = bytes.iter().map(char::to_string).collect();
    let mut merges = Vec::new();
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['Ġ']).collect();
    let mut stems: Vec<String> = letters.iter().map(char::to_string).collect();
    while vocabulary.len() < ENTRIES {
        let mut longer = Vec::new();
        for (stem, letter) in stems.iter().flat_map(|stem| letters.iter().map(move |letter| (stem, letter))) {
            if vocabulary.len() == ENTRIES {
                break;
            }
            let word = format!("{stem}{letter}");
            merges.push(format!("{stem} {letter}"));
            vocabulary.push(word.clone());
            longer.push(word);
        }
        stems = longer;
    }
    (vocabulary, merges)
}

/// The printable stand-in of a byte in byte-level BPE (GPT-2).
fn character(byte: u32) -> char {
    let printable = |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let code = if printable(byte) { byte } else { 256 + (0..byte).filter(|b| !printable(*b)).count() as u32 };
    char::from_u32(code).unwrap_or('?')
}
