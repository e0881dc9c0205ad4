//! The answer in the model's output: what follows the last `<SEP>`, without control tokens.

use super::marker::{Found, MarkerScanner};
use super::{END_OF_CHUNK, PAD, SEPARATOR, TextError, TextStream, Tokenizer};

/// The answer in a decoded output (prompt included, specials kept).
///
/// `end_of_text` is the text of the token that stops generation. Nothing is stripped: a leading space stays, and so
/// do other special tokens.
pub fn clean_answer(decoded: &str, end_of_text: &str) -> String {
    let answer = decoded.rsplit(SEPARATOR).next().unwrap_or(decoded);
    [end_of_text, PAD, END_OF_CHUNK].iter().fold(answer.to_owned(), |text, token| text.replace(token, ""))
}

/// What an [`AnswerStream`] reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerDelta {
    /// More of the answer.
    Text(String),
    /// The model wrote `<SEP>`: the answer starts anew, what came before is not part of it.
    Restart,
    /// This stop string is complete; it and what follows are not part of the answer. Generation should end.
    Stop(String),
}

/// The answer delta after delta, as generated ids come.
///
/// The text deltas since the last restart concatenate to [`clean_answer`] of the whole output, cut before the stop
/// string that is complete first.
pub struct AnswerStream {
    text: TextStream,
    /// `<SEP>` first, then the tokens to leave out.
    controls: MarkerScanner,
    stop_strings: Vec<String>,
    stops: MarkerScanner,
    stopped: bool,
}

impl AnswerStream {
    /// A stream for the ids after a prompt.
    ///
    /// # Errors
    /// [`TextError::EmptyStop`] for an empty stop string.
    pub fn new(tokenizer: &Tokenizer, end_of_text: &str, stop_strings: Vec<String>) -> Result<Self, TextError> {
        let controls = [SEPARATOR, end_of_text, PAD, END_OF_CHUNK].map(str::to_owned).to_vec();
        Ok(Self {
            text: TextStream::new(tokenizer),
            controls: MarkerScanner::new(controls)?,
            stops: MarkerScanner::new(stop_strings.clone())?,
            stop_strings,
            stopped: false,
        })
    }

    /// What a generated id settles. After [`AnswerDelta::Stop`] nothing more comes.
    pub fn push(&mut self, id: u32) -> Vec<AnswerDelta> {
        let text = self.text.push(id).unwrap_or_default();
        self.controls.feed(&text);
        self.settled()
    }

    /// What is left when generation ends.
    pub fn finish(&mut self) -> Vec<AnswerDelta> {
        let text = self.text.finish().unwrap_or_default();
        self.controls.feed(&text);
        let mut deltas = self.settled();
        let rest = self.controls.finish();
        self.answer_text(&rest, &mut deltas);
        let rest = self.stops.finish();
        if !self.stopped && !rest.is_empty() {
            deltas.push(AnswerDelta::Text(rest));
        }
        deltas
    }

    /// Moves text through both scanners.
    fn settled(&mut self) -> Vec<AnswerDelta> {
        let mut deltas = Vec::new();
        while let Some(found) = self.controls.next_found() {
            match found {
                Found::Text(text) => self.answer_text(&text, &mut deltas),
                Found::Marker(0) => self.restart(&mut deltas),
                Found::Marker(_) => {}
            }
        }
        deltas
    }

    /// Text without control tokens, up to a stop string.
    fn answer_text(&mut self, text: &str, deltas: &mut Vec<AnswerDelta>) {
        self.stops.feed(text);
        while let Some(found) = self.stops.next_found().filter(|_| !self.stopped) {
            match found {
                Found::Text(text) => deltas.push(AnswerDelta::Text(text)),
                Found::Marker(stop) => {
                    self.stopped = true;
                    deltas.push(AnswerDelta::Stop(self.stop_strings[stop].clone()));
                }
            }
        }
    }

    fn restart(&mut self, deltas: &mut Vec<AnswerDelta>) {
        self.stops.finish();
        if !self.stopped {
            deltas.push(AnswerDelta::Restart);
        }
    }
}
