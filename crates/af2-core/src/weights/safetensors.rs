//! The safetensors container: 8 bytes of header length, a JSON header, the tensors' bytes.
//!
//! Reading needs only the header and the file's size, so a file may come in chunks; everything the header claims is
//! checked against that size before anything is allocated. Writing needs the shapes first and the data in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Bytes in front of the header that hold its length.
pub const PREFIX_BYTES: u64 = 8;

/// Longest header accepted: forty times the longest of the releases. JSON takes up to 24 bytes of memory per byte.
pub const MAX_HEADER_BYTES: u64 = 8 << 20;

const METADATA: &str = "__metadata__";

/// Element types of safetensors files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(non_camel_case_types)]
#[allow(missing_docs)] // the format's own names
pub enum Dtype {
    BOOL,
    U8,
    I8,
    F8_E5M2,
    F8_E4M3,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> u64 {
        match self {
            Dtype::BOOL | Dtype::U8 | Dtype::I8 | Dtype::F8_E5M2 | Dtype::F8_E4M3 => 1,
            Dtype::I16 | Dtype::U16 | Dtype::F16 | Dtype::BF16 => 2,
            Dtype::I32 | Dtype::U32 | Dtype::F32 => 4,
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
        }
    }
}

/// A tensor before it is written: name, element type, shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Canonical name.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Bytes of the data; saturates.
    pub fn bytes(&self) -> u64 {
        byte_size(self.dtype, &self.shape).unwrap_or(u64::MAX)
    }
}

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorEntry {
    /// Element type.
    pub dtype: Dtype,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// First byte, counted from the start of the file.
    pub begin: u64,
    /// One past the last byte, counted from the start of the file.
    pub end: u64,
}

impl TensorEntry {
    /// Bytes of the data.
    pub fn bytes(&self) -> u64 {
        self.end - self.begin
    }
}

/// A verified header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Tensors by name.
    pub tensors: BTreeMap<String, TensorEntry>,
    /// Free text pairs.
    pub metadata: BTreeMap<String, String>,
}

/// Why a file is not a valid safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// Fewer than 8 bytes, or the header does not fit the file.
    #[error(
        "header of {header} bytes does not fit a file of {file} bytes: the file is truncated or no safetensors file"
    )]
    Truncated {
        /// Length the file claims for its header.
        header: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// Longer than [`MAX_HEADER_BYTES`].
    #[error("header claims {0} bytes, more than the limit of {MAX_HEADER_BYTES}: this is no safetensors file")]
    TooLong(u64),
    /// Not the JSON expected.
    #[error("header is not valid JSON of the safetensors format: {0}")]
    Json(String),
    /// The entry of one tensor is not of the expected form.
    #[error("tensor `{tensor}`: {reason}")]
    Entry {
        /// Its name.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// The byte range of a tensor leaves the file.
    #[error("tensor `{tensor}` ends at byte {end} of a file of {file} bytes: the file is truncated or damaged")]
    OutOfFile {
        /// Its name.
        tensor: String,
        /// One past its last byte.
        end: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// The byte range of a tensor does not follow its predecessor's.
    #[error(
        "tensor `{tensor}` begins at data byte {begin} where {expected} was expected: ranges overlap or leave a hole"
    )]
    NotContiguous {
        /// Its name; empty for the end of the file.
        tensor: String,
        /// Where it begins.
        begin: u64,
        /// Where the tensor before it ends.
        expected: u64,
    },
    /// Bytes after the last tensor.
    #[error("{0} bytes after the last tensor: the file is damaged")]
    Trailing(u64),
}

