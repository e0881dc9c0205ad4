//! Figures of answers whose figures are known by hand.

use super::*;
use crate::{Measured, Place, Prediction, Predictions, Weighed, WeighedOption};

fn question(kind: &str, text: &str, answer: &str, about: Option<&str>) -> Question {
    Question {
        kind: kind.into(),
        question: text.into(),
        answer: answer.into(),
        truth: None,
        reference: None,
        about: about.map(str::to_owned),
    }
}

/// Two recordings of 10 s, in a set each, with a dog from 2 to 4 s; the second has rain beside it.
fn recordings() -> Vec<Recording> {
    let event = |sound: &str, start: f64| Event { sound: sound.into(), start, end: start + 2.0 };
    let letters = "which? (a) rain (b) a dog (c) a cow (d) a bell";
    let recording = |set: &str, events: Vec<Event>| Recording {
        file: format!("{set}.wav"),
        set: set.into(),
        kind: "single".into(),
        seconds: 10.0,
        events,
        questions: vec![
            question("yes or no", "is there a dog?", "yes", Some("dog")),
            question("multiple choice", letters, "(B) a dog", Some("dog")),
            question("count", "how many?", "one", None),
        ],
    };
    vec![recording("old", vec![event("dog", 2.0)]), recording("new", vec![event("dog", 2.0), event("rain", 7.0)])]
}

fn weighed(best: usize, probabilities: &[(f64, f64)]) -> Option<Weighed> {
    let option = |&(probability, raw_probability): &(f64, f64)| WeighedOption { probability, raw_probability };
    Some(Weighed { best, options: probabilities.iter().map(option).collect() })
}

/// Places whose peaks are at these steps of half a second.
fn peaks(effect: usize, attention: usize) -> Vec<Place> {
    let place = |method: &str, at: usize| {
        let curve = (0..20).map(|step| f64::from(u8::from(step == at))).collect();
        Place { method: method.into(), seconds_per_step: 0.5, curve }
    };
    vec![place("effect", effect), place("attention", attention)]
}

fn add(predictions: &mut Predictions, id: &str, text: &str, measured: Measured) {
    let prediction = Prediction { text: Some(text.into()), measured: Some(measured), ..Prediction::default() };
    predictions.add(id, prediction);
}

/// The first recording's answers are right, at 0.8 and 0.64; of the second, "no" is wrong, and the third is missing.
fn predictions() -> Predictions {
    let mut all = Predictions::default();
    let of = |confidence: f64, choice, places| Measured { confidence, ids: vec![1, 2], choice, places };
    add(&mut all, "old.wav#0", "yes", of(0.81, weighed(0, &[(0.9, 0.4), (0.1, 0.6)]), peaks(4, 19)));
    let options = weighed(1, &[(0.1, 0.1), (0.7, 0.6), (0.1, 0.2), (0.1, 0.1)]);
    add(&mut all, "old.wav#1", "(B) a dog", of(0.64, options, peaks(7, 7)));
    add(&mut all, "new.wav#0", "no", of(0.49, weighed(1, &[(0.25, 0.5), (0.75, 0.5)]), Vec::new()));
    add(&mut all, "new.wav#1", "(B) a dog", of(1.0, None, peaks(0, 5)));
    add(&mut all, "new.wav#2", "two", of(0.04, None, Vec::new()));
    all
}

