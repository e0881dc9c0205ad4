//! Log-probabilities, several answers at once and relevance: the GPU engine compared with the CPU engine, and each with itself.

use af2_cli::model::{drive, open_gpu};
use af2_core::audio::Windows;
use af2_core::engine::{AudioView, GenerateOptions, Generation, Query, ScoreRequest, Scores, TIMES_PER_WINDOW};
use af2_core::weights::Scheme;
use af2_tests::compare::largest_difference;
use af2_tests::random_model::{Dice, RandomModel};
use pollster::block_on;

use crate::against_engine::{on_gpu, random_prompt, random_sound, reference};

/// One random model on both engines, with audio of up to three windows.
struct Pair {
    gpu: af2_gpu::Gpu,
    on_gpu: af2_model::Model,
    on_cpu: af2_cpu::Model,
    windows: Windows,
    prompt: Vec<u32>,
    dice: Dice,
    /// Allowed difference of log-probabilities.
    limit: f32,
}

const ALL: [u64; 3] = [1, 3, 8];

impl Pair {
    fn new(seed: u64) -> Self {
        let gpu = open_gpu(None).unwrap();
        let model = RandomModel::new(seed);
        let mut dice = Dice::new(!seed);
        let (windows, prompt) = (random_sound(&model, &mut dice), random_prompt(&model, &mut dice));
        println!("seed {seed} {:?}: {} windows, {} prompt tokens", model.scheme, windows.count, prompt.len());
        // The GPU engine stores the audio's keys and values in float16 where the matrix that makes them is not exact.
        let limit = if model.scheme == Scheme::F32 { 1e-3 } else { 5e-3 };
        Self {
            on_gpu: on_gpu(&gpu, &model),
            on_cpu: reference(&model, af2_cpu::Backend::Cpu),
            gpu,
            windows,
            prompt,
            dice,
            limit,
        }
    }

    fn clips(&self) -> (af2_model::Clip, af2_cpu::Clip) {
        let gpu = drive(&self.gpu, self.on_gpu.listen(&self.windows, &mut |_, _| true)).unwrap().unwrap();
        (gpu, self.on_cpu.listen(&self.windows, &mut |_, _| true).unwrap())
    }

    fn words(&mut self, count: usize) -> Vec<u32> {
        let vocabulary = self.on_cpu.config().text.vocab_size;
        (0..count).map(|_| self.dice.below(vocabulary) as u32).collect()
    }

    fn close(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "{what}: length");
        let (difference, at) = largest_difference(found, expected);
        println!("    {what}: {difference:.1e}");
        assert!(difference <= self.limit, "{what}: differs by {difference:e} at {at}");
    }
}

fn flat(scores: &[Scores]) -> Vec<f32> {
    scores.iter().flatten().flatten().copied().collect()
}

#[test]
fn both_engines_score_alike() {
    for seed in ALL {
        let mut pair = Pair::new(seed);
        let (mut on_gpu, on_cpu) = pair.clips();
        let count = pair.windows.count;
        let whole = AudioView::whole(count);
        let views = [
            whole.clone(),
            whole.clone().silent(),
            whole.hiding(3..TIMES_PER_WINDOW + 5),
            AudioView::window(count - 1),
            AudioView::window(count - 1).hiding(TIMES_PER_WINDOW * (count - 1) + 4..TIMES_PER_WINDOW * count),
        ];
        // More rows than a pass takes, and more continuations than a head takes.
        let requests: Vec<ScoreRequest> = views
            .into_iter()
            .map(|view| {
                let continuations = (0..20).map(|index| pair.words(1 + index % 4)).collect();
                ScoreRequest { query: Query { prompt: pair.prompt.clone(), view }, continuations }
            })
            .collect();
        let found = drive(&pair.gpu, on_gpu.score(&requests, &mut |_, _| true)).unwrap().unwrap();
        let expected = block_on(on_cpu.score(&requests, &mut |_, _| true)).unwrap();
        pair.close("scores", &flat(&found), &flat(&expected));
    }
}

#[test]
fn an_answer_has_the_score_of_its_text() {
    for seed in ALL {
        let pair = Pair::new(seed);
        let (mut on_gpu, on_cpu) = pair.clips();
        let options = GenerateOptions { max_new_tokens: 6, top_logprobs: 3, ..GenerateOptions::default() };
        let found = drive(&pair.gpu, on_gpu.generate(&pair.prompt, &options, &mut |_| true)).unwrap().unwrap();
        let expected = block_on(on_cpu.generate(&pair.prompt, &options, &mut |_| true)).unwrap();
        if found.ids == expected.ids {
            pair.close("log-probabilities", &found.logprobs, &expected.logprobs);
        }
        let query = Query { prompt: pair.prompt.clone(), view: AudioView::whole(pair.windows.count) };
        let request = ScoreRequest { query, continuations: vec![found.ids.clone()] };
        let scores = drive(&pair.gpu, on_gpu.score(&[request], &mut |_, _| true)).unwrap().unwrap();
        pair.close("teacher forcing", &scores[0][0], &found.logprobs);
        assert_eq!(found.alternatives.len(), found.ids.len());
        for (top, (id, logprob)) in found.alternatives.iter().zip(found.ids.iter().zip(&found.logprobs)) {
            assert_eq!((top.len(), top[0].id), (3, *id));
            assert!((top[0].logprob - logprob).abs() < 1e-5);
            assert!(top.windows(2).all(|pair| pair[0].logprob >= pair[1].logprob));
        }
    }
}

