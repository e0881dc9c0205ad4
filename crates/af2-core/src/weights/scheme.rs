//! The four storage schemes of a matrix and their exact byte layouts.
//!
//! A matrix has N rows (outputs) and K columns (inputs), row-major.
//!
//! | scheme | data tensor | scales tensor | value |
//! |---|---|---|---|
//! | `f32` | f32 \[N, K\] | none | as stored |
//! | `f16` | f16 \[N, K\] | none | as stored |
//! | `q8` | i8 \[N, K\] | f16 \[N, K/32\] | code × scale, code in −127..=127 |
//! | `q4` | u8 \[N, K/2\] | u8 \[N, S\] | (code − 8) × group scale × row scale, code in 0..=15 |
//!
//! 32 columns of q4 take 16 bytes, read by the kernels as one `vec4<u32>`. Byte b (0..4) of word w holds element
//! 8w + b in its low nibble and 8w + b + 4 in its high nibble, so that `unpack4xU8(word & 0x0f0f0f0f)` yields elements
//! 8w..8w+4 and `unpack4xU8((word >> 4) & 0x0f0f0f0f)` the next four. The S bytes of a row of q4 scales are the row's
//! f32 scale, one i8 scale per group of 16 columns, and zeros up to a whole word. All numbers are little-endian.

use std::fmt;
use std::str::FromStr;

use half::f16;
use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::quantize::{Packed, q4, q8};
use super::safetensors::Dtype;

/// A matrix with scales has a multiple of this many columns; a kernel multiplies as many at a time.
pub const COLUMN_BLOCK: usize = 32;

/// How a matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Exact single precision.
    F32,
    /// Half precision.
    F16,
    /// 8-bit symmetric integers, one f16 scale per group of 32: 8.5 bits per weight.
    Q8,
    /// 4-bit integers, one i8 scale per group of 16 and one f32 scale per row of K: 4.5 + 32/K bits per weight.
    Q4,
}

/// Why a matrix could not be packed or unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemeError {
    /// The scheme stores whole blocks of 32 columns only.
    #[error("{scheme} needs a multiple of {COLUMN_BLOCK} columns, the matrix has {cols}; store it as f16")]
    Columns {
        /// The scheme asked for.
        scheme: Scheme,
        /// Columns of the matrix.
        cols: usize,
    },
    /// A slice does not have the size the shape asks for.
    #[error("{scheme} [{rows}, {cols}]: {what} must be {expected} long, got {found}")]
    Length {
        /// The scheme asked for.
        scheme: Scheme,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
        /// Which slice.
        what: &'static str,
        /// Length the shape asks for.
        expected: u64,
        /// Length given.
        found: u64,
    },
    /// The name of no scheme.
    #[error("unknown weight scheme `{0}`; use one of f32, f16, q8, q4")]
    Unknown(String),
}

impl Scheme {
    /// Every scheme, from the most exact to the smallest.
    pub const ALL: [Scheme; 4] = [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4];

    /// Whether the scheme stores integers and scales.
    pub fn is_quantized(self) -> bool {
        matches!(self, Scheme::Q8 | Scheme::Q4)
    }

    /// Whether a matrix of `cols` columns can be stored in this scheme.
    pub fn fits(self, cols: usize) -> bool {
        !self.is_quantized() || cols.is_multiple_of(COLUMN_BLOCK)
    }

    /// This scheme, or `f16` where it does not fit.
    pub fn or_f16(self, cols: usize) -> Scheme {
        if self.fits(cols) { self } else { Scheme::F16 }
    }

    /// Bytes of the data tensor of a \[`rows`, `cols`\] matrix; saturates, so that no hostile shape passes for a real size.
    pub fn data_bytes(self, rows: usize, cols: usize) -> u64 {
        let row = match self {
            Scheme::F32 => (cols as u64).saturating_mul(4),
            Scheme::F16 => (cols as u64).saturating_mul(2),
            Scheme::Q8 => cols as u64,
            Scheme::Q4 => cols as u64 / 2,
        };
        row.saturating_mul(rows as u64)
    }

    /// Bytes of the scales tensor of a \[`rows`, `cols`\] matrix; 0 where there is none.
    pub fn scale_bytes(self, rows: usize, cols: usize) -> u64 {
        let bytes = |(dtype, shape): (Dtype, [usize; 2])| {
            dtype.size().saturating_mul(shape[0] as u64).saturating_mul(shape[1] as u64)
        };
        self.scales(rows, cols).map_or(0, bytes)
    }

