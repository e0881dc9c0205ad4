//! Extension, encoding and decoding against the original's tokenizer.
#![allow(clippy::unwrap_used)]

mod toy_text;

use af2_core::text::{BaseTokenizer, TextError, Tokenizer};
use serde_json::{Value, json};
use toy_text::{bytes, cases, extended, ids, tokenizer};

fn config() -> Value {
    serde_json::from_slice(&bytes("tiny-a/lang_encoder/tokenizer_config.json")).unwrap()
}

#[test]
fn every_case_encodes_and_decodes_as_in_the_original() {
    let tokenizer = tokenizer();
    for case in cases("tokenize") {
        let text = case["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text).unwrap(), ids(&case["ids"]), "{text:?}");
        assert_eq!(tokenizer.decode(&ids(&case["ids"]), true).unwrap(), case["decoded"], "{text:?}");
    }
}

#[test]
fn extension_yields_the_originals_file() {
    let mut ours: Value = serde_json::from_slice(&extended().json).unwrap();
    let mut golden: Value = serde_json::from_slice(&bytes("tiny-a/tokenizer_extended.json")).unwrap();
    for file in [&mut ours, &mut golden] {
        // The original leaves the settings of its last call in the file.
        file.as_object_mut().unwrap().retain(|key, _| key != "truncation" && key != "padding");
    }
    assert_eq!(ours, golden);
}

#[test]
fn the_originals_stored_truncation_is_ignored() {
    let golden = Tokenizer::from_json(&bytes("tiny-a/tokenizer_extended.json")).unwrap();
    assert_eq!(golden.encode(&"word ".repeat(700)).unwrap(), tokenizer().encode(&"word ".repeat(700)).unwrap());
    assert!(golden.encode(&"word ".repeat(700)).unwrap().len() > 512);
}

#[test]
fn special_ids_follow_the_base_tokens() {
    let tokens = extended().tokens;
    let specials: Value =
        serde_json::from_slice::<Value>(&bytes("golden/tiny-a/text.json")).unwrap()["specials"].take();
    assert_eq!(specials["<audio>"], tokens.audio);
    assert_eq!(specials["<|endofchunk|>"], tokens.end_of_chunk);
    assert_eq!(specials["<|PAD_TOKEN|>"], tokens.pad);
    assert_eq!(specials["<SEP>"], tokens.separator);
    assert_eq!(specials["<|endoftext|>"], tokens.end_of_text);
    assert_eq!(tokenizer().vocab_size(), 609);
}

#[test]
fn extending_twice_adds_nothing() {
    let once = extended();
    let config = bytes("tiny-a/lang_encoder/tokenizer_config.json");
    let base =
        BaseTokenizer { tokenizer_json: Some(&once.json), tokenizer_config: Some(&config), ..BaseTokenizer::default() };
    let twice = base.extend().unwrap();
    assert_eq!(once.tokens, twice.tokens);
    assert_eq!(once.json, twice.json);
}

#[test]
fn vocabulary_and_merges_serve_without_tokenizer_json() {
    let vocab = bytes("tiny-a/lang_encoder/vocab.json");
    let merges = bytes("tiny-a/lang_encoder/merges.txt");
    let config = bytes("tiny-a/lang_encoder/tokenizer_config.json");
    let base = BaseTokenizer {
        vocab_json: Some(&vocab),
        merges_txt: Some(&merges),
        tokenizer_config: Some(&config),
        ..BaseTokenizer::default()
    };
    let built = base.extend().unwrap();
    assert_eq!(built.tokens, extended().tokens);
    for case in cases("tokenize") {
        let text = case["text"].as_str().unwrap();
        assert_eq!(built.tokenizer.encode(text).unwrap(), ids(&case["ids"]), "{text:?}");
    }
}

#[test]
fn the_stop_token_comes_from_either_configuration() {
    let tokenizer = bytes("tiny-a/lang_encoder/tokenizer.json");
    let stop_id = |config: Option<Value>, generation: Option<Value>| {
        let config = config.map(|value| value.to_string().into_bytes());
        let generation = generation.map(|value| value.to_string().into_bytes());
        let base = BaseTokenizer {
            tokenizer_json: Some(&tokenizer),
            tokenizer_config: config.as_deref(),
            generation_config: generation.as_deref(),
            ..BaseTokenizer::default()
        };
        base.extend().unwrap().tokens.end_of_text
    };
    assert_eq!(stop_id(None, None), 601);
    assert_eq!(stop_id(Some(config()), Some(json!({"eos_token_id": 603}))), 601);
    assert_eq!(stop_id(None, Some(json!({"eos_token_id": 603}))), 603);
    assert_eq!(stop_id(None, Some(json!({"eos_token_id": [602, 601]}))), 602);
    assert_eq!(stop_id(Some(json!({"eos_token": {"content": "<|im_end|>"}})), None), 603);
}

#[test]
fn tokens_only_the_configuration_knows_come_before_ours() {
    let tokenizer = bytes("tiny-a/lang_encoder/tokenizer.json");
    let mut config = config();
    config["added_tokens_decoder"]["605"] = json!({"content": "<|extra|>", "special": true});
    config["additional_special_tokens"] = json!(["<|im_start|>", "<|named|>"]);
    let config = config.to_string().into_bytes();
    let base =
        BaseTokenizer { tokenizer_json: Some(&tokenizer), tokenizer_config: Some(&config), ..BaseTokenizer::default() };
    let built = base.extend().unwrap();
    assert_eq!(built.tokenizer.token_id("<|extra|>"), Some(605));
    assert_eq!(built.tokenizer.token_id("<|named|>"), Some(606));
    assert_eq!(built.tokens.audio, 607);
}

#[test]
fn files_of_different_models_are_refused() {
    let tokenizer = bytes("tiny-a/lang_encoder/tokenizer.json");
    let config = json!({"added_tokens_decoder": {"700": {"content": "<|im_start|>", "special": true}}});
    let config = config.to_string().into_bytes();
    let base =
        BaseTokenizer { tokenizer_json: Some(&tokenizer), tokenizer_config: Some(&config), ..BaseTokenizer::default() };
    let error = base.extend().err().unwrap();
    assert!(matches!(error, TextError::IdMismatch { declared: 700, actual: 602, .. }), "{error}");
}

#[test]
fn broken_files_are_named() {
    assert!(matches!(BaseTokenizer::default().extend(), Err(TextError::NoTokenizer)));
    let whole = bytes("tiny-a/lang_encoder/tokenizer.json");
    for bad in [&whole[..whole.len() / 2], b"", b"[]", b"{}", b"\xff\xfe"] {
        let error = Tokenizer::from_json(bad).err().unwrap().to_string();
        assert!(error.starts_with("tokenizer.json cannot be read"), "{error}");
    }
    let base = BaseTokenizer { tokenizer_json: Some(&whole), tokenizer_config: Some(b"{"), ..BaseTokenizer::default() };
    assert!(base.extend().err().unwrap().to_string().starts_with("tokenizer_config.json"));
}

#[test]
fn a_vocabulary_that_contradicts_itself_is_refused() {
    let whole: Value = serde_json::from_slice(&bytes("tiny-a/lang_encoder/tokenizer.json")).unwrap();
    let error_of = |pointer: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        Tokenizer::from_json(changed.to_string().as_bytes()).err().unwrap().to_string()
    };
    let longest = whole["model"]["vocab"].as_object().unwrap().keys().max_by_key(|token| token.len()).unwrap();
    assert!(error_of("/model/merges/0", json!(format!("{longest} a"))).contains("vocabulary lacks"));
    assert!(error_of("/model/merges/0", json!(["a"])).contains("less than two tokens"));
    assert!(error_of("/model/merges/0", json!("ab")).contains("has no blank"));
    let error = error_of("/model/merges/1", whole["model"]["merges"][0].clone());
    assert!(error.contains("stands twice"), "{error}");
    let error = error_of("/model/merges", json!(whole["model"]["merges"].as_array().unwrap()[..300]));
    assert!(error.contains("merges are missing"), "{error}");
    assert!(error_of("/added_tokens/3/id", json!(4_000_000_000_u32)).contains("`<tool_call>` cannot have the id"));
    assert!(error_of("/added_tokens/3/id", json!(603)).contains("the same id"));
    assert!(error_of("/added_tokens/3/content", json!("")).contains("empty"));
    assert!(error_of("/added_tokens/3/content", json!("x".repeat(2000))).contains("1024 bytes"));
}