#[derive(Deserialize)]
struct RawEntry {
    dtype: Dtype,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Length of the JSON header, from the first 8 bytes of a file of `file_bytes` bytes.
///
/// # Errors
/// [`HeaderError::TooLong`] or [`HeaderError::Truncated`].
pub fn header_bytes(prefix: [u8; 8], file_bytes: u64) -> Result<usize, HeaderError> {
    let header = u64::from_le_bytes(prefix);
    if header > MAX_HEADER_BYTES {
        return Err(HeaderError::TooLong(header));
    }
    if PREFIX_BYTES + header > file_bytes {
        return Err(HeaderError::Truncated { header, file: file_bytes });
    }
    Ok(header as usize)
}

impl Header {
    /// Reads and verifies the JSON header `json` (without the 8 bytes before it) of a file of `file_bytes` bytes.
    ///
    /// # Errors
    /// [`HeaderError`], which names the tensor at fault.
    pub fn parse(json: &[u8], file_bytes: u64) -> Result<Header, HeaderError> {
        let raw: BTreeMap<String, Value> =
            serde_json::from_slice(json).map_err(|error| HeaderError::Json(error.to_string()))?;
        let data_begin = PREFIX_BYTES.saturating_add(json.len() as u64);
        let mut header = Header::default();
        for (name, value) in raw {
            if name == METADATA {
                header.metadata = text_pairs(value)?;
            } else {
                let entry = entry(&name, value, data_begin, file_bytes)?;
                header.tensors.insert(name, entry);
            }
        }
        header.check_contiguous(data_begin, file_bytes)?;
        Ok(header)
    }

