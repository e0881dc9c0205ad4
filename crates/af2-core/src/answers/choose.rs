//! Which of several texts a model finds the likeliest answer.
//!
//! ```text
//! question, options ── prompt ──► hearing the audio:   log P(option | question, audio)   = logprob
//!                            └──► hearing nothing:     log P(option | question)          = prior_logprob
//! ```
//!
//! Generating tells the likeliest words; here every option gets a number. A rare text is unlikely whatever is heard. Subtracting the prior
//! leaves what the audio adds, the pointwise mutual information of option and audio (Holtzman et al. 2021, *Surface Form Competition*); but
//! the prior also holds what the model knows of the world, so three quarters of it are subtracted. Dividing by the option's tokens makes the
//! probabilities less extreme. `weights/demo/README.md` has the shares of right choices, measured by `af2 eval demo --parts choices`.
//! Among many names of an open question the prior only hurts: there, `raw_probability` is the better guide.
//!
//! An option stands for itself and for its lower case, because the released models were trained on lower-case answers: the probabilities
//! of both are added.

use std::ops::Range;

use serde::Serialize;

use super::continuation;
use super::lettered::{LETTERS, Lettered};
use crate::config::SpecialTokens;
use crate::engine::{AudioView, Query, ScoreRequest, Scores};
use crate::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use crate::text::python_str::{lower, strip};
use crate::text::{TextError, Tokenizer};

/// Share of the prior that is subtracted.
const PRIOR: f64 = 0.75;

/// Why there is nothing to choose from.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// Fewer than two options.
    #[error("{0} options were given; choosing takes at least two")]
    FewOptions(usize),
    /// An option without characters.
    #[error("option {0} is empty; leave it out")]
    EmptyOption(usize),
    /// An option twice.
    #[error("option `{0}` is given twice; leave one out")]
    SameOption(String),
    /// More options than letters.
    #[error("{0} options were given, and letters name at most {LETTERS}; choose without letters")]
    ManyLetters(usize),
    /// A text cannot be encoded.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The scores are those of other requests.
    #[error("the scores are not those of this question's options; score the requests as they were made")]
    OtherScores,
}

/// A question with options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipleChoice {
    prompt: PromptIds,
    options: Vec<String>,
    /// Ids of every form of every option.
    forms: Vec<Vec<u32>>,
    /// The forms of each option.
    ranges: Vec<Range<usize>>,
}

/// What was found out about an option.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChoiceOption {
    /// The option, as given.
    pub text: String,
    /// log P(option | question, audio), its end included.
    pub logprob: f32,
    /// The same, divided by its tokens.
    pub logprob_per_token: f32,
    /// log P(option | question), without any audio.
    pub prior_logprob: f32,
    /// Softmax over the options of (`logprob` − ¾ `prior_logprob`) / tokens.
    pub probability: f32,
    /// Softmax over the options of `logprob`: the model's own, which prefers short and common texts.
    pub raw_probability: f32,
}

/// The options, weighed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The option with the largest `probability`.
    pub best: usize,
    /// Every option, in the order given.
    pub options: Vec<ChoiceOption>,
}

