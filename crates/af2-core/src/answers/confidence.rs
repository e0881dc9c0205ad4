//! How sure a model is of an answer.

/// exp(sum of the log-probabilities): the probability that the model gave this very answer, its end included; 0 for an answer without
/// tokens.
///
/// The probabilities are those of the logits as computed, whatever temperature, penalty or rules chose the tokens. The geometric mean per
/// token is too sure, because most tokens of an answer follow from the ones before; it ranks answers about as well. `weights/demo/README.md`
/// has the calibration of both, measured by `af2 eval demo --parts confidence`.
///
/// The probability falls with the length: a sentence of twenty words has many equally good wordings, and each gets a share. Compare answers
/// to one question, or to questions of one kind.
pub fn confidence(logprobs: &[f32]) -> f32 {
    if logprobs.is_empty() {
        return 0.0;
    }
    logprobs.iter().map(|logprob| f64::from(*logprob)).sum::<f64>().exp() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_probability_of_all_tokens_together() {
        let product = confidence(&[0.5_f32.ln(), 0.25_f32.ln()]);
        assert!((product - 0.125).abs() < 1e-6, "{product}");
        assert_eq!(confidence(&[0.0, 0.0]), 1.0);
        assert_eq!(confidence(&[-1.0, f32::NEG_INFINITY]), 0.0);
        assert_eq!(confidence(&[]), 0.0);
    }
}
