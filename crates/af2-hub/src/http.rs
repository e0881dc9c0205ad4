//! What the caller provides: GET requests with streamed bodies, and pauses.

use std::pin::Pin;
use std::time::Duration;

use thiserror::Error;

/// A future of this thread that borrows nothing. The futures of browsers cannot move to another thread.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The network, as the caller has it: sockets and threads on the desktop, `fetch` in a browser.
pub trait Http {
    /// Sends a GET request. It is sent at once and its body arrives in the background; the future only waits for the
    /// answer. So several requests are in flight although one thread awaits them. Dropping future or body ends the request.
    ///
    /// Any status is an answer. An implementation adds `Accept-Encoding: identity` where it can, and no other header that
    /// would make a browser ask first.
    fn get(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, HttpError>>;

    /// Whether redirects are followed without asking, as browsers do. Then [`Response::url`] is the last address.
    fn follows_redirects(&self) -> bool;

    /// Waits before the next attempt. `reason` is a message for people, as "the hub allows no more requests for now".
    fn pause(&self, duration: Duration, reason: &str) -> LocalBoxFuture<'static, ()>;
}

/// A GET request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Absolute address.
    pub url: String,
    /// Lower-case names and values: at most `authorization` and `range`.
    pub headers: Vec<(&'static str, String)>,
}

/// An answer whose body is still to come.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Address that answered; differs from the request's where redirects were followed.
    pub url: String,
    /// Headers with lower-case names; in browsers those that the server exposes.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Box<dyn Body>,
}

/// The rest of a body.
pub trait Body {
    /// The next bytes in order, of any length; `None` at the end. A body may end early without an error.
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, HttpError>>;
}

/// A request that got no answer, or not all of it: no route, a refused or lost connection, a browser's CORS rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct HttpError(pub String);

impl Response {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
