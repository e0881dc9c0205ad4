//! A model that is converted already and published: its files as they are, its shards verified by its index.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use af2_convert::Source;
use af2_core::config::{CONFIG_FILE, ModelConfig};
use af2_core::weights::index::{INDEX_FILE, ModelIndex, Shard};
use af2_core::weights::verify::ShardHasher;
use af2_hub::{Address, Client};
use anyhow::{Context, Result};

use super::cache::Files;
use super::licence;
use super::outcome::{Cost, Options, Outcome, Progress, Pulled, target_folder};
use super::staging::{Staging, free_bytes};
use super::store::Origin;

/// Largest small file.
const SMALL_FILE: u64 = 256 << 20;
/// Bytes of a file that are read at a time.
const CHUNK: u64 = 4 << 20;
/// Small files; the first two must be there.
const SMALL: [&str; 3] = [CONFIG_FILE, "tokenizer.json", "generation_config.json"];

/// Pulls the model, or says what that would take.
pub(super) async fn pull(
    address: &Address,
    files: &Files,
    client: &Client,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Outcome> {
    let index_json = small(files, INDEX_FILE).await?.with_context(|| format!("{address} has no {INDEX_FILE}"))?;
    let index = ModelIndex::parse(&index_json)?;
    let mut texts = Vec::new();
    for (number, name) in SMALL.into_iter().enumerate() {
        match small(files, name).await? {
            Some(bytes) => texts.push((name, bytes)),
            None if number < 2 => anyhow::bail!("{address} has no {name}: it is no complete model"),
            None => {}
        }
    }
    ModelConfig::parse(&texts[0].1)?;
    let total: u64 = index.shards.values().map(|shard| shard.bytes).fold(0, u64::saturating_add);
    let target = target_folder(address, None)?;
    let source = files.hub.remote().identity();
    let terms = licence::terms(address, client.endpoint());
    if options.dry_run {
        let requests = client.requests() + index.shards.len() as u64;
        let fetched = total + client.received();
        let free = free_bytes(&target)?;
        let (base, rate) = (None, None);
        let cost = Cost { source, base, terms, stored: total, fetched, requests, model: total, target, free, rate };
        return Ok(Outcome::Cost(cost));
    }
    licence::accept(&terms, options.accept)?;
    let staging = Staging::open(&target)?;
    staging.require_room(total)?;
    let mut done = 0;
    for (name, shard) in &index.shards {
        let mut advance = |bytes: u64| {
            done += bytes;
            progress("pulling", done, total);
        };
        fetch_shard(files, staging.dir(), (name, shard), &mut advance).await?;
    }
    for (name, bytes) in texts.iter().map(|(name, bytes)| (*name, bytes)).chain([(INDEX_FILE, &index_json)]) {
        let path = staging.dir().join(name);
        let written = File::create(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    let licences = terms.into_iter().map(|term| term.url).collect();
    Origin { source: source.clone(), base: None, licences }.store(&target)?;
    staging.publish()?;
    Ok(Outcome::Pulled(Pulled {
        path: target,
        source,
        parameters: index.metadata.total_parameters,
        bytes: index.metadata.total_size,
        shards: index.shards.len(),
        requests: client.requests(),
        received: client.received(),
        unchecked: None,
    }))
}

/// Completes a shard of which the folder may hold a part. A part that turns out to be of something else is fetched again.
async fn fetch_shard(
    files: &Files,
    folder: &Path,
    (name, shard): (&str, &Shard),
    advance: &mut dyn FnMut(u64),
) -> Result<()> {
    let path = folder.join(name);
    let failed = || format!("cannot write {}", path.display());
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).with_context(failed)?;
    let mut hasher = ShardHasher::new();
    if file.metadata().with_context(failed)?.len() > shard.bytes {
        file.set_len(0).with_context(failed)?;
    }
    let mut chunk = vec![0; CHUNK as usize];
    loop {
        match file.read(&mut chunk).with_context(failed)? {
            0 => break,
            count => hasher.update(&chunk[..count]),
        }
    }
    let held = hasher.bytes();
    advance(held);
    fetch_rest(files, name, shard.bytes, (&mut file, &mut hasher), advance).await?;
    if held > 0 && hasher.clone().verify(name, shard.bytes, &shard.sha256).is_err() {
        hasher = ShardHasher::new();
        file = File::create(&path).with_context(failed)?;
        fetch_rest(files, name, shard.bytes, (&mut file, &mut hasher), &mut |_| {}).await?;
    }
    file.sync_all().with_context(failed)?;
    if let Err(error) = hasher.verify(name, shard.bytes, &shard.sha256) {
        let _ = fs::remove_file(&path); // so that the next attempt begins anew
        return Err(error.into());
    }
    Ok(())
}

/// Appends what is missing.
async fn fetch_rest(
    files: &Files,
    name: &str,
    bytes: u64,
    (file, hasher): (&mut File, &mut ShardHasher),
    advance: &mut dyn FnMut(u64),
) -> Result<()> {
    let size = files.size(name).await?;
    if size != bytes {
        anyhow::bail!("{}: the file has {size} bytes, the index says {bytes}", files.locate(name));
    }
    if let Some(path) = files.cached_path(name).await {
        let mut cached = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        std::io::Seek::seek(&mut cached, std::io::SeekFrom::Start(hasher.bytes()))?;
        let mut chunk = vec![0; CHUNK as usize];
        loop {
            match cached.read(&mut chunk)? {
                0 => return Ok(()),
                count => {
                    file.write_all(&chunk[..count])?;
                    hasher.update(&chunk[..count]);
                    advance(count as u64);
                }
            }
        }
    }
    let (mut outcome, from) = (Ok(()), hasher.bytes());
    let mut push = |chunk: &[u8]| {
        if outcome.is_ok() {
            outcome = file.write_all(chunk);
            hasher.update(chunk);
            advance(chunk.len() as u64);
        }
    };
    files.hub.stream(name, from, &mut push).await?;
    outcome.with_context(|| format!("cannot write {name}"))
}

/// A whole small file, if it exists.
async fn small(files: &Files, name: &str) -> Result<Option<Vec<u8>>> {
    match files.size(name).await {
        Ok(size) if size > SMALL_FILE => {
            anyhow::bail!("{} has {size} bytes, more than any such file", files.locate(name))
        }
        Ok(size) => Ok(Some(files.read(name, 0..size).await?)),
        Err(error) if error.absent => Ok(None),
        Err(error) => Err(error.into()),
    }
}
