//! Asks the model back whether it hears what it said.
//!
//! A model that is asked for a caption gives one, also of noise, and is as sure of it as of any other. Asked back, "Is there a bird?", it
//! denies it (figures: `weights/demo/README.md`, "Windows of long audio"). So this probability, and not that of the answer's tokens, is a
//! caption's confidence.

use super::WindowAnswer;
use super::wording::{join, sounds};
use crate::engine::{AudioView, ScoreRequest, Scores};
use crate::presence::{PresenceQuestion, log_odds, probability};
use crate::text::{TextError, Tokenizer};

/// The check of one answer: one question for each sound that it names.
#[derive(Debug, Clone)]
pub struct CaptionCheck {
    answer: WindowAnswer,
    questions: Vec<PresenceQuestion>,
}

impl CaptionCheck {
    /// Of an answer; a silent one has nothing to be checked.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn new(tokenizer: &Tokenizer, answer: WindowAnswer) -> Result<Self, TextError> {
        let sounds = if answer.silent { Vec::new() } else { sounds(&answer.text) };
        let questions = sounds.iter().map(|sound| PresenceQuestion::new(tokenizer, &sound.phrase));
        Ok(Self { questions: questions.collect::<Result<_, _>>()?, answer })
    }

    /// What is to be scored about the answer's window.
    pub fn requests(&self, view: &AudioView) -> Vec<ScoreRequest> {
        self.questions.iter().map(|question| question.request(view)).collect()
    }

    /// The answer with those of its sounds that the model confirms with at least `min_confidence`, and the probability of the least
    /// sure of them. Without any, its text is empty, and no caption is made of it. None if `scores` are not those of
    /// [`CaptionCheck::requests`].
    pub fn confirmed(self, scores: &[Scores], min_confidence: f32) -> Option<WindowAnswer> {
        let mut answer = self.answer;
        if self.questions.is_empty() {
            return Some(answer);
        }
        let sure = scores.iter().map(|scores| log_odds(scores).map(probability)).collect::<Option<Vec<f32>>>()?;
        let heard: Vec<_> =
            sounds(&answer.text).into_iter().zip(sure).filter(|(_, sure)| *sure >= min_confidence).collect();
        answer.confidence = heard.iter().map(|(_, sure)| *sure).fold(1.0, f32::min);
        answer.text = join(heard.into_iter().map(|(sound, _)| sound.caption));
        (scores.len() == self.questions.len()).then_some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> CaptionCheck {
        let tokenizer = include_bytes!("../../../../weights/demo/model/tokenizer.json");
        let answer = WindowAnswer { text: text.into(), silent: false, ..WindowAnswer::silence(0.0, 10.0) };
        CaptionCheck::new(&Tokenizer::from_json(tokenizer).unwrap(), answer).unwrap()
    }

    /// Scores of a yes of this probability.
    fn yes(probability: f32) -> Scores {
        [probability, 1e-9, 1.0 - probability, 1e-9].map(|p| vec![p.ln()]).to_vec()
    }

    #[test]
    fn sounds_that_the_model_denies_are_left_out() {
        let check = check("A chicken, then a dog is barking, then a dog is barking, then a duck.");
        assert_eq!(check.requests(&AudioView::window(2)).len(), 3, "a dog that barks twice is asked about once");
        let scores = [yes(0.2), yes(0.9), yes(0.7)];
        let confirmed = check.clone().confirmed(&scores, 0.5).unwrap();
        assert_eq!(confirmed.text, "dog barking, then duck");
        assert!((confirmed.confidence - 0.7).abs() < 1e-5);
        assert_eq!(check.clone().confirmed(&scores, 0.95).unwrap().text, "");
        assert_eq!(check.clone().confirmed(&scores[..2], 0.5), None);
        assert_eq!(check.confirmed(&[vec![], vec![], vec![]], 0.5), None);
    }

    #[test]
    fn nothing_is_asked_about_nothing() {
        let check = check(" . ");
        assert!(check.requests(&AudioView::window(0)).is_empty());
        assert_eq!(check.confirmed(&[], 0.5).unwrap().text, " . ");
    }
}
