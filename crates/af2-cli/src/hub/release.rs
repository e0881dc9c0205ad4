//! A release on the hub, converted while it streams.

use af2_convert::{Inputs, Release, Source};
use af2_hub::{Address, Client, HubSource, Remote, Target, Window, releases::Published};
use anyhow::{Context, Result};
use std::path::Path;
use std::rc::Rc;

use super::cache::{self, Files};
use super::environment::Environment;
use super::licence;
use super::outcome::{Cost, Options, Outcome, Progress, Pulled, target_folder};
use super::staging::{Staging, free_bytes};
use super::store::Origin;
use crate::convert::Threads;
use crate::terminal::note;

/// Most bytes fetched ahead, whatever the size of the model.
const MOST_AHEAD: u64 = 96 << 20;
/// Bytes of which the time is measured for an estimate.
const SAMPLE: u64 = 4 << 20;

/// The files of a release and of its base model.
pub(super) struct Sources {
    address: Address,
    release: Files,
    base: Option<Files>,
}

impl Sources {
    /// Opens the base model of an open release: `given`, or the one that the release is known to be built on.
    pub async fn open(
        environment: &Environment,
        client: &Rc<Client>,
        (address, remote): (Address, Rc<Remote>),
        given: Option<&str>,
    ) -> Result<Self> {
        let known = address.release.map(|release: &Published| release.base);
        let files = |remote| Files::new(environment, HubSource::new(remote, Window::share(0, MOST_AHEAD)));
        let base = match given.or(known) {
            None => None,
            Some(name) => {
                let base = Address::parse(name, client.endpoint()).map_err(anyhow::Error::msg)?;
                let remote = cache::open(environment, client, &base.target).await;
                Some(files(remote.with_context(|| format!("base model of {address}"))?))
            }
        };
        Ok(Self { release: files(remote), base, address })
    }

    /// Converts the release, or says what that would take.
    pub async fn pull(&self, client: &Client, options: &Options, progress: &mut Progress<'_>) -> Result<Outcome> {
        let name = self.model_name();
        let inputs = Inputs {
            name: &name,
            release: &self.release,
            language_model: self.base.as_ref().map(|base| base as &dyn Source),
            clap: None,
        };
        let release = Release::open(&inputs).await.map_err(|error| self.explained(error))?;
        let how = af2_convert::Options { scheme: options.scheme, shard_bytes: options.shard_bytes };
        let plan = release.plan(&how)?;
        let window = Window::share(plan.source_bytes(), MOST_AHEAD);
        for files in [Some(&self.release), self.base.as_ref()].into_iter().flatten() {
            files.hub.set_window(window);
        }
        let target = target_folder(&self.address, Some(options.scheme))?;
        if options.dry_run {
            plan.announce();
            return Ok(Outcome::Cost(self.cost(client, plan.bytes(), options, target.as_path()).await?));
        }
        licence::accept(&licence::terms(&self.address, client.endpoint()), options.accept)?;
        let mut staging = Staging::open(&target)?;
        staging.require_room(plan.bytes())?;
        let verified = if options.verify { Some(self.verify(progress).await?) } else { None };
        let report = release
            .convert(&how, &Threads::new(), &mut staging, &mut |done, total| progress("pulling", done, total))
            .await?;
        let origin = Origin {
            source: self.release.hub.remote().identity(),
            base: self.base.as_ref().map(|base| base.hub.remote().identity()),
            licences: licence::terms(&self.address, client.endpoint()).into_iter().map(|term| term.url).collect(),
        };
        origin.store(&target)?;
        staging.publish()?;
        Ok(Outcome::Pulled(Pulled {
            path: target,
            source: origin.source,
            parameters: report.parameters,
            bytes: report.bytes,
            shards: report.shards,
            requests: client.requests(),
            received: client.received(),
            unchecked: unchecked(verified),
        }))
    }

