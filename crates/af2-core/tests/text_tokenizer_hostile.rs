//! Thousands of damaged `tokenizer.json`: each is refused or reads as before, and none panics or takes much memory.
#![allow(clippy::unwrap_used)]

mod toy_text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use af2_core::text::Tokenizer;
use serde_json::{Map, Value, json};
use toy_text::{bytes, random, tokenizer};

const PROMPTS: [&str; 5] = [
    "<audio>what animal is barking?<SEP>",
    "  It's 2024:\n\n naïve caf\u{65}\u{301} \u{1F436}\u{1F3FD} 你好   ",
    "<|im_start|>user<|im_end|><tool_call>x",
    "\u{0}\u{7f}\u{a0}\u{ad}\u{fffd}\r\n\t",
    "",
];

/// The parts whose every other value is refused, or changes nothing.
const SETTINGS: [&str; 4] = ["version", "pre_tokenizer", "post_processor", "decoder"];

/// The parts that are skipped whatever they hold.
const UNUSED: [&str; 2] = ["truncation", "padding"];

fn toy() -> Value {
    serde_json::from_slice(&bytes("../../weights/toy/tokenizer.json")).unwrap()
}

fn ids_of(tokenizer: &Tokenizer) -> Vec<Vec<u32>> {
    PROMPTS.iter().map(|prompt| tokenizer.encode(prompt).unwrap()).collect()
}

/// Reads a file and uses what comes of it. A panic fails the test with the file's change.
fn read(json: &[u8], change: &str) -> Option<Vec<Vec<u32>>> {
    let used = catch_unwind(AssertUnwindSafe(|| {
        let tokenizer = Tokenizer::from_json(json).map_err(|error| error.to_string())?;
        let ids = ids_of(&tokenizer);
        for ids in &ids {
            tokenizer.decode(ids, true).unwrap();
        }
        Ok::<_, String>(ids)
    }));
    match used.unwrap_or_else(|_| panic!("panics after {change}")) {
        Ok(ids) => Some(ids),
        Err(error) => {
            assert!(error.starts_with("tokenizer.json") && error.len() < 600, "{change}: {error}");
            None
        }
    }
}

/// A repeatable series of decisions.
struct Dice(Box<dyn Iterator<Item = u32>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Box::new(random(seed, 1 << 30)))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.next().unwrap() as usize % bound
    }

    /// A value that does not belong.
    fn value(&mut self) -> Value {
        let long = "a".repeat(2_000);
        let values = [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(-1),
            json!(4_294_967_295_u32),
            json!(u64::MAX),
            json!(1e308),
            json!(0.5),
            json!(""),
            json!("a"),
            json!("a b"),
            json!(long),
            json!([]),
            json!({}),
            json!([[], {}, null]),
            json!({"type": "Replace", "pattern": {"String": ""}, "content": ""}),
            json!({"type": "Sequence", "pretokenizers": []}),
            json!({"type": "ByteLevel"}),
            json!("<|endoftext|>"),
        ];
        let index = self.below(values.len());
        values[index].clone()
    }

    /// Walks into `value` by chance and changes what it ends at; tells the path.
    fn damage(&mut self, value: &mut Value, path: &mut String) {
        let stay = self.below(4) == 0;
        match value {
            Value::Object(map) if !map.is_empty() && !stay => {
                let index = self.below(map.len());
                let key = map.keys().nth(index).unwrap().clone();
                *path += &format!("/{key}");
                self.damage(&mut map[&key], path);
            }
            Value::Array(list) if !list.is_empty() && !stay => {
                let index = self.below(list.len());
                *path += &format!("/{index}");
                self.damage(&mut list[index], path);
            }
            Value::Object(map) if self.below(4) > 0 => self.damage_map(map, path),
            Value::Array(list) if self.below(4) > 0 => self.damage_list(list, path),
            _ => {
                *value = self.value();
                *path += &format!(" = {value}");
            }
        }
    }

    fn damage_map(&mut self, map: &mut Map<String, Value>, path: &mut String) {
        let index = self.below(map.len().max(1));
        let key = map.keys().nth(index).cloned();
        match (self.below(3), key) {
            (0, Some(key)) => {
                map.remove(&key);
                *path += &format!(" - {key}");
            }
            (1, Some(key)) => {
                let other = map.values().nth(self.below(map.len())).cloned().unwrap();
                map.insert(key, other);
                *path += " = a neighbour's value";
            }
            _ => {
                let key = ["type", "", "a", "content", "unknown", "\u{120}\u{120}\u{120}x"][self.below(6)];
                map.insert(key.into(), self.value());
                *path += &format!(" + {key}");
            }
        }
    }

    fn damage_list(&mut self, list: &mut Vec<Value>, path: &mut String) {
        let (from, to) = (self.below(list.len().max(1)), self.below(list.len() + 1));
        match (self.below(4), list.get(from).cloned()) {
            (0, Some(value)) => list.insert(to, value),
            (1, Some(_)) => drop(list.remove(from)),
            (2, Some(value)) if to < list.len() => {
                list[from] = list[to].clone();
                list[to] = value;
            }
            _ => list.insert(to, self.value()),
        }
        *path += " changed";
    }
}

