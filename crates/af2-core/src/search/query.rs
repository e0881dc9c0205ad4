//! What is asked about a window, and what its log-probabilities say.

use crate::engine::{AudioView, Query, ScoreRequest, Scores};
use crate::presence::{PresenceQuestion, log_odds, probability, without_stop};
use crate::text::prompt::{PROMPT_LIMIT, prompt};
use crate::text::{PromptIds, TextError, Tokenizer};

/// The question that a name answers, and how the answer begins.
const NAME_QUESTION: &str = "What is this sound?";
const NAME: &str = "it is ";

/// By which question windows are ranked.
///
/// Both together rank better than either (figures: `weights/demo/README.md`, "Windows of long audio"), and take twice the time of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchBy {
    /// "Is there a dog barking?": the odds of yes.
    Presence,
    /// "What is this sound?": the probability of "it is a dog barking".
    Name,
    /// The sum of both.
    #[default]
    Both,
}

/// A search.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    by: SearchBy,
    presence: PresenceQuestion,
    /// Prompt and continuation.
    name: (Vec<u32>, Vec<u32>),
}

/// What is known of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// What windows are ranked by, in nats: how much likelier the audio makes the sound than no audio does. That of no audio is the same
    /// for all windows of a search; without it the number would tell more of the text than of the audio.
    pub score: f32,
    /// Probability of yes among yes and no.
    pub confidence: f32,
}

impl SearchQuery {
    /// A search for a described sound, such as "a dog barking". A text that ends in a question mark is asked as it is, and ranked by
    /// presence: it is the name of nothing.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn new(tokenizer: &Tokenizer, text: &str, by: SearchBy) -> Result<Self, TextError> {
        let by = if text.trim().ends_with('?') { SearchBy::Presence } else { by };
        let prompt = PromptIds::encode(tokenizer, &prompt(NAME_QUESTION), PROMPT_LIMIT)?.ids;
        let name = tokenizer.encode(&format!("{NAME}{}", without_stop(text.trim())))?;
        Ok(Self { by, presence: PresenceQuestion::new(tokenizer, text)?, name: (prompt, name) })
    }

    /// What is to be scored of one view: [`SearchQuery::judge`] takes the scores in this order.
    pub fn requests(&self, view: &AudioView) -> Vec<ScoreRequest> {
        let mut requests = vec![self.presence.request(view)];
        if self.by != SearchBy::Presence {
            let (prompt, name) = self.name.clone();
            requests.push(ScoreRequest { query: Query { prompt, view: view.clone() }, continuations: vec![name] });
        }
        requests
    }

    /// Compares the scores of a window with those of a view without audio, [`AudioView::silent`]. None if they are not those of
    /// [`SearchQuery::requests`].
    pub fn judge(&self, heard: &[Scores], silent: &[Scores]) -> Option<Judgement> {
        let odds = log_odds(heard.first()?)?;
        let presence = odds - log_odds(silent.first()?)?;
        let name = || Some(whole(heard.get(1)?)? - whole(silent.get(1)?)?);
        let score = match self.by {
            SearchBy::Presence => presence,
            SearchBy::Name => name()?,
            SearchBy::Both => presence + name()?,
        };
        Some(Judgement { score, confidence: probability(odds) })
    }
}

/// Log-probability of the only continuation.
fn whole(scores: &Scores) -> Option<f32> {
    Some(scores.first()?.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_json(include_bytes!("../../../../weights/demo/model/tokenizer.json")).unwrap()
    }

    fn query(text: &str, by: SearchBy) -> SearchQuery {
        SearchQuery::new(&tokenizer(), text, by).unwrap()
    }

    fn asked(query: &SearchQuery) -> Vec<String> {
        let requests = query.requests(&AudioView::window(3));
        assert!(requests.iter().all(|request| request.query.view == AudioView::window(3)));
        requests.iter().map(|request| tokenizer().decode(&request.query.prompt, true).unwrap()).collect()
    }

    #[test]
    fn a_description_becomes_questions() {
        let presence = "<audio>is there a dog barking?<SEP>";
        assert_eq!(asked(&query(" A dog barking. ", SearchBy::Presence)), [presence]);
        let both = query("a dog barking", SearchBy::Both);
        assert_eq!(asked(&both), [presence, "<audio>what is this sound?<SEP>"]);
        let name = &both.requests(&AudioView::window(0))[1].continuations;
        assert_eq!(tokenizer().decode(&name[0], true).unwrap(), "it is a dog barking");
        assert_eq!(asked(&query("Is someone speaking? ", SearchBy::Both)), ["<audio>is someone speaking?<SEP>"]);
    }

    #[test]
    fn judgements_compare_with_silence() {
        let verdict = |yes: f32, no: f32| vec![vec![yes.ln()], vec![1e-9_f32.ln()], vec![no.ln()], vec![1e-9_f32.ln()]];
        let heard = [verdict(0.6, 0.2), vec![vec![-1.0, -2.0]]];
        let silent = [verdict(0.1, 0.4), vec![vec![-3.0, -4.0]]];
        let (presence, name) = (12.0_f32.ln(), 4.0);
        for (by, score) in [(SearchBy::Presence, presence), (SearchBy::Name, name), (SearchBy::Both, presence + name)] {
            let found = query("rain", by).judge(&heard, &silent).unwrap();
            assert!((found.confidence - 0.75).abs() < 1e-5 && (found.score - score).abs() < 1e-5, "{by:?} {found:?}");
        }
        assert_eq!(query("rain", SearchBy::Both).judge(&heard[..1], &silent), None);
        assert_eq!(query("rain", SearchBy::Presence).judge(&[vec![]], &silent), None);
    }
}
