//! Encoded clips, the last used first, up to a number of bytes: a conversation about one clip encodes it once.

use std::collections::VecDeque;

use af2_core::config::ModelConfig;
use af2_core::engine::{audio_kv_values, encoder_token_values};
use af2_serve::{Clip, ClipUse};
use anyhow::Result;

use crate::model::{Engine, Heard};

/// A cache of encoded clips.
pub(super) struct Clips {
    held: VecDeque<Held>,
    /// Most bytes of all clips together; one clip is held whatever it takes.
    limit: u64,
    usage: ClipUse,
}

struct Held {
    digest: [u8; 32],
    bytes: u64,
    heard: Box<dyn Heard>,
}

impl Clips {
    /// A cache of at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { held: VecDeque::new(), limit, usage: ClipUse::default() }
    }

    /// How it is used.
    pub fn usage(&self) -> ClipUse {
        ClipUse { clips: self.held.len(), bytes: self.held.iter().map(|clip| clip.bytes).sum(), ..self.usage }
    }

    /// The clip, encoded if it is not there. `wanted` ends the encoding by returning false.
    ///
    /// # Errors
    /// As [`Engine::listen`].
    pub fn get(
        &mut self,
        engine: &dyn Engine,
        clip: &Clip,
        wanted: &mut dyn FnMut() -> bool,
    ) -> Result<&mut dyn Heard> {
        if let Some(at) = self.held.iter().position(|held| held.digest == clip.digest) {
            self.usage.hits += 1;
            self.held.make_contiguous()[..=at].rotate_right(1); // to the front, the others in their order
        } else {
            let windows = &clip.audio.windows;
            let bytes = held_bytes(engine.config(), windows.count, windows.codes.len());
            self.make_room(bytes);
            let heard = engine.listen(windows, &mut |_, _| wanted())?;
            self.usage.misses += 1;
            self.held.push_front(Held { digest: clip.digest, bytes, heard });
        }
        Ok(&mut *self.held[0].heard)
    }

    /// Drops a clip: a panic may have left it half changed.
    pub fn forget(&mut self, digest: &[u8; 32]) {
        self.held.retain(|held| held.digest != *digest);
    }

    fn make_room(&mut self, bytes: u64) {
        let mut taken: u64 = self.held.iter().map(|held| held.bytes).sum();
        while taken.saturating_add(bytes) > self.limit {
            let Some(oldest) = self.held.pop_back() else { return };
            taken -= oldest.bytes;
        }
    }
}

/// Bytes that an encoded clip holds, at most: keys, values and tokens in float32, and the codes from which a recovery encodes it again. What
/// encoding takes beside it ([`Engine::clip_bytes`]) is free again.
fn held_bytes(config: &ModelConfig, windows: usize, codes: usize) -> u64 {
    let values = audio_kv_values(config, windows).saturating_add(encoder_token_values(config, windows));
    values.saturating_mul(4).saturating_add(2 * codes as u64)
}
