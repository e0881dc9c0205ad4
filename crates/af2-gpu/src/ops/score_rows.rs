//! Log-probabilities of the next tokens of a batch.

use crate::plan::params;
use crate::shader::sample;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    ScoreRowsParams { vocab: u32 }
}

/// What [`score_rows`] finds of a row.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Score {
    /// The most likely token; `u32::MAX` if any logit is NaN or infinite.
    pub token: u32,
    /// Its log-probability.
    pub logprob: f32,
    /// Log-probability of the row's target.
    pub target_logprob: f32,
    /// Pads the struct to 16 bytes.
    pub padding: u32,
}

/// The buffers of [`score_rows`].
#[derive(Debug, Clone, Copy)]
pub struct ScoreBuffers<'a> {
    /// [rows, vocab].
    pub logits: &'a Buffer,
    /// A token id per row.
    pub targets: &'a Buffer,
    /// A [`Score`] per row.
    pub scores: &'a Buffer,
    /// The next token of every row; written if the rows advance.
    pub tokens: &'a Buffer,
    /// [`super::BatchRow`] of every row; its position advances if the rows do.
    pub rows: &'a Buffer,
}

/// `scores[r] = (argmax, max log softmax, log softmax of the target)` of logits r, the first on ties. With `advance`, the most likely
/// token becomes the row's next one, and the row's position advances.
///
/// # Shapes
/// As in [`ScoreBuffers`].
///
/// # Errors
/// The device allows no such grid.
pub fn score_rows(
    plan: &mut PlanBuilder,
    buffers: ScoreBuffers<'_>,
    vocab: usize,
    rows: usize,
    advance: bool,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: "score".into(),
        shader: &sample::SCORE_ROWS,
        constants: &[("ADVANCE", f64::from(u8::from(advance)))],
        params: ScoreRowsParams { vocab: vocab as u32 },
        buffers: &[
            ("logits", buffers.logits),
            ("targets", buffers.targets),
            ("scores", buffers.scores),
            ("tokens", buffers.tokens),
            ("rows", buffers.rows),
        ],
        groups: [rows as u32, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use af2_core::engine::log_softmax_at;

    use super::super::BatchRow;
    use super::super::testing::{TAINTS, gpu, random, run, upload, wait};
    use super::*;

    fn score(logits: &[f32], targets: &[u32], vocab: usize, advance: bool) -> (Vec<Score>, Vec<u32>, Vec<BatchRow>) {
        let count = targets.len();
        let (scores, tokens) = (upload(&vec![0_u32; 4 * count]), upload(&vec![7_u32; count]));
        let rows = upload(&vec![BatchRow { position: 3, ..BatchRow::default() }; count]);
        let (logits, targets) = (upload(logits), upload(targets));
        let buffers =
            ScoreBuffers { logits: &logits, targets: &targets, scores: &scores, tokens: &tokens, rows: &rows };
        run(&scores, |plan| score_rows(plan, buffers, vocab, count, advance));
        let read = |buffer: &Buffer| wait(gpu().read(buffer, 0, buffer.bytes())).unwrap();
        (
            bytemuck::pod_collect_to_vec(&read(&scores)),
            bytemuck::pod_collect_to_vec(&read(&tokens)),
            bytemuck::pod_collect_to_vec(&read(&rows)),
        )
    }

    #[test]
    fn scores_of_every_row() {
        for (vocab, targets) in [(1, vec![0]), (609, vec![3, 0, 608]), (9_001, vec![9_000, 12])] {
            let logits: Vec<f32> = random(vocab * targets.len(), 1).iter().map(|v| v * 6.0).collect();
            let (scores, tokens, rows) = score(&logits, &targets, vocab, true);
            for (r, row) in logits.chunks(vocab).enumerate() {
                let most = row.iter().copied().fold(f32::MIN, f32::max);
                let best = row.iter().position(|logit| *logit == most).unwrap() as u32;
                assert_eq!((scores[r].token, tokens[r], rows[r].position), (best, best, 4), "{vocab}");
                assert!((scores[r].logprob - log_softmax_at(row, best)).abs() < 2e-6, "{vocab}");
                assert!((scores[r].target_logprob - log_softmax_at(row, targets[r])).abs() < 3e-6, "{vocab}");
            }
        }
    }

    #[test]
    fn rows_stay_unless_they_advance_and_taints_are_reported() {
        for taint in TAINTS {
            let mut logits = random(2 * 609, 1);
            logits[700] = taint;
            let (scores, tokens, rows) = score(&logits, &[1, 2], 609, false);
            assert_ne!(scores[0].token, u32::MAX);
            assert_eq!(scores[1].token, u32::MAX);
            assert_eq!((tokens, rows[1].position), (vec![7, 7], 3));
        }
    }
}
