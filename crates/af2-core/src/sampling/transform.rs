//! Changes to the logits before a draw, as Hugging Face `transformers` makes them and in its order.
//!
//! A token that is ruled out gets the logit −∞. Scalars are rounded to f32 where the library's tensors are f32, so
//! that borderline tokens fall on the same side.

use super::SamplingParams;

/// Applies all transforms that `params` switches on. Greedy parameters apply the repetition penalty only.
///
/// `history` holds the ids of prompt and answer so far.
pub fn transform(logits: &mut [f32], history: &[u32], params: &SamplingParams) {
    if params.repetition_penalty != 1.0 {
        repetition_penalty(logits, history, params.repetition_penalty);
    }
    if params.is_greedy() {
        return;
    }
    if params.temperature != 1.0 {
        temperature(logits, params.temperature);
    }
    if params.top_k > 0 {
        top_k(logits, params.top_k);
    }
    if params.top_p < 1.0 {
        top_p(logits, params.top_p);
    }
    if params.min_p > 0.0 {
        min_p(logits, params.min_p);
    }
}

/// Divides positive logits of seen tokens by `penalty` and multiplies negative ones, once however often they were
/// seen (CTRL, Keskar et al. 2019). Ids outside the vocabulary are ignored.
pub fn repetition_penalty(logits: &mut [f32], history: &[u32], penalty: f64) {
    let penalty = penalty as f32;
    let mut seen = history.to_vec();
    seen.sort_unstable();
    seen.dedup();
    for id in seen {
        if let Some(logit) = logits.get_mut(id as usize) {
            *logit = if *logit < 0.0 { *logit * penalty } else { *logit / penalty };
        }
    }
}

/// Divides all logits by `temperature` (not 0).
pub fn temperature(logits: &mut [f32], temperature: f64) {
    let temperature = temperature as f32;
    logits.iter_mut().for_each(|logit| *logit /= temperature);
}

/// Keeps the `k` largest logits (k ≥ 1) and all that equal the k-th.
pub fn top_k(logits: &mut [f32], k: usize) {
    if k >= logits.len() {
        return;
    }
    let mut ordered = logits.to_vec();
    let (_, &mut kth, _) = ordered.select_nth_unstable_by(k.saturating_sub(1), |a, b| b.total_cmp(a));
    rule_out(logits, |logit| logit < kth);
}

/// Keeps the fewest most probable tokens whose probabilities sum to `p` or more, at least one (nucleus sampling,
/// Holtzman et al. 2019). Counted from the bottom: tokens go while the sum of the dropped stays ≤ 1 − p. Of equal
/// logits those with smaller ids go first.
pub fn top_p(logits: &mut [f32], p: f64) {
    let ascending = candidates_ascending(logits);
    let probabilities = softmax(logits, &ascending);
    let dropped_mass = (1.0 - p) as f32;
    let mut cumulative = 0.0_f64;
    for (&index, &probability) in ascending.iter().zip(&probabilities).take(ascending.len().saturating_sub(1)) {
        cumulative += f64::from(probability);
        if cumulative as f32 > dropped_mass {
            break;
        }
        logits[index] = f32::NEG_INFINITY;
    }
}

/// Keeps tokens with at least `p` times the largest probability (Nguyen et al. 2024).
pub fn min_p(logits: &mut [f32], p: f64) {
    let ascending = candidates_ascending(logits);
    let probabilities = softmax(logits, &ascending);
    let Some(&largest) = probabilities.last() else { return };
    let threshold = p as f32 * largest;
    for (&index, &probability) in ascending.iter().zip(&probabilities) {
        if probability < threshold {
            logits[index] = f32::NEG_INFINITY;
        }
    }
}

fn rule_out(logits: &mut [f32], out: impl Fn(f32) -> bool) {
    logits.iter_mut().filter(|logit| out(**logit)).for_each(|logit| *logit = f32::NEG_INFINITY);
}

/// Indices of the tokens not ruled out, by logit, then by index.
fn candidates_ascending(logits: &[f32]) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..logits.len()).filter(|&i| logits[i] != f32::NEG_INFINITY).collect();
    indices.sort_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    indices
}

/// Probabilities of candidates sorted by ascending logit.
fn softmax(logits: &[f32], ascending: &[usize]) -> Vec<f32> {
    let largest = ascending.last().map_or(0.0, |&last| logits[last]);
    let masses: Vec<f32> = ascending.iter().map(|&index| (logits[index] - largest).exp()).collect();
    let total = masses.iter().map(|&mass| f64::from(mass)).sum::<f64>() as f32;
    masses.into_iter().map(|mass| mass / total).collect()
}
