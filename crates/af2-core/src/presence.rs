//! Whether a sound is heard, asked as a question that yes or no answers.
//!
//! The answer is scored, not generated: P(yes) among yes and no. The same probability without audio is not subtracted: that would rank
//! windows alike, and the number would not be a probability any more.

use crate::engine::{AudioView, Query, ScoreRequest, Scores};
use crate::text::prompt::{PROMPT_LIMIT, prompt};
use crate::text::{PromptIds, TextError, Tokenizer};

/// Ways in which a model says yes and no. Each is scored without an end token: what follows ("yes.", "yes, there is") does not matter.
const YES: [&str; 2] = ["yes", "Yes"];
const NO: [&str; 2] = ["no", "No"];

/// A question about the presence of a sound.
#[derive(Debug, Clone)]
pub struct PresenceQuestion {
    prompt: Vec<u32>,
    verdicts: Vec<Vec<u32>>,
}

impl PresenceQuestion {
    /// "Is there a dog barking?" for "a dog barking". A text that ends in a question mark is asked as it is.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn new(tokenizer: &Tokenizer, sound: &str) -> Result<Self, TextError> {
        let sound = sound.trim();
        let asked = sound.ends_with('?');
        let question = if asked { sound.to_owned() } else { format!("Is there {}?", without_stop(sound)) };
        let prompt = PromptIds::encode(tokenizer, &prompt(&question), PROMPT_LIMIT)?.ids;
        let verdicts = YES.iter().chain(&NO).map(|verdict| tokenizer.encode(verdict));
        Ok(Self { prompt, verdicts: verdicts.collect::<Result<_, _>>()? })
    }

    /// What is to be scored.
    pub fn request(&self, view: &AudioView) -> ScoreRequest {
        let query = Query { prompt: self.prompt.clone(), view: view.clone() };
        ScoreRequest { query, continuations: self.verdicts.clone() }
    }
}

/// log P(yes) − log P(no), from the scores of a [`PresenceQuestion`]; none for other scores.
pub fn log_odds(scores: &Scores) -> Option<f32> {
    let (yes, no) = scores.split_at_checked(YES.len())?;
    (no.len() == NO.len()).then(|| log_sum(yes) - log_sum(no))
}

/// P(yes) among yes and no.
pub fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The text without what closes a sentence.
pub(crate) fn without_stop(text: &str) -> &str {
    text.trim_end_matches(['.', '!', '?', ' '])
}

/// log of the sum of the probabilities of texts, from the log-probabilities of their tokens.
fn log_sum(texts: &[Vec<f32>]) -> f32 {
    let texts: Vec<f32> = texts.iter().map(|tokens| tokens.iter().sum()).collect();
    let largest = texts.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    largest + texts.iter().map(|text| (text - largest).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_becomes_a_question() {
        let tokenizer = include_bytes!("../../../weights/demo/model/tokenizer.json");
        let tokenizer = Tokenizer::from_json(tokenizer).unwrap();
        for (sound, question) in [
            (" A dog barking. ", "<audio>is there a dog barking?<SEP>"),
            ("Is someone speaking?", "<audio>is someone speaking?<SEP>"),
        ] {
            let request = PresenceQuestion::new(&tokenizer, sound).unwrap().request(&AudioView::window(3));
            assert_eq!(tokenizer.decode(&request.query.prompt, true).unwrap(), question);
            assert_eq!((request.query.view, request.continuations.len()), (AudioView::window(3), 4));
        }
    }

    #[test]
    fn odds_sum_over_spellings() {
        let verdict = |p: f32| vec![p.ln()];
        let scores = vec![verdict(0.4), verdict(0.2), verdict(0.05), verdict(0.15)];
        let odds = log_odds(&scores).unwrap();
        assert!((odds - 3.0_f32.ln()).abs() < 1e-5 && (probability(odds) - 0.75).abs() < 1e-5);
        assert_eq!(log_odds(&scores[..3].to_vec()), None);
        assert_eq!(log_odds(&vec![]), None);
    }
}
