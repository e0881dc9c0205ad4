//! Multiple choice and yes or no: the greedy answer beside the most likely option.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sets::Sets;
use super::{BINS, Recording};
use crate::metrics::calibration::{calibration_error, mean_probability, reliability};
use crate::metrics::statistics::{Share, ShareFigure};
use crate::predictions::Weighed;
use crate::text_table::head;
use crate::{Prediction, Predictions};

/// One way of answering one kind of question, on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChoiceFigure {
    /// The set.
    pub set: String,
    /// The kind of question.
    pub question: String,
    /// `greedy answer`; `choose, raw` and `choose, calibrated` by the probabilities that `af2 choose` gives.
    pub method: String,
    /// How often it is right.
    #[serde(flatten)]
    pub share: ShareFigure,
    /// Mean probability of the chosen option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_probability: Option<f64>,
    /// Its expected calibration error, over ten bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_error: Option<f64>,
}

/// Of one kind of question.
#[derive(Default)]
struct Counts {
    greedy: Share,
    raw: Vec<(f64, bool)>,
    calibrated: Vec<(f64, bool)>,
}

/// The figures of all questions whose options were weighed.
pub fn choices(recordings: &[Recording], predictions: &Predictions) -> Vec<ChoiceFigure> {
    let mut sets: Sets<BTreeMap<&str, Counts>> = Sets::new();
    for recording in recordings {
        for (place, question) in recording.questions.iter().enumerate() {
            let Some(options) = question.options() else { continue };
            let Some(Prediction { text: Some(text), measured: Some(measured), .. }) =
                predictions.get(&recording.id(place))
            else {
                continue;
            };
            let right = options.iter().position(|option| *option == question.answer);
            if let (Some(right), Some(weighed)) = (right, measured.weighed(options.len())) {
                let counts = sets.of(&recording.set).entry(&question.kind).or_default();
                counts.add(*text == question.answer, weighed, right);
            }
        }
    }
    let of_set = |(set, kinds): (String, BTreeMap<&str, Counts>)| {
        kinds.into_iter().flat_map(move |(kind, counts)| counts.figures(&set, kind)).collect::<Vec<_>>()
    };
    sets.into_vec().into_iter().flat_map(of_set).collect()
}

impl Counts {
    fn add(&mut self, greedy: bool, weighed: &Weighed, right: usize) {
        self.greedy.count(greedy);
        let raw = weighed.options.iter().map(|option| option.raw_probability).enumerate();
        if let Some((at, probability)) = raw.max_by(|a, b| a.1.total_cmp(&b.1)) {
            self.raw.push((probability, at == right));
        }
        self.calibrated.push((weighed.options[weighed.best].probability, weighed.best == right));
    }

    fn figures(self, set: &str, question: &str) -> [ChoiceFigure; 3] {
        let figure = |method: &str, share: Share, answers: Option<&[(f64, bool)]>| ChoiceFigure {
            set: set.into(),
            question: question.into(),
            method: method.into(),
            share: share.figure(),
            mean_probability: answers.map(mean_probability),
            calibration_error: answers.map(|answers| calibration_error(&reliability(answers, BINS))),
        };
        let weighed = |method, answers: &[(f64, bool)]| {
            figure(method, Share::of(answers.iter().map(|(_, right)| *right)), Some(answers))
        };
        [
            figure("greedy answer", self.greedy, None),
            weighed("choose, raw", &self.raw),
            weighed("choose, calibrated", &self.calibrated),
        ]
    }
}

/// The table of the model card.
pub(super) fn table(figures: &[ChoiceFigure]) -> Vec<Vec<String>> {
    let names = ["set", "question", "method", "n", "right", "95 %", "mean probability", "calibration error"];
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
    let line = |figure: &ChoiceFigure| {
        let ChoiceFigure { set, question, method, share, mean_probability, calibration_error } = figure;
        let [right, interval] = share.cells();
        let (mean, error) = (number(*mean_probability), number(*calibration_error));
        vec![set.clone(), question.clone(), method.clone(), share.n.to_string(), right, interval, mean, error]
    };
    std::iter::once(head(&names)).chain(figures.iter().map(line)).collect()
}