#[test]
fn greedy_answers_beside_both_probabilities() {
    let figures = choices(&recordings(), &predictions());
    let line = |figure: &ChoiceFigure| {
        let kind = format!("{}/{}/{}", figure.set, figure.question, figure.method);
        (kind, figure.share.right, figure.share.n)
    };
    let lines: Vec<_> = figures.iter().map(line).collect();
    let wanted = [
        ("old/multiple choice/greedy answer", 1, 1),
        ("old/multiple choice/choose, raw", 1, 1),
        ("old/multiple choice/choose, calibrated", 1, 1),
        ("old/yes or no/greedy answer", 1, 1),
        ("old/yes or no/choose, raw", 0, 1),
        ("old/yes or no/choose, calibrated", 1, 1),
        ("new/yes or no/greedy answer", 0, 1),
        ("new/yes or no/choose, raw", 0, 1),
        ("new/yes or no/choose, calibrated", 0, 1),
    ];
    assert_eq!(lines, wanted.map(|(kind, right, n)| (kind.to_owned(), right, n)));
    assert_eq!((figures[0].mean_probability, figures[4].mean_probability), (None, Some(0.6)));
    assert!((figures[4].calibration_error.unwrap() - 0.6).abs() < 1e-9, "wrong at 0.6");
    assert!((figures[5].calibration_error.unwrap() - 0.1).abs() < 1e-9, "right at 0.9");
}

#[test]
fn confidence_of_answers_and_per_token() {
    let figures = confidence(&recordings(), &predictions());
    let [old, new] = &figures[..] else { panic!("{figures:?}") };
    assert_eq!((old.set.as_str(), old.share.right, old.share.n), ("old", 2, 2));
    assert_eq!((new.set.as_str(), new.share.right, new.share.n), ("new", 1, 3));
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(old.values[0].mean, 0.725) && close(old.values[1].mean, 0.85), "{old:?}");
    assert_eq!((old.values[0].right_above_wrong, new.values[0].right_above_wrong), (None, Some(1.0)));
    assert!(close(new.values[0].calibration_error, (0.49 + 0.04) / 3.0), "{new:?}");
    let counts: Vec<u64> = new.bins.iter().map(|bin| bin.share.n).collect();
    assert_eq!(counts, [1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
}

#[test]
fn peaks_in_the_interval_of_the_sound() {
    let figures = places(&recordings(), &predictions());
    let line = |figure: &PlaceFigure| {
        let kind = format!("{}/{}", figure.set, figure.question);
        (kind, figure.effect.right, figure.attention.right, figure.effect.n)
    };
    let lines: Vec<_> = figures.iter().map(line).collect();
    let wanted = [
        ("old/all", 2, 1, 2),
        ("old/multiple choice", 1, 1, 1),
        ("old/yes or no", 1, 0, 1),
        ("new/all", 0, 1, 1),
        ("new/all, beside other sounds", 0, 1, 1),
        ("new/multiple choice", 0, 1, 1),
        ("all sets/all", 2, 2, 3),
        ("all sets/all, beside other sounds", 0, 1, 1),
        ("all sets/multiple choice", 1, 2, 2),
        ("all sets/yes or no", 1, 0, 1),
    ];
    assert_eq!(lines, wanted.map(|(kind, effect, attention, n)| (kind.to_owned(), effect, attention, n)));
    assert!(figures.iter().all(|figure| (figure.random - 0.2).abs() < 1e-9));
}

#[test]
fn the_report_has_a_table_for_each_part_and_returns_from_json() {
    let (recordings, predictions) = (recordings(), predictions());
    let report = DemoReport {
        choices: choices(&recordings, &predictions),
        confidence: confidence(&recordings, &predictions),
        places: places(&recordings, &predictions),
        hours: None,
        memory: vec![MemoryFigure { minutes: 10, peak_bytes: 55_700_000 }],
    };
    let text = report.to_string();
    for line in [
        "| old | yes or no       | choose, raw        | 1 | 0.000 | 0.00–0.79 | 0.600            | 0.600             |",
        "| old | confidence               | 2 | 1.000 | 0.725 | 0.275             | -                 |",
        "| new | 0.9–1.0    | 1 | 1.000 | 0.21–1.00 | 1.000           |",
        "| all sets | all                      | 3 | 0.667  | 0.21–0.94 | 0.667     | 0.21–0.94 | 0.200        |",
        "| 10 minutes | 55.7 MB                 |",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(DemoReport::default().is_empty() && DemoReport::default().to_string().is_empty());
    let json = serde_json::to_string(&report).unwrap();
    let returned: DemoReport = serde_json::from_str(&json).unwrap();
    assert_eq!(returned.to_string(), text); // the last bit of a number may change
}