    /// Columns that share a scale, where there are any.
    pub fn group_size(self) -> Option<usize> {
        match self {
            Scheme::F32 | Scheme::F16 => None,
            Scheme::Q8 => Some(q8::GROUP),
            Scheme::Q4 => Some(q4::GROUP),
        }
    }

    /// Element type and shape of the scales tensor of a \[`rows`, `cols`\] matrix, where there is one.
    pub fn scales(self, rows: usize, cols: usize) -> Option<(Dtype, [usize; 2])> {
        match self {
            Scheme::F32 | Scheme::F16 => None,
            Scheme::Q8 => Some((Dtype::F16, [rows, cols / q8::GROUP])),
            Scheme::Q4 => Some((Dtype::U8, [rows, q4::scales_row(cols)])),
        }
    }

    /// Element type of the data tensor.
    pub fn data_dtype(self) -> Dtype {
        match self {
            Scheme::F32 => Dtype::F32,
            Scheme::F16 => Dtype::F16,
            Scheme::Q8 => Dtype::I8,
            Scheme::Q4 => Dtype::U8,
        }
    }

    /// Columns of the data tensor of a matrix of `cols` columns.
    pub fn data_cols(self, cols: usize) -> usize {
        if self == Scheme::Q4 { cols / 2 } else { cols }
    }

    /// Columns of the matrix whose data tensor has `data_cols` columns.
    pub fn cols(self, data_cols: usize) -> usize {
        if self == Scheme::Q4 { data_cols.saturating_mul(2) } else { data_cols }
    }

    /// Packs `values`, \[`rows`, `cols`\] row-major and finite.
    ///
    /// Rows are independent: packing blocks of rows one after the other gives the same bytes.
    ///
    /// # Errors
    /// [`SchemeError::Columns`] when the scheme cannot hold such rows, [`SchemeError::Length`] for a slice of the wrong
    /// length.
    pub fn pack(self, rows: usize, cols: usize, values: &[f32]) -> Result<Packed, SchemeError> {
        self.check_cols(cols)?;
        let expected = (rows as u64).saturating_mul(cols as u64);
        self.check_length(rows, cols, "values", expected, values.len())?;
        Ok(match self {
            Scheme::F32 => Packed { data: f32_bytes(values), scales: Vec::new() },
            Scheme::F16 => Packed { data: f16_bytes(values), scales: Vec::new() },
            Scheme::Q8 => q8::pack(values),
            Scheme::Q4 => q4::pack(rows, cols, values),
        })
    }

    /// The exact values that the kernels compute with, \[`rows`, `cols`\] row-major.
    ///
    /// # Errors
    /// As [`Scheme::pack`].
    pub fn unpack(self, rows: usize, cols: usize, data: &[u8], scales: &[u8]) -> Result<Vec<f32>, SchemeError> {
        self.check(rows, cols, data, scales)?;
        Ok(match self {
            Scheme::F32 => data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
            Scheme::F16 => data.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
            Scheme::Q8 => q8::unpack(data, scales),
            Scheme::Q4 => q4::unpack(cols, data, scales),
        })
    }

    /// Whether the bytes are as long as a \[`rows`, `cols`\] matrix asks for.
    ///
    /// # Errors
    /// As [`Scheme::pack`].
    pub fn check(self, rows: usize, cols: usize, data: &[u8], scales: &[u8]) -> Result<(), SchemeError> {
        self.check_cols(cols)?;
        self.check_length(rows, cols, "data", self.data_bytes(rows, cols), data.len())?;
        self.check_length(rows, cols, "scales", self.scale_bytes(rows, cols), scales.len())
    }

    fn check_cols(self, cols: usize) -> Result<(), SchemeError> {
        if self.fits(cols) { Ok(()) } else { Err(SchemeError::Columns { scheme: self, cols }) }
    }

