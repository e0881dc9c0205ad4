//! HTSAT: from images to 64 tokens per window.
//!
//! ```text
//! image ── patch embedding ── Swin stages ── norm ── token order
//! ```

use af2_core::config::EncoderConfig;
use burn_tensor::Tensor;

use crate::ReferenceError;
use crate::frontend::IMAGE_SIDE;
use crate::layers::{LayerNorm, Linear};
use crate::swin::{EPS, GRID_SIDE, SwinStage};
use crate::taps::Taps;
use crate::weights::Weights;

/// Tokens that a window becomes.
pub(crate) const TOKENS_PER_WINDOW: usize = 64;
/// Rows and columns of an image patch.
const PATCH: usize = IMAGE_SIDE / GRID_SIDE;
/// Stages whose mergings lead from 4096 tokens to 64.
const STAGES: usize = 4;

pub(crate) struct Encoder {
    patch_embed_proj: Linear,
    patch_embed_norm: LayerNorm,
    layers: Vec<SwinStage>,
    norm: LayerNorm,
}

impl Encoder {
    pub fn load(weights: &Weights, config: &EncoderConfig) -> Result<Self, ReferenceError> {
        if config.depths.len() != STAGES {
            return Err(ReferenceError::Network(format!("{} encoder stages, expected {STAGES}", config.depths.len())));
        }
        let root = weights.scope("clap.nvclap");
        // A convolution whose stride is its kernel is a product with every patch.
        let kernel = root.tensor::<4>("patch_embed.proj.weight")?.reshape([config.embed_dim, PATCH * PATCH]);
        let bias = root.tensor("patch_embed.proj.bias")?;
        let stage = |stage: usize| SwinStage::load(&root.at(&format!("layers.{stage}")), config, stage);
        Ok(Self {
            patch_embed_proj: Linear::of_rows(kernel).with_bias(bias),
            patch_embed_norm: LayerNorm::load(&root, "patch_embed.norm", EPS)?,
            layers: (0..STAGES).map(stage).collect::<Result<_, _>>()?,
            norm: LayerNorm::load(&root, "norm", EPS)?,
        })
    }

    /// Images [n, 256, 256] to tokens [n, 64, D].
    pub fn forward(&self, images: Tensor<3>, taps: &mut Taps) -> Tensor<3> {
        let count = images.dims()[0];
        let embedded = self.patch_embed_norm.forward(self.patch_embed_proj.forward(patches(images)));
        let embedded = taps.tap("patch_embed", embedded);
        let width = embedded.dims()[2];
        let mut x = embedded.reshape([count, GRID_SIDE, GRID_SIDE, width]);
        for (index, stage) in self.layers.iter().enumerate() {
            x = stage.forward(x);
            let [_, side, _, width] = x.dims();
            let tokens = taps.tap(format!("swin_stage{index}"), x.reshape([count, side * side, width]));
            x = tokens.reshape([count, side, side, width]);
        }
        let [_, side, _, width] = x.dims();
        let normed = self.norm.forward(x.reshape([count, side * side, width]));
        let normed = taps.tap("swin_norm", normed);
        taps.tap("encoder_tokens", reorder(normed))
    }
}

/// [n, 256, 256] to [n, 4096, 16]: patches row by row, their pixels row by row.
fn patches(images: Tensor<3>) -> Tensor<3> {
    let count = images.dims()[0];
    let cut = images.reshape([count, GRID_SIDE, PATCH, GRID_SIDE, PATCH]).swap_dims(2, 3);
    cut.reshape([count, GRID_SIDE * GRID_SIDE, PATCH * PATCH])
}

/// From grid order, rows 2·quarter + half, to the lower half of the spectrum in time order, then the upper.
fn reorder(grid: Tensor<3>) -> Tensor<3> {
    let [count, tokens, width] = grid.dims();
    grid.reshape([count, 4, 2, 8, width]).swap_dims(1, 2).reshape([count, tokens, width])
}