#[test]
fn parts_that_qwen_does_not_have_are_refused_by_name() {
    let whole: Value = serde_json::from_slice(&bytes("tiny-a/lang_encoder/tokenizer.json")).unwrap();
    let cases = [
        ("/decoder", json!({"type": "WordPiece", "prefix": "##", "cleanup": true}), "decoder `WordPiece`"),
        ("/decoder", json!({}), "decoder ``"),
        ("/decoder", json!(null), "decoder null"),
        (
            "/normalizer",
            json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}),
            "normalizer `Replace`",
        ),
        ("/normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}), "normalizer `Precompiled`"),
        ("/pre_tokenizer", json!({"type": "FixedLength", "length": 0}), "pre_tokenizer `FixedLength`"),
        ("/pre_tokenizer", json!(null), "pre_tokenizer null"),
        ("/pre_tokenizer/pretokenizers/0/pattern/Regex", json!("(a*)*b"), "`Split` with the pattern `(a*)*b`"),
        ("/pre_tokenizer/pretokenizers/0/behavior", json!("Removed"), "`Split` with behavior `Removed`"),
        ("/pre_tokenizer/pretokenizers/1/add_prefix_space", json!(true), "`ByteLevel` with add_prefix_space"),
        ("/pre_tokenizer/pretokenizers/1/use_regex", json!(true), "`ByteLevel` with use_regex true"),
        ("/post_processor", json!({"type": "TemplateProcessing", "single": []}), "post_processor `TemplateProcessing`"),
        ("/model/type", json!("WordPiece"), "model `WordPiece`"),
        ("/model/dropout", json!(0.5), "model setting `dropout`"),
        ("/model/unk_token", json!("<unk>"), "model setting `unk_token`"),
        ("/model/continuing_subword_prefix", json!("####"), "model setting `continuing_subword_prefix`"),
        ("/model/byte_fallback", json!(true), "model setting `byte_fallback`"),
        ("/added_tokens/0/lstrip", json!(true), "`lstrip` of added token `<|endoftext|>`"),
        ("/version", json!("2.0"), "version `2.0`"),
    ];
    for (pointer, value, what) in cases {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let error = Tokenizer::from_json(changed.to_string().as_bytes()).err().unwrap();
        assert!(matches!(error, TextError::NotQwen { file: "tokenizer.json", .. }), "{pointer}: {error}");
        let error = error.to_string();
        assert!(error.contains(what) && error.contains("take the tokenizer.json of the Qwen2.5 base model"), "{error}");
    }
}

