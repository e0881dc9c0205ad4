//! The contract of the engines: both refuse the same input at the same moment with the same text.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod engines;
mod taint;

use af2_core::audio::{Windows, from_codes};
use af2_core::config::ModelConfig;
use af2_core::engine::{FinishReason, GenerateOptions};
use af2_core::sampling::SamplingParams;
use af2_core::weights::Scheme;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::safetensors::Header;
use af2_core::weights::verify::ShardHasher;
use af2_tests::random_model::RandomModel;

use engines::{ENGINES, Loaded, Loader};

/// Odd, so that chunks end inside of words.
const CHUNK: usize = 65_537;
const NORM: &str = "lang_encoder.model.norm.weight";
const EMBEDDING: &str = "lang_encoder.model.embed_tokens.weight";

/// The files of a model, and what is done with its shard.
#[derive(Clone)]
struct Files {
    model: RandomModel,
    /// The name under which the shard is pushed.
    shard: String,
    finished: bool,
}

/// The call that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    New,
    Push,
    FinishShard,
    Finish,
}
use Moment::{Finish, FinishShard, New, Push};

impl Files {
    /// A small q8 model.
    fn new() -> Self {
        let model = RandomModel::new(2);
        assert_eq!(model.scheme, Scheme::Q8);
        Self::of(model)
    }

    fn of(model: RandomModel) -> Self {
        let shard = ModelIndex::parse(&model.index_json).unwrap().shards.into_keys().next().unwrap();
        Self { model, shard, finished: true }
    }

    fn config(&mut self, edit: impl Fn(&mut ModelConfig)) {
        edit(&mut self.model.config);
        self.model.config_json = serde_json::to_vec(&self.model.config).unwrap();
    }

    fn index(&mut self, edit: impl Fn(&mut ModelIndex)) {
        let mut index = ModelIndex::parse(&self.model.index_json).unwrap();
        edit(&mut index);
        self.model.index_json = index.to_json().unwrap().into_bytes();
    }

    /// Edits the shard and announces its new size and hash.
    fn shard(&mut self, edit: impl Fn(&mut Vec<u8>)) {
        edit(&mut self.model.shard);
        let mut hasher = ShardHasher::new();
        hasher.update(&self.model.shard);
        let (bytes, sha256) = hasher.finish();
        self.index(|index| {
            let announced = index.shards.values_mut().next().unwrap();
            (announced.bytes, announced.sha256) = (bytes, sha256.clone());
        });
    }

    /// Replaces text of the shard's header by text of the same length.
    fn header(&mut self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        self.shard(|shard| {
            let at = shard.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
            shard[at..at + from.len()].copy_from_slice(to.as_bytes());
        });
    }

    fn load(
        &self,
        open: fn(&RandomModel) -> Result<Box<dyn Loader>, String>,
    ) -> Result<Box<dyn Loaded>, (Moment, String)> {
        let mut loader = open(&self.model).map_err(|text| (New, text))?;
        for chunk in self.model.shard.chunks(CHUNK) {
            loader.push(&self.shard, chunk).map_err(|text| (Push, text))?;
        }
        if self.finished {
            loader.finish_shard(&self.shard).map_err(|text| (FinishShard, text))?;
        }
        loader.finish().map_err(|text| (Finish, text))
    }
}

#[test]
fn bad_files_are_refused_alike() {
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Files), Moment, &'a str);
    let cases: [Case<'_>; 20] = [
        ("no configuration", &|files| files.model.config_json.truncate(9), New, "config.json is not a valid"),
        (
            "another number of stages",
            &|files| files.config(three_stages),
            New,
            "number of encoder.depths is 3, expected 4",
        ),
        ("too narrow heads", &|files| files.config(narrow_heads), New, "expected heads of at least 32 dimensions"),
        (
            "too short windows",
            &|files| files.config(|c| c.audio.window_length = 0.03),
            New,
            "audio.window_length is 0.03",
        ),
        ("no index", &|files| files.model.index_json.truncate(9), New, "index.json is not a valid index"),
        ("another format", &|files| files.index(|i| i.metadata.format = "gguf".into()), New, "has format `gguf`"),
        ("no tokenizer", &|files| files.model.tokenizer_json.truncate(9), New, "tokenizer.json cannot be read"),
        (
            "a tensor in no shard",
            &|files| files.index(|i| drop(i.weight_map.remove(NORM))),
            New,
            "missing from the index",
        ),
        (
            "another scheme",
            &|files| files.index(|i| drop(i.quantization.remove(EMBEDDING))),
            Push,
            "is I8 [163, 96], expected F32",
        ),
        (
            "a shard without a tensor",
            &|files| files.header(NORM, &NORM.replace("norm", "gnom")),
            Push,
            "lacks tensor `lang_encoder.model.norm.weight`",
        ),
        ("another type", &|files| files.header("\"dtype\":\"I8\"", "\"dtype\":\"U8\""), Push, "is U8 ["),
        ("a header that is no JSON", &|files| files.shard(|shard| shard[8] = b'!'), Push, "header is not valid JSON"),
        ("a header beyond the file", &|files| files.shard(|shard| shard[2] = 0x7f), Push, "does not fit a file of"),
        ("a hostile header", &|files| files.shard(|shard| shard[7] = 5), Push, "more than the limit"),
        ("an unknown shard", &|files| files.shard = "model-2".into(), Push, "the index lists no shard `model-2`"),
        ("a byte too many", &|files| files.model.shard.push(0), Push, "is longer than the"),
        (
            "a byte too few",
            &|files| files.model.shard.truncate(files.model.shard.len() - 1),
            FinishShard,
            "it is truncated or damaged",
        ),
        ("a damaged byte", &|files| *files.model.shard.last_mut().unwrap() ^= 1, FinishShard, "has SHA-256"),
        ("no byte at all", &|files| files.model.shard.clear(), FinishShard, "has 0 bytes, expected"),
        ("a shard that is not finished", &|files| files.finished = false, Finish, "was not read to its end"),
    ];
    for (name, edit, moment, text) in cases {
        let mut files = Files::new();
        edit(&mut files);
        let [gpu, cpu] = ENGINES.map(|open| files.load(open).map(|_| ()).expect_err(name));
        println!("{name}: {gpu:?}");
        assert_eq!(gpu, cpu, "{name}");
        assert_eq!(gpu.0, moment, "{name}: {}", gpu.1);
        assert!(gpu.1.contains(text), "{name}: {}", gpu.1);
    }
}

