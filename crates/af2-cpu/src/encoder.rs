//! HTSAT (Chen et al. 2022): from images to 64 tokens per window.
//!
//! ```text
//! image ── patch embedding ── 4 Swin stages ── norm ── token order
//! ```
//!
//! In every release the patch embedding is conv2d(1→256, k=4, stride 4) and the stages have 256, 512, 1024 and 2048 channels.
//!
//! # Shapes
//! n images [n, 256, 256] → [n, 4096, E] → … → [n, 64, D] with D = 8·E.

use af2_core::config::EncoderConfig;
use af2_core::engine::{GRID_SIDE, PATCH, STAGES};
use burn_tensor::Tensor;

use crate::CpuError;
use crate::layers::{LayerNorm, Linear};
use crate::matrix::Matrix;
use crate::swin::{EPS, SwinStage};
use crate::taps::Taps;
use crate::weights::Weights;

pub(crate) struct Encoder {
    patch_embed_proj: Linear,
    patch_embed_norm: LayerNorm,
    layers: Vec<SwinStage>,
    norm: LayerNorm,
}

impl Encoder {
    pub fn load(weights: &Weights, config: &EncoderConfig) -> Result<Self, CpuError> {
        let root = weights.scope("clap.nvclap");
        // A convolution whose stride equals its kernel size is a linear layer on every patch.
        let kernel = root.tensor::<4>("patch_embed.proj.weight")?.reshape([config.embed_dim, PATCH * PATCH]);
        let bias = root.tensor("patch_embed.proj.bias")?;
        let stage = |stage: usize| SwinStage::load(&root.at(&format!("layers.{stage}")), config, stage);
        Ok(Self {
            patch_embed_proj: Linear::of(Matrix::Dense(Box::new(kernel))).with_bias(bias),
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
