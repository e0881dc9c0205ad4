//! The list of a repository's files, in pages.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::client::Client;
use crate::error::{HubError, Problem};

/// Most pages read. The hub lists up to 1,000 files on a page.
const MOST_PAGES: usize = 100;

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal, where the hub lists it: for large files.
    pub sha256: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    oid: String,
    size: u64,
}

/// All files that the pages from `first` on list. `what` names the repository in errors.
pub(crate) async fn list(client: &Client, first: String, what: &str) -> Result<BTreeMap<String, RemoteFile>, HubError> {
    let mut files = BTreeMap::new();
    let mut next = Some(first);
    for _ in 0..MOST_PAGES {
        let Some(url) = next else { return Ok(files) };
        let (entries, following) = client.json::<Vec<Entry>>(&url, what).await?;
        files.extend(entries.into_iter().filter(|entry| entry.kind == "file" && is_plain(&entry.path)).map(file));
        next = following;
    }
    Err(HubError::new(what, Problem::Answer(format!("the list of files has more than {MOST_PAGES} pages"))))
}

fn file(entry: Entry) -> (String, RemoteFile) {
    let digest = |lfs: &Lfs| lfs.oid.strip_prefix("sha256:").unwrap_or(&lfs.oid).to_ascii_lowercase();
    let size = entry.lfs.as_ref().map_or(entry.size, |lfs| lfs.size);
    let sha256 = entry.lfs.as_ref().map(digest).filter(|digest| digest.len() == 64);
    (entry.path, RemoteFile { size, sha256 })
}

/// Whether a path stays in its folder wherever it is used.
fn is_plain(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', ':']);
    path.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Fake};
    use pollster::block_on;

    #[test]
    fn pages_are_read_to_the_end() {
        let sha = "ab".repeat(32);
        let first = r#"[{"type":"file","path":"README.md","size":5,"oid":"1"},{"type":"directory","path":"safe_ckpt","size":0},
            {"type":"file","path":"../evil","size":5}]"#;
        let second = format!(
            r#"[{{"type":"file","path":"safe_ckpt/a","size":132,"oid":"2","lfs":{{"oid":"{sha}","size":9,"pointerSize":132}}}}]"#
        );
        let link = r#"<https://hub.example/next?cursor=1>; rel="next""#;
        let fake = Fake::new(vec![
            Answer::status(200).with("link", link).body(first.as_bytes()),
            Answer::status(200).body(second.as_bytes()),
        ]);
        let client = Client::new(fake.clone(), "https://hub.example", None).unwrap();
        let files = block_on(list(&client, "https://hub.example/tree".into(), "a/b")).unwrap();
        assert_eq!(fake.requests()[1].url, "https://hub.example/next?cursor=1");
        assert_eq!(files.len(), 2);
        assert_eq!(files["README.md"], RemoteFile { size: 5, sha256: None });
        assert_eq!(files["safe_ckpt/a"], RemoteFile { size: 9, sha256: Some(sha) });
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let fake = Fake::serving(|_| Answer::status(200).with("link", "</x>; rel=\"next\"").body(b"[]"));
        let client = Client::new(fake, "https://hub.example", None).unwrap();
        let error = block_on(list(&client, "https://hub.example/tree".into(), "a/b")).unwrap_err();
        assert!(error.to_string().starts_with("cannot fetch a/b: the server's answer"), "{error}");
    }
}
