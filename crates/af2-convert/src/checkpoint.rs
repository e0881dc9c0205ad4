//! How far a conversion has come, stored beside its files so that an interrupted one can go on.
//!
//! A conversion is deterministic: the same tensors in the same order give the same bytes. So its state is a position: the
//! complete shards, the bytes of the open one, the next row, and the scales of the current tensor, which follow its data.

use af2_core::weights::index::Shard;
use af2_core::weights::verify::ShardHasher;
use serde::{Deserialize, Serialize};

use crate::error::ConvertError;
use crate::layout::Plan;
use crate::sink::{Sink, json};

/// A place between two blocks of rows in a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Index of the tensor in its shard.
    pub tensor: usize,
    /// Elements of it that are written.
    pub elements: u64,
    /// Its scales so far.
    pub scales: Vec<u8>,
}

/// A shard that is not complete.
pub(crate) struct OpenShard {
    pub position: Position,
    /// Has seen all its bytes.
    pub hasher: ShardHasher,
}

/// Where a conversion begins.
#[derive(Default)]
pub(crate) struct Start {
    /// Complete shards, in order.
    pub shards: Vec<Shard>,
    /// The next, if it was begun; the sink has it open.
    pub open: Option<OpenShard>,
}

/// The first lines of a stored checkpoint; the scales follow.
#[derive(Serialize, Deserialize)]
struct Stored {
    conversion: String,
    shards: Vec<Shard>,
    /// Bytes of the open shard; 0 where none is open.
    written: u64,
    tensor: usize,
    elements: u64,
}

/// Hexadecimal digits of the checksum that a state begins with.
const CHECKSUM: usize = 64;

/// Writes checkpoints of one conversion.
pub(crate) struct Journal {
    conversion: String,
    /// Complete shards, in order.
    pub shards: Vec<Shard>,
}

impl Journal {
    /// The journal of a plan, and where its conversion begins: at the sink's checkpoint if that is of the same conversion.
    pub async fn open(plan: &Plan<'_>, sink: &mut dyn Sink) -> Result<(Self, Start), ConvertError> {
        let conversion = fingerprint(plan);
        let mut start = Start::default();
        if let Some(state) = sink.last_checkpoint().await? {
            match resume(&conversion, plan, &state, sink).await {
                Ok(found) => start = found,
                Err(reason) => sink.restart(&reason).await?,
            }
        }
        Ok((Self { conversion, shards: start.shards.clone() }, start))
    }

    /// The state at `position` of the open shard, of which `written` bytes are written.
    pub fn state(&self, position: &Position, written: u64) -> Result<Vec<u8>, ConvertError> {
        let stored = Stored {
            conversion: self.conversion.clone(),
            shards: self.shards.clone(),
            written,
            tensor: position.tensor,
            elements: position.elements,
        };
        let header = json("checkpoint", &stored)?;
        // one buffer of the final size: the scales of a vocabulary table take 20 MB, and a browser's memory is small
        let mut state = Vec::with_capacity(CHECKSUM + 2 + header.len() + position.scales.len());
        state.resize(CHECKSUM, 0);
        state.push(b'\n');
        state.extend_from_slice(&header);
        state.push(0);
        state.extend_from_slice(&position.scales);
        let checksum = digest(&state[CHECKSUM + 1..]);
        state[..CHECKSUM].copy_from_slice(checksum.as_bytes());
        Ok(state)
    }
}

/// Reads a state and opens its incomplete shard, or says why it cannot be used.
async fn resume(conversion: &str, plan: &Plan<'_>, state: &[u8], sink: &mut dyn Sink) -> Result<Start, String> {
    let damaged = || "its checkpoint is damaged".to_owned();
    let (checksum, body) = state.split_at_checked(CHECKSUM).ok_or_else(damaged)?;
    let body = body.strip_prefix(b"\n").filter(|body| digest(body).as_bytes() == checksum).ok_or_else(damaged)?;
    let end = body.iter().position(|&byte| byte == 0).ok_or_else(damaged)?;
    let stored: Stored = serde_json::from_slice(&body[..end]).map_err(|_| damaged())?;
    if stored.conversion != conversion {
        return Err("it was begun from other files, in another scheme or shard size, or by another version".into());
    }
    let Some(shard) = plan.shards.get(stored.shards.len()).filter(|_| stored.written > 0) else {
        return Ok(Start { shards: stored.shards, open: None });
    };
    let position = Position { tensor: stored.tensor, elements: stored.elements, scales: body[end + 1..].to_vec() };
    let mut hasher = ShardHasher::new();
    let reopened = sink.reopen(&shard.name, stored.written, &mut |bytes| hasher.update(bytes)).await;
    reopened.map_err(|error| error.to_string())?;
    if hasher.bytes() != stored.written || position.tensor > shard.tensors.len() {
        return Err(damaged());
    }
    Ok(Start { shards: stored.shards, open: Some(OpenShard { position, hasher }) })
}

/// What tells conversions apart: the version that packs, and each tensor's name, scheme, shard and place.
fn fingerprint(plan: &Plan<'_>) -> String {
    let mut hasher = ShardHasher::new();
    hasher.update(concat!("af2-convert ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    for shard in &plan.shards {
        hasher.update(format!("{}\n", shard.name).as_bytes());
        for planned in &shard.tensors {
            let place = planned.located.map_or_else(String::new, |located| {
                format!("{:?} {:?} at {}", located.dtype, located.shape, located.bytes.identity())
            });
            let tensor = &planned.tensor;
            let line = format!("{} {:?} {} {place}\n", tensor.name, tensor.shape, planned.scheme);
            hasher.update(line.as_bytes());
        }
    }
    hasher.finish().1
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = ShardHasher::new();
    hasher.update(bytes);
    hasher.finish().1
}
