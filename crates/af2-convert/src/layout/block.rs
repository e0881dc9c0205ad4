//! From the bytes of a checkpoint to packed rows: decoding, checks, packing.

use af2_core::weights::safetensors::Dtype;
use af2_core::weights::{Packed, Scheme};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::error::ReleaseError;

/// Largest magnitude half-precision values and scales hold.
const F16_MAX: f32 = 65504.0;

/// Whole rows of one tensor, ready to be packed on any thread.
#[derive(Debug, Clone)]
pub struct Block {
    /// Canonical name, for errors.
    pub tensor: String,
    /// Flat index of the first element, for errors.
    pub first: u64,
    /// Element type.
    pub dtype: Dtype,
    /// Little-endian elements.
    pub bytes: Vec<u8>,
    /// How they are to be stored.
    pub scheme: Scheme,
    /// Elements of a row.
    pub cols: usize,
}

impl Block {
    /// The elements as f32, all finite.
    ///
    /// # Errors
    /// [`ReleaseError::Dtype`], [`ReleaseError::NotFinite`].
    pub fn decode(&self) -> Result<Vec<f32>, ReleaseError> {
        let values = match self.dtype {
            Dtype::F32 => self.bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
            Dtype::F64 => self.bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
            Dtype::BF16 => self.bytes.as_chunks().0.iter().map(|&bytes| bf16::from_le_bytes(bytes).to_f32()).collect(),
            Dtype::F16 => self.halves(),
            found => return Err(ReleaseError::Dtype { tensor: self.tensor.clone(), found }),
        };
        match first_beyond(&values, f32::MAX) {
            Some(at) => Err(ReleaseError::NotFinite {
                tensor: self.tensor.clone(),
                index: self.first + at as u64,
                value: values[at],
            }),
            None => Ok(values),
        }
    }

    /// The packed rows.
    ///
    /// # Errors
    /// As [`Block::decode`]; [`ReleaseError::TooLarge`] for what the scheme cannot hold.
    pub fn pack(&self) -> Result<Packed, ReleaseError> {
        let (values, scheme) = (self.decode()?, self.scheme);
        if matches!(scheme, Scheme::F16 | Scheme::Q8)
            && let Some(at) = first_beyond(&values, F16_MAX)
        {
            let (tensor, index) = (self.tensor.clone(), self.first + at as u64);
            return Err(ReleaseError::TooLarge { tensor, index, value: values[at], scheme });
        }
        let rows = values.len().checked_div(self.cols).unwrap_or(0);
        scheme.pack(rows, self.cols, &values).map_err(|error| ReleaseError::Pack { tensor: self.tensor.clone(), error })
    }

    fn halves(&self) -> Vec<f32> {
        let halves: Vec<f16> = self.bytes.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes)).collect();
        let mut values = vec![0.0; halves.len()];
        halves.convert_to_f32_slice(&mut values);
        values
    }
}

/// Index of the first value that is NaN or larger than `limit`. Whole blocks are tested without a branch per value.
fn first_beyond(values: &[f32], limit: f32) -> Option<usize> {
    let fine = |x: &f32| x.abs() <= limit;
    let block = values.chunks(256).position(|block| !block.iter().fold(true, |all, x| all & fine(x)))?;
    values[block * 256..].iter().position(|x| !fine(x)).map(|at| block * 256 + at)
}

/// The rotary frequencies of the audio transformer, for a release without `inv_freq`.
///
/// θ_i = 4096^(−2i/R) for i in 0..R/2, where R is the number of rotated dimensions of a head: 128 in the released models.
pub fn rotary_frequencies(rotary_dim: usize) -> Vec<f32> {
    (0..rotary_dim / 2).map(|i| 4096f64.powf(-2.0 * i as f64 / rotary_dim as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(dtype: Dtype, bytes: &[u8], scheme: Scheme) -> Block {
        Block { tensor: "w".into(), first: 1000, dtype, bytes: bytes.into(), scheme, cols: 32 }
    }

    #[test]
    fn every_real_type_decodes() {
        let source = [1.5f32, -0.25, 3.0, 0.0];
        let bytes = |f: fn(f32) -> Vec<u8>| source.iter().flat_map(|&x| f(x)).collect::<Vec<u8>>();
        for (dtype, bytes) in [
            (Dtype::F32, bytes(|x| x.to_le_bytes().to_vec())),
            (Dtype::F64, bytes(|x| f64::from(x).to_le_bytes().to_vec())),
            (Dtype::F16, bytes(|x| f16::from_f32(x).to_le_bytes().to_vec())),
            (Dtype::BF16, bytes(|x| bf16::from_f32(x).to_le_bytes().to_vec())),
        ] {
            assert_eq!(block(dtype, &bytes, Scheme::F32).decode().unwrap(), source, "{dtype:?}");
        }
        assert!(matches!(block(Dtype::I64, &[0; 8], Scheme::F32).decode(), Err(ReleaseError::Dtype { .. })));
    }

    #[test]
    fn the_first_bad_value_is_named() {
        let mut source = vec![0.5f32; 600];
        source[555] = f32::NAN;
        source[590] = f32::INFINITY;
        let bytes: Vec<u8> = source.iter().flat_map(|x| x.to_le_bytes()).collect();
        let error = block(Dtype::F32, &bytes, Scheme::F32).decode().unwrap_err().to_string();
        assert!(error.starts_with("tensor `w` holds NaN at element 1555"), "{error}");
        let large = 7e4f32.to_le_bytes().repeat(32);
        assert!([Scheme::F32, Scheme::Q4].iter().all(|&roomy| block(Dtype::F32, &large, roomy).pack().is_ok()));
        let error = block(Dtype::F32, &large, Scheme::Q8).pack().unwrap_err().to_string();
        assert!(error.contains("holds 70000 at element 1000, which q8 cannot store"), "{error}");
    }
}
