//! Verification of shards while they stream by, and of small files: byte count and SHA-256.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// Why a shard or a small file is not the one that was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Too short or too long.
    #[error(
        "shard `{shard}` has {found} bytes, expected {expected}: it is truncated or damaged; fetch or convert it again"
    )]
    Size {
        /// File name.
        shard: String,
        /// Bytes the index announces.
        expected: u64,
        /// Bytes seen.
        found: u64,
    },
    /// Other contents.
    #[error("shard `{shard}` has SHA-256 {found}, expected {expected}: it is damaged; fetch or convert it again")]
    Hash {
        /// File name.
        shard: String,
        /// Digest the index announces, lower-case hexadecimal.
        expected: String,
        /// Digest of the bytes seen.
        found: String,
    },
    /// A small file with other contents.
    #[error(
        "`{file}` is not the file that the index lists (SHA-256 {found}, expected {expected}): fetch or convert the model again, or, if you edited it, run `af2 inspect MODEL --update-hashes`"
    )]
    File {
        /// File name.
        file: String,
        /// Digest the index announces, lower-case hexadecimal.
        expected: String,
        /// Digest of the bytes seen.
        found: String,
    },
}

/// Running size and SHA-256 of a shard.
#[derive(Clone, Default)]
pub struct ShardHasher {
    sha256: Sha256,
    bytes: u64,
}

impl ShardHasher {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk, of any size.
    pub fn update(&mut self, chunk: &[u8]) {
        self.sha256.update(chunk);
        self.bytes += chunk.len() as u64;
    }

    /// Bytes seen so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes seen and their SHA-256 in lower-case hexadecimal.
    pub fn finish(self) -> (u64, String) {
        let digest = self.sha256.finalize();
        (self.bytes, digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Compares what was seen with what the index announces.
    ///
    /// # Errors
    /// [`VerifyError`] with the name `shard`; the size is compared first.
    pub fn verify(self, shard: &str, expected_bytes: u64, expected_sha256: &str) -> Result<(), VerifyError> {
        let (found, digest) = self.finish();
        if found != expected_bytes {
            return Err(VerifyError::Size { shard: shard.into(), expected: expected_bytes, found });
        }
        if !digest.eq_ignore_ascii_case(expected_sha256) {
            return Err(VerifyError::Hash { shard: shard.into(), expected: expected_sha256.into(), found: digest });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn hasher(chunks: &[&str]) -> ShardHasher {
        let mut hasher = ShardHasher::new();
        chunks.iter().for_each(|chunk| hasher.update(chunk.as_bytes()));
        hasher
    }

    #[test]
    fn chunks_of_any_size_give_the_published_digest() {
        assert_eq!(hasher(&["a", "", "bc"]).finish(), (3, ABC.to_owned()));
        assert_eq!(hasher(&["abc"]).verify("s", 3, &ABC.to_uppercase()), Ok(()));
    }

    #[test]
    fn size_and_contents_are_told_apart() {
        let short = hasher(&["ab"]).verify("model-1", 3, ABC).unwrap_err();
        assert!(short.to_string().starts_with("shard `model-1` has 2 bytes, expected 3"));
        let flipped = hasher(&["abb"]).verify("model-1", 3, ABC).unwrap_err();
        assert!(matches!(flipped, VerifyError::Hash { .. }));
    }
}
