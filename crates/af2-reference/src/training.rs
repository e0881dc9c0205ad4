//! A step of question answering on cached encoder tokens: the loss of the next tokens, and its gradient by every weight.
//!
//! The demo model is trained in PyTorch (`weights/demo/recipe`), which takes 0.30 s of one core for a step of 12 recordings with 6
//! questions of 20 tokens where burn-flex takes 2.1 s: these modules read one sequence at a time, and every operation records
//! itself. Both give the same loss (7.21920) and embedding gradient (norm 1.21243) on random weights. On the same weights
//! encoder tokens, audio memory and logits of a recording differ by 3.5e-6, 4.0e-6 and 3.5e-6. To repeat the timing:
//!
//! ```sh
//! RAYON_NUM_THREADS=1 cargo run --release -p af2-reference --features autodiff --example training_step -- MODEL
//! ```

use burn_tensor::activation::log_softmax;
use burn_tensor::{Int, Tensor, TensorData};

use crate::taps::Taps;
use crate::{Clip, Model, ReferenceError};

/// A recording's encoder tokens, and questions with their answers about it.
pub struct Lesson {
    /// [T, D], row-major.
    pub tokens: Vec<f32>,
    /// Token ids of every prompt with its answer, at least two each.
    pub texts: Vec<Vec<u32>>,
}

/// What a step gives.
pub struct Step {
    /// Mean cross-entropy of the next tokens.
    pub loss: f32,
    /// Its gradient by the embedding, [V, H], row-major.
    pub embedding_gradient: Vec<f32>,
}

impl Model {
    /// Forward and backward through audio transformer and decoder, for a model on [`crate::Backend::CpuWithGradients`].
    ///
    /// # Errors
    /// Tokens that are not whole rows of the model's width, texts that do not fit, or a backend without gradients.
    pub fn training_step(&self, lessons: &[Lesson]) -> Result<Step, ReferenceError> {
        let mut losses = Vec::new();
        for lesson in lessons {
            let clip = self.remember(self.audio_tokens(&lesson.tokens)?, &mut Taps::default());
            for text in &lesson.texts {
                losses.push(clip.next_token_losses(text)?);
            }
        }
        let loss = Tensor::cat(losses, 0).mean();
        if !loss.is_tracked() {
            return Err(ReferenceError::Backend("the model was loaded on a backend without gradients".into()));
        }
        let gradients = loss.backward();
        let embedding = self.0.decoder.embed_tokens.grad(&gradients);
        let absent = || ReferenceError::Backend("the embedding has no gradient".into());
        Ok(Step {
            loss: loss.inner().into_scalar(),
            embedding_gradient: embedding.ok_or_else(absent)?.into_data().iter().collect(),
        })
    }

    fn audio_tokens(&self, tokens: &[f32]) -> Result<Tensor<2>, ReferenceError> {
        let width = self.config().audio_transformer.d_model;
        if tokens.is_empty() || !tokens.len().is_multiple_of(width) {
            return Err(ReferenceError::Network(format!("{} values are no rows of {width}", tokens.len())));
        }
        let data = TensorData::new(tokens.to_vec(), [tokens.len() / width, width]);
        Ok(Tensor::from_data(data, &self.0.decoder.embed_tokens.device()))
    }
}

impl Clip {
    /// −log p of every token of a text but the first, [tokens − 1].
    fn next_token_losses(&self, text: &[u32]) -> Result<Tensor<1>, ReferenceError> {
        self.check_prompt(text, 0)?;
        let decoder = &self.model.0.decoder;
        let (inputs, targets) = (&text[..text.len() - 1], &text[1..]);
        let x = decoder.forward(inputs, &self.memory, &mut decoder.cache(), &mut Taps::default());
        let probabilities = log_softmax(decoder.logits(x, &mut Taps::default()), 1);
        let targets: Vec<i64> = targets.iter().map(|id| i64::from(*id)).collect();
        let count = targets.len();
        let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [count, 1]), &probabilities.device());
        Ok(probabilities.gather(1, targets).neg().reshape([count]))
    }
}