#[test]
fn settings_beside_the_tokenizer_that_change_prompts_are_refused() {
    let tokenizer = bytes("tiny-a/lang_encoder/tokenizer.json");
    for (key, value, what) in [
        ("add_prefix_space", json!(true), "add_prefix_space"),
        ("split_special_tokens", json!(true), "split_special_tokens"),
        ("mask_token", json!({"content": "<mask>", "lstrip": true}), "`lstrip` of added token `<mask>`"),
        ("eos_token", json!(""), "empty"),
    ] {
        let mut config = config();
        config[key] = value;
        let config = config.to_string().into_bytes();
        let base = BaseTokenizer {
            tokenizer_json: Some(&tokenizer),
            tokenizer_config: Some(&config),
            ..BaseTokenizer::default()
        };
        let error = base.extend().err().unwrap().to_string();
        assert!(error.starts_with("tokenizer_config.json") && error.contains(what), "{key}: {error}");
    }
}

#[test]
fn byte_order_marks_are_skipped() {
    let marked = |name: &str| [b"\xef\xbb\xbf", bytes(name).as_slice()].concat();
    let config = marked("tiny-a/lang_encoder/tokenizer_config.json");
    let json = marked("tiny-a/lang_encoder/tokenizer.json");
    let vocab = marked("tiny-a/lang_encoder/vocab.json");
    let merges = marked("tiny-a/lang_encoder/merges.txt");
    let generation = b"\xef\xbb\xbf{\"eos_token_id\": 601}";
    for tokenizer_json in [Some(json.as_slice()), None] {
        let base = BaseTokenizer {
            tokenizer_json,
            vocab_json: Some(&vocab),
            merges_txt: Some(&merges),
            tokenizer_config: Some(&config),
            generation_config: Some(generation),
        };
        assert_eq!(base.extend().unwrap().tokens, extended().tokens);
    }
}

#[test]
fn gpt2s_words_are_read_too() {
    let mut file: Value = serde_json::from_slice(&bytes("tiny-a/lang_encoder/tokenizer.json")).unwrap();
    file["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true});
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes()).unwrap();
    let text = "What's in 2024?\n It's a dog";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap(), true).unwrap(), text);
    file["pre_tokenizer"]["use_regex"] = json!(false);
    assert!(matches!(Tokenizer::from_json(file.to_string().as_bytes()), Err(TextError::NotQwen { .. })));
}

#[test]
fn the_longest_text_is_cut_in_words_to_its_end() {
    let tokenizer = tokenizer();
    let word = " dog";
    let text = format!("{}{word}", " ".repeat((1 << 19) - word.len()));
    let ids = tokenizer.encode(&text).unwrap();
    assert_eq!(ids.last(), tokenizer.encode(word).unwrap().last());
    assert_eq!(tokenizer.decode(&ids, true).unwrap(), text);
    assert!(matches!(tokenizer.encode(&format!("{text}.")), Err(TextError::TooLong { .. })));
}

#[test]
fn an_unextended_tokenizer_is_told_from_an_extended_one() {
    let base = Tokenizer::from_json(&bytes("tiny-a/lang_encoder/tokenizer.json")).unwrap();
    let error = base.special_tokens("<|endoftext|>").unwrap_err();
    assert!(matches!(error, TextError::MissingToken(token) if token == "<audio>"));
}
