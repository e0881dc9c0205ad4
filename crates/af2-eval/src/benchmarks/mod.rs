//! The benchmarks, one file each: which files, which items, which rules.

mod air_bench;
mod audiocaps;
mod classification;
mod clotho;
mod clotho_aqa;
mod cmm;
mod cochlscene;
mod crema_d;
mod demo;
mod entailment;
mod esc50;
mod gtzan;
mod long_audio;
mod manifest;
mod medley_solos_db;
mod mmar;
mod mmau;
mod mmau_pro;
mod muchomusic;
mod music_instruct;
mod musiccaps;
mod nonspeech7k;
mod nsynth;
mod open_aqa;
mod ravdess;
mod reasoning;
mod urbansound8k;
mod vocalsound;

use crate::{DataDir, EvalError, Export, Item, Rule};

/// A benchmark.
#[derive(Debug)]
pub struct Benchmark {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, and of which version.
    pub title: &'static str,
    /// The files it wants in the data set's folder.
    pub files: &'static str,
    /// Templates that fit, the default first.
    pub templates: &'static [&'static str],
    /// The scoring rules, the official one first; none where a judge scores, or for captions.
    pub rules: &'static [Rule],
    /// The group whose mean is the benchmark's figure.
    pub mean_over: Option<&'static str>,
    /// Whether the answers are captions with references.
    pub captions: bool,
    /// What others score.
    pub export: Option<Export>,
    read: fn(&DataDir) -> Result<Vec<Item>, EvalError>,
}

/// What most benchmarks have in common.
const BASE: Benchmark = Benchmark {
    name: "",
    title: "",
    files: "",
    templates: &["plain"],
    rules: &[],
    mean_over: None,
    captions: false,
    export: None,
    read: |_| Ok(Vec::new()),
};

/// Multiple choice with letters: the wordings that fit.
const CHOICE: &[&str] = &["author", "readme", "mmar", "lmms", "cot", "af1", "plain"];
/// Classification: the wordings that fit.
const LABELS: &[&str] = &["af1", "builder", "author", "readme", "cot"];
/// Captions: the wordings that fit.
const CAPTIONS: &[&str] = &["readme", "af1", "builder"];

/// All benchmarks.
pub const ALL: [&Benchmark; 33] = [
    &mmau::TEST_MINI,
    &mmau::TEST,
    &mmau::V1_TEST_MINI,
    &mmau::V1_TEST,
    &mmar::BENCHMARK,
    &muchomusic::BENCHMARK,
    &air_bench::BENCHMARK,
    &reasoning::BENCHMARK,
    &clotho_aqa::BENCHMARK,
    &cmm::BENCHMARK,
    &entailment::CLOTHO,
    &entailment::AUDIOCAPS,
    &gtzan::BENCHMARK,
    &esc50::BENCHMARK,
    &cochlscene::BENCHMARK,
    &nonspeech7k::BENCHMARK,
    &vocalsound::BENCHMARK,
    &urbansound8k::BENCHMARK,
    &nsynth::BENCHMARK,
    &medley_solos_db::BENCHMARK,
    &crema_d::BENCHMARK,
    &ravdess::BENCHMARK,
    &audiocaps::BENCHMARK,
    &clotho::BENCHMARK,
    &musiccaps::BENCHMARK,
    &mmau_pro::BENCHMARK,
    &long_audio::BENCHMARK,
    &open_aqa::BENCHMARK,
    &music_instruct::BENCHMARK,
    &manifest::BENCHMARK,
    &manifest::CAPTIONS,
    &manifest::INFERENCE,
    &demo::BENCHMARK,
];

impl Benchmark {
    /// The benchmark of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<&'static Self, EvalError> {
        let found = ALL.into_iter().find(|benchmark| benchmark.name == name);
        found.ok_or_else(|| EvalError::NoBenchmark(name.into()))
    }

    /// Reads the items of a data set. Items about the same part of an audio file follow each other.
    ///
    /// # Errors
    /// A file is absent, or not what the benchmark has there; two items have the same id.
    pub fn items(&self, data: &DataDir) -> Result<Vec<Item>, EvalError> {
        let mut items = (self.read)(data)?;
        if items.is_empty() {
            return Err(EvalError::content(data.root(), format!("it holds no item of {}", self.title)));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = items.iter().find(|item| !seen.insert(&item.id)) {
            return Err(EvalError::content(data.root(), format!("two items have the id `{}`", twice.id)));
        }
        for item in items.iter_mut().filter(|item| item.topic.is_empty()) {
            item.topic = self.name.into();
        }
        let mut first = std::collections::HashMap::new();
        for (place, item) in items.iter().enumerate() {
            first.entry((item.audio.clone(), item.audio_start.to_bits())).or_insert(place);
        }
        items.sort_by_key(|item| first[&(item.audio.clone(), item.audio_start.to_bits())]);
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Template;

    #[test]
    fn every_benchmark_is_described_and_its_templates_exist() {
        for benchmark in ALL {
            let described = [benchmark.name, benchmark.title, benchmark.files].iter().all(|text| !text.is_empty());
            assert!(described && !benchmark.templates.is_empty(), "{}", benchmark.name);
            assert!(benchmark.templates.iter().all(|name| Template::named(name).is_ok()), "{}", benchmark.name);
            assert_eq!(Benchmark::named(benchmark.name).unwrap().title, benchmark.title);
            let scored = benchmark.captions || !benchmark.rules.is_empty() || benchmark.export.is_some();
            assert!(scored, "{} gives neither a figure nor a file", benchmark.name);
        }
    }
}