    /// Ranges must tile the data: this excludes overlaps, holes, names given twice and trailing bytes.
    fn check_contiguous(&self, data_begin: u64, file_bytes: u64) -> Result<(), HeaderError> {
        let mut entries: Vec<_> = self.tensors.iter().collect();
        entries.sort_by_key(|(_, entry)| (entry.begin, entry.end));
        let mut expected = data_begin;
        for (name, entry) in entries {
            if entry.begin != expected {
                let (begin, expected) = (entry.begin - data_begin, expected - data_begin);
                return Err(HeaderError::NotContiguous { tensor: name.clone(), begin, expected });
            }
            expected = entry.end;
        }
        if expected < file_bytes { Err(HeaderError::Trailing(file_bytes - expected)) } else { Ok(()) }
    }
}

/// The first bytes of a file (length, JSON, padding to 8) whose data are `tensors` one after the other.
///
/// # Errors
/// [`HeaderError::Entry`] for a size beyond 64 bits or a name given twice, [`HeaderError::TooLong`].
pub fn write_header(tensors: &[TensorSpec], metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, HeaderError> {
    let mut map = serde_json::Map::new();
    if !metadata.is_empty() {
        map.insert(METADATA.into(), serde_json::json!(metadata));
    }
    let mut begin = 0u64;
    for spec in tensors {
        let end = byte_size(spec.dtype, &spec.shape).and_then(|bytes| begin.checked_add(bytes));
        let end = end.ok_or_else(|| fault(&spec.name, "its size exceeds 64 bits"))?;
        let value = serde_json::json!({"dtype": spec.dtype, "shape": spec.shape, "data_offsets": [begin, end]});
        if map.insert(spec.name.clone(), value).is_some() {
            return Err(fault(&spec.name, "the name is given twice"));
        }
        begin = end;
    }
    let mut json = Value::Object(map).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    if json.len() as u64 > MAX_HEADER_BYTES {
        return Err(HeaderError::TooLong(json.len() as u64));
    }
    Ok([&(json.len() as u64).to_le_bytes(), json.as_slice()].concat())
}

fn entry(name: &str, value: Value, data_begin: u64, file_bytes: u64) -> Result<TensorEntry, HeaderError> {
    let raw: RawEntry = serde_json::from_value(value).map_err(|error| fault(name, &error.to_string()))?;
    let [begin, end] = raw.data_offsets;
    let shape: Option<Vec<usize>> = raw.shape.iter().map(|&n| usize::try_from(n).ok()).collect();
    let shape = shape.ok_or_else(|| fault(name, &format!("shape {:?} is too large", raw.shape)))?;
    let bytes = byte_size(raw.dtype, &shape).ok_or_else(|| fault(name, &format!("shape {shape:?} is too large")))?;
    if end.checked_sub(begin) != Some(bytes) {
        let reason = format!("{:?} {shape:?} takes {bytes} bytes, but its range is {begin}..{end}", raw.dtype);
        return Err(fault(name, &reason));
    }
    match end.checked_add(data_begin) {
        Some(end) if end <= file_bytes => Ok(TensorEntry { dtype: raw.dtype, shape, begin: begin + data_begin, end }),
        end => Err(HeaderError::OutOfFile { tensor: name.into(), end: end.unwrap_or(u64::MAX), file: file_bytes }),
    }
}

fn text_pairs(value: Value) -> Result<BTreeMap<String, String>, HeaderError> {
    serde_json::from_value(value).map_err(|error| HeaderError::Json(format!("{METADATA}: {error}")))
}

fn byte_size(dtype: Dtype, shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(dtype.size(), |bytes, &n| bytes.checked_mul(n as u64))
}

fn fault(tensor: &str, reason: &str) -> HeaderError {
    HeaderError::Entry { tensor: tensor.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<TensorSpec> {
        let spec = |name: &str, dtype, shape: &[usize]| TensorSpec { name: name.into(), dtype, shape: shape.to_vec() };
        vec![spec("b", Dtype::F32, &[2, 3]), spec("a.scales", Dtype::F16, &[1]), spec("a", Dtype::I64, &[])]
    }

    fn parse(json: &str, data: u64) -> Result<Header, HeaderError> {
        Header::parse(json.as_bytes(), 8 + json.len() as u64 + data)
    }

    #[test]
    fn what_is_written_reads_back() {
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let bytes = write_header(&specs(), &metadata).unwrap();
        let file = bytes.len() as u64 + 24 + 2 + 8;
        let length = header_bytes(bytes[..8].try_into().unwrap(), file).unwrap();
        assert_eq!((bytes.len() - 8, bytes.len() % 8), (length, 0));
        let header = Header::parse(&bytes[8..], file).unwrap();
        assert_eq!(header.metadata, metadata);
        assert_eq!(header.tensors["b"].shape, [2, 3]);
        assert_eq!(header.tensors["a"].end, file);
        assert_eq!(header.tensors["a.scales"].bytes(), 2);
    }

    #[test]
    fn lengths_are_checked_before_anything_is_read() {
        assert_eq!(header_bytes(u64::MAX.to_le_bytes(), 1 << 40), Err(HeaderError::TooLong(u64::MAX)));
        assert_eq!(header_bytes(100u64.to_le_bytes(), 50), Err(HeaderError::Truncated { header: 100, file: 50 }));
    }

    #[test]
    fn damaged_headers_name_the_tensor() {
        let cases = [
            (
                r#"{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,12]}}"#,
                16,
                "tensor `w`: F32 [2, 2] takes 16 bytes",
            ),
            (
                r#"{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[16,0]}}"#,
                16,
                "tensor `w`: F32 [2, 2] takes 16 bytes",
            ),
            (r#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "too large"),
            (r#"{"w":{"dtype":"F32","shape":[1e99],"data_offsets":[0,0]}}"#, 0, "tensor `w`: invalid type"),
            (r#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}"#, 0, "tensor `w`: invalid value"),
            (r#"{"w":{"dtype":"Q3","shape":[1],"data_offsets":[0,1]}}"#, 1, "tensor `w`: unknown variant `Q3`"),
            (r#"{"w":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}"#, 10, "tensor `w` ends at byte"),
            (r#"{"w":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}"#, 5, "tensor `w` begins at data byte 1"),
            (r#"{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 9, "5 bytes after the last tensor"),
            (
                r#"{"w":{"dtype":"U8","shape":[0],"data_offsets":[18446744073709551615,18446744073709551615]}}"#,
                0,
                "`w` ends",
            ),
            (
                r#"{"v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
                6,
                "tensor `w` begins at data byte 2 where 4 was expected",
            ),
            ("[1]", 0, "not valid JSON"),
            ("{", 0, "not valid JSON"),
        ];
        for (json, data, expected) in cases {
            let message = parse(json, data).unwrap_err().to_string();
            assert!(message.contains(expected), "{json}: {message}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let json = format!("{{\"w\":{}", "[".repeat(1_000_000));
        assert!(matches!(parse(&json, 0), Err(HeaderError::Json(_))));
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let mut twice = specs();
        twice[1].name = "b".into();
        assert!(write_header(&twice, &BTreeMap::new()).is_err());
        let entry = r#"{"dtype":"U8","shape":[4],"data_offsets":"#;
        let json = format!(r#"{{"w":{entry}[0,4]}},"w":{entry}[4,8]}}}}"#);
        assert!(matches!(parse(&json, 8), Err(HeaderError::NotContiguous { .. })));
    }
}
