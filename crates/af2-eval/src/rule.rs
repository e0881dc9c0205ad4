//! When a prediction is right: the rules of the benchmarks, each under the name that reports give it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Item;
use crate::metrics::{air_bench, clotho_aqa, label, lmms, muchomusic, option_map, reasoning, string_match, yes_no};

/// The seed of [`Rule::LmmsLetter`]'s draws.
const SEED: u64 = 0;

/// A scoring rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// MMAU's word sets, as published.
    StringMatch,
    /// The same, after a leading letter was replaced by its option's text.
    StringMatchMapped,
    /// MuChoMusic's script.
    MuChoMusic,
    /// The option that the answer names by letter or text, or else the script's.
    MuChoMusicMapped,
    /// AIR-Bench's script: a letter, or not counted.
    AirBench,
    /// The option that the answer names; what names none is wrong.
    AirBenchMapped,
    /// The letter, or the text, between the conclusion tags.
    Conclusion,
    /// CMM's script: the first five characters.
    Cmm,
    /// The first word is the right one of yes and no.
    YesNo,
    /// The answer is the label.
    LabelExact,
    /// The answer contains the label and no other.
    LabelContained,
    /// Clotho-AQA: what the majority said for yes or no, else what anyone said.
    ClothoAqa,
    /// The answer is one of the references, but for case and a final full stop.
    AnyReference,
    /// lmms-eval's letters; a letter is drawn where none is found.
    LmmsLetter,
    /// lmms-eval's classes of VocalSound.
    LmmsVocalSound,
    /// The very text.
    Exact,
    /// The very text that PyTorch answered.
    SameAsReference,
}

/// What a rule says of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// It names no option; counted as wrong.
    Unanswered,
    /// It names no option, and the one drawn for it is right.
    Drawn,
    /// The rule leaves it out.
    NotCounted,
}

impl Verdict {
    fn of(right: bool) -> Self {
        if right { Self::Right } else { Self::Wrong }
    }

    /// Whether it counts as right.
    pub fn is_right(self) -> bool {
        matches!(self, Self::Right | Self::Drawn)
    }
}

impl Rule {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::StringMatch => "string match",
            Self::StringMatchMapped => "string match, mapped",
            Self::MuChoMusic => "script",
            Self::AirBench => "script, letters",
            Self::MuChoMusicMapped | Self::AirBenchMapped => "mapped",
            Self::Conclusion => "conclusion",
            Self::Cmm => "script, five characters",
            Self::YesNo => "first word",
            Self::LabelExact => "exact",
            Self::LabelContained => "contained",
            Self::ClothoAqa => "annotators",
            Self::AnyReference => "any reference",
            Self::LmmsLetter => "lmms-eval",
            Self::LmmsVocalSound => "lmms-eval",
            Self::Exact => "same text",
            Self::SameAsReference => "same as PyTorch",
        }
    }

    /// Judges the prediction `text` of the item at `place` of its data set.
    pub fn judge(self, item: &Item, text: &str, place: u64) -> Verdict {
        let options = &item.options;
        let answer = item.answers.first().map_or("", String::as_str);
        let named = |index: Option<usize>| match index {
            Some(index) => Verdict::of(Some(index) == item.answer_index()),
            None => Verdict::Unanswered,
        };
        match self {
            Self::StringMatch => Verdict::of(string_match::correct(text, answer, options)),
            Self::StringMatchMapped => {
                Verdict::of(string_match::correct(option_map::mapped_text(text, options), answer, options))
            }
            Self::MuChoMusic => named(muchomusic::choice(text, options)),
            Self::MuChoMusicMapped => {
                named(option_map::index(text, options).or_else(|| muchomusic::choice(text, options)))
            }
            Self::AirBenchMapped => named(option_map::index(text, options)),
            Self::AirBench => air_bench::correct(text, answer, options).map_or(Verdict::NotCounted, Verdict::of),
            Self::Conclusion => Verdict::of(reasoning::correct(text, answer)),
            Self::Cmm => Verdict::of(yes_no::cmm_correct(text, answer)),
            Self::YesNo => {
                yes_no::answer(text).map_or(Verdict::Unanswered, |_| Verdict::of(yes_no::correct(text, answer)))
            }
            Self::LabelExact => Verdict::of(label::exact(option_map::mapped_text(text, options), answer)),
            Self::LabelContained => {
                Verdict::of(label::contained(option_map::mapped_text(text, options), answer, options))
            }
            Self::ClothoAqa => Verdict::of(clotho_aqa::correct(text, &item.answers)),
            Self::AnyReference => Verdict::of(item.answers.iter().any(|answer| label::exact(text, answer))),
            Self::LmmsLetter => drawn(lmms::letter(text, SEED, place), answer, options),
            Self::LmmsVocalSound => match lmms::vocal_sound(text) {
                Some(class) => Verdict::of(label::exact(class, answer)),
                None => Verdict::Unanswered,
            },
            Self::Exact => Verdict::of(text == answer),
            Self::SameAsReference => match item.row.get("reference").and_then(Value::as_str) {
                Some(reference) => Verdict::of(text == reference),
                None => Verdict::NotCounted,
            },
        }
    }
}

fn drawn(letter: lmms::Letter, answer: &str, options: &[String]) -> Verdict {
    match (letter, lmms::correct(letter, answer, options)) {
        (lmms::Letter::Drawn(_), true) => Verdict::Drawn,
        (lmms::Letter::Drawn(_), false) => Verdict::Unanswered,
        (lmms::Letter::Found(_), right) => Verdict::of(right),
    }
}
