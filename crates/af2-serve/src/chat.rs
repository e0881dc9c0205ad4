//! `POST /v1/chat/completions`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request as HttpRequest, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::answer::{Answer, Failure};
use crate::app::App;
use crate::body::{self, MOST_BYTES};
use crate::completion::{Head, Wanted};
use crate::error::ApiError;
use crate::events;
use crate::job::{Event, Job};
use crate::request::{Clip, Question, Request};

/// Answers a request, or says why not.
pub(crate) async fn completions(State(app): State<Arc<App>>, request: HttpRequest) -> Response {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let admitted = check_type(&parts)
        .and_then(|()| app.queue.place().ok_or_else(|| ApiError::busy(app.queue.size(), app.metrics.patience())));
    let place = match admitted {
        Ok(place) => place,
        Err(refusal) => {
            body::drain(&parts, body).await;
            return refusal.into_response();
        }
    };
    let answered = async {
        let bytes = body::read(&parts, body, app.pace.body).await?;
        let (asked, clip) = prepare(&app, bytes).await?;
        let wanted = Wanted { logprobs: asked.question.decoding.logprobs.is_some(), usage: asked.include_usage };
        let stream = asked.question.stream;
        let (job, events) = Job::new(asked.question, clip, place);
        app.queue.push(job);
        let answered = Answered { app: app.clone(), notices: asked.notices, wanted, start };
        if stream { answered.stream(events).await } else { answered.whole(events).await }
    };
    answered.await.unwrap_or_else(IntoResponse::into_response)
}

/// Pages of other origins may send any text as a form, but JSON only with leave.
fn check_type(parts: &Parts) -> Result<(), ApiError> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "the request is no JSON by its header; send Content-Type: application/json";
    Err(ApiError::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// Reads the request and decodes its audio, on a thread that may block.
async fn prepare(app: &Arc<App>, bytes: Vec<u8>) -> Result<(Asked, Clip), ApiError> {
    let app = app.clone();
    let work = move || {
        let Request { question, audio, include_usage, notices } = Request::parse(&bytes)?;
        drop(bytes); // the audio is in `audio` too
        let clip = audio.load(&app.audio, MOST_BYTES)?;
        Ok((Asked { question, include_usage, notices }, clip))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ApiError::internal("internal error: the request could not be read")))
}

/// A request without its audio.
struct Asked {
    question: Question,
    include_usage: bool,
    notices: Vec<String>,
}

type Events = UnboundedReceiver<Event>;

/// A request whose job is in the queue.
struct Answered {
    app: Arc<App>,
    notices: Vec<String>,
    wanted: Wanted,
    start: Instant,
}

impl Answered {
    fn head(&self) -> Head {
        Head::new(&self.app.model, self.app.answers.fetch_add(1, Ordering::Relaxed))
    }

    fn failed(&self, failure: Option<Failure>) -> ApiError {
        let failure = failure.unwrap_or_else(|| Failure::Internal("the answer was lost; ask again".into()));
        if matches!(failure, Failure::DeviceLost(_)) {
            self.app.metrics.lost.store(true, Ordering::Relaxed);
        }
        failure.into()
    }

    /// One object. Whoever leaves drops the receiver, which ends the answer.
    async fn whole(self, mut events: Events) -> Result<Response, ApiError> {
        let mut answer = loop {
            match events.recv().await {
                Some(Event::Text(_)) => {}
                Some(Event::Done(answer)) => break answer,
                Some(Event::Failed(failure)) => return Err(self.failed(Some(failure))),
                None => return Err(self.failed(None)),
            }
        };
        self.app.metrics.answer(self.start.elapsed(), answer.prompt_tokens, answer.tokens.len());
        answer.notices.splice(0..0, self.notices.iter().cloned());
        Ok(Json(self.head().completion(&answer, self.wanted)).into_response())
    }

    /// Events, once the first is there: what fails before has a status.
    async fn stream(self, mut events: Events) -> Result<Response, ApiError> {
        let first = match events.recv().await {
            Some(Event::Failed(failure)) => return Err(self.failed(Some(failure))),
            None => return Err(self.failed(None)),
            Some(first) => first,
        };
        let (head, wanted) = (self.head(), self.wanted);
        let finished = move |answer: &mut Answer| {
            answer.notices.splice(0..0, self.notices.iter().cloned());
            self.app.metrics.answer(self.start.elapsed(), answer.prompt_tokens, answer.tokens.len());
        };
        Ok(events::response(first, events, head, wanted, finished))
    }
}
