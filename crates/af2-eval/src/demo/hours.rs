//! Captions and search on hours of audio with known events.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Event;
use super::events::{Claim, precision_and_recall, ranking};
use crate::data_dir::rows;
use crate::metrics::ranking::average_precision;
use crate::text_table::head;
use crate::{DataDir, EvalError};

/// Sounds that are searched for: the most frequent ones.
const PHRASES: usize = 12;

/// `M-minutes.json`: a file of audio and what sounds in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Hours {
    /// The audio file, beside the list.
    pub file: String,
    /// Its length.
    pub seconds: f64,
    /// What sounds in it, in order of time.
    pub events: Vec<Event>,
}

/// What is done with the audio; the name of a task stands with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoursTask {
    /// Captions of every window; with `edges` their times are refined by what the answers attend to.
    Captions {
        /// `--where`.
        edges: bool,
    },
    /// The places of a sound, best first.
    Search {
        /// Its noun.
        sound: String,
    },
}

/// What hours of audio give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoursFigure {
    /// Length of the audio.
    pub minutes: f64,
    /// Sounds in it.
    pub events: usize,
    /// Of captions.
    pub captions: Vec<CaptionMatch>,
    /// Of searches.
    pub searches: Vec<SearchFigure>,
    /// The mean of the searches' average precisions.
    pub mean_average_precision: f64,
}

/// How captions match events, by one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaptionMatch {
    /// How the captions were made.
    pub captions: String,
    /// What must match.
    pub rule: String,
    /// Sounds that the captions name.
    pub claims: usize,
    /// The share of these that an event justifies.
    pub precision: f64,
    /// The share of the events that a caption names.
    pub recall: f64,
}

/// How a search finds the events of a sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchFigure {
    /// The sound.
    pub sound: String,
    /// How often it occurs.
    pub events: usize,
    /// Average precision of the places.
    pub average_precision: f64,
    /// Whether the first place is right.
    pub first_right: bool,
    /// Events that are found among as many places as there are events.
    pub among: usize,
}

/// A place that was said: of a caption with its text.
#[derive(Deserialize)]
struct Said {
    start: f64,
    end: f64,
    #[serde(default)]
    text: String,
}

impl Hours {
    /// The list of `minutes` in a folder.
    ///
    /// # Errors
    /// There is none, or it names no event.
    pub fn read(data: &DataDir, minutes: u32) -> Result<Self, EvalError> {
        let name = format!("{minutes}-minutes.json");
        let hours: Self = data.json(&[&name])?;
        if hours.events.is_empty() {
            return Err(EvalError::content(&data.root().join(name), "it names no event"));
        }
        Ok(hours)
    }

