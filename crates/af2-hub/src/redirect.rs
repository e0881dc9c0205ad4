//! From a file to an answer with its bytes: the hub redirects to a storage host, with a signed address that expires.

use std::ops::Range;

use crate::error::{HubError, Problem};
use crate::http::Response;
use crate::remote::Remote;
use crate::tree::RemoteFile;
use crate::url;

/// Redirects followed for one request.
const MOST_REDIRECTS: u32 = 8;
/// Times that an address is signed anew before its host's refusal is believed.
const MOST_SIGNATURES: u32 = 3;
/// Largest file of which a part is read from a server that sends all of it.
const WHOLE: u64 = 64 << 20;
/// A file of git-lfs that stands for a large one is smaller, in bytes.
const POINTER: u64 = 1024;

impl Remote {
    /// Size and checksum of a file.
    ///
    /// # Errors
    /// [`Problem::Absent`] if there is none; for a file of a folder also what a request may end in.
    pub async fn file(&self, path: &str) -> Result<RemoteFile, HubError> {
        if let Some(file) = self.files.borrow().get(path) {
            return Ok(file.clone());
        }
        if self.repository().is_some() {
            return Err(HubError::new(self.url(path), Problem::Absent("there is no such file".into())));
        }
        let file = RemoteFile { size: size(self, path).await?, sha256: None };
        self.files.borrow_mut().insert(path.into(), file.clone());
        Ok(file)
    }
}

/// An answer, and how many of its first bytes precede those that were asked for.
pub(crate) struct Opened {
    pub response: Response,
    pub skip: u64,
}

/// Asks for a range of a file.
pub(crate) async fn open(
    remote: &Remote,
    path: &str,
    file: &RemoteFile,
    range: Range<u64>,
) -> Result<Opened, HubError> {
    let whole = range == (0..file.size);
    let asked = (!whole).then(|| range.clone());
    let response = answer(remote, path, Some(file), asked).await?;
    let location = remote.url(path);
    let changed = |found: u64| {
        if found < POINTER && file.size >= POINTER {
            return HubError::new(&location, Problem::Pointer);
        }
        let reason = format!("the file has {found} bytes, the list says {}", file.size);
        HubError::new(&location, Problem::Changed(reason))
    };
    match response.status {
        206 => {
            let (begin, total) = content_range(&response).unwrap_or((range.start, file.size));
            if total != file.size {
                return Err(changed(total));
            }
            if begin != range.start {
                let reason = format!("byte {begin} came where byte {} was asked for", range.start);
                return Err(HubError::new(location, Problem::Answer(reason)));
            }
            Ok(Opened { response, skip: 0 })
        }
        _ => {
            if let Some(length) = content_length(&response).filter(|&length| length != file.size) {
                return Err(changed(length));
            }
            if range.end < file.size && file.size > WHOLE {
                return Err(HubError::new(location, Problem::NoRanges { size: file.size }));
            }
            Ok(Opened { response, skip: range.start })
        }
    }
}

/// Bytes of a file that no list tells, from the answer to a request of its first byte.
async fn size(remote: &Remote, path: &str) -> Result<u64, HubError> {
    let response = answer(remote, path, None, Some(0..1)).await?;
    let total = match response.status {
        206 => content_range(&response).map(|(_, total)| total),
        _ => content_length(&response),
    };
    total.ok_or_else(|| HubError::new(remote.url(path), Problem::Answer("it tells no size".into())))
}

/// The answer with status 200 or 206, after redirects and with a fresh signature where one has expired.
async fn answer(
    remote: &Remote,
    path: &str,
    file: Option<&RemoteFile>,
    range: Option<Range<u64>>,
) -> Result<Response, HubError> {
    let first = remote.url(path);
    let mut url = remote.signed.borrow().get(path).cloned().unwrap_or_else(|| first.clone());
    let (mut redirects, mut refusals) = (0, 0);
    loop {
        let response = remote.client.get(&url, range.clone()).await?;
        let signed = url::origin(&url) != url::origin(&first);
        match response.status {
            200 | 206 => {
                check(remote, &first, file, &response)?;
                if remote.client.follows_redirects() && url::origin(&response.url) != url::origin(&first) {
                    remote.signed.borrow_mut().insert(path.into(), response.url.clone());
                }
                return Ok(response);
            }
            301 | 302 | 303 | 307 | 308 if redirects < MOST_REDIRECTS => {
                check(remote, &first, file, &response)?;
                let next = response.header("location").and_then(|location| url::join(&url, location));
                let missing = || HubError::new(url::shown(&url), Problem::Answer("a redirect to nowhere".into()));
                url = next.ok_or_else(missing)?;
                if url::origin(&url) != url::origin(&first) {
                    remote.signed.borrow_mut().insert(path.into(), url.clone());
                }
                redirects += 1;
            }
            // A signature that has expired: 403, or 400, 401, 404, 410 on other storage hosts.
            status @ (400 | 401 | 403 | 404 | 410) if signed => {
                forget(remote, path, &url);
                refusals += 1;
                if refusals > MOST_SIGNATURES {
                    return Err(HubError::new(&first, Problem::Refused(status)));
                }
                (url, redirects) = (first.clone(), 0);
            }
            404 | 410 if remote.commit().is_some() => {
                let revision = response.header("x-error-code") == Some("RevisionNotFound");
                let reason = if revision { "the revision is gone" } else { "the listed file is gone" }.to_owned();
                return Err(HubError::new(&first, Problem::Changed(reason)));
            }
            416 => {
                let reason = "the file is shorter than listed".to_owned();
                return Err(HubError::new(&first, Problem::Changed(reason)));
            }
            401 | 403 if remote.commit().is_some() => {
                return Err(remote.client.status_error(&remote.identity(), &response));
            }
            _ => return Err(remote.client.status_error(&first, &response)),
        }
    }
}

/// Drops a signed address, unless another request has replaced it already.
fn forget(remote: &Remote, path: &str, url: &str) {
    let mut signed = remote.signed.borrow_mut();
    if signed.get(path).is_some_and(|known| known == url) {
        signed.remove(path);
    }
}

/// Compares what the hub says about a file with the list. Browsers see these headers only where no redirect hides them.
fn check(remote: &Remote, location: &str, file: Option<&RemoteFile>, response: &Response) -> Result<(), HubError> {
    let changed = |reason: String| Err(HubError::new(location, Problem::Changed(reason)));
    if let (Some(commit), Some(found)) = (remote.commit(), response.header("x-repo-commit"))
        && !found.eq_ignore_ascii_case(commit)
    {
        return changed(format!("the answer is of commit {found}"));
    }
    let Some(file) = file else { return Ok(()) };
    let linked_size = response.header("x-linked-size").and_then(|size| size.trim().parse::<u64>().ok());
    if let Some(found) = linked_size.filter(|&found| found != file.size) {
        return changed(format!("the file has {found} bytes, the list says {}", file.size));
    }
    let digest = response.header("x-linked-etag").map(|tag| tag.trim_start_matches("W/").trim_matches('"'));
    let digest = digest.filter(|tag| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match (digest, &file.sha256) {
        (Some(found), Some(listed)) if !found.eq_ignore_ascii_case(listed) => {
            changed(format!("the file has SHA-256 {found}, the list says {listed}"))
        }
        _ => Ok(()),
    }
}

/// First byte and size of the file, from `bytes 0-99/1234`.
fn content_range(response: &Response) -> Option<(u64, u64)> {
    let (range, total) = response.header("content-range")?.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()?))
}

fn content_length(response: &Response) -> Option<u64> {
    response.header("content-length")?.trim().parse().ok()
}
