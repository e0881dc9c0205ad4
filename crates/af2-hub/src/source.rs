//! The files of a repository as the source of a conversion.

use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::Range;
use std::rc::Rc;

use af2_convert::{LocalFuture, Source};
use af2_core::weights::verify::ShardHasher;

use crate::error::{HubError, Problem};
use crate::fetch::fetch;
use crate::http::LocalBoxFuture;
use crate::read_ahead::{Part, ReadAhead, Window};
use crate::remote::Remote;
use crate::tree::RemoteFile;

/// A repository's files, read in ranges. Small files are fetched as they are asked for, announced ranges ahead of time.
pub struct HubSource {
    remote: Rc<Remote>,
    ahead: RefCell<ReadAhead>,
}

impl HubSource {
    /// A source that fetches as much ahead as `window` says.
    pub fn new(remote: Rc<Remote>, window: Window) -> Self {
        Self { remote, ahead: RefCell::new(ReadAhead::new(window)) }
    }

    /// Changes how much is fetched ahead; for when the size of the whole is known. Announced ranges are forgotten.
    pub fn set_window(&self, window: Window) {
        *self.ahead.borrow_mut() = ReadAhead::new(window);
    }

    /// Requests and bytes that the announced ranges take.
    pub fn announced(&self) -> (u64, u64) {
        self.ahead.borrow().cost()
    }

    /// The files behind the source.
    pub fn remote(&self) -> &Rc<Remote> {
        &self.remote
    }

    /// Streams a file from byte `from` to its end, in order. Needs no ranges of the server where `from` is 0.
    ///
    /// # Errors
    /// [`HubError`].
    pub async fn stream(&self, path: &str, from: u64, push: &mut dyn FnMut(&[u8])) -> Result<(), HubError> {
        let file = self.remote.file(path).await?;
        fetch(&self.remote, path, &file, from..file.size, push).await
    }

    /// Streams a whole file and compares its SHA-256 with the hub's; false where the hub lists none. `progress` is told the
    /// bytes of each chunk.
    ///
    /// # Errors
    /// [`Problem::Checksum`], or what a request may end in.
    pub async fn verify(&self, path: &str, progress: &mut dyn FnMut(u64)) -> Result<bool, HubError> {
        let file = self.remote.file(path).await?;
        if file.sha256.is_none() {
            return Ok(false);
        }
        let mut hasher = ShardHasher::new();
        let mut push = |chunk: &[u8]| {
            hasher.update(chunk);
            progress(chunk.len() as u64);
        };
        fetch(&self.remote, path, &file, 0..file.size, &mut push).await?;
        compare(&self.remote, path, &file, hasher).map(|()| true)
    }

    /// A range that was not announced.
    async fn read_now(&self, part: Part) -> Result<Vec<u8>, HubError> {
        let file = self.remote.file(&part.path).await?;
        if part.range.end > file.size {
            let reason = format!("the file ends at byte {}", file.size);
            return Err(HubError::new(self.remote.url(&part.path), Problem::Answer(reason)));
        }
        let bytes = fetched(Rc::clone(&self.remote), part.clone()).await?;
        if part.range == (0..file.size) {
            let mut hasher = ShardHasher::new();
            hasher.update(&bytes);
            compare(&self.remote, &part.path, &file, hasher)?;
        }
        Ok(bytes)
    }
}

impl Source for HubSource {
    fn locate(&self, object: &str) -> String {
        self.remote.url(object)
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.remote.file(object).await?.size) })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let part = Part { path: object.into(), range: bytes };
            if !self.ahead.borrow().is_next(&part) {
                return Ok(self.read_now(part).await?);
            }
            let mut start = |part| fetched(Rc::clone(&self.remote), part);
            Ok(poll_fn(|context| self.ahead.borrow_mut().poll_next(context, &mut start)).await?)
        })
    }

    fn announce(&self, object: &str, bytes: Range<u64>) {
        self.ahead.borrow_mut().expect(Part { path: object.into(), range: bytes });
    }

    /// Repository, commit and path: the same through a mirror.
    fn identity(&self, object: &str) -> String {
        format!("{}/{object}", self.remote.identity())
    }
}

