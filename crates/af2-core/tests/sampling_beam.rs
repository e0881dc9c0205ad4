//! Beam search on a language small enough to know the answer.
#![allow(clippy::unwrap_used)]

use af2_core::sampling::{BeamOutcome, BeamSearch, SamplingError};

/// A model in one line: logits from 0 to 4 that depend on seed, position and the previous token.
fn logit(seed: u32, position: u32, previous: u32, token: u32) -> f32 {
    let terms = [(previous, 7919_u32), (token, 104_729), (position, 1_299_709), (seed, 15_485_863)];
    let mut hash = terms.iter().fold(0_u32, |sum, (value, prime)| sum.wrapping_add(value.wrapping_mul(*prime)));
    hash = hash.wrapping_mul(2_654_435_761);
    hash = (hash ^ (hash >> 15)).wrapping_mul(2_246_822_519);
    ((hash ^ (hash >> 13)) >> 20) as f32 / 1024.0
}

fn row(seed: u32, position: u32, previous: u32, vocab: u32) -> Vec<f32> {
    (0..vocab).map(|token| logit(seed, position, previous, token)).collect()
}

/// Searches with this model; the prompt counts as token `vocab`.
fn search(seed: u32, vocab: u32, num_beams: usize, end: u32, max_new: usize) -> Vec<u32> {
    let mut search = BeamSearch::new(num_beams, end, max_new).unwrap();
    let mut last = vec![vocab];
    for position in 0.. {
        let rows: Vec<Vec<f32>> = last.iter().map(|&previous| row(seed, position, previous, vocab)).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        match search.advance(&rows).unwrap() {
            BeamOutcome::Continue(step) => last = step.tokens,
            BeamOutcome::Done => break,
        }
    }
    search.finish()
}

