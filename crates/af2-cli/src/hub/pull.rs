//! From a name to a model in the user's data folder.

use std::path::PathBuf;
use std::rc::Rc;

use af2_convert::Source;
use af2_core::weights::Scheme;
use af2_core::weights::index::INDEX_FILE;
use af2_hub::{Address, Client, HubSource, Window};
use anyhow::Result;
use pollster::block_on;
use serde::Serialize;

use super::cache::{self, Files};
use super::environment::Environment;
use super::http::Network;
use super::licence::Term;
use super::published;
use super::release::{Sources, closing_note};
use crate::model::{ModelDir, models_folder};

/// What to pull, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// How matrices are stored.
    pub scheme: Scheme,
    /// About how large a shard may be, in bytes.
    pub shard_bytes: u64,
    /// The base language model of a release that is not known.
    pub base: Option<String>,
    /// Read whole files and compare their SHA-256.
    pub verify: bool,
    /// Only tell what would happen.
    pub dry_run: bool,
    /// The terms are accepted.
    pub accept: bool,
}

/// Told what is done, the bytes so far, and in all.
pub type Progress<'a> = dyn FnMut(&'static str, u64, u64) + 'a;

/// What a pull did.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It would take this.
    Cost(Cost),
    /// The model is there.
    Pulled(Pulled),
    /// It was there before.
    Present {
        /// Its folder.
        path: PathBuf,
    },
}

/// What a pull takes.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Repository and commit, or address.
    pub source: String,
    /// The base language model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Licences.
    pub terms: Vec<Term>,
    /// Bytes of the source's weight files.
    pub stored: u64,
    /// Bytes that are fetched.
    pub fetched: u64,
    /// Requests, those of this answer included.
    pub requests: u64,
    /// Bytes of the model on disk.
    pub model: u64,
    /// Its folder.
    pub target: PathBuf,
    /// Bytes free on its disk.
    pub free: u64,
    /// Bytes per second, as measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

/// A pulled model.
#[derive(Debug, Serialize)]
pub struct Pulled {
    /// Its folder.
    pub path: PathBuf,
    /// Repository and commit, or address.
    pub source: String,
    /// Weights.
    pub parameters: u64,
    /// Bytes of all tensors.
    pub bytes: u64,
    /// Shards.
    pub shards: usize,
    /// Requests sent by this run.
    pub requests: u64,
    /// Bytes received by this run.
    pub received: u64,
    /// What was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<String>,
}

/// Pulls a model by its name on the hub, or says what that would take.
///
/// # Errors
/// One line that names the cause and a remedy. What was fetched stays, and the next pull goes on from there.
pub fn pull(name: &str, environment: &Environment, options: &Options, progress: &mut Progress<'_>) -> Result<Outcome> {
    let address = Address::parse(name, &environment.endpoint).map_err(anyhow::Error::msg)?;
    for scheme in [Some(options.scheme), None] {
        let path = target_folder(&address, scheme)?;
        if path.exists() {
            return Ok(Outcome::Present { path });
        }
    }
    let client = Client::new(Rc::new(Network::new()), &environment.endpoint, environment.token.clone())?;
    let outcome = block_on(async {
        let remote = cache::open(environment, &client, &address.target).await?;
        let files = Files::new(environment, HubSource::new(Rc::clone(&remote), Window::share(0, 0)));
        if exists(&files, "safe_ckpt/metadata.json").await? || !exists(&files, INDEX_FILE).await? {
            let sources = Sources::open(environment, &client, (address, remote), options.base.as_deref()).await?;
            return sources.pull(&client, options, progress).await;
        }
        published::pull(&address, &files, &client, options, progress).await
    })?;
    if let Outcome::Pulled(pulled) = &outcome {
        ModelDir::open(&pulled.path)?;
        closing_note(pulled);
    }
    Ok(outcome)
}

async fn exists(files: &Files, object: &str) -> Result<bool> {
    match files.size(object).await {
        Err(error) if error.absent => Ok(false),
        other => Ok(other.map(|_| true)?),
    }
}

/// Where the model goes. One that is published has its scheme already.
pub(super) fn target_folder(address: &Address, scheme: Option<Scheme>) -> Result<PathBuf> {
    let name = address.folder_name();
    Ok(models_folder()?.join(scheme.map_or_else(|| name.clone(), |scheme| format!("{name}-{scheme}"))))
}