/// All bytes of a part.
fn fetched(remote: Rc<Remote>, part: Part) -> LocalBoxFuture<'static, Result<Vec<u8>, HubError>> {
    Box::pin(async move {
        let file = remote.file(&part.path).await?;
        let mut bytes = Vec::new();
        // The length comes from a server's list: what it claims is reserved only where it is a span or less.
        bytes.reserve_exact(((part.range.end - part.range.start) as usize).min(64 << 20));
        fetch(&remote, &part.path, &file, part.range, &mut |chunk| bytes.extend_from_slice(chunk)).await?;
        Ok(bytes)
    })
}

fn compare(remote: &Remote, path: &str, file: &RemoteFile, hasher: ShardHasher) -> Result<(), HubError> {
    let Some(expected) = file.sha256.clone() else { return Ok(()) };
    let (_, found) = hasher.finish();
    if found == expected {
        return Ok(());
    }
    Err(HubError::new(remote.url(path), Problem::Checksum { expected, found }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pollster::block_on;

    use super::*;
    use crate::client::Client;
    use crate::repository_name::RepositoryName;
    use crate::testing::{Answer, Fake};

    const SIZE: usize = 1 << 20;

    fn source(sha256: Option<&str>) -> (Rc<Fake>, HubSource, Vec<u8>) {
        let file: Vec<u8> = (0..SIZE).map(|at| (at * 7 / 3) as u8).collect();
        let served = file.clone();
        let fake = Fake::serving(move |request| {
            let range = request.headers.iter().find(|(name, _)| *name == "range").map(|(_, range)| range.as_str());
            let Some(range) = range else { return Answer::status(200).body(&served) };
            let (start, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            Answer::part(&served, start.parse().unwrap(), last.parse::<usize>().unwrap() + 1)
        });
        let client = Client::new(fake.clone(), "https://hub.example", None).unwrap();
        let listed = RemoteFile { size: SIZE as u64, sha256: sha256.map(str::to_owned) };
        let name = RepositoryName::parse("org/name").unwrap();
        let remote = Remote::listed(client, name, "0".repeat(40), BTreeMap::from([("f".into(), listed)]));
        (fake, HubSource::new(remote, Window { span: 200_000, total: 500_000 }), file)
    }

    fn read(source: &HubSource, range: Range<usize>) -> Result<Vec<u8>, String> {
        block_on(source.read("f", range.start as u64..range.end as u64)).map_err(|error| error.to_string())
    }

    #[test]
    fn announced_ranges_are_merged_and_others_are_read_beside_them() {
        let (fake, source, file) = source(None);
        let ranges: Vec<_> = (0..10).map(|i| 300_000 + i * 50_000..350_000 + i * 50_000).collect();
        ranges.iter().for_each(|range| source.announce("f", range.start as u64..range.end as u64));
        assert_eq!(source.announced(), (3, 500_000));
        assert_eq!(read(&source, 8..100).unwrap(), file[8..100]);
        for range in ranges {
            assert!(read(&source, range.clone()).unwrap() == file[range]);
        }
        assert_eq!(fake.requests().len(), 4);
    }

    #[test]
    fn a_read_behind_the_end_is_refused() {
        let (fake, source, _) = source(None);
        let message = read(&source, 0..SIZE + 1).unwrap_err();
        assert!(message.contains("the file ends at byte 1048576"), "{message}");
        assert!(fake.requests().is_empty());
    }

    #[test]
    fn whole_files_are_compared_with_their_checksum() {
        let (_, source, file) = source(Some(&"0".repeat(64)));
        let message = read(&source, 0..SIZE).unwrap_err();
        assert!(message.contains("its SHA-256 is ") && message.ends_with("it is damaged"), "{message}");
        assert!(block_on(source.verify("f", &mut |_| {})).is_err());
        let mut hasher = ShardHasher::new();
        hasher.update(&file);
        let (_, digest) = hasher.finish();
        let (_, source, _) = self::source(Some(&digest));
        let mut seen = 0;
        assert_eq!(block_on(source.verify("f", &mut |bytes| seen += bytes)), Ok(true));
        assert_eq!((seen, read(&source, 0..SIZE).unwrap().len()), (SIZE as u64, SIZE));
    }
}
