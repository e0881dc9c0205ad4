//! The state of both origins, and the way of a request through them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::fault::{Faults, Kind};
use super::file::{File, Files};
use super::log::{Counts, Log, Origin};
use super::repository::Repository;
use super::{api, control, cors, lock, resolve, storage};

/// Most bytes of a control command.
const COMMAND: usize = 1 << 20;

/// Everything that both origins know.
pub(super) struct Shared {
    pub endpoint: String,
    pub storage: String,
    pub repositories: Mutex<BTreeMap<String, Repository>>,
    /// Files that signed addresses were given for, by their path at the storage.
    pub signed: Mutex<HashMap<String, Arc<File>>>,
    pub faults: Faults,
    pub log: Log,
    pub lifetime_ms: AtomicU64,
    pub page_size: AtomicUsize,
}

impl Shared {
    pub fn new(endpoint: String, storage: String) -> Self {
        Self {
            endpoint,
            storage,
            repositories: Mutex::default(),
            signed: Mutex::default(),
            faults: Faults::default(),
            log: Log::default(),
            lifetime_ms: AtomicU64::new(3_600_000),
            page_size: AtomicUsize::new(3),
        }
    }

    pub fn push(&self, name: &str, files: Files) -> String {
        lock(&self.repositories).entry(name.into()).or_default().push(name, files)
    }

    pub fn push_folder(&self, folder: &Path) {
        let folders = |path: &Path| {
            let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
        };
        for repository in folders(folder).iter().flat_map(|organisation| folders(organisation)) {
            let name = repository.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
            self.push(&name, Files::from(repository.as_path()));
        }
    }

    pub fn forget(&self, name: &str) {
        lock(&self.repositories).get_mut(name).expect("a repository of the hub").forget();
    }

    pub fn gate(&self, name: &str, token: &str) {
        lock(&self.repositories).get_mut(name).expect("a repository of the hub").gate = Some(token.into());
    }
}

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

fn rate_limited(seconds: u64) -> Response {
    let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "We had to rate limit you");
    set(&mut response, "retry-after", &seconds.to_string());
    set(&mut response, "ratelimit", &format!(r#""resolvers";r=0;t={seconds}"#));
    set(&mut response, "ratelimit-policy", r#""fixed window";"resolvers";q=3000;w=300"#);
    response
}
