//! Ranges of files, whole whatever happens to connections.

use std::ops::Range;

use crate::client::Retry;
use crate::error::{HubError, Problem};
use crate::http::HttpError;
use crate::redirect::{self, Opened};
use crate::remote::Remote;
use crate::tree::RemoteFile;

/// Fetches a range of a file and hands the bytes to `push` in order. Where the connection is lost, the next request begins at
/// the first byte that did not arrive.
pub(crate) async fn fetch(
    remote: &Remote,
    path: &str,
    file: &RemoteFile,
    range: Range<u64>,
    push: &mut dyn FnMut(&[u8]),
) -> Result<(), HubError> {
    let mut at = range.start;
    let mut retry = Retry::default();
    while at < range.end {
        let before = at;
        let opened = redirect::open(remote, path, file, at..range.end).await?;
        let outcome = receive(remote, opened, &mut at, range.end, push).await;
        if at > before {
            retry.progress();
        }
        let problem = match outcome {
            Ok(()) if at == range.end => return Ok(()),
            Ok(()) => Problem::CutShort { missing: range.end - at },
            Err(error) => Problem::Network(error.0),
        };
        retry.after(&remote.client, &remote.url(path), problem).await?;
    }
    Ok(())
}

/// Reads a body up to byte `end` of the file; `at` is the next byte and moves with what arrives.
async fn receive(
    remote: &Remote,
    opened: Opened,
    at: &mut u64,
    end: u64,
    push: &mut dyn FnMut(&[u8]),
) -> Result<(), HttpError> {
    let Opened { mut response, mut skip } = opened;
    while *at < end {
        let Some(chunk) = response.body.chunk().await? else { return Ok(()) };
        remote.client.count_received(chunk.len());
        let skipped = skip.min(chunk.len() as u64);
        skip -= skipped;
        let chunk = &chunk[skipped as usize..];
        let wanted = (end - *at).min(chunk.len() as u64);
        push(&chunk[..wanted as usize]);
        *at += wanted;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use pollster::block_on;

    use super::*;
    use crate::client::Client;
    use crate::repository_name::RepositoryName;
    use crate::testing::{Answer, Fake};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const SIGNED: &str = "https://storage.example/blob?signature=1";

    fn remote(fake: &Rc<Fake>, size: u64) -> Rc<Remote> {
        let client = Client::new(fake.clone(), "https://hub.example", Some("secret".into())).unwrap();
        let file = RemoteFile { size, sha256: Some("ab".repeat(32)) };
        let name = RepositoryName::parse("org/name").unwrap();
        Remote::listed(client, name, COMMIT.into(), BTreeMap::from([("f".into(), file)]))
    }

    fn fetched(fake: &Rc<Fake>, size: u64, range: Range<u64>) -> Result<Vec<u8>, String> {
        let remote = remote(fake, size);
        let file = block_on(remote.file("f")).unwrap();
        let mut bytes = Vec::new();
        let outcome = block_on(fetch(&remote, "f", &file, range, &mut |part| bytes.extend_from_slice(part)));
        outcome.map(|()| bytes).map_err(|error| error.to_string())
    }

    fn redirect() -> Answer {
        let etag = format!("\"{}\"", "ab".repeat(32));
        Answer::status(302)
            .with("location", SIGNED)
            .with("x-repo-commit", COMMIT)
            .with("x-linked-size", "10")
            .with("x-linked-etag", &etag)
    }

    #[test]
    fn a_cut_goes_on_where_it_stopped_at_the_same_address() {
        let file = b"0123456789";
        let half = Answer::status(206).with("content-range", "bytes 2-8/10").body(b"23").body(b"4").cut();
        let fake = Fake::new(vec![redirect(), half, Answer::part(file, 5, 9)]);
        assert_eq!(fetched(&fake, 10, 2..9).unwrap(), b"2345678");
        let requests = fake.requests();
        assert_eq!(requests[2].url, SIGNED);
        assert_eq!(requests[2].headers, [("range", "bytes=5-8".into())]);
        assert!(requests[0].headers.iter().any(|(name, _)| *name == "authorization"));
    }

    #[test]
    fn an_expired_signature_is_renewed() {
        let file = b"0123456789";
        let fake = Fake::new(vec![redirect(), Answer::status(403), redirect(), Answer::part(file, 0, 4)]);
        assert_eq!(fetched(&fake, 10, 0..4).unwrap(), b"0123");
        let answers = [redirect(), Answer::status(403)].into_iter().cycle().take(8).collect();
        let message = fetched(&Fake::new(answers), 10, 0..4).unwrap_err();
        assert!(message.ends_with("refuses the hub's signed address (status 403)"), "{message}");
        assert!(!message.contains("signature=1"), "{message}");
    }

    #[test]
    fn whatever_differs_from_the_list_is_a_change() {
        let other = [
            Answer::status(302).with("location", SIGNED).with("x-repo-commit", &COMMIT.replace('0', "f")),
            Answer::status(302).with("location", SIGNED).with("x-linked-size", "11"),
            Answer::status(302).with("location", SIGNED).with("x-linked-etag", &"cd".repeat(32)),
            Answer::part(&[0; 11], 0, 4),
            Answer::status(200).with("content-length", "132"),
            Answer::status(404).with("x-error-code", "EntryNotFound"),
            Answer::status(416),
        ];
        for answer in other {
            let message = fetched(&Fake::new(vec![answer]), 10, 0..4).unwrap_err();
            assert!(message.ends_with("changed on the hub while being pulled; start again"), "{message}");
        }
    }

    #[test]
    fn a_server_without_ranges_serves_small_files_only() {
        let whole = Answer::status(200).with("content-length", "10").body(b"0123").body(b"456789");
        assert_eq!(fetched(&Fake::new(vec![whole]), 10, 2..6).unwrap(), b"2345");
        let message = fetched(&Fake::new(vec![Answer::status(200)]), 37 << 30, 2..6).unwrap_err();
        assert!(message.contains("ignores ranges") && message.contains("`af2 convert`"), "{message}");
    }

    #[test]
    fn a_body_that_always_ends_early_is_refused() {
        let short = Answer::status(206).with("content-range", "bytes 0-3/10");
        let fake = Fake::new(vec![short; 7]);
        let message = fetched(&fake, 10, 0..4).unwrap_err();
        assert!(message.ends_with("the server ends its answer 4 bytes early, again and again"), "{message}");
        assert_eq!(fake.pauses().len(), 6);
    }

    #[test]
    fn no_access_says_what_helps() {
        let message = fetched(&Fake::new(vec![Answer::status(403)]), 10, 0..4).unwrap_err();
        assert_eq!(
            message,
            format!(
                "cannot fetch org/name@{COMMIT}: the token has no access (403); ask for it at https://hub.example/org/name"
            )
        );
    }
}
