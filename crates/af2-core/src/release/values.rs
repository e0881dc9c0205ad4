//! From the bytes of a source to packed rows: decoding, checks, packing.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::error::ReleaseError;
use crate::weights::safetensors::Dtype;
use crate::weights::{Packed, Scheme};

/// Largest magnitude half-precision values and scales hold.
const F16_MAX: f32 = 65504.0;

/// A block of consecutive elements of one tensor.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// Canonical name, for errors.
    pub tensor: &'a str,
    /// Flat index of the first element, for errors.
    pub first: u64,
    /// Element type.
    pub dtype: Dtype,
    /// Little-endian elements.
    pub bytes: &'a [u8],
}

impl Values<'_> {
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
            found => return Err(ReleaseError::Dtype { tensor: self.tensor.into(), found }),
        };
        match first_beyond(&values, f32::MAX) {
            Some(at) => Err(ReleaseError::NotFinite {
                tensor: self.tensor.into(),
                index: self.first + at as u64,
                value: values[at],
            }),
            None => Ok(values),
        }
    }

    /// The elements as rows of `cols`, packed.
    ///
    /// # Errors
    /// As [`Values::decode`]; [`ReleaseError::TooLarge`] for what the scheme cannot hold.
    pub fn pack(&self, scheme: Scheme, cols: usize) -> Result<Packed, ReleaseError> {
        let values = self.decode()?;
        if matches!(scheme, Scheme::F16 | Scheme::Q8)
            && let Some(at) = first_beyond(&values, F16_MAX)
        {
            let (tensor, index) = (self.tensor.to_owned(), self.first + at as u64);
            return Err(ReleaseError::TooLarge { tensor, index, value: values[at], scheme });
        }
        let rows = values.len().checked_div(cols).unwrap_or(0);
        scheme.pack(rows, cols, &values).map_err(|error| ReleaseError::Pack { tensor: self.tensor.into(), error })
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

/// θ_i = 4096^(−2i/R), i = 0..R/2: the rotary frequencies of the audio transformer, where a release lacks them.
pub fn rotary_frequencies(rotary_dim: usize) -> Vec<f32> {
    (0..rotary_dim / 2).map(|i| 4096f64.powf(-2.0 * i as f64 / rotary_dim as f64) as f32).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn values(dtype: Dtype, bytes: &[u8]) -> Values<'_> {
        Values { tensor: "w", first: 1000, dtype, bytes }
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
            assert_eq!(values(dtype, &bytes).decode().unwrap(), source, "{dtype:?}");
        }
        assert!(matches!(values(Dtype::I64, &[0; 8]).decode(), Err(ReleaseError::Dtype { .. })));
    }

    #[test]
    fn the_first_bad_value_is_named() {
        let mut source = vec![0.5f32; 600];
        source[555] = f32::NAN;
        source[590] = f32::INFINITY;
        let bytes: Vec<u8> = source.iter().flat_map(|x| x.to_le_bytes()).collect();
        let error = values(Dtype::F32, &bytes).decode().unwrap_err().to_string();
        assert!(error.starts_with("tensor `w` holds NaN at element 1555"), "{error}");
        let large = 7e4f32.to_le_bytes().repeat(32);
        assert!([Scheme::F32, Scheme::Q4].iter().all(|roomy| values(Dtype::F32, &large).pack(*roomy, 32).is_ok()));
        let error = values(Dtype::F32, &large).pack(Scheme::Q8, 32).unwrap_err().to_string();
        assert!(error.contains("holds 70000 at element 1000, which q8 cannot store"), "{error}");
    }
}
