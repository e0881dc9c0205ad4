//! Rotary position embedding (Su et al. 2021): dimension i is paired with i + R/2 and rotated by position·θ_i.
//!
//! ```text
//! a'_i = a_i·cos − a_{i+R/2}·sin        a'_{i+R/2} = a_{i+R/2}·cos + a_i·sin
//! ```
//!
//! R leading dimensions of a head are rotated: all 128 in the decoder of the 3B model, 128 of 256 in the audio transformer.

use burn_tensor::{Device, Tensor, TensorData};

/// Cosines and sines of every position, [positions, R/2] each.
pub(crate) struct Rotary {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl Rotary {
    /// From the frequencies θ, [R/2]. An angle is the float32 position times the float32 frequency, as in the original.
    pub fn new(frequencies: &[f32], positions: usize, device: &Device) -> Self {
        let table = |turn: fn(f64) -> f64| {
            let angles = (0..positions).flat_map(|position| frequencies.iter().map(move |f| position as f32 * f));
            let values: Vec<f32> = angles.map(|angle| turn(f64::from(angle)) as f32).collect();
            Tensor::from_data(TensorData::new(values, [positions, frequencies.len()]), device)
        };
        Self { cos: table(f64::cos), sin: table(f64::sin) }
    }

    /// Rotates x, [heads, tokens, d], whose first token has this position; dimensions from R on stay as they are.
    pub fn forward(&self, x: Tensor<3>, position: usize) -> Tensor<3> {
        let [_, tokens, width] = x.dims();
        let half = self.cos.dims()[1];
        let at = |table: &Tensor<2>| table.clone().narrow(0, position, tokens).unsqueeze::<3>();
        let (cos, sin) = (at(&self.cos), at(&self.sin));
        let (a, b) = (x.clone().narrow(2, 0, half), x.clone().narrow(2, half, half));
        let mut parts = vec![a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin];
        if 2 * half < width {
            parts.push(x.narrow(2, 2 * half, width - 2 * half));
        }
        Tensor::cat(parts, 2)
    }
}
