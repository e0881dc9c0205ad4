//! What the matrices of a model put to work on a GPU that need not be there.

use af2_gpu::{Counts, DeviceProfile, MatvecSizes, TileSizes, Tuning};
use af2_model::TokenMatrices;
use serde::Serialize;

/// Tokens of an ordinary prompt.
const PROMPT: usize = 40;

/// Counts for one GPU.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceCounts {
    /// Its name.
    device: &'static str,
    multiprocessors: u32,
    subgroup: u32,
    /// Where these figures are from.
    source: &'static str,
    /// Bytes in flight per multiprocessor that keep its memory busy.
    needed_in_flight: u64,
    /// A decoded token.
    token: Vec<Row>,
    /// A prompt of 40 tokens, without the head, which reads one row of it.
    prompt: Vec<Row>,
}

/// Counts of the dispatches for matrices of one kind and shape.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    name: &'static str,
    /// Matrices.
    count: usize,
    rows: usize,
    cols: usize,
    scheme: String,
    bytes: u64,
    /// How the work is divided, in words.
    sizes: String,
    idle: f64,
    workgroups: u32,
    workgroups_per_multiprocessor: f64,
    in_flight_per_multiprocessor: u64,
}

impl DeviceCounts {
    /// With the sizes that are chosen for this GPU before anything is measured on it.
    pub fn of(profile: &DeviceProfile, matrices: &[TokenMatrices]) -> Self {
        let row = |matrix: &TokenMatrices| {
            let sizes = MatvecSizes::choose(matrix.shape, Tuning::HARDWARE, profile);
            Row::new(matrix, sizes.to_string(), Counts::of_matvec(matrix.shape, sizes, profile))
        };
        let prompt_row = |matrix: &TokenMatrices| {
            let sizes = TileSizes::choose(PROMPT, matrix.shape, profile);
            Row::new(matrix, tile_in_words(sizes), Counts::of_tiles(PROMPT, matrix.shape, sizes, profile))
        };
        let layers = matrices.iter().filter(|matrix| matrix.name != "lm_head");
        Self {
            device: profile.name,
            multiprocessors: profile.multiprocessors,
            subgroup: profile.subgroup,
            source: profile.source,
            needed_in_flight: profile.needed_in_flight(),
            token: matrices.iter().map(row).collect(),
            prompt: layers.map(prompt_row).collect(),
        }
    }

    /// As a table.
    pub fn table(&self) -> String {
        let Self { device, multiprocessors, subgroup, source, needed_in_flight, token, prompt } = self;
        let mut text = format!(
            "on {device}: {multiprocessors} multiprocessors, {subgroup} threads in lockstep, memory busy from {needed_in_flight} bytes in flight per multiprocessor\n  ({source})\n"
        );
        text += &format!("a decoded token:\n{}", rows(token));
        text + &format!("a prompt of {PROMPT} tokens:\n{}", rows(prompt))
    }
}

impl Row {
    fn new(matrix: &TokenMatrices, sizes: String, counts: Counts) -> Self {
        let shape = matrix.shape;
        Self {
            name: matrix.name,
            count: matrix.count,
            rows: shape.rows,
            cols: shape.cols,
            scheme: shape.scheme.to_string(),
            bytes: shape.bytes(),
            sizes,
            idle: counts.idle,
            workgroups: counts.workgroups,
            workgroups_per_multiprocessor: counts.per_multiprocessor,
            in_flight_per_multiprocessor: counts.in_flight,
        }
    }
}

fn tile_in_words(sizes: TileSizes) -> String {
    let words = format!("{} rows by {} threads", sizes.height(), sizes.threads());
    if sizes.parts > 1 { format!("{words}, {} parts", sizes.parts) } else { words }
}

fn rows(rows: &[Row]) -> String {
    let line = |[name, shape, bytes, idle, groups, per, in_flight, sizes]: [&str; 8]| {
        format!("  {name:<18}{shape:>17}{bytes:>12}{idle:>7}{groups:>11}{per:>9}{in_flight:>11}   {sizes}\n")
    };
    let head = ["matrices", "shape", "bytes", "idle", "workgroups", "per mp", "in flight", "workgroup"];
    let body = rows.iter().map(|row| {
        line([
            &format!("{} x {}", row.count, row.name),
            &format!("{} x {} {}", row.rows, row.cols, row.scheme),
            &row.bytes.to_string(),
            &format!("{:.1} %", 100.0 * row.idle),
            &row.workgroups.to_string(),
            &format!("{:.1}", row.workgroups_per_multiprocessor),
            &row.in_flight_per_multiprocessor.to_string(),
            &row.sizes,
        ])
    });
    line(head) + &body.collect::<String>()
}
