//! Answers without a file: text, refusals, limits.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;

/// An answer of text.
pub(super) fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}

/// A refusal with the hub's code and message.
pub(super) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let mut response = plain(status, message);
    set(&mut response, "x-error-code", code);
    set(&mut response, "x-error-message", message);
    response
}

/// Sets a header; an empty value sets none.
pub(super) fn set(response: &mut Response, name: &'static str, value: &str) {
    if !value.is_empty() {
        response.headers_mut().insert(name, value.parse().expect("a header's value"));
    }
}

/// The hub has counted too many requests.
pub(super) fn rate_limited(seconds: u64) -> Response {
    let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "We had to rate limit you");
    set(&mut response, "retry-after", &seconds.to_string());
    set(&mut response, "ratelimit", &format!(r#""resolvers";r=0;t={seconds}"#));
    set(&mut response, "ratelimit-policy", r#""fixed window";"resolvers";q=3000;w=300"#);
    response
}
