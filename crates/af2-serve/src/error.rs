//! Refusals and failures as OpenAI's clients expect them: `{"error": {"message", "type", "param", "code"}}` and the right status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::Failure;

/// The request's own fault.
const INVALID: &str = "invalid_request_error";

/// An error with its status.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ApiError {
    #[serde(skip)]
    pub status: StatusCode,
    pub message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// The parameter at fault.
    pub param: Option<String>,
    code: Option<&'static str>,
    /// Seconds after which the same request may be served.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), kind, param: None, code, retry_after: None }
    }

    /// 400: a parameter that cannot be served. The message names it.
    pub fn parameter(param: impl Into<String>, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, INVALID, None, message);
        Self { param: Some(param.into()), ..error }
    }

    /// Another fault of the request.
    pub fn request(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, INVALID, Some(code), message)
    }

    /// 429: all places are taken.
    pub fn busy(places: usize, retry_after: u64) -> Self {
        let message =
            format!("{places} requests are in the queue, and no more are taken; try again in {retry_after} s");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", Some("rate_limit_exceeded"), message);
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 500: a fault of this program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", None, message)
    }

    /// 503: not now.
    fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", Some(code), message);
        Self { retry_after: Some(5), ..error }
    }

    /// The body, which also stands in a stream that failed midway.
    pub fn body(&self) -> Value {
        json!({ "error": self })
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { param, message } => Self::parameter(param, message),
            Failure::DeviceLost(message) => {
                Self::unavailable("device_lost", format!("the GPU was lost ({message}); the next request tries again"))
            }
            Failure::Stopping => Self::unavailable("stopping", "the server is stopping; try again when it is back"),
            Failure::Internal(message) => Self::internal(message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status, json, self.body().to_string()).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
