//! Every intermediate of one question, under the names of the golden files.
//!
//! n windows, T = 64·n audio tokens, L prompt tokens; D, H and V as in [`crate::config`].
//!
//! | name | shape | what |
//! |---|---|---|
//! | `logmel` | [n, frames, 64] | log-mel spectrogram in dB |
//! | `image` | [n, 256, 256] | normed, stretched and folded spectrogram |
//! | `patch_embed` | [n, 4096, E] | normed patch embedding |
//! | `swin_stage{s}` | [n, tokens, C] | output of encoder stage s |
//! | `swin_norm`, `encoder_tokens` | [n, 64, D] | final norm; the same in time order |
//! | `audio_transformer_in`, `…_layer{i}`, `…_out` | [1, T, D] | normed input, layers, output |
//! | `xattn{l}_kv` | [1, T, 2·inner] | audio keys and values of decoder layer l |
//! | `embed` | [1, L, H] | token embedding |
//! | `xattn{l}_attn_raw`, `xattn{l}_out` | [1, L, H] | cross-attention before its gate; the block's output |
//! | `flamingo_layer{l}` | [1, L, H] | output of decoder layer l |
//! | `final_norm`, `logits` | [1, L, H], [1, L, V] | of every prompt token |

use super::{EngineError, Stage};

/// A named intermediate, float32.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceTensor {
    /// Name, for example `swin_stage0`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

impl TraceTensor {
    /// Checks that every value is finite.
    ///
    /// # Errors
    /// [`EngineError::NotFinite`] with the tensor's name.
    pub fn check(&self) -> Result<(), EngineError> {
        let finite = self.values.iter().all(|value| value.is_finite());
        if finite { Ok(()) } else { Err(EngineError::NotFinite { stage: Stage::Traced(self.name.clone()) }) }
    }
}

/// Everything that answering one question computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Intermediates in order of computation.
    pub tensors: Vec<TraceTensor>,
    /// The new tokens, greedy.
    pub new_ids: Vec<u32>,
    /// Logits that each of them was chosen from, \[V\] each.
    pub step_logits: Vec<Vec<f32>>,
}