/// Seed, vocabulary, beams, end token, token limit, and what Hugging Face's algorithm finds (a line-by-line port of
/// its scorer and loop, run in Python).
type Case = (u32, u32, usize, u32, usize, &'static [u32]);
const CASES: &[Case] = &[
    (0, 5, 1, 0, 3, &[4, 0]),
    (1, 7, 2, 1, 6, &[3, 3, 6, 6, 4, 6]),
    (2, 9, 3, 2, 10, &[3, 4, 5, 7, 5, 1, 0, 7, 0, 4]),
    (3, 12, 4, 3, 3, &[5, 2, 9]),
    (4, 5, 2, 4, 6, &[2, 2, 2, 3, 4]),
    (5, 7, 1, 5, 10, &[2, 1, 2, 0, 6, 6, 1, 2, 1, 4]),
    (6, 9, 2, 6, 3, &[0, 2, 1]),
    (7, 12, 3, 7, 6, &[9, 11, 3, 1, 0, 1]),
    (8, 5, 2, 3, 10, &[3]),
    (10, 9, 1, 1, 6, &[4, 3, 8, 3, 6, 3]),
    (11, 12, 2, 11, 10, &[7, 10, 1, 2, 6, 1, 11]),
    (14, 9, 2, 5, 10, &[7, 6, 7, 0, 0, 3, 6, 0, 2, 6]),
    (15, 12, 1, 3, 3, &[10, 6, 4]),
    (16, 5, 2, 1, 6, &[4, 3, 0, 2, 3, 1]),
    (17, 7, 3, 3, 10, &[0, 0, 0, 4, 6, 3]),
    (18, 9, 4, 0, 3, &[8, 8, 0]),
    (19, 12, 5, 7, 6, &[0, 10, 5, 6, 7]),
    (20, 5, 1, 0, 10, &[0]),
    (23, 12, 4, 11, 10, &[5, 11]),
    (24, 5, 2, 4, 3, &[0, 4]),
    (25, 7, 1, 4, 6, &[3, 1, 0, 4]),
    (27, 12, 3, 3, 3, &[6, 7, 9]),
    (34, 9, 2, 7, 6, &[1, 5, 2, 7]),
    (37, 7, 3, 2, 6, &[2]),
];

#[test]
fn answers_are_those_of_the_published_algorithm() {
    for &(seed, vocab, num_beams, end, max_new, expected) in CASES {
        assert_eq!(search(seed, vocab, num_beams, end, max_new), expected, "seed {seed}");
    }
}

#[test]
fn enough_beams_find_the_best_of_all_answers() {
    for seed in 0..60 {
        let (vocab, end, max_new) = (3, seed % 3, 4);
        let found = search(seed, vocab, 81, end, max_new);
        let best = every_answer(vocab, end, max_new)
            .max_by(|a, b| per_token(seed, vocab, a).total_cmp(&per_token(seed, vocab, b)))
            .unwrap();
        assert_eq!(found, best, "seed {seed}");
    }
}

/// All token sequences that end with `end` or at the limit.
fn every_answer(vocab: u32, end: u32, max_new: usize) -> impl Iterator<Item = Vec<u32>> {
    let mut open = vec![Vec::new()];
    let mut closed = Vec::new();
    while let Some(answer) = open.pop() {
        for token in 0..vocab {
            let longer = [answer.as_slice(), &[token]].concat();
            let is_closed = token == end || longer.len() == max_new;
            if is_closed { closed.push(longer) } else { open.push(longer) }
        }
    }
    closed.into_iter()
}

/// Mean log-probability of an answer's tokens.
fn per_token(seed: u32, vocab: u32, answer: &[u32]) -> f64 {
    let mut previous = vocab;
    let mut sum = 0.0;
    for (position, &token) in (0..).zip(answer) {
        let row = row(seed, position, previous, vocab);
        let total: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
        sum += f64::from(row[token as usize]) - total.ln();
        previous = token;
    }
    sum / answer.len() as f64
}

#[test]
fn a_step_says_which_caches_to_copy() {
    let mut search = BeamSearch::new(2, 9, 5).unwrap();
    let row = |best: &[(usize, f32)]| {
        let mut row = vec![0.0_f32; 10];
        best.iter().for_each(|&(token, logit)| row[token] = logit);
        row
    };
    let BeamOutcome::Continue(first) = search.advance(&[&row(&[(3, 9.0), (5, 8.0)])]).unwrap() else { panic!() };
    assert_eq!((first.parents, first.tokens), (vec![0, 0], vec![3, 5]));
    // Beam 1 is a little behind but continues with certainty; beam 0 splits evenly over two tokens.
    let rows = [row(&[(1, 20.0), (2, 20.0)]), row(&[(4, 30.0)])];
    let BeamOutcome::Continue(second) = search.advance(&[&rows[0], &rows[1]]).unwrap() else { panic!() };
    assert_eq!((second.parents, second.tokens), (vec![0, 0], vec![1, 2]));
    // The end token of the best beam is set aside; two others go on.
    let rows = [row(&[(9, 20.0)]), row(&[(6, 3.0), (7, 2.0)])];
    let BeamOutcome::Continue(third) = search.advance(&[&rows[0], &rows[1]]).unwrap() else { panic!() };
    assert_eq!((third.parents, third.tokens), (vec![1, 1], vec![6, 7]));
    assert_eq!(search.finish(), [3, 1, 9]);
}

#[test]
fn misuse_is_an_error() {
    assert!(matches!(BeamSearch::new(0, 1, 5), Err(SamplingError::NothingToSearch { .. })));
    assert!(matches!(BeamSearch::new(1, 1, 0), Err(SamplingError::NothingToSearch { .. })));
    let mut search = BeamSearch::new(2, 1, 5).unwrap();
    assert_eq!(search.advance(&[]), Err(SamplingError::BeamRows { live: 1, rows: 0 }));
    assert_eq!(search.advance(&[&[0.0, f32::NAN]]), Err(SamplingError::NotFinite));
    assert_eq!(search.advance(&[&[]]), Err(SamplingError::NotFinite));
    assert!(search.advance(&[&[0.0, 1.0]]).is_ok());
}

#[test]
fn a_search_that_can_only_end_ends() {
    let mut search = BeamSearch::new(3, 0, 5).unwrap();
    assert_eq!(search.advance(&[&[1.0]]).unwrap(), BeamOutcome::Done);
    assert_eq!(search.advance(&[]).unwrap(), BeamOutcome::Done);
    assert_eq!(search.finish(), [0]);
}
