//! Streamed text is the decoded text in deltas.
#![allow(clippy::unwrap_used)]

mod toy_text;

use af2_core::text::TextStream;
use toy_text::{cases, ids, random, tokenizer};

#[test]
fn deltas_concatenate_to_the_decoded_text() {
    let tokenizer = tokenizer();
    let bound = tokenizer.vocab_size() as u32 + 3;
    for seed in 0..400 {
        // Every second run keeps to single bytes, most of them invalid or unfinished UTF-8.
        let bound = if seed % 2 == 0 { bound } else { 256 };
        let ids: Vec<u32> = random(seed, bound).take(1 + seed as usize % 90).collect();
        let mut stream = TextStream::new(&tokenizer);
        let mut text: String = ids.iter().filter_map(|&id| stream.push(id)).collect();
        text.extend(stream.finish());
        assert_eq!(text, tokenizer.decode(&ids, true).unwrap(), "seed {seed}");
    }
}

#[test]
fn a_character_is_never_halved() {
    let tokenizer = tokenizer();
    for case in cases("tokenize").iter().filter(|case| !case["decoded"].as_str().unwrap().contains('\u{fffd}')) {
        let mut stream = TextStream::new(&tokenizer);
        let deltas: Vec<String> = ids(&case["ids"]).iter().filter_map(|&id| stream.push(id)).collect();
        assert!(deltas.iter().all(|delta| !delta.is_empty() && !delta.contains('\u{fffd}')), "{deltas:?}");
        assert_eq!(stream.finish(), None);
        assert_eq!(deltas.concat(), case["decoded"]);
    }
}

#[test]
fn text_comes_as_soon_as_it_is_certain() {
    let tokenizer = tokenizer();
    let music = tokenizer.encode("🎵").unwrap();
    assert_eq!(music.len(), 4);
    let mut stream = TextStream::new(&tokenizer);
    assert!(music[..3].iter().all(|&id| stream.push(id).is_none()));
    assert_eq!(stream.push(music[3]).as_deref(), Some("🎵"));
    // A letter after an unfinished character proves that character broken.
    assert_eq!(stream.push(music[0]), None);
    let a = tokenizer.encode("a").unwrap()[0];
    assert_eq!(stream.push(a).as_deref(), Some("\u{fffd}a"));
    assert_eq!(stream.push(music[0]), None);
    assert_eq!(stream.finish().as_deref(), Some("\u{fffd}"));
}
