//! A weight file that exists only where it is read.

use std::ops::Range;

use af2_core::weights::safetensors::{Dtype, HeaderError, TensorSpec};

use super::values::Values;
use crate::sink::header;

/// Bytes of the widest element; what is made begins and ends at a multiple of it.
const ALIGNMENT: u64 = 8;

/// A safetensors file of random tensors.
pub(super) struct Chunk {
    header: Vec<u8>,
    /// Tensors with their ranges in the file, in order.
    tensors: Vec<(Range<u64>, Values)>,
}

impl Chunk {
    pub fn new(seed: u64, specs: Vec<TensorSpec>) -> Result<Self, HeaderError> {
        let header = header(&specs)?;
        let mut begin = header.len() as u64;
        let place = |spec: &TensorSpec| {
            let range = begin..begin + spec.bytes();
            begin = range.end;
            (range, Values::new(seed, &spec.name, &spec.shape, spec.dtype == Dtype::I64))
        };
        let tensors = specs.iter().map(place).collect();
        Ok(Self { header, tensors })
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.header.len() as u64 + self.tensor_bytes()
    }

    /// Bytes behind the header.
    pub fn tensor_bytes(&self) -> u64 {
        self.tensors.iter().map(|(place, _)| place.end - place.start).sum()
    }

    /// A range of the file's bytes, cut where the file ends.
    pub fn read(&self, range: Range<u64>) -> Vec<u8> {
        let header = self.header.len().min(range.end as usize);
        let mut bytes = self.header.get(range.start as usize..header).unwrap_or_default().to_vec();
        let first = self.tensors.partition_point(|(place, _)| place.end <= range.start);
        for (place, values) in self.tensors[first..].iter().take_while(|(place, _)| place.start < range.end) {
            let within = range.start.max(place.start) - place.start..range.end.min(place.end) - place.start;
            bytes.extend(exact(values, within));
        }
        bytes
    }
}

/// A range of a tensor's bytes that need not lie on whole elements.
fn exact(values: &Values, range: Range<u64>) -> Vec<u8> {
    let begin = range.start / ALIGNMENT * ALIGNMENT;
    let mut bytes = values.bytes(begin..range.end.next_multiple_of(ALIGNMENT));
    bytes.truncate((range.end - begin) as usize);
    bytes.split_off((range.start - begin) as usize)
}

#[cfg(test)]
mod tests {
    use af2_core::weights::safetensors::{Header, PREFIX_BYTES, header_bytes};

    use super::*;

    #[test]
    fn any_ranges_put_together_are_the_file() {
        let spec = |name: &str, dtype, shape: &[usize]| TensorSpec { name: name.into(), dtype, shape: shape.to_vec() };
        let specs = vec![
            spec("a.weight", Dtype::F32, &[7, 5]),
            spec("step", Dtype::I64, &[]),
            spec("a.bias", Dtype::F32, &[3]),
        ];
        let chunk = Chunk::new(3, specs).unwrap();
        let file = chunk.read(0..chunk.size());
        assert_eq!(file.len() as u64, chunk.size());
        let length = header_bytes(*file.first_chunk().unwrap(), chunk.size()).unwrap();
        let begin = PREFIX_BYTES as usize;
        let header = Header::parse(&file[begin..begin + length], chunk.size()).unwrap();
        let bias = &header.tensors["a.bias"];
        let expected = Values::new(3, "a.bias", &[3], false).bytes(0..12);
        assert_eq!(file[bias.begin as usize..bias.end as usize], expected);
        for step in [1, 3, 8, 50] {
            let parts = (0..chunk.size()).step_by(step).map(|at| chunk.read(at..at + step as u64));
            assert_eq!(parts.collect::<Vec<_>>().concat(), file, "{step} bytes at a time");
        }
    }
}
