//! Shards on their way in: order, size, header and hash checked alike for both engines, while an engine stores the bytes.

use std::collections::BTreeMap;

use super::EngineError;
use crate::config::ModelConfig;
use crate::weights::index::{ModelIndex, Shard};
use crate::weights::safetensors::{Header, HeaderError, PREFIX_BYTES, TensorEntry, TensorSpec, header_bytes};
use crate::weights::stored::StoredError;
use crate::weights::tensor_table::tensor_table;
use crate::weights::verify::ShardHasher;

/// Bytes of the smallest write to a GPU buffer.
const WORD: usize = 4;

/// A run of a stored tensor's bytes. The runs of a tensor come in order; all but the last are whole words of 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorBytes<'a> {
    /// Name of the stored tensor: the checkpoint's, or that of its scales.
    pub tensor: &'a str,
    /// First byte in the tensor.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// All shards of a model. They may come interleaved; the bytes of each come in order.
pub struct Shards {
    arrivals: BTreeMap<String, Arrival>,
}

/// One shard: what is announced of it, and how far it was read.
struct Arrival {
    announced: Shard,
    /// The model's tensors that the index places here.
    expected: Vec<TensorSpec>,
    reading: Reading,
}

#[derive(Default)]
struct Reading {
    hasher: ShardHasher,
    /// Length prefix and header, until they are complete.
    head: Vec<u8>,
    /// Expected tensors in file order; none before the header is complete.
    tensors: Option<Vec<(String, TensorEntry)>>,
    /// Tensors passed on.
    passed: usize,
    /// Bytes of the current tensor that do not fill a word yet.
    word: Vec<u8>,
    verified: bool,
}

impl Shards {
    /// No byte has been read yet.
    ///
    /// # Errors
    /// [`StoredError::NotIndexed`] for the first tensor of the model that the index lacks.
    pub fn new(config: &ModelConfig, index: &ModelIndex) -> Result<Self, StoredError> {
        let arrival = |announced: &Shard| Arrival {
            announced: announced.clone(),
            expected: Vec::new(),
            reading: Reading::default(),
        };
        let mut arrivals: BTreeMap<_, _> =
            index.shards.iter().map(|(name, announced)| (name.clone(), arrival(announced))).collect();
        for tensor in tensor_table(config) {
            for spec in tensor.layout(index).specs() {
                if let Some(arrival) = arrivals.get_mut(spec.shard(index)?) {
                    arrival.expected.push(spec.clone());
                }
            }
        }
        Ok(Self { arrivals })
    }

    /// File names and sizes in bytes.
    pub fn sizes(&self) -> Vec<(String, u64)> {
        self.arrivals.iter().map(|(name, arrival)| (name.clone(), arrival.announced.bytes)).collect()
    }

    /// Takes the next bytes of a shard and passes those of the model's tensors to `store`.
    ///
    /// # Errors
    /// The shard is unknown or longer than announced, its header is malformed, or a tensor in it is missing or not of the type and
    /// shape that the configuration asks for. After an error only [`Shards::restart`] goes on.
    pub fn push(
        &mut self,
        shard: &str,
        bytes: &[u8],
        store: &mut dyn FnMut(TensorBytes<'_>),
    ) -> Result<(), EngineError> {
        let Arrival { announced, expected, reading } = self.arrival(shard)?;
        let begin = reading.hasher.bytes();
        if begin.saturating_add(bytes.len() as u64) > announced.bytes {
            return Err(EngineError::ShardTooLong { shard: shard.into(), bytes: announced.bytes });
        }
        reading.hasher.update(bytes);
        let body = reading.take_header(shard, bytes, announced.bytes, expected)?;
        let used = (bytes.len() - body.len()) as u64;
        reading.take_body(begin + used, body, store);
        Ok(())
    }

    /// Compares a shard's size and SHA-256 with the index.
    ///
    /// # Errors
    /// They differ, the shard has no header, or it is unknown.
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), EngineError> {
        let Arrival { announced, reading, .. } = self.arrival(shard)?;
        reading.hasher.clone().verify(shard, announced.bytes, &announced.sha256)?;
        if reading.tensors.is_none() {
            let source = HeaderError::Truncated { header: 0, file: announced.bytes };
            return Err(EngineError::Header { shard: shard.into(), source });
        }
        reading.verified = true;
        Ok(())
    }

    /// Forgets what was read of a shard, so that it can be pushed again from its first byte. An unknown shard has nothing to forget.
    pub fn restart(&mut self, shard: &str) {
        if let Some(arrival) = self.arrivals.get_mut(shard) {
            arrival.reading = Reading::default();
        }
    }

