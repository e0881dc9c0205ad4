//! The second origin: bytes for signed addresses.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use af2_core::weights::verify::ShardHasher;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::fault::Kind;
use super::file::File;
use super::log::Counts;
use super::reply::{plain, set};
use super::shared::Shared;
use super::{body, lock};

const REFUSED: &str =
    "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";

/// The address of a file here, valid for a while.
pub(super) fn sign(shared: &Shared, path: &str, file: &Arc<File>) -> String {
    lock(&shared.signed).insert(path.into(), file.clone());
    let expires = now_ms() + shared.lifetime_ms.load(Ordering::Relaxed);
    format!("{}{path}?Expires={expires}&Signature={}", shared.storage, signature(path, expires))
}

/// The bytes of a file. A preflight is refused, as by the hub's own storage: a page may ask for one range and no more.
pub(super) async fn answer(shared: &Arc<Shared>, request: &Parts, counts: &Counts) -> Response {
    let path = request.uri.path();
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return plain(StatusCode::FORBIDDEN, REFUSED);
    }
    let status = |kind: &Kind| if let Kind::StorageStatus { status } = kind { Some(*status) } else { None };
    if let Some(status) = shared.faults.take(path, status) {
        return plain(StatusCode::from_u16(status).expect("a status of a fault"), "");
    }
    if !is_signed(path, request.uri.query().unwrap_or_default()) || shared.faults.hits(path, &Kind::Expired) {
        return plain(StatusCode::FORBIDDEN, REFUSED);
    }
    let Some(file) = lock(&shared.signed).get(path).cloned() else { return plain(StatusCode::NOT_FOUND, "") };
    let mut response = body::file(shared, path, file.clone(), request, counts);
    set(&mut response, "etag", &format!("\"{}\"", &file.digest()[..32]));
    response
}

fn is_signed(path: &str, query: &str) -> bool {
    let given = query.strip_prefix("Expires=").and_then(|rest| rest.split_once("&Signature="));
    let Some((expires, given)) = given else { return false };
    expires.parse().is_ok_and(|expires| now_ms() < expires && given == signature(path, expires))
}

fn signature(path: &str, expires: u64) -> String {
    let mut hasher = ShardHasher::new();
    hasher.update(format!("secret {path} {expires}").as_bytes());
    hasher.finish().1[..32].to_owned()
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_millis() as u64)
}
