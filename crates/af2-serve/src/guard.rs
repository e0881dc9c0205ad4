//! Who may ask: the host that was meant, and the key.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::body;
use crate::error::ApiError;

/// Refuses requests that were meant for another host. A page can point a name of its own at 127.0.0.1 and is then of the same origin as this
/// server (DNS rebinding), but its requests bear that name.
pub(crate) async fn host(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.loopback && !names_loopback(&request) {
        let (parts, body) = request.into_parts();
        body::drain(&parts, body).await;
        let message = "this server listens on this machine only; address it as localhost or 127.0.0.1";
        return ApiError::request(StatusCode::FORBIDDEN, "wrong_host", message).into_response();
    }
    next.run(request).await
}

fn names_loopback(request: &Request) -> bool {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = request.uri().authority().map(|authority| authority.as_str()).or(header) else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Asks for the key where there is one.
pub(crate) async fn key(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(key) = &app.api_key else { return next.run(request).await };
    if bearer(request.headers()).is_some_and(|given| bool::from(given.as_bytes().ct_eq(key.as_bytes()))) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    body::drain(&parts, body).await;
    let message = "the API key is missing or wrong; send it as Authorization: Bearer KEY";
    ApiError::request(StatusCode::UNAUTHORIZED, "invalid_api_key", message).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