    /// Checks that every shard was finished, and so every tensor stored.
    ///
    /// # Errors
    /// [`EngineError::ShardUnfinished`] names the first that was not.
    pub fn finish(&self) -> Result<(), EngineError> {
        let unfinished = self.arrivals.iter().find(|(_, arrival)| !arrival.reading.verified);
        unfinished.map_or(Ok(()), |(shard, _)| Err(EngineError::ShardUnfinished(shard.clone())))
    }

    fn arrival(&mut self, shard: &str) -> Result<&mut Arrival, EngineError> {
        self.arrivals.get_mut(shard).ok_or_else(|| EngineError::UnknownShard(shard.into()))
    }
}

impl Reading {
    /// Collects the header and checks it once it is complete; returns what follows it.
    fn take_header<'b>(
        &mut self,
        shard: &str,
        mut bytes: &'b [u8],
        file_bytes: u64,
        expected: &[TensorSpec],
    ) -> Result<&'b [u8], EngineError> {
        let unusable = |source| EngineError::Header { shard: shard.into(), source };
        while self.tensors.is_none() {
            let prefix = self.head.first_chunk().copied();
            let header = prefix.map_or(Ok(0), |prefix| header_bytes(prefix, file_bytes)).map_err(unusable)?;
            let wanted = PREFIX_BYTES as usize + header;
            let (taken, rest) = bytes.split_at((wanted - self.head.len()).min(bytes.len()));
            self.head.extend_from_slice(taken);
            bytes = rest;
            if self.head.len() < wanted {
                break;
            }
            if prefix.is_some() {
                let header = Header::parse(&self.head[PREFIX_BYTES as usize..], file_bytes).map_err(unusable)?;
                self.tensors = Some(in_file_order(shard, &header, expected)?);
                self.head = Vec::new();
            }
        }
        Ok(bytes)
    }

    /// Passes on the bytes from `at` of the file that belong to expected tensors.
    fn take_body(&mut self, mut at: u64, mut bytes: &[u8], store: &mut dyn FnMut(TensorBytes<'_>)) {
        while let Some((tensor, entry)) = self.tensors.as_ref().and_then(|tensors| tensors.get(self.passed)) {
            let gap = entry.begin.saturating_sub(at).min(bytes.len() as u64);
            (at, bytes) = (at + gap, &bytes[gap as usize..]);
            let (taken, rest) = bytes.split_at(entry.end.saturating_sub(at).min(bytes.len() as u64) as usize);
            let (offset, next) = (at.saturating_sub(entry.begin), at + taken.len() as u64);
            let last = next >= entry.end;
            pass(&mut self.word, TensorBytes { tensor, offset, bytes: taken }, last, store);
            (at, bytes) = (next, rest);
            if !last {
                return;
            }
            self.passed += 1;
        }
    }
}

fn in_file_order(
    shard: &str,
    header: &Header,
    expected: &[TensorSpec],
) -> Result<Vec<(String, TensorEntry)>, StoredError> {
    let find = |spec: &TensorSpec| Ok((spec.name.clone(), spec.find(shard, Some(header))?.clone()));
    let mut tensors = expected.iter().map(find).collect::<Result<Vec<_>, StoredError>>()?;
    tensors.sort_by_key(|(_, entry)| entry.begin);
    Ok(tensors)
}

