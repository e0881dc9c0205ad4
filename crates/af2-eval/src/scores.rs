//! From predictions to figures: shares of right answers with their intervals, and scores of captions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::captions::{Captions, DocumentFrequency, Tokens, bleu, cider_d, rouge_l, tokens};
use crate::metrics::statistics::wilson;
use crate::{Asked, Benchmark, Item, Predictions, Verdict};

/// The name of the figure of scored options.
const CHOOSE: &str = "choose";

/// The figures of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// One a rule, the official one first, then `choose`.
    pub figures: Vec<Figure>,
    /// Of captions.
    pub captions: Option<CaptionScores>,
    /// What each item got.
    pub items: Vec<ScoredItem>,
}

/// An item with its prediction, and what each rule says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredItem {
    /// The item and its prompt.
    #[serde(flatten)]
    pub asked: Asked,
    /// The answer.
    pub text: Option<String>,
    /// The option that scored best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<usize>,
    /// By the rule's name.
    pub verdicts: BTreeMap<String, Verdict>,
}

/// What one rule gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The rule's name.
    pub rule: String,
    /// All items first, then every group.
    pub groups: Vec<GroupScore>,
}

/// The share of right answers of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// What the items are grouped by; `all`, or `mean over …`.
    pub group: String,
    /// The group's value.
    pub of: String,
    /// Items counted; of a mean, its groups.
    pub n: u64,
    /// The right ones.
    pub right: u64,
    /// Their share.
    pub score: f64,
    /// Wilson's 95 % interval; none of a mean.
    pub interval: Option<(f64, f64)>,
    /// Answers that name no option; they count as wrong, or were drawn for.
    pub unanswered: u64,
    /// Answers that the rule leaves out.
    pub not_counted: u64,
    /// The share right of the control: the same questions about other audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind: Option<f64>,
}

/// Scores of captions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaptionScores {
    /// Clips scored.
    pub n: usize,
    /// Clips from whose references the rarity of words is taken: the whole data set.
    pub documents: usize,
    /// CIDEr-D, 0 to 10.
    pub cider_d: f64,
    /// BLEU 1 to 4.
    pub bleu: [f64; 4],
    /// ROUGE-L.
    pub rouge_l: f64,
}

/// Counts of a group.
#[derive(Default)]
struct Tally {
    right: u64,
    wrong: u64,
    unanswered: u64,
    not_counted: u64,
    blind_right: u64,
    blind: u64,
}

impl Scores {
    /// Scores what was predicted of `asked`; `whole` is the whole data set, whose references make words rare.
    pub fn new(benchmark: &Benchmark, asked: &[Asked], predictions: &Predictions, whole: &[Item]) -> Self {
        let items: Vec<ScoredItem> =
            (0..).zip(asked).map(|(place, asked)| ScoredItem::new(benchmark, asked, predictions, place)).collect();
        let chosen = items.iter().any(|item| item.verdicts.contains_key(CHOOSE));
        let names = benchmark.rules.iter().map(|rule| rule.name()).chain(chosen.then_some(CHOOSE));
        let figures = names.map(|name| Figure::new(name, &items, benchmark.mean_over)).collect();
        let captions = benchmark.captions.then(|| CaptionScores::new(&items, whole));
        Self { figures, captions, items }
    }
}

impl ScoredItem {
    fn new(benchmark: &Benchmark, asked: &Asked, predictions: &Predictions, place: u64) -> Self {
        let prediction = predictions.get(&asked.item.id).cloned().unwrap_or_default();
        let mut scored =
            Self { asked: asked.clone(), text: prediction.text, choice: prediction.choice, verdicts: BTreeMap::new() };
        if asked.item.answers.is_empty() {
            return scored;
        }
        if let Some(text) = &scored.text {
            let judged =
                benchmark.rules.iter().map(|rule| (rule.name().to_owned(), rule.judge(&asked.item, text, place)));
            scored.verdicts = judged.collect();
        }
        if let (Some(choice), Some(answer)) = (scored.choice, asked.item.answer_index()) {
            let verdict = if choice == answer { Verdict::Right } else { Verdict::Wrong };
            scored.verdicts.insert(CHOOSE.into(), verdict);
        }
        scored
    }
}

impl Figure {
    fn new(rule: &str, items: &[ScoredItem], mean_over: Option<&str>) -> Self {
        let mut all = Tally::default();
        // Groups in the order of the data set, their values in that of the alphabet.
        let mut groups: Vec<(&str, BTreeMap<&str, Tally>)> = Vec::new();
        for item in items {
            let Some(verdict) = item.verdicts.get(rule) else { continue };
            let control = item.asked.item.control;
            all.add(*verdict, control);
            for (group, of) in &item.asked.item.groups {
                let at = groups.iter().position(|(known, _)| known == group).unwrap_or_else(|| {
                    groups.push((group, BTreeMap::new()));
                    groups.len() - 1
                });
                groups[at].1.entry(of).or_default().add(*verdict, control);
            }
        }
        let mut scores = vec![all.score("all", "")];
        for (group, values) in &groups {
            let of: Vec<GroupScore> = values.iter().map(|(of, tally)| tally.score(group, of)).collect();
            if mean_over == Some(group) {
                scores.push(mean(group, &of));
            }
            scores.extend(of);
        }
        Self { rule: rule.into(), groups: scores }
    }
}

