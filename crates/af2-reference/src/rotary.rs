//! Rotary position embedding with paired halves (Su et al. 2021).

use burn_tensor::{Device, Tensor, TensorData};

/// Cosines and sines of every position, [positions, R/2], for the leading R dimensions of a head.
pub(crate) struct Rotary {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl Rotary {
    /// Angles are products of float32 position and frequency, as in the original.
    pub fn new(frequencies: &[f32], positions: usize, device: &Device) -> Self {
        let table = |turn: fn(f64) -> f64| {
            let angles = (0..positions).flat_map(|position| frequencies.iter().map(move |f| position as f32 * f));
            let values: Vec<f32> = angles.map(|angle| turn(f64::from(angle)) as f32).collect();
            Tensor::from_data(TensorData::new(values, [positions, frequencies.len()]), device)
        };
        Self { cos: table(f64::cos), sin: table(f64::sin) }
    }

    /// Rotates x, [heads, tokens, width], whose first token stands at `position`; dimensions beyond R stay as they are.
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
