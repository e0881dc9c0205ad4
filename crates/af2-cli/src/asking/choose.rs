//! The options of a question, weighed on any engine.

use af2_core::answers::{Choice, MultipleChoice};
use af2_core::engine::AudioView;
use anyhow::Result;

use super::Asker;
use crate::model::Heard;

impl Asker<'_> {
    /// How likely each option is as the answer. A question that lists the options with letters is weighed with them.
    ///
    /// # Errors
    /// The options cannot be told apart, or the device failed.
    pub fn choose(&self, heard: &mut dyn Heard, question: &str, options: &[String]) -> Result<Choice> {
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        let multiple = MultipleChoice::new(tokenizer, tokens, question, options, false)?;
        let scores = heard.score(&multiple.requests(&AudioView::whole(heard.windows())), &mut |_, _| true)?;
        Ok(multiple.result(&scores)?)
    }
}