impl MultipleChoice {
    /// A question and the texts that may answer it.
    ///
    /// With `letters` the options are appended to the question, `(A) …` to `(Z) …`, in the wording of the released models' benchmarks, and
    /// the texts with their letters are weighed. A question that lists all options with letters already is left as it is.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn new(
        tokenizer: &Tokenizer,
        tokens: &SpecialTokens,
        question: &str,
        options: &[String],
        letters: bool,
    ) -> Result<Self, ChoiceError> {
        check(options)?;
        let lettered = match Lettered::listed(question, options) {
            None if letters && options.len() > LETTERS => return Err(ChoiceError::ManyLetters(options.len())),
            None if letters => Some(Lettered::appended(question, options)),
            listed => listed,
        };
        let (question, texts) = match &lettered {
            Some(lettered) => (lettered.question.as_str(), lettered.answers.as_slice()),
            None => (question, options),
        };
        let prompt = PromptIds::encode(tokenizer, &prompt(question), PROMPT_LIMIT)?;
        let (mut forms, mut ranges) = (Vec::new(), Vec::new());
        for text in texts {
            let (first, small) = (forms.len(), lower(text));
            forms.push(continuation(tokenizer, tokens, text)?);
            if small != *text {
                forms.push(continuation(tokenizer, tokens, &small)?);
            }
            ranges.push(first..forms.len());
        }
        Ok(Self { prompt, options: options.to_vec(), forms, ranges })
    }

    /// The question as the network reads it.
    pub fn prompt(&self) -> &PromptIds {
        &self.prompt
    }

    /// What to score: the options with the audio of `view`, then without any.
    pub fn requests(&self, view: &AudioView) -> Vec<ScoreRequest> {
        let request = |view: AudioView| ScoreRequest {
            query: Query { prompt: self.prompt.ids.clone(), view },
            continuations: self.forms.clone(),
        };
        vec![request(view.clone()), request(view.clone().silent())]
    }

    /// Weighs the options by the scores of [`MultipleChoice::requests`].
    ///
    /// # Errors
    /// [`ChoiceError::OtherScores`].
    pub fn result(&self, scores: &[Scores]) -> Result<Choice, ChoiceError> {
        let [heard, silent] = scores else { return Err(ChoiceError::OtherScores) };
        let heard = self.sums(heard).ok_or(ChoiceError::OtherScores)?;
        let silent = self.sums(silent).ok_or(ChoiceError::OtherScores)?;
        let per_option = |sums: &[f64]| self.ranges.iter().map(|range| log_sum_exp(&sums[range.clone()])).collect();
        let (logprobs, priors): (Vec<f64>, Vec<f64>) = (per_option(&heard), per_option(&silent));
        let lengths: Vec<f64> = self.ranges.iter().map(|range| self.length(range, &heard)).collect();
        let gains: Vec<f64> = (0..logprobs.len()).map(|i| (logprobs[i] - PRIOR * priors[i]) / lengths[i]).collect();
        let (calibrated, raw) = (softmax(&gains), softmax(&logprobs));
        let option = |i: usize| ChoiceOption {
            text: self.options[i].clone(),
            logprob: logprobs[i] as f32,
            logprob_per_token: (logprobs[i] / lengths[i]) as f32,
            prior_logprob: priors[i] as f32,
            probability: calibrated[i] as f32,
            raw_probability: raw[i] as f32,
        };
        let best = (0..gains.len()).fold(0, |best, i| if gains[i] > gains[best] { i } else { best });
        Ok(Choice { best, options: (0..gains.len()).map(option).collect() })
    }

    /// log P of every form; none for scores of another shape.
    fn sums(&self, scores: &Scores) -> Option<Vec<f64>> {
        let same = scores.len() == self.forms.len();
        let same = same && scores.iter().zip(&self.forms).all(|(scores, form)| scores.len() == form.len());
        same.then(|| scores.iter().map(|scores| scores.iter().copied().map(f64::from).sum()).collect())
    }

    /// Tokens of an option's likeliest form.
    fn length(&self, forms: &Range<usize>, sums: &[f64]) -> f64 {
        let likeliest = forms.clone().fold(forms.start, |best, form| if sums[form] > sums[best] { form } else { best });
        self.forms[likeliest].len() as f64
    }
}

fn check(options: &[String]) -> Result<(), ChoiceError> {
    if options.len() < 2 {
        return Err(ChoiceError::FewOptions(options.len()));
    }
    for (i, option) in options.iter().enumerate() {
        if strip(option).is_empty() {
            return Err(ChoiceError::EmptyOption(i + 1));
        }
        if options[..i].contains(option) {
            return Err(ChoiceError::SameOption(option.clone()));
        }
    }
    Ok(())
}

