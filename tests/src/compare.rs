//! Comparisons with golden tensors, whole or sampled, that say where and by how much they differ.

use af2_core::engine::{Trace, TraceTensor};

use crate::golden::Golden;

/// Largest absolute difference and where it is.
pub fn largest_difference(found: &[f32], expected: &[f32]) -> (f32, usize) {
    assert_eq!(found.len(), expected.len(), "length");
    let differences = found.iter().zip(expected).map(|(a, b)| if a.is_nan() { f32::INFINITY } else { (a - b).abs() });
    differences.enumerate().fold((0.0, 0), |worst, (i, d)| if d > worst.0 { (d, i) } else { worst })
}

/// Compares a tensor with what the golden file holds of it: all of it, sampled values, or the last row. Returns the largest difference.
pub fn compare(case: &str, tensor: &TraceTensor, golden: &Golden, limit: f32) -> Option<f32> {
    let name = &tensor.name;
    let mut worst: Option<f32> = None;
    let mut check = |what: &str, found: &[f32], expected: &[f32]| {
        let (difference, at) = largest_difference(found, expected);
        assert!(
            difference <= limit,
            "{case} {what}: differs by {difference:e} at {at} ({} for {}), limit {limit:e}",
            found[at],
            expected[at]
        );
        worst = Some(worst.unwrap_or(0.0).max(difference));
    };
    if let Some(expected) = golden.floats.get(name) {
        check(name, &tensor.values, expected);
    }
    if let (Some(index), Some(expected)) =
        (golden.ints.get(&format!("{name}.sample_index")), golden.floats.get(&format!("{name}.sample_value")))
    {
        let found: Vec<f32> = index.iter().map(|i| tensor.values[*i as usize]).collect();
        check(&format!("{name} (sampled)"), &found, expected);
    }
    if let Some(expected) = golden.floats.get(&format!("{name}.last")) {
        check(&format!("{name} (last)"), &tensor.values[tensor.values.len() - expected.len()..], expected);
    }
    if let (Some(index), Some(expected)) =
        (golden.ints.get(&format!("{name}.row_index")), golden.floats.get(&format!("{name}.rows")))
    {
        let width = expected.len() / index.len();
        let found: Vec<f32> = index
            .iter()
            .flat_map(|row| tensor.values[*row as usize * width..(*row as usize + 1) * width].to_vec())
            .collect();
        check(&format!("{name} (rows)"), &found, expected);
    }
    worst
}

pub fn tensor<'a>(trace: &'a Trace, name: &str) -> &'a TraceTensor {
    trace.tensors.iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("the trace has no {name}"))
}

/// Log-mel tolerances of the reference: by level above the floor and below the loudest bin of the frame.
pub fn check_log_mel(case: &str, found: &[f32], expected: &[f32]) {
    const MELS: usize = 64;
    let mut squares = 0.0;
    for (row, (a, b)) in found.chunks_exact(MELS).zip(expected.chunks_exact(MELS)).enumerate() {
        let loudest = b.iter().copied().fold(f32::MIN, f32::max);
        for (mel, (a, b)) in a.iter().zip(b).enumerate() {
            let difference = (a - b).abs();
            let limit = if *b > -40.0 {
                5e-3
            } else if *b > loudest - 100.0 {
                0.05
            } else {
                0.5
            };
            assert!(difference <= limit, "{case} log-mel frame {row} bin {mel}: {a} for {b}");
            squares += f64::from(difference).powi(2);
        }
    }
    let rms = (squares / found.len() as f64).sqrt();
    assert!(rms <= 0.01, "{case} log-mel rms {rms}");
}

/// Tolerance of a stage that starts from the reference's result of the stage before it.
pub fn stage_limit(name: &str) -> f32 {
    match name {
        "image" => 5e-4,
        name if name.starts_with("audio_transformer") => 2e-4,
        name if name.ends_with("_kv") => 5e-4,
        name if name.starts_with("patch") || name.starts_with("swin") || name == "encoder_tokens" => 1e-4,
        _ => 3e-4,
    }
}
