//! `model.safetensors.index.json`: which tensor is in which shard, what each file's bytes must hash to, and how each
//! quantised matrix is stored.
//!
//! The layout is the one Hugging Face tools know (`metadata`, `weight_map`), with three more tables. A packed matrix
//! keeps the checkpoint's name for its data tensor; its scales are `<name>.scales`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::scheme::Scheme;
use super::verify::{ShardHasher, VerifyError};
use crate::small_file::without_bom;

/// File name of the index.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// The one value of `metadata.format`.
pub const FORMAT: &str = "af2-webgpu/2";

/// What earlier versions wrote: 4-bit matrices had one f16 scale per 32 columns.
const OLD_FORMAT: &str = "af2-webgpu/1";

/// The model's other small files: configuration, sampling settings, tokenizer.
pub const SMALL_FILES: [&str; 3] = ["config.json", "generation_config.json", "tokenizer.json"];

/// Longest index accepted: forty times that of the largest model.
pub const MAX_INDEX_BYTES: usize = 16 << 20;

/// The index of a converted model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIndex {
    /// Format and totals.
    pub metadata: IndexMetadata,
    /// Shard file name of every tensor, scales included.
    pub weight_map: BTreeMap<String, String>,
    /// Size and digest of every shard, by file name.
    pub shards: BTreeMap<String, Shard>,
    /// Matrices stored otherwise than their element type tells, by name of the data tensor.
    #[serde(default)]
    pub quantization: BTreeMap<String, Quantization>,
    /// Size and digest of the [`SMALL_FILES`], by file name. Earlier versions listed none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Shard>,
}

/// Format and totals of a converted model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexMetadata {
    /// [`FORMAT`].
    pub format: String,
    /// Bytes of all tensors.
    pub total_size: u64,
    /// Weights of the model; a tied head counts once, scales do not count.
    pub total_parameters: u64,
    /// What the model must answer on every machine. Absent until `af2 doctor MODEL --record` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_test: Option<SelfTest>,
}

/// A question about the sound of [`SelfTest::windows`], and the first tokens of its greedy answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The question.
    pub question: String,
    /// Token ids, at least one.
    pub ids: Vec<u32>,
}

/// What a shard, or a small file, must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
}

/// How a matrix is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantization {
    /// The scheme; `f16` also where a matrix did not fit the scheme asked for.
    pub scheme: Scheme,
    /// Columns that share a scale, as the scheme has it; absent for `f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_size: Option<usize>,
    /// Name of the scales tensor; absent for `f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scales: Option<String>,
}

/// Why an index is unusable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IndexError {
    /// Larger than [`MAX_INDEX_BYTES`].
    #[error("{INDEX_FILE} has {0} bytes, more than the limit of {MAX_INDEX_BYTES}")]
    TooLong(usize),
    /// Not the JSON expected.
    #[error("{INDEX_FILE} is not a valid index: {0}")]
    Json(String),
    /// Written by an earlier version.
    #[error(
        "{INDEX_FILE} has format `{0}` of an earlier version, expected `{FORMAT}`; convert the release again with `af2 convert`"
    )]
    OldFormat(String),
    /// Written by something else.
    #[error("{INDEX_FILE} has format `{0}`, expected `{FORMAT}`; convert the release with `af2 convert`")]
    Format(String),
    /// One shard's entry is wrong.
    #[error("{INDEX_FILE}: shard `{shard}` {reason}")]
    Shard {
        /// File name.
        shard: String,
        /// What is wrong.
        reason: String,
    },
    /// One small file's entry is wrong.
    #[error("{INDEX_FILE}: file `{file}` {reason}")]
    File {
        /// File name.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// One tensor's entry is wrong.
    #[error("{INDEX_FILE}: tensor `{tensor}` {reason}")]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// Totals and shards disagree.
    #[error("{INDEX_FILE}: metadata.total_size is {total}, the shards hold {shards} bytes")]
    TotalSize {
        /// What the metadata announce.
        total: u64,
        /// Sum over the shards.
        shards: u64,
    },
}

/// Name of the scales tensor of the matrix `name`.
pub fn scales_name(name: &str) -> String {
    format!("{name}.scales")
}

/// File name of shard `number` (from 1) of `count`.
pub fn shard_name(number: usize, count: usize) -> String {
    format!("model-{number:05}-of-{count:05}.safetensors")
}