    /// The model's name in its configuration: as after a download by hand, the last part of the repository's.
    fn model_name(&self) -> String {
        match &self.address.target {
            Target::Repository { name, .. } => name.as_str().rsplit('/').next().unwrap_or_default().to_owned(),
            Target::Folder { url } => url.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }

    /// Compares the release's weight files with the hub's SHA-256. Returns how many have none.
    async fn verify(&self, progress: &mut Progress<'_>) -> Result<usize> {
        let files = self.release.hub.remote().files();
        let weights = |path: &&String| path.starts_with("safe_ckpt/") && path.ends_with(".safetensors");
        let weights: Vec<&String> = files.keys().filter(weights).collect();
        let total = weights.iter().map(|path| files[*path].size).sum();
        let (mut done, mut without) = (0, 0);
        for path in weights {
            let mut advance = |bytes| {
                done += bytes;
                progress("verifying", done, total);
            };
            without += usize::from(!self.release.verify(path, &mut advance).await?);
        }
        Ok(without)
    }

    async fn cost(&self, client: &Client, model: u64, options: &Options, target: &Path) -> Result<Cost> {
        let sources = [Some(&self.release), self.base.as_ref()];
        let announced = sources.into_iter().flatten().map(|files| files.hub.announced());
        let (requests, fetched) = announced.fold((0, 0), |(r, b), (requests, bytes)| (r + requests, b + bytes));
        let (opening, received) = (client.requests(), client.received());
        let files = self.release.hub.remote().files();
        let stored = files.iter().filter(|(path, _)| path.starts_with("safe_ckpt/")).map(|(_, file)| file.size).sum();
        let fetched = fetched + received + if options.verify { stored } else { 0 };
        Ok(Cost {
            source: self.release.hub.remote().identity(),
            base: self.base.as_ref().map(|base| base.hub.remote().identity()),
            terms: licence::terms(&self.address, client.endpoint()),
            stored,
            fetched,
            requests: requests + opening,
            model,
            target: target.into(),
            free: free_bytes(target)?,
            rate: self.measured_rate().await,
        })
    }

    /// Bytes per second of a part of the tokenizer, which is no weight and needs no licence; none where it is cached or tiny.
    async fn measured_rate(&self) -> Option<f64> {
        const TOKENIZER: &str = "tokenizer.json";
        let base = &self.base.as_ref()?;
        let size = base.hub.remote().file(TOKENIZER).await.ok()?.size.min(SAMPLE);
        if size < 1 << 20 || base.cached_path(TOKENIZER).await.is_some() {
            return None;
        }
        let start = std::time::Instant::now();
        let read = base.hub.read(TOKENIZER, 0..size).await.ok()?;
        Some(read.len() as f64 / start.elapsed().as_secs_f64())
    }

    /// An error, with the option that helps here in place of the one of `af2 convert`.
    fn explained(&self, error: af2_convert::ConvertError) -> anyhow::Error {
        match error {
            af2_convert::ConvertError::NoLanguageModel { .. } => anyhow::anyhow!(
                "{} is no release that is known, and holds no base language model; name it with --base, for example --base Qwen/Qwen2.5-0.5B",
                self.address
            ),
            other => other.into(),
        }
    }
}

/// What was not checked, as one sentence; `verified` counts files without checksum, if all were read.
fn unchecked(verified: Option<usize>) -> Option<String> {
    match verified {
        Some(0) => None,
        Some(count) => Some(format!("{count} weight files have no SHA-256 on the hub to compare with")),
        None => Some(
            "the SHA-256 of the release's files, because only the parts in use were fetched (--verify reads all)"
                .into(),
        ),
    }
}

/// Tells what was checked.
pub(super) fn closing_note(pulled: &Pulled) {
    note("checked: commit pinned, tensor tables and shapes, all weights finite");
    if let Some(unchecked) = &pulled.unchecked {
        note(format_args!("not checked: {unchecked}"));
    }
}