impl Tally {
    fn add(&mut self, verdict: Verdict, control: bool) {
        if control {
            self.blind += u64::from(verdict != Verdict::NotCounted);
            self.blind_right += u64::from(verdict.is_right());
            return;
        }
        match verdict {
            Verdict::NotCounted => self.not_counted += 1,
            _ if verdict.is_right() => self.right += 1,
            _ => self.wrong += 1,
        }
        self.unanswered += u64::from(matches!(verdict, Verdict::Unanswered | Verdict::Drawn));
    }

    fn score(&self, group: &str, of: &str) -> GroupScore {
        let n = self.right + self.wrong;
        let interval = wilson(self.right, n);
        GroupScore {
            group: group.into(),
            of: of.into(),
            n,
            right: self.right,
            score: share(self.right, n),
            interval: Some((interval.low, interval.high)),
            unanswered: self.unanswered,
            not_counted: self.not_counted,
            blind: (self.blind > 0).then(|| share(self.blind_right, self.blind)),
        }
    }
}

fn share(right: u64, n: u64) -> f64 {
    right as f64 / n.max(1) as f64
}

/// The mean of the groups' shares.
fn mean(group: &str, groups: &[GroupScore]) -> GroupScore {
    let counted: Vec<&GroupScore> = groups.iter().filter(|group| group.n > 0).collect();
    let sum = |of: fn(&GroupScore) -> u64| counted.iter().map(|group| of(group)).sum();
    GroupScore {
        group: format!("mean over {group}"),
        of: String::new(),
        n: counted.len() as u64,
        right: sum(|group| group.right),
        score: counted.iter().map(|group| group.score).sum::<f64>() / counted.len().max(1) as f64,
        interval: None,
        unanswered: sum(|group| group.unanswered),
        not_counted: groups.iter().map(|group| group.not_counted).sum(),
        blind: None,
    }
}

impl CaptionScores {
    fn new(items: &[ScoredItem], whole: &[Item]) -> Self {
        let references = |item: &Item| item.answers.iter().map(|caption| tokens(caption)).collect::<Vec<Tokens>>();
        let all: Vec<Vec<Tokens>> = whole.iter().map(references).collect();
        let frequency = DocumentFrequency::new(all.iter().map(Vec::as_slice));
        let captions = |item: &ScoredItem| {
            let candidate = tokens(item.text.as_deref()?);
            let references = references(&item.asked.item);
            (!references.is_empty()).then_some(Captions { candidate, references })
        };
        let set: Vec<Captions> = items.iter().filter_map(captions).collect();
        let mean = |score: &dyn Fn(&Captions) -> f64| set.iter().map(score).sum::<f64>() / set.len().max(1) as f64;
        Self {
            n: set.len(),
            documents: frequency.clips(),
            cider_d: mean(&|one| cider_d(&one.candidate, &one.references, &frequency)),
            bleu: bleu(&set),
            rouge_l: mean(&|one| rouge_l(&one.candidate, &one.references)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prediction;

    /// Two questions about each of two sounds, the second a control: what the question gives away is counted apart.
    #[test]
    fn controls_are_counted_apart() {
        let mut predictions = Predictions::default();
        let asked = |id: &str, control: bool, text: Option<&str>, predictions: &mut Predictions| {
            let text = text.map(str::to_owned);
            predictions.add(id, Prediction { text, error: Some("broken".into()), ..Prediction::default() });
            let answers = vec!["a dog".to_owned()];
            let item = Item { id: id.into(), control, answers, ..Item::default() }.grouped("set", "new");
            Asked { item, prompt: "What is it?".into() }
        };
        let all = [
            asked("1", false, Some("a dog"), &mut predictions),
            asked("2", false, Some("a cat"), &mut predictions),
            asked("3", true, Some("a dog"), &mut predictions),
            asked("4", true, Some("a cow"), &mut predictions),
            asked("5", true, Some("a dog"), &mut predictions),
            asked("6", false, None, &mut predictions),
        ];
        let scores = Scores::new(Benchmark::named("demo").unwrap(), &all, &predictions, &[]);
        let groups = &scores.figures[0].groups;
        assert_eq!(groups.iter().map(|group| group.group.as_str()).collect::<Vec<_>>(), ["all", "set"]);
        for group in groups {
            assert_eq!((group.n, group.right, group.score, group.blind), (2, 1, 0.5, Some(2.0 / 3.0)));
        }
        assert!(scores.items[5].verdicts.is_empty(), "what has no answer is in no figure");
    }
}