impl Shard {
    /// Size and digest of a file.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = ShardHasher::new();
        hasher.update(bytes);
        let (bytes, sha256) = hasher.finish();
        Self { bytes, sha256 }
    }
}

impl Quantization {
    /// The entry of the matrix `name` stored as `scheme`.
    pub fn new(name: &str, scheme: Scheme) -> Self {
        let quantized = scheme.is_quantized();
        Quantization { scheme, group_size: scheme.group_size(), scales: quantized.then(|| scales_name(name)) }
    }
}

impl ModelIndex {
    /// Reads and validates an index.
    ///
    /// # Errors
    /// [`IndexError`], which names the shard or tensor at fault.
    pub fn parse(json: &[u8]) -> Result<ModelIndex, IndexError> {
        if json.len() > MAX_INDEX_BYTES {
            return Err(IndexError::TooLong(json.len()));
        }
        let json = without_bom(json);
        let index: ModelIndex = serde_json::from_slice(json).map_err(|error| IndexError::Json(error.to_string()))?;
        index.validate()?;
        Ok(index)
    }

    /// The index as JSON text.
    ///
    /// # Errors
    /// [`IndexError::Json`]; not for an index made of finite strings and numbers as this one.
    pub fn to_json(&self) -> Result<String, IndexError> {
        serde_json::to_string_pretty(self).map_err(|error| IndexError::Json(error.to_string()))
    }

    /// Compares a small file with the index, if the index lists it.
    ///
    /// # Errors
    /// [`VerifyError::File`].
    pub fn verify_file(&self, name: &str, bytes: &[u8]) -> Result<(), VerifyError> {
        let Some(listed) = self.files.get(name) else { return Ok(()) };
        let found = Shard::of(bytes);
        if found.bytes == listed.bytes && found.sha256.eq_ignore_ascii_case(&listed.sha256) {
            return Ok(());
        }
        Err(VerifyError::File { file: name.into(), expected: listed.sha256.clone(), found: found.sha256 })
    }

    /// A notice about the small files that the index does not list.
    pub fn notice(&self) -> Option<String> {
        let unlisted: Vec<&str> = SMALL_FILES.into_iter().filter(|name| !self.files.contains_key(*name)).collect();
        let names = unlisted.join(", ");
        (!unlisted.is_empty()).then(|| {
            format!(
                "{INDEX_FILE} lists no SHA-256 of {names}: not verified (`af2 inspect MODEL --update-hashes` adds it)"
            )
        })
    }

    fn validate(&self) -> Result<(), IndexError> {
        match self.metadata.format.as_str() {
            FORMAT => {}
            OLD_FORMAT => return Err(IndexError::OldFormat(self.metadata.format.clone())),
            _ => return Err(IndexError::Format(self.metadata.format.clone())),
        }
        for (name, shard) in &self.shards {
            check_entry(name, shard).map_err(|reason| IndexError::Shard { shard: name.clone(), reason })?;
        }
        for (name, file) in &self.files {
            check_entry(name, file).map_err(|reason| IndexError::File { file: name.clone(), reason })?;
        }
        self.check_total()?;
        for (tensor, shard) in &self.weight_map {
            if !self.shards.contains_key(shard) {
                return Err(tensor_fault(tensor, format!("is in shard `{shard}`, which the table of shards lacks")));
            }
        }
        self.quantization.iter().try_for_each(|(name, entry)| self.check_quantization(name, entry))
    }

    fn check_total(&self) -> Result<(), IndexError> {
        let shards = self.shards.values().fold(0u64, |sum, shard| sum.saturating_add(shard.bytes));
        let total = self.metadata.total_size;
        if total > shards { Err(IndexError::TotalSize { total, shards }) } else { Ok(()) }
    }

    fn check_quantization(&self, name: &str, entry: &Quantization) -> Result<(), IndexError> {
        if !self.weight_map.contains_key(name) {
            return Err(tensor_fault(name, "has a quantization but no shard".into()));
        }
        match (&entry.scales, entry.group_size) {
            (None, None) if !entry.scheme.is_quantized() => Ok(()),
            (Some(scales), Some(size)) if entry.scheme.group_size() == Some(size) => {
                if self.weight_map.contains_key(scales) {
                    return Ok(());
                }
                Err(tensor_fault(name, format!("has its scales in `{scales}`, which is in no shard")))
            }
            _ => Err(tensor_fault(
                name,
                format!("of scheme {} has group_size {:?}, scales {:?}", entry.scheme, entry.group_size, entry.scales),
            )),
        }
    }
}