#[test]
fn damaged_files_are_refused_or_read_as_before() {
    let (whole, expected) = (toy(), ids_of(&tokenizer()));
    let parts: Vec<&String> = whole.as_object().unwrap().keys().filter(|key| !UNUSED.contains(&key.as_str())).collect();
    let (mut refused, mut same) = (0, 0);
    for seed in 0..2_500 {
        let (mut dice, mut file, mut path) = (Dice::new(seed), whole.clone(), String::new());
        // Most of the file is vocabulary: the first step is a part, each as often as any other.
        let part = parts[dice.below(parts.len())];
        dice.damage(&mut file[part], &mut path);
        match read(file.to_string().as_bytes(), &format!("seed {seed}: {part}{path}")) {
            None => refused += 1,
            Some(ids) if SETTINGS.contains(&part.as_str()) => {
                assert_eq!(ids, expected, "seed {seed}: {part}{path}");
                same += 1;
            }
            Some(_) => {}
        }
    }
    assert!(refused > 1_000 && same > 100, "{refused} refused, {same} read as before");
}

#[test]
fn files_cut_short_or_with_flipped_bytes_do_not_panic() {
    let whole = bytes("../../weights/toy/tokenizer.json");
    for seed in 0..600 {
        let mut dice = Dice::new(seed);
        let cut = dice.below(whole.len());
        assert!(read(&whole[..cut], &format!("cut at {cut}")).is_none());
        let mut flipped = whole.clone();
        flipped[cut] ^= 1 << dice.below(8);
        read(&flipped, &format!("bit flipped in byte {cut}"));
    }
    for key in ["decoder", "normalizer", "pre_tokenizer", "post_processor", "model", "added_tokens"] {
        for rest in ["{", "[", "[[", "{}", "[]", "0", "\"x\"", "{\"type\":", "{\"type\":0}"] {
            read(format!("{{\"{key}\":{rest}").as_bytes(), rest);
        }
        let deep = format!("{{\"{key}\":{}", "[".repeat(100_000));
        assert!(read(deep.as_bytes(), "deep arrays").is_none());
    }
}

#[test]
fn changes_without_a_meaning_change_no_id() {
    let expected = ids_of(&tokenizer());
    let same = |change: &str, edit: &dyn Fn(&mut Value)| {
        let mut file = toy();
        edit(&mut file);
        assert_eq!(read(file.to_string().as_bytes(), change).as_ref(), Some(&expected), "{change}");
    };
    same("no version", &|file| drop(file.as_object_mut().unwrap().remove("version")));
    same("stored truncation", &|file| file["truncation"] = json!({"max_length": 1, "strategy": "OnlyFirst"}));
    same("stored padding", &|file| file["padding"] = json!({"strategy": {"Fixed": 99}, "pad_id": 0}));
    same("no post_processor", &|file| file["post_processor"] = json!(null));
    same("offsets trimmed", &|file| file["post_processor"]["trim_offsets"] = json!(true));
    same("decoder's flags", &|file| file["decoder"]["add_prefix_space"] = json!(false));
    same("dropout 0", &|file| file["model"]["dropout"] = json!(0.0));
    same("no model type", &|file| drop(file["model"].as_object_mut().unwrap().remove("type")));
    same("no prefix", &|file| file["model"]["continuing_subword_prefix"] = json!(null));
    same("flags left out", &|file| {
        let model = file["model"].as_object_mut().unwrap();
        model.retain(|key, _| ["vocab", "merges"].contains(&key.as_str()));
    });
    same("merges as lines", &|file| {
        for merge in file["model"]["merges"].as_array_mut().unwrap() {
            *merge = json!(format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()));
        }
    });
    same("added tokens in another order", &|file| file["added_tokens"].as_array_mut().unwrap().reverse());
}

/// A file of a few megabytes takes no more than a real one: lists end at their limit, and what is skipped is not held.
#[test]
#[cfg(target_os = "linux")]
fn memory_stays_bounded() {
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() >> 10
    };
    let before = peak();
    let filler = |unit: &str| format!("{unit}{}", format!(",{unit}").repeat((16 << 20) / (unit.len() + 1)));
    let bytes = r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false}"#;
    let parts = format!(r#""pre_tokenizer":{bytes},"decoder":{bytes}"#);
    let model = r#""model":{"type":"BPE","vocab":{},"merges":[]}"#;
    for json in [
        format!(r#"{{"truncation":[{}],{parts},{model}}}"#, filler("0")),
        format!(r#"{{"normalizer":{{"type":"NFC","x":[{}]}},{parts},{model}}}"#, filler("[]")),
        format!(r#"{{"post_processor":{{"type":[{}]}},{parts},{model}}}"#, filler("0")),
        format!(r#"{{"added_tokens":[{}],{parts},{model}}}"#, filler(r#"{"id":0,"content":""}"#)),
        format!(r#"{{{parts},"model":{{"vocab":{{}},"merges":[{}]}}}}"#, filler(r#""a b""#)),
        format!(r#"{{{parts},"model":{{"merges":[],"vocab":{{{}}}}}}}"#, filler(r#""a":0"#)),
        format!(r#"{{{parts},"model":{{"vocab":{{}},"merges":[],"unk_token":"{}"}}}}"#, "a".repeat(16 << 20)),
    ] {
        assert!(read(json.as_bytes(), &json[..60]).is_none());
    }
    assert!(peak() - before < 256, "{} MiB", peak() - before);
}
