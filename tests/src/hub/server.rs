//! The way of a request through one of the two origins.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::fault::Kind;
use super::log::{Counts, Origin};
use super::reply::{plain, rate_limited, refusal};
use super::shared::Shared;
use super::{api, control, cors, resolve, storage};

/// Most bytes of a control command.
const COMMAND: usize = 1 << 20;

/// The router of one origin.
pub(super) fn router(shared: Arc<Shared>, origin: Origin) -> Router {
    Router::new().fallback(serve).with_state((shared, origin))
}

async fn serve(State((shared, origin)): State<(Arc<Shared>, Origin)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if origin == Origin::Hub && parts.uri.path() == control::PATH {
        let bytes = to_bytes(body, COMMAND).await.unwrap_or_default();
        return control::answer(&shared, &bytes);
    }
    let counts = shared.log.begin(origin, &parts);
    let mut response = match origin {
        Origin::Hub => hub(&shared, &parts, &counts).await,
        Origin::Storage => storage::answer(&shared, &parts, &counts).await,
    };
    cors::add(&shared, origin, &parts, &mut response);
    counts.status.store(response.status().as_u16(), Ordering::Relaxed);
    response
}

async fn hub(shared: &Arc<Shared>, request: &Parts, counts: &Counts) -> Response {
    let path = request.uri.path();
    if request.method == Method::OPTIONS {
        return plain(StatusCode::NO_CONTENT, "");
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    let status = |kind: &Kind| if let Kind::Status { status } = kind { Some(*status) } else { None };
    if let Some(status) = shared.faults.take(path, status) {
        return plain(StatusCode::from_u16(status).expect("a status of a fault"), "Internal Error");
    }
    let limited = |kind: &Kind| if let Kind::RateLimited { seconds } = kind { Some(*seconds) } else { None };
    if let Some(seconds) = shared.faults.take(path, limited) {
        return rate_limited(seconds);
    }
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api", "models", org, name, "revision", revision] => {
            api::revision(shared, &format!("{org}/{name}"), revision, request)
        }
        ["api", "models", org, name, "tree", revision, ..] => {
            api::tree(shared, &format!("{org}/{name}"), revision, request).await
        }
        ["api", "resolve-cache", "models", org, name, commit, file @ ..]
        | [org, name, "resolve", commit, file @ ..] => {
            let asked = resolve::Asked { repository: format!("{org}/{name}"), revision: commit, path: file.join("/") };
            resolve::answer(shared, &asked, request, counts).await
        }
        _ => refusal(StatusCode::NOT_FOUND, "", "not found"),
    }
}