    /// All that is done: captions in both ways, and a search for each of the most frequent sounds, of equal ones the first by name.
    pub fn tasks(&self) -> Vec<HoursTask> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.events.iter().for_each(|event| *counts.entry(&event.sound).or_default() += 1);
        let mut sounds: Vec<(&str, usize)> = counts.into_iter().collect();
        sounds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let search = |(sound, _): (&str, usize)| HoursTask::Search { sound: sound.into() };
        let captions = [false, true].map(|edges| HoursTask::Captions { edges });
        captions.into_iter().chain(sounds.into_iter().take(PHRASES).map(search)).collect()
    }

    /// Figures of the results in a file of JSON lines: `audio` is the list's file, `question` a task's name, `result` an array of places
    /// with `start`, `end` and, of captions, `text`. Of several about one task the last counts.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a result.
    pub fn figure(&self, results: &Path) -> Result<HoursFigure, EvalError> {
        let tasks: Vec<(String, HoursTask)> = self.tasks().into_iter().map(|task| (task.name(), task)).collect();
        let mut said: BTreeMap<String, Vec<Said>> = BTreeMap::new();
        for row in rows(results)?.iter().filter(|row| row.or_empty("audio") == self.file) {
            let question = row.or_empty("question");
            if let Some(result) = row.fields.get("result").filter(|_| tasks.iter().any(|(name, _)| *name == question)) {
                said.insert(question, Vec::deserialize(result).map_err(|error| row.wrong(error))?);
            }
        }
        let (mut captions, mut searches) = (Vec::new(), Vec::new());
        for (name, task) in tasks {
            let places =
                said.get(&name).ok_or_else(|| EvalError::content(results, format!("it has no result of {name}")))?;
            match task {
                HoursTask::Captions { .. } => captions.extend(self.captions(&name, places)),
                HoursTask::Search { sound } => searches.push(self.search(sound, places)),
            }
        }
        let sum: f64 = searches.iter().map(|search| search.average_precision).sum();
        let mean_average_precision = sum / searches.len().max(1) as f64;
        let minutes = self.seconds / 60.0;
        Ok(HoursFigure { minutes, events: self.events.len(), captions, searches, mean_average_precision })
    }

    fn captions(&self, name: &str, captions: &[Said]) -> [CaptionMatch; 3] {
        let claims: Vec<Claim> = captions.iter().flat_map(claims).collect();
        let rule = |rule: &str, fits: &dyn Fn(&Claim, &Event) -> bool| {
            let (precision, recall) = precision_and_recall(&claims, &self.events, fits);
            CaptionMatch { captions: name.into(), rule: rule.into(), claims: claims.len(), precision, recall }
        };
        [
            rule("the sound, ±1 s", &|claim, event| claim.overlaps(event, 1.0) && claim.sound == event.sound),
            rule("any sound, ±1 s", &|claim, event| claim.overlaps(event, 1.0)),
            rule("any sound, onset within 1 s", &|claim, event| (claim.start - event.start).abs() <= 1.0),
        ]
    }

    fn search(&self, sound: String, places: &[Said]) -> SearchFigure {
        let events: Vec<&Event> = self.events.iter().filter(|event| event.sound == sound).collect();
        let found = ranking(places.iter().map(|place| (place.start, place.end)), &events);
        SearchFigure {
            sound,
            events: events.len(),
            average_precision: average_precision(&found, events.len()),
            first_right: found.first() == Some(&true),
            among: found.iter().take(events.len()).filter(|hit| **hit).count(),
        }
    }
}

impl HoursTask {
    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Captions { edges: false } => "captions by window".into(),
            Self::Captions { edges: true } => "captions with --where".into(),
            Self::Search { sound } => format!("search: {}", with_article(sound)),
        }
    }
}

/// The noun as the demo model's questions have it: `a dog`, `rain`.
pub fn with_article(sound: &str) -> String {
    const BARE: [&str; 8] = ["rain", "thunder", "wind", "water", "fire", "speech", "laughing", "applause"];
    match sound.chars().next() {
        _ if BARE.contains(&sound) => sound.to_owned(),
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {sound}"),
        _ => format!("a {sound}"),
    }
}

/// Every sound that a caption names, over its whole interval: `[a dog, then rain]` names two.
fn claims(caption: &Said) -> Vec<Claim> {
    let named = caption.text.trim_matches(|c| "[] .".contains(c)).replace(", then ", ", ").replace(" and ", ", ");
    let bare = |name: &str| {
        let name = name.trim();
        name.strip_prefix("an ").or_else(|| name.strip_prefix("a ")).unwrap_or(name).to_owned()
    };
    named.split(", ").map(|name| Claim { sound: bare(name), start: caption.start, end: caption.end }).collect()
}

