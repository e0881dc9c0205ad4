//! What a perfect model loses by the form of its answers, and that no text whatever breaks or stalls a rule.

use super::{
    air_bench,
    captions::{self, Captions, DocumentFrequency, bleu, cider_d, rouge_l},
    clotho_aqa, label, lmms, muchomusic, option_map, reasoning, string_match, yes_no,
};

/// Options, and which is right.
const ITEMS: [([&str; 4], usize); 8] = [
    (["Man speaking", "A dog", "Woman speaking", "Rain"], 0), // `(A)` is the article of the second
    (["Rain", "A cat", "A dog", "Wind"], 0),                  // the same
    (["Rain", "A cat", "Dog", "Wind"], 1),                    // the answer has the article itself
    (["Sad", "Happy", "The mood is tense", "Calm"], 1),       // "The … is" betrays the third
    (["Two", "Three", "Four", "Five"], 3),
    (["Man, dog", "Dog, man", "Cat", "Bird"], 0), // the first two have the same words
    (["Jazz", "Rock", "The blues", "Pop"], 2),
    (["C", "A", "D", "G"], 2), // `(C)` is the first option
];

/// How many of the items are right if the answer is said like this: raw, and mapped to an option first.
fn right(say: impl Fn(char, &str) -> String) -> (usize, usize) {
    let (mut raw, mut mapped) = (0, 0);
    for (options, place) in ITEMS {
        let prediction = say(char::from(b'A' + place as u8), options[place]);
        let score = |prediction: &str| usize::from(string_match::correct(prediction, options[place], &options));
        raw += score(&prediction);
        mapped += score(option_map::mapped_text(&prediction, &options));
    }
    (raw, mapped)
}

#[test]
fn the_form_of_a_perfect_answer_costs_points() {
    assert_eq!(right(|_, text| text.to_owned()), (8, 8));
    assert_eq!(right(|letter, text| format!("({letter}) {text}")), (5, 8));
    assert_eq!(right(|letter, text| format!("({letter}) {text}").to_lowercase()), (5, 8));
    assert_eq!(right(|letter, text| format!("{letter}. {text}")), (5, 8));
    // "The … is" is also in a wrong option of the fourth item. No letter: mapping changes nothing.
    assert_eq!(right(|_, text| format!("The answer is {text}")), (7, 7));
    // The letter of the last item is "C", which is its first option: a lone letter that is an option's text means that option.
    assert_eq!(right(|letter, _| letter.to_string()), (0, 7));
}

#[test]
fn items_that_no_answer_can_tell_apart_are_counted() {
    let ambiguous = ITEMS.iter().filter(|(options, place)| string_match::ambiguous(options[*place], options)).count();
    assert_eq!(ambiguous, 1);
    let (options, _) = ITEMS[5];
    assert!(string_match::correct("dog, man", options[0], &options), "wrong, and not noticed");
}

/// Texts that have broken parsers before: of every script, of nothing, long runs of what a rule looks ahead for.
fn hostile(length: usize) -> Vec<String> {
    let parts = [
        "a",
        "a.",
        "1a.",
        "a,1b.",
        "x'",
        "n't",
        "a@",
        "a@.",
        "<a ",
        "<conclusion>",
        "(b)",
        ". ",
        ".",
        "-",
        "1/",
        "1,",
        "\"",
        "'",
        "A&",
        "U.S. ",
        " ",
        "\n",
        "é",
        "犬",
        "🎵",
        "İ",
        "\u{0}",
        "\u{301}",
        "\u{ad}",
        "&amp;",
        ":-",
        "_",
        "http://",
        "The correct answer is:",
    ];
    parts.iter().map(|part| part.repeat(length / part.len())).collect()
}

fn score_everything(said: &str, options: &[String]) {
    let answer = &options[0];
    let _ = (string_match::correct(said, answer, options), string_match::ambiguous(answer, options));
    let _ = (option_map::index(said, options), option_map::mapped_text(said, options));
    let _ = (muchomusic::choice(said, options), air_bench::correct(said, answer, options));
    let _ = (reasoning::correct(said, answer), yes_no::correct(said, answer), yes_no::cmm_correct(said, answer));
    let _ = (label::exact(said, answer), label::contained(said, answer, options));
    let _ = (clotho_aqa::subset(options), clotho_aqa::correct(said, options));
    let _ = (lmms::correct(lmms::letter(said, 0, 0), answer, options), lmms::vocal_sound(said));
    let candidate = captions::tokens(said);
    assert!(candidate.iter().all(|token| !token.is_empty() && !token.contains([' ', '\n'])), "{candidate:?}");
    let references = [captions::tokens(answer), captions::tokens("a dog barks")];
    let frequency = DocumentFrequency::new([references.as_slice()]);
    let scores = [cider_d(&candidate, &references, &frequency), rouge_l(&candidate, &references)];
    let set = [Captions { candidate, references: references.to_vec() }];
    assert!(scores.into_iter().chain(bleu(&set)).all(|score| score.is_finite() && score >= 0.0), "{scores:?}");
}

#[test]
fn any_text_is_scored() {
    let texts = hostile(12);
    for said in &texts {
        for other in &texts {
            score_everything(&format!("{said}{other}"), &[other.clone(), said.clone(), String::new()]);
        }
    }
    score_everything("", &[String::new()]);
}

#[test]
fn a_megabyte_takes_linear_time() {
    // Quadratic time would be minutes.
    let said = hostile(1 << 15).concat();
    assert!(said.len() > 1_000_000);
    score_everything(&said, &["a dog".to_owned(), "cat".to_owned()]);
}
