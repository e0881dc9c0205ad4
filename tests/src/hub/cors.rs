//! What pages of other origins may read.

use axum::http::request::Parts;
use axum::response::Response;

use super::fault::Kind;
use super::log::Origin;
use super::reply::set;
use super::shared::Shared;

/// Headers of the hub's answers that pages may read.
const EXPOSED: &str = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash";
/// Headers of the storage's answers that pages may read.
const STORAGE_EXPOSED: &str = "Accept-Ranges,Content-Range,ETag";

/// Adds the headers. The hub repeats the page's origin, and answers a preflight with what it was asked for. The storage
/// lets every origin read: after a redirect between origins, browsers call the page's origin `null`.
pub(super) fn add(shared: &Shared, origin: Origin, request: &Parts, response: &mut Response) {
    let asked = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match origin {
        Origin::Hub => {
            set(response, "access-control-allow-origin", asked("origin"));
            set(response, "access-control-allow-headers", asked("access-control-request-headers"));
            set(response, "access-control-expose-headers", EXPOSED);
            set(response, "vary", "Origin");
        }
        Origin::Storage if shared.faults.hits(request.uri.path(), &Kind::NoCors) => {}
        Origin::Storage => {
            set(response, "access-control-allow-origin", "*");
            set(response, "access-control-expose-headers", STORAGE_EXPOSED);
        }
    }
}
