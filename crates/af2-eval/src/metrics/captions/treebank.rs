//! Words of a caption by the conventions of the Penn Treebank, as far as captions meet them.
//!
//! Contractions and genitives are words of their own (`do n't`, `dog 's`), hyphens and slashes join (`high-pitched`, `and/or`), brackets have
//! names, numbers keep their commas and colons. Quotation marks, dashes and the marks between sentences are no words.
//!
//! The reference evaluation of COCO uses Stanford's tokenizer. Its tokens for the captions of the twin's fixture are the same. It knows more
//! abbreviations than these, and telephone numbers, fractions, mail addresses and emoticons, which captions of sounds hardly have.

/// Characters that stand alone wherever they occur, and their names.
const BRACKETS: [(char, &str); 6] =
    [('(', "-lrb-"), (')', "-rrb-"), ('[', "-lsb-"), (']', "-rsb-"), ('{', "-lcb-"), ('}', "-rcb-")];
/// Endings that are words of their own.
const ENDINGS: [&str; 6] = ["'s", "'m", "'d", "'re", "'ve", "'ll"];
/// Two words written as one.
const FUSED: [(&str, &str, &str); 6] = [
    ("cannot", "can", "not"),
    ("gonna", "gon", "na"),
    ("gotta", "got", "ta"),
    ("wanna", "wan", "na"),
    ("gimme", "gim", "me"),
    ("lemme", "lem", "me"),
];
/// Words whose apostrophe is no quotation mark.
const ELIDED: [&str; 4] = ["'em", "'til", "'cause", "'n'"];
/// Words that keep their full stop, beside single letters and those with a full stop inside.
const ABBREVIATIONS: [&str; 10] = ["mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "etc", "approx"];

/// The words in order, in lower case. Time is linear.
pub fn words(caption: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in separated(&caption.to_lowercase()).split_whitespace() {
        split(chunk, &mut words);
    }
    words
}

/// With spaces for marks and around symbols, except inside numbers, and plain apostrophes.
fn separated(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| characters.get(index)).copied().unwrap_or(' ');
    let mut spaced = String::with_capacity(text.len());
    for (index, character) in characters.iter().enumerate() {
        let (before, after) = (at(index.checked_sub(1)), at(Some(index + 1)));
        let inside = |kind: fn(char) -> bool| kind(before) && kind(after);
        match character {
            '’' | '‘' => spaced.push('\''),
            ',' | ':' if inside(|c| c.is_ascii_digit()) => spaced.push(*character),
            '-' if before == '-' || after == '-' => spaced.push(' '),
            '"' | '“' | '”' | '`' | ';' | '!' | '?' | '…' | '–' | '—' | ',' | ':' => spaced.push(' '),
            '%' | '$' | '#' => spaced.extend([' ', *character, ' ']),
            _ => match BRACKETS.iter().find(|(bracket, _)| bracket == character) {
                Some((_, name)) => spaced.extend([" ", name, " "]),
                None => spaced.push(*character),
            },
        }
    }
    spaced
}

/// Splits endings off, and takes away quotation marks and full stops.
fn split(chunk: &str, words: &mut Vec<String>) {
    if chunk.starts_with('-') && BRACKETS.iter().any(|(_, name)| *name == chunk) {
        return words.push(chunk.to_owned());
    }
    let bare = without_stop(chunk);
    let unquoted = if ELIDED.contains(&bare) || decade(bare) { bare } else { opened(bare) };
    let mut rest = if ELIDED.contains(&unquoted) { unquoted } else { without_stop(unquoted.trim_end_matches('\'')) };
    let first = words.len();
    while let Some(ending) = ENDINGS.iter().find(|ending| rest.ends_with(**ending)) {
        words.push((*ending).to_owned());
        rest = &rest[..rest.len() - ending.len()];
    }
    if let Some(stem) = rest.strip_suffix("n't").filter(|stem| !stem.is_empty()) {
        words.push("n't".to_owned());
        rest = stem;
    }
    match FUSED.iter().find(|(fused, ..)| *fused == rest) {
        Some((_, one, other)) => words.extend([(*other).to_owned(), (*one).to_owned()]),
        None if rest.is_empty() || rest == "-" => {}
        None => words.push(rest.to_owned()),
    }
    words[first..].reverse(); // endings were found from the end
}

/// Without a quotation mark before it; an ending that stands alone has none.
fn opened(word: &str) -> &str {
    if ENDINGS.contains(&word) { word } else { word.trim_start_matches('\'') }
}

/// `'80s`.
fn decade(word: &str) -> bool {
    matches!(word.as_bytes(), [b'\'', b'0'..=b'9', b'0', b's'])
}

/// Without the full stops that end a sentence.
fn without_stop(word: &str) -> &str {
    let bare = word.trim_end_matches('.');
    let letter = bare.chars().count() == 1 && bare.chars().all(char::is_alphabetic);
    let stays = word.len() == bare.len() + 1 && (letter || bare.contains('.') || ABBREVIATIONS.contains(&bare));
    if stays { word } else { bare }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn every_convention() {
        for (caption, expected) in [
            ("The dog's bowl; dogs' bowls", "the dog 's bowl dogs bowls"),
            ("It can't, cannot and won't. I'd've", "it ca n't can not and wo n't i 'd 've"),
            ("gonna o'clock rock 'n' roll 'em ma'am", "gon na o'clock rock 'n' roll 'em ma'am"),
            ("\"Stop!\" 'yes' “no” it’s '80s", "stop yes no it 's '80s"),
            ("(a) [b] {c}", "-lrb- a -rrb- -lsb- b -rsb- -lcb- c -rcb-"),
            ("a - b -- c---d – e...", "a b c d e"),
            ("3.5 1,000 10:30 -5 50% $5 and/or high-pitched", "3.5 1,000 10:30 -5 50 % $ 5 and/or high-pitched"),
            ("Mr. X. speaks etc., at 9 a.m. dog.cat. no", "mr. x. speaks etc. at 9 a.m. dog.cat. no"),
            ("  . . . ' '' - \u{3000}", ""),
        ] {
            assert_eq!(words(caption).join(" "), expected, "{caption}");
        }
    }

    #[test]
    fn any_text_is_read_in_linear_time() {
        for unit in ["'s", "n't", "-", ".", "(", "é'", "🎵,", "a.b"] {
            words(&unit.repeat(300_000));
        }
    }
}