    fn check_length(
        self,
        rows: usize,
        cols: usize,
        what: &'static str,
        expected: u64,
        found: usize,
    ) -> Result<(), SchemeError> {
        let found = found as u64;
        if expected == found {
            return Ok(());
        }
        Err(SchemeError::Length { scheme: self, rows, cols, what, expected, found })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::F32 => "f32",
            Scheme::F16 => "f16",
            Scheme::Q8 => "q8",
            Scheme::Q4 => "q4",
        })
    }
}

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Self, SchemeError> {
        let found = Scheme::ALL.into_iter().find(|scheme| scheme.to_string() == text);
        found.ok_or_else(|| SchemeError::Unknown(text.to_owned()))
    }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn f16_bytes(values: &[f32]) -> Vec<u8> {
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(values);
    halves.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible values in about −1..1 with a few large ones.
    fn values(count: usize) -> Vec<f32> {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|i| uniform() * uniform() * if i % 97 == 0 { 5.0 } else { 1.0 }).collect()
    }

    #[test]
    fn packed_sizes_are_as_announced() {
        for scheme in Scheme::ALL {
            for (rows, cols) in [(1, 32), (3, 64), (609, 128), (7, 352), (0, 32), (5, 0)] {
                let packed = scheme.pack(rows, cols, &values(rows * cols)).unwrap();
                assert_eq!(packed.data.len() as u64, scheme.data_bytes(rows, cols), "{scheme} {rows}x{cols}");
                assert_eq!(packed.scales.len() as u64, scheme.scale_bytes(rows, cols), "{scheme} {rows}x{cols}");
            }
        }
    }

    #[test]
    fn q4_nibbles_stand_where_the_kernels_read_them() {
        // A row that q4 stores exactly: every code twice, and the scale 0.5, which is 127 steps of the row.
        let codes: Vec<u8> = (0..32u8).map(|i| (i * 7) % 16).collect();
        let group: Vec<f32> = codes.iter().map(|&c| (f32::from(c) - 8.0) * 0.5).collect();
        let packed = Scheme::Q4.pack(1, 32, &group).unwrap();
        let (row_scale, group_scales) = packed.scales.split_first_chunk().unwrap();
        assert!((f32::from_le_bytes(*row_scale) - 0.5 / 127.0).abs() < 1e-9);
        assert_eq!(group_scales, [127, 127, 0, 0], "two groups, padded to a word");
        for w in 0..4 {
            let word = u32::from_le_bytes(packed.data[4 * w..4 * w + 4].try_into().unwrap());
            let low = (word & 0x0f0f_0f0f).to_le_bytes();
            let high = ((word >> 4) & 0x0f0f_0f0f).to_le_bytes();
            assert_eq!(low, codes[8 * w..8 * w + 4]);
            assert_eq!(high, codes[8 * w + 4..8 * w + 8]);
        }
        let back = Scheme::Q4.unpack(1, 32, &packed.data, &packed.scales).unwrap();
        assert!(back.iter().zip(&group).all(|(a, b)| (a - b).abs() < 1e-6), "{back:?}");
    }

    #[test]
    fn error_is_bounded_by_the_largest_of_the_group() {
        let (rows, cols) = (16, 96);
        let source = values(rows * cols);
        // Half a step each; q4 may also clip the largest value when that serves the others.
        for (scheme, steps) in
            [(Scheme::F32, f32::INFINITY), (Scheme::F16, 2048.0), (Scheme::Q8, 250.0), (Scheme::Q4, 5.0)]
        {
            let packed = scheme.pack(rows, cols, &source).unwrap();
            let restored = scheme.unpack(rows, cols, &packed.data, &packed.scales).unwrap();
            for (group, back) in source.chunks(32).zip(restored.chunks(32)) {
                let largest = group.iter().fold(0f32, |m, v| m.max(v.abs()));
                for (a, b) in group.iter().zip(back) {
                    assert!((a - b).abs() <= largest / steps, "{scheme}: {a} became {b} in a group up to {largest}");
                }
            }
        }
    }

    #[test]
    fn blocks_of_rows_pack_alike() {
        let source = values(8 * 64);
        for scheme in Scheme::ALL {
            let whole = scheme.pack(8, 64, &source).unwrap();
            let (top, bottom) = source.split_at(3 * 64);
            let (top, bottom) = (scheme.pack(3, 64, top).unwrap(), scheme.pack(5, 64, bottom).unwrap());
            assert_eq!(whole.data, [top.data, bottom.data].concat());
            assert_eq!(whole.scales, [top.scales, bottom.scales].concat());
        }
    }

    #[test]
    fn errors_name_the_mismatch() {
        assert_eq!(Scheme::Q4.or_f16(40), Scheme::F16);
        assert!(matches!(Scheme::Q8.pack(1, 40, &[0.0; 40]), Err(SchemeError::Columns { cols: 40, .. })));
        assert!(matches!(Scheme::Q4.unpack(1, 32, &[0; 15], &[0; 8]), Err(SchemeError::Length { what: "data", .. })));
        assert!(matches!(Scheme::Q4.unpack(1, 32, &[0; 16], &[]), Err(SchemeError::Length { what: "scales", .. })));
        assert_eq!(Scheme::F32.data_bytes(usize::MAX, usize::MAX), u64::MAX);
        assert_eq!("q5".parse::<Scheme>(), Err(SchemeError::Unknown("q5".into())));
        assert_eq!("q4".parse(), Ok(Scheme::Q4));
    }
}
