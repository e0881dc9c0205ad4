//! Sampling transforms against the original's probabilities, and the repeatable draw.
#![allow(clippy::unwrap_used)]

mod toy_text;

use af2_core::sampling::{
    SamplingError, SamplingParams, SamplingRequest, argmax, draw, next_token, transform, uniform,
};
use serde_json::Value;

/// Rows of the f32 matrices of `sampling.safetensors`, by name.
fn golden() -> Vec<(String, Vec<Vec<f32>>)> {
    let file = toy_text::bytes("golden/tiny-a/sampling.safetensors");
    let header_len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let (header, data) = file[8..].split_at(header_len);
    let header: serde_json::Map<String, Value> = serde_json::from_slice(header).unwrap();
    header.iter().map(|(name, entry)| (name.clone(), rows(entry, data))).collect()
}

fn rows(entry: &Value, data: &[u8]) -> Vec<Vec<f32>> {
    let at = |key: &str, i: usize| entry[key][i].as_u64().unwrap() as usize;
    let values = data[at("data_offsets", 0)..at("data_offsets", 1)].as_chunks::<4>().0;
    let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    values.chunks(at("shape", 1)).map(<[f32]>::to_vec).collect()
}

/// Parameters from a name such as `flat_probs_t0.7_p0.95_k30`.
fn params(name: &str) -> SamplingParams {
    let field = |letter: &str| name.split('_').rev().find_map(|part| part.strip_prefix(letter)?.parse::<f64>().ok());
    SamplingParams {
        temperature: field("t").unwrap(),
        top_p: field("p").unwrap(),
        top_k: field("k").unwrap() as usize,
        ..SamplingParams::greedy()
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    logits.iter().map(|logit| (logit - largest).exp() / total).collect()
}

#[test]
fn transforms_give_the_originals_probabilities() {
    let golden = golden();
    let mut compared = 0;
    for (name, expected) in golden.iter().filter(|(name, _)| name.contains("_probs_")) {
        let prefix = name.split("_probs_").next().unwrap();
        let (_, logits) = golden.iter().find(|(other, _)| *other == format!("{prefix}_logits")).unwrap();
        for (logits, expected) in logits.iter().zip(expected) {
            let mut logits = logits.clone();
            transform(&mut logits, &[], &params(name));
            for (token, (ours, theirs)) in softmax(&logits).iter().zip(expected).enumerate() {
                assert_eq!(*ours > 0.0, *theirs > 0.0, "{name}: token {token} kept by one side only");
                assert!((ours - theirs).abs() < 1e-6, "{name}: token {token}: {ours} against {theirs}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 8 * 6 * 609);
}

fn after(logits: &[f32], history: &[u32], params: SamplingParams) -> Vec<f32> {
    let mut logits = logits.to_vec();
    transform(&mut logits, history, &params);
    logits
}

const OUT: f32 = f32::NEG_INFINITY;
const NEUTRAL: SamplingParams =
    SamplingParams { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 0 };

#[test]
fn each_transform_does_what_its_name_says() {
    let logits = [1.0, 3.0, -2.0, 3.0, 0.0];
    assert_eq!(after(&logits, &[], NEUTRAL), logits);
    assert_eq!(after(&logits, &[], SamplingParams { temperature: 0.5, ..NEUTRAL }), [2.0, 6.0, -4.0, 6.0, 0.0]);
    // Both logits that equal the largest stay.
    assert_eq!(after(&logits, &[], SamplingParams { top_k: 1, ..NEUTRAL }), [OUT, 3.0, OUT, 3.0, OUT]);
    assert_eq!(after(&logits, &[], SamplingParams { top_k: 9, ..NEUTRAL }), logits);
    // At least one stays; of equals the later id.
    assert_eq!(after(&logits, &[], SamplingParams { top_p: 0.0, ..NEUTRAL }), [OUT, OUT, OUT, 3.0, OUT]);
    // exp(1 − 3) = 0.135 is above a tenth, exp(0 − 3) = 0.0498 below.
    assert_eq!(after(&logits, &[], SamplingParams { min_p: 0.1, ..NEUTRAL }), [1.0, 3.0, OUT, 3.0, OUT]);
    // Seen twice, punished once; unknown ids do no harm; greedy parameters keep the penalty.
    let penalty = SamplingParams { repetition_penalty: 2.0, ..SamplingParams::greedy() };
    assert_eq!(after(&logits, &[1, 2, 1, 99], penalty), [1.0, 1.5, -4.0, 3.0, 0.0]);
}

#[test]
fn bad_parameters_are_named_with_a_way_out() {
    for good in [SamplingParams::greedy(), SamplingParams::published(), NEUTRAL] {
        assert_eq!(good.validate(), Ok(()));
    }
    let bad = [
        SamplingParams { temperature: -1.0, ..NEUTRAL },
        SamplingParams { temperature: f64::INFINITY, ..NEUTRAL },
        SamplingParams { top_p: 1.5, ..NEUTRAL },
        SamplingParams { min_p: f64::NAN, ..NEUTRAL },
        SamplingParams { repetition_penalty: 0.0, ..NEUTRAL },
    ];
    for params in bad {
        assert!(matches!(params.validate(), Err(SamplingError::OutOfRange { .. })), "{params:?}");
    }
    let error = SamplingParams { top_p: 1.5, ..NEUTRAL }.validate().unwrap_err().to_string();
    assert_eq!(error, "top_p is 1.5, but must be from 0 to 1; 1 switches it off");
}

#[test]
fn logits_without_order_are_an_error() {
    for logits in [[f32::NAN, 1.0], [OUT, OUT], [f32::INFINITY, f32::NAN]] {
        for params in [SamplingParams::greedy(), SamplingParams::published()] {
            assert_eq!(next_token(&mut logits.clone(), &[], &params, 0), Err(SamplingError::NotFinite), "{logits:?}");
        }
    }
    assert_eq!(next_token(&mut [], &[], &SamplingParams::published(), 0), Err(SamplingError::NotFinite));
    assert_eq!(draw(&[f32::INFINITY, 1.0], 0.5), None);
}

#[test]
fn the_first_of_equal_logits_is_the_largest() {
    assert_eq!(argmax(&[1.0, 7.0, 7.0, OUT]), Some(1));
    assert_eq!(argmax(&[OUT, -3.0]), Some(1));
}

#[test]
fn uniform_numbers_are_those_of_the_published_hash() {
    // Upper 24 bits of pcg3d(seed low, seed high, position), computed in Python.
    let published = [
        (0, [10_203_095, 8_347_064, 14_755_455, 16_265_776]),
        (1, [10_616_518, 668_688, 13_989_018, 8_705_604]),
        (42, [7_507_890, 3_650_757, 7_090_317, 10_398_086]),
        (0x1234_5678_9abc_def0, [1_215_708, 812_007, 4_530_760, 5_764_445]),
    ];
    for (seed, expected) in published {
        let ours = [0, 1, 2, 3].map(|position| (uniform(seed, position) * 16_777_216.0) as u32);
        assert_eq!(ours, expected, "seed {seed}");
    }
}

#[test]
fn uniform_numbers_are_uniform() {
    // χ² over 64 cells: mean 63, standard deviation 11.2; 130 is six of them above.
    let series: [&dyn Fn(u32) -> f32; 3] =
        [&|i| uniform(7, i), &|i| uniform(u64::from(i), 0), &|i| uniform(u64::from(i) << 32, 5)];
    for series in series {
        let mut cells = [0_u32; 64];
        (0..64_000).for_each(|i| cells[(series(i) * 64.0) as usize] += 1);
        let chi2: f64 = cells.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi2 < 130.0, "χ² = {chi2}");
    }
}

#[test]
fn draws_follow_the_probabilities() {
    let logits = [0.0_f32, 1.0, OUT, 2.0, -1.0];
    let expected = softmax(&logits);
    let mut counts = [0_u32; 5];
    (0..100_000).for_each(|position| counts[draw(&logits, uniform(3, position)).unwrap() as usize] += 1);
    for (count, expected) in counts.iter().zip(expected) {
        // Five standard deviations of a share measured 100000 times are at most 0.0079.
        assert!((f64::from(*count) / 1e5 - f64::from(expected)).abs() < 0.0079, "{counts:?}");
    }
    assert_eq!(counts[2], 0);
}

#[test]
fn draws_walk_in_index_order() {
    let logits = [0.0_f32, OUT, 0.0];
    assert_eq!(draw(&logits, 0.0), Some(0));
    assert_eq!(draw(&logits, 0.499_999), Some(0));
    assert_eq!(draw(&logits, 0.5), Some(2));
    assert_eq!(draw(&logits, 1.0 - f32::EPSILON / 2.0), Some(2));
}

#[test]
fn a_seed_repeats_its_choices() {
    let (_, logits) = golden().into_iter().find(|(name, _)| name == "flat_logits").unwrap();
    let series = |seed: u64| -> Vec<u32> {
        let params = SamplingParams { seed, ..SamplingParams::published() };
        let choice = |position: u32| next_token(&mut logits[0].clone(), &[], &params, position).unwrap();
        (0..32).map(choice).collect()
    };
    assert_eq!(series(5), series(5));
    assert_ne!(series(5), series(6));
}

#[test]
fn a_request_is_greedy_unless_it_asks_for_sampling() {
    let (greedy, published) = (SamplingParams::greedy(), SamplingParams::published());
    let request = SamplingRequest::default();
    let sampled = SamplingParams { temperature: 1.0, ..greedy };
    let cases = [
        (request, greedy),
        (SamplingRequest { seed: 3, ..request }, SamplingParams { seed: 3, ..greedy }),
        (
            SamplingRequest { repetition_penalty: Some(1.2), ..request },
            SamplingParams { repetition_penalty: 1.2, ..greedy },
        ),
        (SamplingRequest { temperature: Some(0.7), ..request }, SamplingParams { temperature: 0.7, ..greedy }),
        (SamplingRequest { top_k: Some(5), ..request }, SamplingParams { top_k: 5, ..sampled }),
        (SamplingRequest { min_p: Some(0.1), ..request }, SamplingParams { min_p: 0.1, ..sampled }),
        (
            SamplingRequest { top_p: Some(0.5), temperature: Some(0.0), ..request },
            SamplingParams { top_p: 0.5, ..greedy },
        ),
        (SamplingRequest { published: true, ..request }, published),
        (SamplingRequest { published: true, top_k: Some(0), ..request }, SamplingParams { top_k: 0, ..published }),
    ];
    for (request, expected) in cases {
        assert_eq!(request.params(), Ok(expected), "{request:?}");
    }
    let refused = SamplingRequest { top_p: Some(1.5), ..request }.params().unwrap_err().to_string();
    assert!(refused.contains("top_p is 1.5"), "{refused}");
}