/// log Σ exp.
fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + values.iter().map(|value| (value - largest).exp()).sum::<f64>().ln()
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let total = log_sum_exp(values);
    values.iter().map(|value| (value - total).exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

    fn choice(question: &str, options: &[&str], letters: bool) -> Result<MultipleChoice, ChoiceError> {
        let tokenizer = Tokenizer::from_json(include_bytes!("../../../../weights/toy/tokenizer.json")).unwrap();
        let tokens = ModelConfig::parse(include_bytes!("../../../../weights/toy/config.json")).unwrap().tokens;
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        MultipleChoice::new(&tokenizer, &tokens, question, &options, letters)
    }

    /// Scores of a request whose forms have these log-probabilities.
    fn sums(request: &ScoreRequest, sums: &[f32]) -> Scores {
        let form = |(ids, sum): (&Vec<u32>, &f32)| {
            let mut scores = vec![0.0; ids.len()];
            scores[0] = *sum;
            scores
        };
        request.continuations.iter().zip(sums).map(form).collect()
    }

    #[test]
    fn what_the_audio_adds_decides() {
        let choice = choice("Is it raining?", &["yes", "no"], false).unwrap();
        let [heard, silent] = &choice.requests(&AudioView::whole(2))[..] else { panic!("two requests") };
        assert_eq!(silent.query.view.hidden, 0..64);
        assert_eq!((heard.continuations.len(), &heard.query.prompt), (2, &choice.prompt().ids));
        // "no" is likelier, and would be so without any audio, too.
        let result = choice.result(&[sums(heard, &[-1.0, -0.5]), sums(silent, &[-3.0, -0.25])]).unwrap();
        assert_eq!(result.best, 0);
        let [yes, no] = &result.options[..] else { panic!("two options") };
        assert_eq!(yes.text, "yes");
        assert!(yes.raw_probability < no.raw_probability && yes.probability > no.probability);
        for sum in [yes.probability + no.probability, yes.raw_probability + no.raw_probability] {
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
        assert_eq!((yes.prior_logprob, no.prior_logprob), (-3.0, -0.25));
        let tokens = heard.continuations.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!((yes.logprob_per_token, no.logprob_per_token), (-1.0 / tokens[0] as f32, -0.5 / tokens[1] as f32));
        let gains = [1.25_f32 / tokens[0] as f32, -0.3125 / tokens[1] as f32];
        let expected = 1.0 / (1.0 + (gains[1] - gains[0]).exp());
        assert!((yes.probability - expected).abs() < 1e-6, "{}", yes.probability);
    }

    #[test]
    fn an_option_stands_for_its_lower_case_too() {
        let choice = choice("What is it?", &["Rain", "a dog"], true).unwrap();
        let requests = choice.requests(&AudioView::whole(1));
        assert_eq!(requests[0].continuations.len(), 4);
        let heard = sums(&requests[0], &[-1.5, -1.5, -9.0, -9.0]);
        let result = choice.result(&[heard.clone(), heard.clone()]).unwrap();
        assert!((result.options[0].logprob - (-1.5 + 2.0_f32.ln())).abs() < 1e-5);
        assert!(matches!(choice.result(std::slice::from_ref(&heard)), Err(ChoiceError::OtherScores)));
        assert!(matches!(choice.result(&[heard[1..].to_vec(), heard]), Err(ChoiceError::OtherScores)));
    }

    #[test]
    fn options_that_cannot_be_told_apart_are_refused() {
        let refused = |options: &[&str]| choice("What?", options, false).unwrap_err().to_string();
        assert!(refused(&["a dog"]).contains("at least two"));
        assert!(refused(&["a dog", " "]).contains("option 2 is empty"));
        assert!(refused(&["rain", "a dog", "rain"]).contains("`rain` is given twice"));
        let many: Vec<String> = (0..27).map(|i| format!("option {i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(choice("What?", &many, true).unwrap_err().to_string().contains("at most 26"));
        assert!(choice("What?", &many, false).is_ok());
    }
}