/// Passes on whole words: up to three bytes stay in `word` for the next run, unless the tensor ends.
fn pass(word: &mut Vec<u8>, run: TensorBytes<'_>, last: bool, store: &mut dyn FnMut(TensorBytes<'_>)) {
    let TensorBytes { tensor, offset, mut bytes } = run;
    let mut offset = offset - word.len() as u64;
    if !word.is_empty() {
        let (taken, rest) = bytes.split_at((WORD - word.len()).min(bytes.len()));
        word.extend_from_slice(taken);
        bytes = rest;
        if word.len() < WORD && !last {
            return;
        }
        store(TensorBytes { tensor, offset, bytes: word });
        offset += word.len() as u64;
        word.clear();
    }
    let whole = if last { bytes.len() } else { bytes.len() / WORD * WORD };
    if whole > 0 {
        store(TensorBytes { tensor, offset, bytes: &bytes[..whole] });
    }
    word.extend_from_slice(&bytes[whole..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::safetensors::{Dtype, write_header};

    const NAME: &str = "model-1";

    fn spec(name: &str, dtype: Dtype, length: usize) -> TensorSpec {
        TensorSpec { name: name.into(), dtype, shape: vec![length] }
    }

    /// A shard of `tensors`, of which those named in `expected` belong to the model.
    fn shards(tensors: &[TensorSpec], expected: &[TensorSpec], edit: impl Fn(&mut Vec<u8>)) -> (Shards, Vec<u8>) {
        let mut file = write_header(tensors, &BTreeMap::new()).unwrap();
        let body = tensors.iter().map(TensorSpec::bytes).sum::<u64>();
        file.extend((0..body).map(|byte| byte as u8));
        edit(&mut file);
        let mut hasher = ShardHasher::new();
        hasher.update(&file);
        let (bytes, sha256) = hasher.finish();
        let announced = Shard { bytes, sha256 };
        let arrival = Arrival { announced, expected: expected.to_vec(), reading: Reading::default() };
        (Shards { arrivals: BTreeMap::from([(NAME.into(), arrival)]) }, file)
    }

    /// Pushes in chunks and returns what was stored, checking that runs are whole words in order.
    fn push(shards: &mut Shards, file: &[u8], chunk: usize) -> Result<BTreeMap<String, Vec<u8>>, EngineError> {
        let mut stored: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for bytes in file.chunks(chunk) {
            shards.push(NAME, bytes, &mut |run| {
                let held = stored.entry(run.tensor.into()).or_default();
                assert_eq!((run.offset, held.len() % WORD), (held.len() as u64, 0), "{} in order", run.tensor);
                held.extend_from_slice(run.bytes);
            })?;
        }
        Ok(stored)
    }

    #[test]
    fn chunks_of_any_size_store_the_same_bytes() {
        let tensors = [spec("a", Dtype::F16, 3), spec("unused", Dtype::U8, 5), spec("b", Dtype::U8, 9)];
        let expected = [tensors[2].clone(), tensors[0].clone()];
        let (_, file) = shards(&tensors, &expected, |_| {});
        for chunk in 1..=file.len() {
            let (mut shards, _) = shards(&tensors, &expected, |_| {});
            let stored = push(&mut shards, &file, chunk).unwrap();
            let bytes = |range: std::ops::Range<u8>| range.collect::<Vec<u8>>();
            assert_eq!(stored, BTreeMap::from([("a".into(), bytes(0..6)), ("b".into(), bytes(11..20))]), "{chunk}");
            assert!(shards.finish().unwrap_err().to_string().contains("`model-1` was not read to its end"));
            shards.finish_shard(NAME).unwrap();
            shards.finish().unwrap();
        }
    }

    #[test]
    fn a_restarted_shard_is_read_from_its_first_byte() {
        let tensors = [spec("a", Dtype::U8, 7)];
        let (mut shards, file) = shards(&tensors, &tensors, |_| {});
        push(&mut shards, &file[..file.len() - 3], 5).unwrap();
        assert!(matches!(shards.finish_shard(NAME), Err(EngineError::Verify(_))));
        shards.restart(NAME);
        assert_eq!(push(&mut shards, &file, 5).unwrap()["a"].len(), 7);
        shards.finish_shard(NAME).unwrap();
        let beyond = shards.push(NAME, &[0], &mut |_| {}).unwrap_err();
        assert!(beyond.to_string().contains("longer than the"), "{beyond}");
    }

    #[test]
    fn faults_are_named_as_soon_as_they_are_read() {
        let tensors = [spec("a", Dtype::U8, 7)];
        type Edit<'a> = &'a dyn Fn(&mut Vec<u8>);
        let cases: [(&[TensorSpec], Edit<'_>, &str); 5] = [
            (&[spec("b", Dtype::U8, 7)], &|_| {}, "lacks tensor `b`"),
            (&[spec("a", Dtype::I8, 7)], &|_| {}, "tensor `a` in shard `model-1` is U8 [7], expected I8 [7]"),
            (&tensors, &|file| file[..8].fill(0), "not valid JSON"),
            (&tensors, &|file| file[7] = 1, "header claims"),
            (&tensors, &|file| file[..8].copy_from_slice(&9999_u64.to_le_bytes()), "does not fit a file"),
        ];
        for (expected, edit, message) in cases {
            let (mut shards, file) = shards(&tensors, expected, edit);
            let error = push(&mut shards, &file, 3).unwrap_err().to_string();
            assert!(error.contains(message), "{message}: {error}");
        }
        let (mut shards, file) = shards(&tensors, &tensors, |file| file.truncate(5));
        push(&mut shards, &file, 5).unwrap();
        assert!(shards.finish_shard(NAME).unwrap_err().to_string().contains("header of 0 bytes does not fit"));
        assert!(shards.push("model-2", &[], &mut |_| {}).unwrap_err().to_string().contains("no shard `model-2`"));
    }
}
