//! CIDEr-D (Vedantam et al. 2015): cosine similarity of TF-IDF vectors of n-grams, clipped, with a penalty on length.
//!
//! For a candidate c, a reference r, and n = 1 … 4, with w(x, g) = count of g in x · (ln N − ln max(1, df(g))):
//!
//! s_n(c, r) = Σ_g min(w(c, g), w(r, g)) · w(r, g) / (‖w(c)‖ · ‖w(r)‖) · exp(−(b(c) − b(r))² / (2σ²)),  σ = 6
//!
//! N is the number of clips, df(g) the number of clips one of whose references has g, b the number of bigrams. The score is 10 times the
//! mean over n and over the references; a set's score is the mean over its clips.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Tokens,
    ngrams::{LONGEST, counts},
};

/// 2σ².
const LENGTH_SCALE: f64 = 72.0;

/// In how many clips each n-gram occurs: what makes a word rare.
///
/// Scores are comparable only with the same clips, so it is taken from the whole data set, also if a part of it is scored.
#[derive(Clone, Debug)]
pub struct DocumentFrequency<'a> {
    clips: usize,
    having: BTreeMap<&'a [String], u32>,
}

impl<'a> DocumentFrequency<'a> {
    /// Counts over the references of every clip.
    pub fn new(references: impl IntoIterator<Item = &'a [Tokens]>) -> Self {
        let mut frequency = Self { clips: 0, having: BTreeMap::new() };
        for clip in references {
            frequency.clips += 1;
            let ngrams = clip.iter().flat_map(|tokens| (1..=LONGEST).flat_map(|n| tokens.windows(n)));
            for ngram in ngrams.collect::<BTreeSet<_>>() {
                *frequency.having.entry(ngram).or_default() += 1;
            }
        }
        frequency
    }

    /// The clips counted.
    pub fn clips(&self) -> usize {
        self.clips
    }

    /// ln N − ln max(1, df).
    fn rarity(&self, ngram: &[String]) -> f64 {
        let having = self.having.get(ngram).copied().unwrap_or(0).max(1);
        (self.clips.max(1) as f64).ln() - f64::from(having).ln()
    }
}

/// The score of one clip, 0 to 10. Without references 0.
pub fn cider_d(candidate: &[String], references: &[Tokens], frequency: &DocumentFrequency) -> f64 {
    let candidate = Vectors::new(candidate, frequency);
    let sum: f64 = references.iter().map(|reference| candidate.similarity(&Vectors::new(reference, frequency))).sum();
    10.0 * sum / references.len().max(1) as f64
}

/// The weights of a caption's n-grams, for each n.
struct Vectors<'a> {
    weights: [BTreeMap<&'a [String], f64>; LONGEST],
    norms: [f64; LONGEST],
    bigrams: f64,
}

impl<'a> Vectors<'a> {
    fn new(tokens: &'a [String], frequency: &DocumentFrequency) -> Self {
        let weights = std::array::from_fn(|index| {
            let weight = |(ngram, count)| (ngram, f64::from(count) * frequency.rarity(ngram));
            counts(tokens, index + 1).into_iter().map(weight).collect::<BTreeMap<_, _>>()
        });
        let norm = |weights: &BTreeMap<_, f64>| weights.values().map(|weight| weight * weight).sum::<f64>().sqrt();
        let norms = std::array::from_fn(|index| norm(&weights[index]));
        Self { weights, norms, bigrams: tokens.len().saturating_sub(1) as f64 }
    }