/// The table of captions, and that of searches.
pub(super) fn tables(figure: &HoursFigure) -> [Vec<Vec<String>>; 2] {
    let names = ["captions", "what must match", "named sounds", "precision", "recall"];
    let matched = |one: &CaptionMatch| {
        let [precision, recall] = [one.precision, one.recall].map(|share| format!("{share:.3}"));
        vec![one.captions.clone(), one.rule.clone(), one.claims.to_string(), precision, recall]
    };
    let captions = std::iter::once(head(&names)).chain(figure.captions.iter().map(matched)).collect();
    let names = ["search", "events", "average precision", "first place right", "right among as many as events"];
    let found = |one: &SearchFigure| {
        let (precision, first) = (format!("{:.3}", one.average_precision), if one.first_right { "yes" } else { "no" });
        vec![one.sound.clone(), one.events.to_string(), precision, first.into(), one.among.to_string()]
    };
    let first = figure.searches.iter().filter(|search| search.first_right).count();
    let sum = |of: fn(&SearchFigure) -> usize| figure.searches.iter().map(of).sum::<usize>().to_string();
    let mean = vec![
        "together".into(),
        sum(|search| search.events),
        format!("{:.3}", figure.mean_average_precision),
        format!("{first} of {}", figure.searches.len()),
        sum(|search| search.among),
    ];
    let searches = std::iter::once(head(&names)).chain(figure.searches.iter().map(found)).chain([mean]).collect();
    [captions, searches]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_claims_every_sound_it_names() {
        let caption = Said { start: 1.0, end: 2.0, text: "[a dog, then an electric guitar, then rain]".into() };
        let sounds: Vec<String> = claims(&caption).into_iter().map(|claim| claim.sound).collect();
        assert_eq!(sounds, ["dog", "electric guitar", "rain"]);
        assert_eq!((with_article("organ").as_str(), with_article("rain").as_str()), ("an organ", "rain"));
    }

    fn hours() -> Hours {
        let event = |sound: &str, start: f64| Event { sound: sound.into(), start, end: start + 5.0 };
        let events = vec![event("dog", 2.0), event("rain", 20.0), event("dog", 42.0)];
        Hours { file: "1-minutes.wav".into(), seconds: 60.0, events }
    }

    #[test]
    fn the_most_frequent_sounds_are_searched_for() {
        let names: Vec<String> = hours().tasks().iter().map(HoursTask::name).collect();
        assert_eq!(names, ["captions by window", "captions with --where", "search: a dog", "search: rain"]);
        let events = (0..40).map(|i| Event { sound: format!("s{:02}", i % 20), start: 0.0, end: 1.0 }).collect();
        let many = Hours { events, ..hours() }.tasks();
        assert_eq!((many.len(), many[13].name().as_str()), (14, "search: a s11"));
    }

    #[test]
    fn figures_of_results_in_a_file() {
        let folder = std::env::temp_dir().join(format!("af2-eval-hours-{}", std::process::id()));
        let line = |audio: &str, question: &str, result: &str| {
            format!("{{\"audio\":\"{audio}\",\"question\":\"{question}\",\"result\":{result}}}\n")
        };
        let own = |question: &str, result: &str| line("1-minutes.wav", question, result);
        let captions =
            "[{\"start\":0,\"end\":10,\"text\":\"a dog\"},{\"start\":18.5,\"end\":30,\"text\":\"a cat, then rain\"}]";
        let lines = [
            own("captions by window", "[]"),
            own("captions by window", captions), // the last counts
            line("9-minutes.wav", "captions by window", "[]"),
            own("captions with --where", "[]"),
            own("peak memory of captions", "{\"minutes\":1}"), // no task of this list
            own("search: a dog", "[{\"start\":40,\"end\":50},{\"start\":50,\"end\":60},{\"start\":0,\"end\":10}]"),
        ];
        std::fs::write(&folder, lines.concat()).unwrap();
        let missing = hours().figure(&folder).unwrap_err().to_string();
        assert!(missing.contains("no result of search: rain"), "{missing}");
        std::fs::write(&folder, lines.concat() + &own("search: rain", "[{\"start\":0,\"end\":10}]")).unwrap();
        let figure = hours().figure(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let matches: Vec<_> = figure.captions.iter().map(|one| (one.claims, one.precision, one.recall)).collect();
        let (first, second) = (matches[..3].to_vec(), matches[3..].to_vec());
        assert_eq!(first, [(3, 2.0 / 3.0, 2.0 / 3.0), (3, 1.0, 2.0 / 3.0), (3, 0.0, 0.0)]);
        assert_eq!(second, [(0, 0.0, 0.0); 3]);
        let dog = &figure.searches[0];
        assert_eq!((dog.events, dog.first_right, dog.among), (2, true, 1));
        assert!((dog.average_precision - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-9);
        assert!((figure.mean_average_precision - dog.average_precision / 2.0).abs() < 1e-9);
    }
}
