//! How subtitle makers write sounds: a noun phrase instead of a sentence.
//!
//! The rules, in this order. Models answer in sentences ("A dog is barking.", "It is a cow", "The sound of a dog barking."), subtitles say
//! `[dog barking]`, in lower case but for proper nouns (Netflix Timed Text Style Guide, English, "SDH"; DCMP Captioning Key, "Sound
//! Effects and Music").
//!
//! 1. White space and line breaks become single spaces; quotes around the answer and full stops at its end go.
//! 2. The first letter becomes small, unless the second is a capital: "TV" and names at other places stay as they are.
//! 3. Openings that say only that something is heard go: [`OPENINGS`], then a leading article; both again while there is one.
//! 4. In lists ("a cow, then a duck") every part loses its article, and a part that repeats the one before it is said once.
//! 5. "is" and "are" before a participle go: "dog is barking" is `dog barking`.
//! 6. Square brackets become round ones: those of the subtitle are put around the whole.
//!
//! A rule that would leave nothing is not applied.

/// Openings of a description that carry nothing, longest first where one begins another.
const OPENINGS: [&str; 27] = [
    "in this audio, ",
    "this is ",
    "it is ",
    "it's ",
    "there is ",
    "there are ",
    "there's ",
    "i can hear ",
    "i hear ",
    "we can hear ",
    "we hear ",
    "you can hear ",
    "you hear ",
    "the audio contains ",
    "the audio features ",
    "the audio is ",
    "the recording contains ",
    "the recording features ",
    "the recording is ",
    "the clip contains ",
    "the sound is ",
    "the sounds of ",
    "the sound of ",
    "sounds of ",
    "sound of ",
    "a recording of ",
    "a sound of ",
];

const ARTICLES: [&str; 3] = ["a ", "an ", "the "];

/// Between the sounds of a list.
const THEN: &str = ", then ";

/// A sound that an answer names.
pub(super) struct Sound {
    /// With its article, as a question names it: `a dog barking`.
    pub phrase: String,
    /// As a caption names it: `dog barking`.
    pub caption: String,
}

/// The text of a caption for an answer of the model; empty if the answer is.
pub fn caption_text(answer: &str) -> String {
    join(sounds(answer).into_iter().map(|sound| sound.caption))
}

/// One caption of several sounds.
pub(super) fn join(sounds: impl Iterator<Item = String>) -> String {
    sounds.collect::<Vec<_>>().join(THEN)
}

/// The sounds that an answer names, in order.
pub(super) fn sounds(answer: &str) -> Vec<Sound> {
    let words: Vec<&str> = answer.split_whitespace().collect();
    let text = words.join(" ").replace('[', "(").replace(']', ")");
    let text = text.trim_matches(['"', '\'', '“', '”']).trim_end_matches(['.', '。', ' ']);
    let mut sounds: Vec<Sound> = Vec::new();
    for part in text.split(THEN).map(str::trim).filter(|part| !part.is_empty()) {
        let small = lower_first(part);
        let phrase = without_auxiliary(stripped(&small, &[&OPENINGS[..]]));
        let caption = stripped(&phrase, &[&OPENINGS[..], &ARTICLES[..]]).to_owned();
        if sounds.last().is_none_or(|last| last.caption != caption) {
            sounds.push(Sound { phrase, caption });
        }
    }
    sounds
}

/// The text without any of these openings.
fn stripped<'a>(mut text: &'a str, openings: &[&[&str]]) -> &'a str {
    while let Some(rest) = openings.iter().copied().flatten().find_map(|opening| without(text, opening)) {
        text = rest;
    }
    text
}

/// The text after `opening`, whatever its case; none if it does not begin so or nothing would be left.
fn without<'a>(text: &'a str, opening: &str) -> Option<&'a str> {
    let head = text.get(..opening.len())?;
    let rest = text[opening.len()..].trim_start();
    (head.eq_ignore_ascii_case(opening) && !rest.is_empty()).then_some(rest)
}

/// "dog is barking" → "dog barking".
fn without_auxiliary(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let dropped = |at: usize| {
        let participle =
            words.get(at + 1).is_some_and(|next| next.len() > 4 && next.trim_end_matches(',').ends_with("ing"));
        at > 0 && ["is", "are"].contains(&words[at]) && participle
    };
    let left: Vec<&str> = (0..words.len()).filter(|at| !dropped(*at)).map(|at| words[at]).collect();
    left.join(" ")
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), text.chars().nth(1)) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_become_noun_phrases() {
        for (answer, expected) in [
            // As the released models answer.
            ("A dog is barking.", "dog barking"),
            ("A dog barks while birds chirp in the background.", "dog barks while birds chirp in the background"),
            ("The sound of a dog barking.", "dog barking"),
            ("There is a person speaking, and music is playing", "person speaking, and music playing"),
            ("The audio contains the sound of rain.", "rain"),
            ("In this audio, the English choir\nis singing", "English choir singing"),
            ("\"TV static\"", "TV static"),
            ("A TV is on.", "TV is on"),
            // As the demo model answers.
            ("it is a cow", "cow"),
            ("it is an animal sound", "animal sound"),
            ("it is speech", "speech"),
            ("speech, then a piano, then a horse", "speech, then piano, then horse"),
            ("a cow, then a cow, then a duck", "cow, then duck"),
            ("rain", "rain"),
            // What must not disappear or break a format.
            ("A", "a"),
            ("the", "the"),
            ("It is the sound of", "sound of"),
            ("[music] -->", "(music) -->"),
            (" . ", ""),
            ("", ""),
            ("ÉCOUTE", "ÉCOUTE"),
            ("Écoute", "écoute"),
        ] {
            assert_eq!(caption_text(answer), expected, "{answer}");
        }
    }
}