/// Windows that are sounds of their own, asked together, against each window listened to on its own.
#[test]
fn answers_together_are_those_one_by_one() {
    for seed in ALL {
        let pair = Pair::new(seed);
        let progress = &mut |_, _| true;
        let tokens = drive(&pair.gpu, pair.on_gpu.encode_tokens(&pair.windows, progress)).unwrap().unwrap();
        let others = pair.on_cpu.encode(&pair.windows, progress).unwrap();
        let scale = others.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
        assert!(largest_difference(&tokens, &others).0 <= 2e-3 * scale, "encoder tokens");
        let mut together = drive(&pair.gpu, pair.on_gpu.hear(&tokens, true)).unwrap().unwrap();
        let count = pair.windows.count;
        let prompts = [pair.prompt.clone(), pair.prompt[..pair.prompt.len().div_ceil(2)].to_vec()];
        let queries: Vec<Query> = (0..11)
            .map(|index| Query { prompt: prompts[index % 2].clone(), view: AudioView::window(index % count) })
            .collect();
        let options = GenerateOptions { max_new_tokens: 7, ..GenerateOptions::default() };
        let mut ended = Vec::new();
        let mut tell = |done, all| {
            ended.push((done, all));
            true
        };
        let found = drive(&pair.gpu, together.generate_many(&queries, &options, &mut tell)).unwrap().unwrap();
        assert_eq!(ended.last(), Some(&(11, 11)));
        let apart = pair.on_cpu.hear(&tokens, true).unwrap();
        let per_window = tokens.len() / count;
        for (query, found) in queries.iter().zip(&found) {
            let window = query.view.windows.start;
            let alone = &tokens[window * per_window..(window + 1) * per_window];
            let mut alone = drive(&pair.gpu, pair.on_gpu.hear(alone, false)).unwrap().unwrap();
            let own = drive(&pair.gpu, alone.generate(&query.prompt, &options, &mut |_| true)).unwrap().unwrap();
            same(&pair, &own, found);
            let cpu = block_on(apart.generate_many(std::slice::from_ref(query), &options, &mut |_, _| true)).unwrap();
            if cpu[0].ids == found.ids {
                pair.close("against the CPU engine", &found.logprobs, &cpu[0].logprobs);
            }
        }
    }
}

fn same(pair: &Pair, own: &Generation, found: &Generation) {
    assert_eq!((&found.ids, found.finish), (&own.ids, own.finish));
    pair.close("one by one", &found.logprobs, &own.logprobs);
}

#[test]
fn both_engines_look_at_the_same_places() {
    for seed in ALL {
        let mut pair = Pair::new(seed);
        let (mut on_gpu, on_cpu) = pair.clips();
        let ids = pair.words(20);
        let whole = AudioView::whole(pair.windows.count);
        for view in [whole.clone(), whole.hiding(5..TIMES_PER_WINDOW + 3)] {
            let query = Query { prompt: pair.prompt.clone(), view };
            let found = drive(&pair.gpu, on_gpu.attention(&query, &ids)).unwrap().unwrap();
            let expected = block_on(on_cpu.attention(&query, &ids)).unwrap();
            pair.close("relevance", &found, &expected);
            let hidden = query.view.hidden.clone().filter(|time| *time < found.len());
            assert!(hidden.map(|time| found[time]).all(|weight| weight == 0.0));
            assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-3);
        }
    }
}

#[test]
fn work_can_be_cancelled_and_what_does_not_fit_is_refused() {
    let pair = Pair::new(1);
    let (mut on_gpu, on_cpu) = pair.clips();
    let query = |windows| Query { prompt: vec![1], view: AudioView { windows, hidden: 0..0 } };
    let beyond = ScoreRequest { query: query(0..9), continuations: vec![vec![1]] };
    let empty = ScoreRequest { query: query(0..1), continuations: vec![vec![]] };
    let good = ScoreRequest { query: query(0..1), continuations: vec![vec![1]] };
    for (request, go_on, expected) in
        [(beyond, true, "windows 0 to 9"), (empty, true, "no text"), (good, false, "stopped")]
    {
        let requests = [request];
        let gpu = drive(&pair.gpu, on_gpu.score(&requests, &mut |_, _| go_on)).unwrap().unwrap_err().to_string();
        let cpu = block_on(on_cpu.score(&requests, &mut |_, _| go_on)).unwrap_err().to_string();
        assert!(gpu.contains(expected), "{gpu}");
        assert_eq!(gpu, cpu);
    }
    let options = GenerateOptions { top_logprobs: 1, ..GenerateOptions::default() };
    let refused = drive(&pair.gpu, on_gpu.generate_many(&[query(0..1)], &options, &mut |_, _| true)).unwrap();
    assert!(refused.unwrap_err().to_string().contains("greedy"));
    let sizes = drive(&pair.gpu, pair.on_gpu.hear(&[0.0; 7], true)).unwrap().err().unwrap().to_string();
    assert_eq!(sizes, pair.on_cpu.hear(&[0.0; 7], true).err().unwrap().to_string());
}