fn three_stages(config: &mut ModelConfig) {
    config.encoder.depths.pop();
    config.encoder.num_heads.pop();
    config.encoder.mlp_dims.pop();
}

fn narrow_heads(config: &mut ModelConfig) {
    config.audio_transformer.n_head = config.audio_transformer.d_model / 16;
}

#[test]
fn a_restarted_shard_loads_the_same_model() {
    let files = Files::new();
    let windows = noise(&files.model, 1);
    let logits = |model: &mut dyn Loaded| {
        model.listen(&windows, &mut |_, _| true).unwrap();
        let options = GenerateOptions { max_new_tokens: 1, keep_logits: true, ..GenerateOptions::default() };
        model.generate(&[1, 2, 3], &options, &mut |_| true).unwrap().logits
    };
    for open in ENGINES {
        let untouched = logits(files.load(open).unwrap().as_mut());
        let mut loader = open(&files.model).unwrap();
        let (shard, bytes) = (&files.shard, &files.model.shard);
        let mut damaged = bytes.clone();
        damaged.iter_mut().skip(bytes.len() / 2).for_each(|byte| *byte ^= 85);
        for attempt in [&bytes[..bytes.len() - 3], &damaged, &bytes[..9]] {
            loader.push(shard, attempt).unwrap();
            loader.finish_shard(shard).unwrap_err();
            loader.restart_shard(shard);
        }
        loader.restart_shard("no such shard");
        loader.push(shard, bytes).unwrap();
        loader.finish_shard(shard).unwrap();
        loader.finish_shard(shard).unwrap();
        assert_eq!(logits(loader.finish().unwrap().as_mut()), untouched);
    }
}

#[test]
fn bad_requests_are_refused_alike() {
    let files = Files::new();
    let windows = noise(&files.model, 2);
    let vocabulary = files.model.config.text.vocab_size as u32;
    let options = GenerateOptions::default();
    let ask = |prompt: Vec<u32>| Request::Generate(prompt, options.clone());
    let sampled =
        |sampling: SamplingParams| Request::Generate(vec![1], GenerateOptions { sampling, ..options.clone() });
    let greedy = SamplingParams::greedy();
    let cut = |window_samples: usize, sample_rate: u32, count: usize| Windows {
        window_samples,
        sample_rate,
        count,
        ..windows.clone()
    };
    let (samples, rate) = (windows.window_samples, windows.sample_rate);
    let cases = [
        (Request::Listen(cut(1000, rate, 1)), "windows of 1000 samples"),
        (Request::Listen(cut(samples, 8000, 1)), "at 8000 Hz"),
        (Request::Listen(cut(samples, rate, 0)), "no window"),
        (Request::Listen(cut(samples, rate, 100_000)), "the audio has 100000 windows of"),
        (Request::Cancel(windows.clone()), "stopped by the caller"),
        (ask(vec![]), "has 0 tokens; it must have 1 to 1792"),
        (ask(vec![1; 1793]), "has 1793 tokens; it must have 1 to 1792"),
        (ask(vec![0, vocabulary]), "is beyond the vocabulary of"),
        (sampled(SamplingParams { temperature: -1.0, ..greedy }), "temperature is -1"),
        (sampled(SamplingParams { top_p: 1.5, ..greedy }), "top_p is 1.5"),
        (sampled(SamplingParams { min_p: f64::NAN, ..greedy }), "min_p is NaN"),
        (sampled(SamplingParams { repetition_penalty: 0.0, ..greedy }), "repetition_penalty is 0"),
        (Request::Search(vec![vocabulary], 2, 4), "is beyond the vocabulary of"),
        (Request::Search(vec![1; 9], 2, 2048), "has 9 tokens; it must have 1 to 0"),
        (Request::Search(vec![1], 0, 4), "at least one beam"),
        (Request::Search(vec![1], 2, 0), "one new token"),
        (Request::Search(vec![1], 129, 4), "with 129 beams was asked for, and at most 128"),
        (Request::Trace(windows.clone(), vec![vocabulary]), "is beyond the vocabulary of"),
        (Request::Trace(windows.clone(), vec![]), "has 0 tokens"),
        (Request::Trace(cut(1000, rate, 1), vec![1]), "windows of 1000 samples"),
        (Request::Trace(cut(samples, rate, 0), vec![1]), "no window"),
    ];
    let [mut gpu, mut cpu] = ENGINES.map(|open| {
        let mut model = files.load(open).unwrap();
        model.listen(&noise(&files.model, 1), &mut |_, _| true).unwrap();
        model
    });
    for (request, text) in cases {
        let [gpu, cpu] = [gpu.as_mut(), cpu.as_mut()].map(|model| request.send(model).unwrap_err());
        println!("{gpu}");
        assert_eq!(gpu, cpu);
        assert!(gpu.contains(text), "{text}: {gpu}");
    }
}

