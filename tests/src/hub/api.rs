//! The two calls of the JSON interface.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::fault::Kind;
use super::file::{File, Files};
use super::lock;
use super::reply::{refusal, set};
use super::shared::Shared;

/// Bytes of git-lfs's pointer file.
const POINTER: u64 = 135;

/// The commit of a revision.
pub(super) fn revision(shared: &Shared, repository: &str, revision: &str, request: &Parts) -> Response {
    match find(shared, repository, revision, request) {
        Ok((commit, files)) => {
            let siblings: Vec<Value> = files.0.keys().map(|path| json!({ "rfilename": path })).collect();
            reply(&json!({ "id": repository, "sha": commit, "private": false, "siblings": siblings }))
        }
        Err(refused) => *refused,
    }
}

/// One page of the files of a revision.
pub(super) async fn tree(shared: &Arc<Shared>, repository: &str, revision: &str, request: &Parts) -> Response {
    let files = match find(shared, repository, revision, request) {
        Ok((_, files)) => files,
        Err(refused) => return *refused,
    };
    let query = |name: &str| {
        let pairs = request.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    };
    let recursive = query("recursive") == Some("true");
    let number = |name: &str, default| query(name).and_then(|value| value.parse().ok()).unwrap_or(default);
    let page = shared.page_size.load(Ordering::Relaxed).min(number("limit", usize::MAX)).max(1);
    let begin: usize = number("cursor", 0);
    let paths = listed(&files, recursive);
    let shown: Vec<&String> = paths.iter().skip(begin).take(page).collect();
    let mut entries = Vec::new();
    for path in &shown {
        entries.push(match files.0.get(*path) {
            Some(file) => file_entry(shared, path, file).await,
            None => json!({ "type": "directory", "oid": "0".repeat(40), "size": 0, "path": path }),
        });
    }
    let mut response = reply(&Value::Array(entries));
    if begin + shown.len() < paths.len() {
        let (endpoint, path, next) = (&shared.endpoint, request.uri.path(), begin + shown.len());
        let link = format!("<{endpoint}{path}?recursive={recursive}&limit={page}&cursor={next}>; rel=\"next\"");
        set(&mut response, "link", &link);
    }
    response
}

/// All paths with their folders, or those of the top folder.
fn listed(files: &Files, recursive: bool) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for path in files.0.keys() {
        paths.insert(path.clone());
        paths.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
    }
    paths.retain(|path| recursive || !path.contains('/'));
    paths
}

async fn file_entry(shared: &Arc<Shared>, path: &str, file: &Arc<File>) -> Value {
    let wrong_size = |kind: &Kind| if let Kind::WrongSize { by } = kind { Some(*by) } else { None };
    let size = file.size() + shared.faults.take(path, wrong_size).unwrap_or(0);
    let digest = digest(shared, path, file).await;
    match file.is_large(path) {
        true => {
            let lfs = json!({ "oid": digest, "size": size, "pointerSize": POINTER });
            json!({ "type": "file", "oid": &digest[24..], "size": size, "path": path, "lfs": lfs })
        }
        false => json!({ "type": "file", "oid": &digest[24..], "size": size, "path": path }),
    }
}

/// The file's digest, or another where a fault says so.
pub(super) async fn digest(shared: &Arc<Shared>, path: &str, file: &Arc<File>) -> String {
    if shared.faults.hits(path, &Kind::WrongDigest) {
        return "5".repeat(64);
    }
    let file = file.clone();
    tokio::task::spawn_blocking(move || file.digest().to_owned()).await.expect("a readable file")
}

/// A revision of a repository. Without a token, one that does not exist is not told from one that is private.
pub(super) fn find(
    shared: &Shared,
    repository: &str,
    revision: &str,
    request: &Parts,
) -> Result<(String, Files), Box<Response>> {
    let repositories = lock(&shared.repositories);
    let Some(found) = repositories.get(repository) else {
        let known = request.headers.contains_key("authorization");
        let status = if known { StatusCode::NOT_FOUND } else { StatusCode::UNAUTHORIZED };
        return Err(Box::new(refusal(status, "RepoNotFound", "Repository not found")));
    };
    let message = format!("Invalid rev id: {revision}");
    let commit = found.revision(revision).map(|(commit, files)| (commit.to_owned(), files.clone()));
    commit.ok_or_else(|| Box::new(refusal(StatusCode::NOT_FOUND, "RevisionNotFound", &message)))
}

fn reply(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    set(&mut response, "content-type", "application/json; charset=utf-8");
    response
}
