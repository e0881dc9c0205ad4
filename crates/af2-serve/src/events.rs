//! An answer as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio_stream::wrappers::ReceiverStream;

use crate::answer::{Answer, Failure};
use crate::completion::{Head, Wanted};
use crate::error::ApiError;
use crate::job::Event;

/// Events that a client may be behind before the answer waits in its own channel.
const BEHIND: usize = 16;
/// Silence after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Out = Sender<Result<Sent, Infallible>>;

/// A response that sends `first`, then `rest`, as they come. `finished` is called with the whole answer, before its end is sent.
pub(crate) fn response(
    first: Event,
    rest: UnboundedReceiver<Event>,
    head: Head,
    wanted: Wanted,
    finished: impl Fn(&mut Answer) + Send + 'static,
) -> Response {
    let (sender, receiver): (Out, Receiver<_>) = channel(BEHIND);
    let stream = Stream { head, wanted, out: sender };
    tokio::spawn(stream.send_all(first, rest, finished));
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

struct Stream {
    head: Head,
    wanted: Wanted,
    out: Out,
}

impl Stream {
    /// Ends early when the client leaves, which the answering thread then sees.
    async fn send_all(self, first: Event, mut rest: UnboundedReceiver<Event>, finished: impl Fn(&mut Answer)) {
        if !self.send(&self.head.opening(self.wanted)).await {
            return;
        }
        let mut next = Some(first);
        loop {
            match next {
                Some(Event::Text(text)) => {
                    if !self.send(&self.head.text(&text, self.wanted)).await {
                        return;
                    }
                }
                Some(Event::Done(mut answer)) => {
                    finished(&mut answer);
                    return self.end(self.head.closing(&answer, self.wanted)).await;
                }
                Some(Event::Failed(failure)) => return self.end(vec![ApiError::from(failure).body()]).await,
                None => {
                    let lost = Failure::Internal("the answer was lost; ask again".into());
                    return self.end(vec![ApiError::from(lost).body()]).await;
                }
            }
            next = tokio::select! {
                event = rest.recv() => event,
                () = self.out.closed() => return,
            };
        }
    }

    async fn send(&self, value: &Value) -> bool {
        self.out.send(Ok(Sent::default().data(value.to_string()))).await.is_ok()
    }

    /// The last objects, then the mark that clients wait for.
    async fn end(&self, last: Vec<Value>) {
        for value in &last {
            if !self.send(value).await {
                return;
            }
        }
        let _ = self.out.send(Ok(Sent::default().data("[DONE]"))).await; // nobody may read any more
    }
}
