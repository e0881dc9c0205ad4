//! What a pull is asked for, and what it did.

use std::path::PathBuf;

use af2_core::weights::Scheme;
use af2_hub::Address;
use anyhow::Result;
use serde::Serialize;

use super::licence::Term;
use crate::model::models_folder;

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

/// Where the model goes. One that is published has its scheme already.
pub(super) fn target_folder(address: &Address, scheme: Option<Scheme>) -> Result<PathBuf> {
    let name = address.folder_name();
    Ok(models_folder()?.join(scheme.map_or_else(|| name.clone(), |scheme| format!("{name}-{scheme}"))))
}
