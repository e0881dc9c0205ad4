//! Tokens to text, written as it settles.

use std::io::{self, Write};

use af2_core::text::Tokenizer;
use af2_core::text::answer::{AnswerPiece, AnswerStream};
use anyhow::Result;

/// Turns ids to text and writes it as it settles.
pub(super) struct AnswerWriter {
    answer: AnswerStream,
    text: String,
    stream: bool,
    broken: Option<io::Error>,
}

impl AnswerWriter {
    pub(super) fn new(tokenizer: &Tokenizer, end_of_text: &str, stop: &[String], stream: bool) -> Result<Self> {
        let answer = AnswerStream::new(tokenizer, end_of_text, stop.to_vec())?;
        Ok(Self { answer, text: String::new(), stream, broken: None })
    }

    /// Takes a token; false when the answer should end.
    pub(super) fn push(&mut self, id: u32) -> bool {
        let pieces = self.answer.push(id);
        self.take(pieces)
    }

    fn take(&mut self, pieces: Vec<AnswerPiece>) -> bool {
        for piece in pieces {
            match piece {
                AnswerPiece::Text(text) => self.write(&text),
                AnswerPiece::Restart => {
                    self.text.clear();
                    self.write_out("\n");
                }
                AnswerPiece::Stop(_) => return false,
            }
        }
        self.broken.is_none()
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        self.write_out(text);
    }

    fn write_out(&mut self, text: &str) {
        if self.stream {
            let mut out = io::stdout().lock();
            self.broken = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
        }
    }

    pub(super) fn finish(mut self) -> Result<String> {
        let pieces = self.answer.finish();
        self.take(pieces);
        self.broken.map_or(Ok(self.text), |error| Err(error.into()))
    }
}
