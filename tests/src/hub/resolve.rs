//! Files by repository, revision and path.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::fault::Kind;
use super::file::{File, Files};
use super::log::Counts;
use super::reply::{plain, refusal, set};
use super::shared::Shared;
use super::{api, body, lock, storage};

/// What a request asks for.
pub(super) struct Asked<'a> {
    pub repository: String,
    /// `main` or a commit.
    pub revision: &'a str,
    pub path: String,
}

/// The file itself, or the way to it.
pub(super) async fn answer(shared: &Arc<Shared>, asked: &Asked<'_>, request: &Parts, counts: &Counts) -> Response {
    move_main(shared, asked);
    let (commit, file) = match find(shared, asked, request) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let other = shared.faults.hits(&asked.path, &Kind::OtherCommit);
    let mut response = match file.is_large(&asked.path) {
        true if !shared.faults.hits(&asked.path, &Kind::Pointer) => redirect(shared, asked, &commit, &file).await,
        true => pointer(&file, request, counts),
        false => small(shared, asked, &commit, file, request, counts).await,
    };
    set(&mut response, "x-repo-commit", if other { "0123456789abcdef0123456789abcdef01234567" } else { &commit });
    response
}

fn move_main(shared: &Shared, asked: &Asked<'_>) {
    let moved = |kind: &Kind| if let Kind::MoveMain { forget } = kind { Some(*forget) } else { None };
    let Some(forget) = shared.faults.take(&asked.path, moved) else { return };
    if let Some(repository) = lock(&shared.repositories).get_mut(&asked.repository) {
        repository.touch(&asked.repository);
        if forget {
            repository.forget();
        }
    }
}

fn find(shared: &Shared, asked: &Asked<'_>, request: &Parts) -> Result<(String, Arc<File>), Box<Response>> {
    let (commit, Files(files)) = api::find(shared, &asked.repository, asked.revision, request)?;
    admit(shared, &asked.repository, request)?;
    match files.get(&asked.path) {
        Some(file) => Ok((commit, file.clone())),
        None => Err(Box::new(refusal(StatusCode::NOT_FOUND, "EntryNotFound", "Entry not found"))),
    }
}

/// Refuses who may not read a gated repository: 401 without a token, 403 with another's.
fn admit(shared: &Shared, repository: &str, request: &Parts) -> Result<(), Box<Response>> {
    let Some(token) = lock(&shared.repositories).get(repository).and_then(|found| found.gate.clone()) else {
        return Ok(());
    };
    let message =
        format!("Access to model {repository} is restricted. You must have access to it and be authenticated");
    let status = match request.headers.get("authorization") {
        Some(given) if given.as_bytes() == format!("Bearer {token}").as_bytes() => return Ok(()),
        Some(_) => StatusCode::FORBIDDEN,
        None => StatusCode::UNAUTHORIZED,
    };
    Err(Box::new(refusal(status, "GatedRepo", &message)))
}

/// The way to the storage.
async fn redirect(shared: &Arc<Shared>, asked: &Asked<'_>, commit: &str, file: &Arc<File>) -> Response {
    let location = storage::sign(shared, &format!("/{}/{commit}/{}", asked.repository, asked.path), file);
    let digest = api::digest(shared, &asked.path, file).await;
    let mut response = plain(StatusCode::FOUND, "Found. Redirecting");
    set(&mut response, "location", &location);
    set(&mut response, "x-linked-etag", &format!("\"{digest}\""));
    set(&mut response, "x-linked-size", &file.size().to_string());
    set(&mut response, "accept-ranges", "bytes");
    response
}

/// A small file, or the way to it on the hub itself.
async fn small(
    shared: &Arc<Shared>,
    asked: &Asked<'_>,
    commit: &str,
    file: Arc<File>,
    request: &Parts,
    counts: &Counts,
) -> Response {
    let etag = format!("\"{}\"", &api::digest(shared, &asked.path, &file).await[24..]);
    let cached = request.uri.path().starts_with("/api/resolve-cache/");
    let mut response = match !cached && shared.faults.hits(&asked.path, &Kind::ResolveCache) {
        true => {
            let mut response = plain(StatusCode::TEMPORARY_REDIRECT, "Temporary Redirect. Redirecting");
            let Asked { repository, path, .. } = asked;
            set(&mut response, "location", &format!("/api/resolve-cache/models/{repository}/{commit}/{path}"));
            response
        }
        false => body::file(shared, &asked.path, file, request, counts),
    };
    set(&mut response, "etag", &etag);
    response
}

fn pointer(file: &File, request: &Parts, counts: &Counts) -> Response {
    let mut files = Files::default();
    files.insert("pointer", file.pointer());
    let pointer = files.0.remove("pointer").expect("the pointer");
    body::stream(pointer, request, counts)
}