/// A call of a loaded model.
enum Request {
    Listen(Windows),
    /// Listening that is stopped before its second window.
    Cancel(Windows),
    Generate(Vec<u32>, GenerateOptions),
    /// Prompt, beams and new tokens.
    Search(Vec<u32>, usize, usize),
    Trace(Windows, Vec<u32>),
}

impl Request {
    fn send(&self, model: &mut dyn Loaded) -> Result<(), String> {
        match self {
            Self::Listen(windows) => model.listen(windows, &mut |_, _| panic!("computes before it checks")),
            Self::Cancel(windows) => model.listen(windows, &mut |done, _| done == 0),
            Self::Generate(prompt, options) => {
                model.generate(prompt, options, &mut |_| panic!("computes before it checks")).map(drop)
            }
            Self::Search(prompt, beams, tokens) => model.search(prompt, *beams, *tokens).map(drop),
            Self::Trace(windows, prompt) => model.trace(windows, prompt),
        }
    }
}

#[test]
fn answers_end_alike() {
    let files = Files::new();
    let windows = noise(&files.model, 1);
    let options =
        |max_new_tokens: usize| GenerateOptions { max_new_tokens, ignore_end: true, ..GenerateOptions::default() };
    for open in ENGINES {
        let mut model = files.load(open).unwrap();
        model.listen(&windows, &mut |_, _| true).unwrap();
        let mut ended = |tokens: usize, most: usize| {
            let mut left = most;
            let mut on_token = |_| {
                left -= 1;
                left > 0
            };
            let generation = model.generate(&[1, 2], &options(tokens), &mut on_token).unwrap();
            (generation.ids.len(), generation.finish)
        };
        assert_eq!(ended(0, 9), (0, FinishReason::Length));
        assert_eq!(ended(3, 9), (3, FinishReason::Length));
        assert_eq!(ended(3, 2), (2, FinishReason::Cancelled));
        assert_eq!(ended(3, 3), (3, FinishReason::Cancelled));
        // The first token of an answer becomes the end token.
        let first = model.generate(&[1, 2], &options(1), &mut |_| true).unwrap().ids[0];
        let mut ending = Files::new();
        ending.config(|config| config.tokens.end_of_text = first);
        let stop = GenerateOptions { ignore_end: false, ..options(3) };
        let mut model = ending.load(open).unwrap();
        model.listen(&windows, &mut |_, _| true).unwrap();
        let answer = model.generate(&[1, 2], &stop, &mut |_| true).unwrap();
        assert_eq!((answer.ids, answer.finish), (vec![first], FinishReason::Stop));
    }
}

#[test]
fn logits_without_a_finite_value_are_an_error_alike() {
    let mut files = Files::new();
    files.shard(|shard| {
        let header = usize::try_from(u64::from_le_bytes(shard[..8].try_into().unwrap())).unwrap();
        let norm = Header::parse(&shard[8..8 + header], shard.len() as u64).unwrap().tensors[NORM].clone();
        shard[norm.begin as usize..norm.end as usize]
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .for_each(|value| *value = f32::NAN.to_le_bytes());
    });
    let windows = noise(&files.model, 1);
    let [gpu, cpu] = ENGINES.map(|open| {
        let mut model = files.load(open).unwrap();
        model.listen(&windows, &mut |_, _| true).unwrap();
        model.generate(&[1, 2], &GenerateOptions::default(), &mut |_| true).unwrap_err()
    });
    assert_eq!(gpu, cpu);
    assert!(gpu.contains("the logits hold a NaN"), "{gpu}");
}

/// `count` windows of noise.
fn noise(model: &RandomModel, count: usize) -> Windows {
    let audio = &model.config.audio;
    let code = |n: usize| ((n * n) % 20_011) as i16 - 10_005;
    let codes: Vec<i16> = (0..(count - 1) * audio.window_samples() + 100).map(code).collect();
    let windows = from_codes(&codes, audio, 4).unwrap();
    assert_eq!(windows.count, count);
    windows
}