/// Names are used as file names and in addresses, so they must stay in the model's directory.
fn check_entry(name: &str, entry: &Shard) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err("is not a plain file name".into());
    }
    if entry.sha256.len() != 64 || !entry.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("has no valid sha256 (64 hexadecimal digits)".into());
    }
    Ok(())
}

fn tensor_fault(tensor: &str, reason: String) -> IndexError {
    IndexError::Tensor { tensor: tensor.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> ModelIndex {
        let shard = shard_name(1, 1);
        let names = ["a.weight", "a.weight.scales", "b.bias"];
        ModelIndex {
            metadata: IndexMetadata { format: FORMAT.into(), total_size: 100, total_parameters: 64, self_test: None },
            weight_map: names.iter().map(|name| (name.to_string(), shard.clone())).collect(),
            shards: BTreeMap::from([(shard, Shard { bytes: 300, sha256: "0f".repeat(32) })]),
            quantization: BTreeMap::from([("a.weight".into(), Quantization::new("a.weight", Scheme::Q4))]),
            files: BTreeMap::from([("config.json".into(), Shard::of(b"{}"))]),
        }
    }

    /// The message after one edit of the JSON text.
    fn message(from: &str, to: &str) -> String {
        let json = index().to_json().unwrap();
        assert!(json.contains(from), "{json}");
        ModelIndex::parse(json.replace(from, to).as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn round_trip() {
        assert_eq!(ModelIndex::parse(index().to_json().unwrap().as_bytes()), Ok(index()));
    }

    #[test]
    fn faults_name_the_shard_or_tensor() {
        let shard = "model-00001-of-00001.safetensors";
        let cases = [
            (FORMAT, "gguf", "format `gguf`"),
            (FORMAT, OLD_FORMAT, "earlier version, expected `af2-webgpu/2`; convert the release again"),
            (shard, "../secret", "shard `../secret` is not a plain file name"),
            (shard, r"a\\b", "is not a plain file name"),
            (r#""b.bias": "model-00001"#, r#""b.bias": "model-00002"#, "tensor `b.bias` is in shard `model-00002"),
            ("0f0f", "0x", "has no valid sha256"),
            (r#""group_size": 16"#, r#""group_size": 64"#, "tensor `a.weight` of scheme q4 has group_size Some(64)"),
            (r#""scales": "a.weight"#, r#""scales": "c"#, "its scales in `c.scales`, which is in no shard"),
            (r#""scheme": "q4""#, r#""scheme": "q3""#, "unknown variant `q3`"),
            (r#""config.json""#, r#""..""#, "file `..` is not a plain file name"),
            (r#""bytes": 2,"#, r#""bytes": -2,"#, "not a valid index"),
            (r#""bytes": 300"#, r#""bytes": 30"#, "total_size is 100, the shards hold 30"),
            (r#""bytes": 300"#, r#""bytes": 1e300"#, "not a valid index"),
            (r#""bytes": 300"#, r#""bytes": -1"#, "not a valid index"),
        ];
        for (from, to, expected) in cases {
            let message = message(from, to);
            assert!(message.contains(expected), "{to}: {message}");
        }
    }

    #[test]
    fn small_files_are_verified_as_far_as_they_are_listed() {
        let index = index();
        index.verify_file("config.json", b"{}").unwrap();
        index.verify_file("tokenizer.json", b"anything").unwrap();
        let edited = index.verify_file("config.json", b"{ }").unwrap_err().to_string();
        assert!(edited.contains("`config.json` is not the file") && edited.contains("--update-hashes"), "{edited}");
        assert!(index.notice().unwrap().contains("no SHA-256 of generation_config.json, tokenizer.json:"));
        let files = SMALL_FILES.map(|name| (name.to_string(), Shard::of(b"")));
        assert_eq!(ModelIndex { files: files.into(), ..index }.notice(), None);
    }

    #[test]
    fn hostile_json_is_an_error() {
        for json in ["", "null", "{}", "[[[[", "{\"metadata\":"] {
            assert!(matches!(ModelIndex::parse(json.as_bytes()), Err(IndexError::Json(_))));
        }
        assert!(ModelIndex::parse("[".repeat(1_000_000).as_bytes()).is_err());
    }
}