    /// Mean of s_n over n.
    fn similarity(&self, reference: &Self) -> f64 {
        let difference = self.bigrams - reference.bigrams;
        let penalty = (-difference * difference / LENGTH_SCALE).exp();
        let cosine = |n: usize| {
            let clipped = self.weights[n].iter().filter_map(|(ngram, weight)| {
                let other = reference.weights[n].get(ngram)?;
                Some(weight.min(*other) * other)
            });
            let norms = self.norms[n] * reference.norms[n];
            let sum: f64 = clipped.sum();
            if norms > 0.0 { sum / norms } else { sum }
        };
        (0..LONGEST).map(cosine).sum::<f64>() * penalty / LONGEST as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Tokens {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// References of three clips.
    fn clips() -> Vec<Vec<Tokens>> {
        [
            ["a dog barks at a man", "the dog is barking now"],
            ["rain falls on a roof", "it rains"],
            ["a man sings a song", "he sings now"],
        ]
        .map(|clip| clip.map(tokens).to_vec())
        .to_vec()
    }

    fn score(candidate: &str, references: &[Tokens]) -> f64 {
        let clips = clips();
        cider_d(&tokens(candidate), references, &DocumentFrequency::new(clips.iter().map(Vec::as_slice)))
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn the_only_reference_itself_scores_ten() {
        close(score("a dog barks at a man", &clips()[0][..1]), 10.0);
        // Without 4-grams their term is 0.
        close(score("it rains", &clips()[1][1..]), 5.0);
    }

    #[test]
    fn nothing_shared_scores_zero() {
        close(score("birds chirp loudly", &clips()[0]), 0.0);
        close(score("", &clips()[0]), 0.0);
        close(score("a dog", &[]), 0.0);
    }

    #[test]
    fn the_order_of_references_does_not_matter_and_their_mean_counts() {
        let mut references = clips().remove(0);
        let forward = score("a dog barks now", &references);
        let each: Vec<f64> = references.iter().map(|one| score("a dog barks now", std::slice::from_ref(one))).collect();
        close(forward, each.iter().sum::<f64>() / 2.0);
        references.reverse();
        close(score("a dog barks now", &references), forward);
    }

    #[test]
    fn weights_scale_out() {
        // Of all n-grams unknown to the set, every weight is ln N: the score of a caption is independent of N.
        let reference = [tokens("birds chirp very loudly")];
        let candidate = tokens("birds chirp quite loudly");
        let of = |clips: &[Vec<Tokens>]| {
            cider_d(&candidate, &reference, &DocumentFrequency::new(clips.iter().map(Vec::as_slice)))
        };
        close(of(&clips()), of(&clips()[..2]));
        // Unigrams: 3 of 4, bigrams: 1 of 3.
        close(of(&clips()), 10.0 * (3.0 / 4.0 + 1.0 / 3.0) / 4.0);
    }

    #[test]
    fn length_is_penalised_by_a_gaussian_of_bigrams() {
        // Both have the same unigrams in common; the longer one repeats a word that every clip has, of weight 0.
        let everywhere: Vec<Vec<Tokens>> = ["x dog", "x cat", "x"].map(|text| vec![tokens(text)]).to_vec();
        let frequency = DocumentFrequency::new(everywhere.iter().map(Vec::as_slice));
        let reference = [tokens("dog")];
        let unigrams = |text: &str| cider_d(&tokens(text), &reference, &frequency);
        close(unigrams("dog"), 2.5);
        close(unigrams("dog x x x"), 2.5 * (-9.0_f64 / 72.0).exp());
    }

    #[test]
    fn a_word_of_every_clip_counts_nothing_and_repeating_is_clipped() {
        let references = [tokens("dog cat")];
        let everywhere: Vec<Vec<Tokens>> = ["x dog", "x cat"].map(|text| vec![tokens(text)]).to_vec();
        let frequency = DocumentFrequency::new(everywhere.iter().map(Vec::as_slice));
        close(cider_d(&tokens("x"), &[tokens("x")], &frequency), 0.0);
        let once = cider_d(&tokens("dog"), &references, &frequency);
        let often = cider_d(&tokens("dog dog dog"), &references, &frequency);
        assert!(often < once, "{often} {once}");
    }

    #[test]
    fn frequency_counts_clips_not_references() {
        let clips = clips();
        let frequency = DocumentFrequency::new(clips.iter().map(Vec::as_slice));
        assert_eq!(frequency.clips(), 3);
        close(frequency.rarity(&tokens("dog")), 3.0_f64.ln());
        close(frequency.rarity(&tokens("now")), 3.0_f64.ln() - 2.0_f64.ln());
        close(frequency.rarity(&tokens("a")), 0.0);
        close(frequency.rarity(&tokens("unknown")), 3.0_f64.ln());
    }
}
