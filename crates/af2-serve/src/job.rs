//! A request on its way to its answer, and the way back.

use std::cell::Cell;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::answer::{Answer, Failure};
use crate::request::{Clip, Question};

/// A question on its way to its answer.
pub struct Job {
    /// What is asked, and how it is answered.
    pub question: Question,
    /// What it is asked about.
    pub clip: Clip,
    /// Where the answer goes.
    pub reply: Reply,
}

/// One of the places that requests may take.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// The place of a permit.
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit }
    }
}

/// The way back to the client.
pub struct Reply {
    events: UnboundedSender<Event>,
    /// Given back when the request is over: before its client knows, who may send the next one at once, and although other jobs of the batch
    /// still run.
    place: Cell<Option<Place>>,
}

/// What a client is sent. As many as an answer has tokens, so the channel is bounded by that.
pub(crate) enum Event {
    /// More of the answer's text.
    Text(String),
    /// The whole answer, after all of its texts.
    Done(Answer),
    /// There is none.
    Failed(Failure),
}

impl Reply {
    /// Whether the client still waits for the answer.
    pub fn wanted(&self) -> bool {
        !self.events.is_closed()
    }

    /// Passes text on; false if the client has left.
    pub fn text(&self, text: impl Into<String>) -> bool {
        self.events.send(Event::Text(text.into())).is_ok()
    }

    /// Ends with an answer.
    pub fn done(&self, answer: Answer) {
        self.end(Event::Done(answer));
    }

    /// Ends without an answer.
    pub fn failed(&self, failure: Failure) {
        self.end(Event::Failed(failure));
    }

    fn end(&self, last: Event) {
        drop(self.place.take());
        let _ = self.events.send(last); // fails where the client has left
    }
}

impl Job {
    /// A job, and where its events arrive.
    pub(crate) fn new(question: Question, clip: Clip, place: Place) -> (Self, UnboundedReceiver<Event>) {
        let (sender, events) = unbounded_channel();
        (Self { question, clip, reply: Reply { events: sender, place: Cell::new(Some(place)) } }, events)
    }

    /// Whether both can be decoded together with the answers that each gets alone.
    pub fn goes_with(&self, other: &Self) -> bool {
        self.clip.digest == other.clip.digest
            && self.question.can_share()
            && other.question.can_share()
            && self.question.decoding == other.question.decoding
    }
}
