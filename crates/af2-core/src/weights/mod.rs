//! Weight formats and containers: how matrices are packed, how shards are laid out, indexed and verified.
//!
//! A converted model is a set of safetensors shards and one index. Matrices are packed as the kernels read them, so
//! nothing is repacked at load: chunks of a shard go to the GPU as they come.

pub mod index;
mod quantize;
pub mod safetensors;
mod scheme;
pub mod stored;
pub mod summary;
pub mod tensor_table;
pub mod verify;

pub use quantize::Packed;
pub use scheme::{COLUMN_BLOCK, Scheme, SchemeError};
