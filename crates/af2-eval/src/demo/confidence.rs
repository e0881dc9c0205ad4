//! How honest `confidence` is: its calibration, beside that of the mean per token.

use serde::{Deserialize, Serialize};

use super::sets::Sets;
use super::{BINS, Recording};
use crate::metrics::calibration::{Bin, calibration_error, discrimination, mean_probability, reliability};
use crate::metrics::statistics::{Share, ShareFigure};
use crate::text_table::head;
use crate::{Prediction, Predictions};

/// The confidence of the answers about one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceFigure {
    /// The set.
    pub set: String,
    /// How many answers are right.
    #[serde(flatten)]
    pub share: ShareFigure,
    /// The confidence, then the geometric mean per token.
    pub values: Vec<ValueFigure>,
    /// The answers by their confidence, in ten bins of equal width.
    pub bins: Vec<BinFigure>,
}

/// How honest one of the values is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueFigure {
    /// Its name.
    pub value: String,
    /// Its mean.
    pub mean: f64,
    /// Its expected calibration error, over ten bins.
    pub calibration_error: f64,
    /// Probability that a right answer has more of it than a wrong one; none where all are right or all wrong.
    pub right_above_wrong: Option<f64>,
}

/// Answers of a bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinFigure {
    /// The lowest confidence of the bin.
    pub from: f64,
    /// The highest.
    pub to: f64,
    /// How many of its answers are right.
    #[serde(flatten)]
    pub share: ShareFigure,
    /// Their mean confidence.
    pub mean_confidence: f64,
}

/// `(value, right)` of every answer of one set.
#[derive(Default)]
struct Answers {
    confidence: Vec<(f64, bool)>,
    per_token: Vec<(f64, bool)>,
}

/// The figures of all answers.
pub fn confidence(recordings: &[Recording], predictions: &Predictions) -> Vec<ConfidenceFigure> {
    let mut sets: Sets<Answers> = Sets::new();
    for recording in recordings {
        for (place, question) in recording.questions.iter().enumerate() {
            let found = predictions.get(&recording.id(place));
            let Some(Prediction { text: Some(text), measured: Some(measured), .. }) = found else { continue };
            let (right, of) = (*text == question.answer, sets.of(&recording.set));
            of.confidence.push((measured.confidence, right));
            of.per_token.push((measured.per_token(), right));
        }
    }
    sets.into_vec().into_iter().map(|(set, answers)| answers.figure(set)).collect()
}

impl Answers {
    fn figure(self, set: String) -> ConfidenceFigure {
        let value = |value: &str, answers: &[(f64, bool)]| ValueFigure {
            value: value.into(),
            mean: mean_probability(answers),
            calibration_error: calibration_error(&reliability(answers, BINS)),
            right_above_wrong: discrimination(answers),
        };
        let bin = |(at, bin): (usize, Bin)| BinFigure {
            from: at as f64 / BINS as f64,
            to: (at + 1) as f64 / BINS as f64,
            share: bin.share.figure(),
            mean_confidence: bin.mean_probability(),
        };
        ConfidenceFigure {
            set,
            share: Share::of(self.confidence.iter().map(|(_, right)| *right)).figure(),
            values: vec![value("confidence", &self.confidence), value("geometric mean per token", &self.per_token)],
            bins: reliability(&self.confidence, BINS).into_iter().enumerate().map(bin).collect(),
        }
    }
}

/// The two tables of the model card: the values, and the bins that are not empty.
pub(super) fn tables(figures: &[ConfidenceFigure]) -> [Vec<Vec<String>>; 2] {
    let mut values = vec![head(&["set", "value", "n", "right", "mean", "calibration error", "right above wrong"])];
    let mut bins = vec![head(&["set", "confidence", "n", "right", "95 %", "mean confidence"])];
    for ConfidenceFigure { set, share, values: of_set, bins: bins_of_set } in figures {
        for ValueFigure { value, mean, calibration_error, right_above_wrong } in of_set {
            let above = right_above_wrong.map_or_else(|| "-".into(), |area| format!("{area:.3}"));
            let numbers = [share.score, *mean, *calibration_error].map(|number| format!("{number:.3}"));
            let cells = [vec![set.clone(), value.clone(), share.n.to_string()], numbers.to_vec(), vec![above]];
            values.push(cells.concat());
        }
        for BinFigure { from, to, share, mean_confidence } in bins_of_set.iter().filter(|bin| bin.share.n > 0) {
            let [right, interval] = share.cells();
            let (range, mean) = (format!("{from:.1}–{to:.1}"), format!("{mean_confidence:.3}"));
            bins.push(vec![set.clone(), range, share.n.to_string(), right, interval, mean]);
        }
    }
    [values, bins]
}
