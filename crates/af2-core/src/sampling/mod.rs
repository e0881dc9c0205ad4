//! How the next token is chosen from logits.
//!
//! ```text
//! logits ── repetition penalty ── temperature ── top-k ── top-p ── min-p ── draw (seed, position)
//!                └── temperature 0: argmax
//! ```
//!
//! Order and rules are those of the Hugging Face library the original runs on. The draw is a pure function of seed
//! and position in integer arithmetic, so that a shader can repeat it: same seed, same answer.

pub mod beam;
pub mod draw;
pub mod transform;

pub use beam::{BeamOutcome, BeamSearch, BeamStep};
pub use draw::{argmax, draw, uniform};
pub use transform::transform;

/// How the next token is chosen. Every field has a value that switches it off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplingParams {
    /// Divides the logits; 0 chooses the largest logit instead of drawing.
    pub temperature: f64,
    /// Keeps the k largest logits and all equal to the k-th; 0 keeps all.
    pub top_k: usize,
    /// Keeps the fewest tokens whose probabilities reach this sum; 1 keeps all.
    pub top_p: f64,
    /// Keeps tokens at least this fraction as probable as the most probable one; 0 keeps all.
    pub min_p: f64,
    /// Makes tokens of prompt and answer less likely when above 1, more likely when below; 1 does nothing.
    pub repetition_penalty: f64,
    /// Chooses one of 2^64 series of draws.
    pub seed: u64,
}

/// Sampling parameters that a caller asked for, in a terminal or a page.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SamplingRequest {
    /// Sample with the parameters of the published script where none is given.
    pub published: bool,
    /// [`SamplingParams::temperature`].
    pub temperature: Option<f64>,
    /// [`SamplingParams::top_k`].
    pub top_k: Option<usize>,
    /// [`SamplingParams::top_p`].
    pub top_p: Option<f64>,
    /// [`SamplingParams::min_p`].
    pub min_p: Option<f64>,
    /// [`SamplingParams::repetition_penalty`].
    pub repetition_penalty: Option<f64>,
    /// [`SamplingParams::seed`].
    pub seed: u64,
}

impl SamplingRequest {
    /// The parameters. They are greedy unless one of them asks for sampling: then the temperature is 1 where none is given.
    ///
    /// # Errors
    /// [`SamplingError::OutOfRange`] names the first bad one.
    pub fn params(&self) -> Result<SamplingParams, SamplingError> {
        let sampled = self.top_k.is_some() || self.top_p.is_some() || self.min_p.is_some();
        let base = match (self.published, sampled) {
            (true, _) => SamplingParams::published(),
            (false, true) => SamplingParams { temperature: 1.0, ..SamplingParams::greedy() },
            (false, false) => SamplingParams::greedy(),
        };
        let params = SamplingParams {
            temperature: self.temperature.unwrap_or(base.temperature),
            top_k: self.top_k.unwrap_or(base.top_k),
            top_p: self.top_p.unwrap_or(base.top_p),
            min_p: self.min_p.unwrap_or(base.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(base.repetition_penalty),
            seed: self.seed,
        };
        params.validate()?;
        Ok(params)
    }
}

/// What can be wrong with sampling parameters or logits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SamplingError {
    /// A parameter outside its range.
    #[error("{name} is {value}, but must be {range}; {off} switches it off")]
    OutOfRange {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The allowed values, in words.
        range: &'static str,
        /// The value that does nothing.
        off: &'static str,
    },
    /// No token can be chosen.
    #[error(
        "the logits hold a NaN or no finite value, so no token can be chosen; \
         the weights may be damaged, or a number overflowed on this device"
    )]
    NotFinite,
    /// Beam search without beams, or without room for a token.
    #[error("beam search needs at least one beam and one new token, but got {num_beams} and {max_new_tokens}")]
    NothingToSearch {
        /// Beams asked for.
        num_beams: usize,
        /// New tokens allowed.
        max_new_tokens: usize,
    },
    /// More beams than there is memory for.
    #[error(
        "beam search with {num_beams} beams was asked for, and at most {most} are searched: each has a key/value cache of its own"
    )]
    TooManyBeams {
        /// Beams asked for.
        num_beams: usize,
        /// Most beams.
        most: usize,
    },
    /// Beam search was given the wrong number of rows.
    #[error("beam search has {live} live beams, but got {rows} rows of logits; give one row per live beam")]
    BeamRows {
        /// Beams that await logits.
        live: usize,
        /// Rows given.
        rows: usize,
    },
}

impl SamplingParams {
    /// The most probable token, always: what the published benchmarks used.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 0 }
    }

    /// The defaults of the published script: top-k 30, top-p 0.95, temperature 1.
    pub fn published() -> Self {
        Self { temperature: 1.0, top_k: 30, top_p: 0.95, ..Self::greedy() }
    }

    /// Whether no draw is made.
    pub fn is_greedy(&self) -> bool {
        self.temperature == 0.0
    }

    /// Checks every parameter's range.
    ///
    /// # Errors
    /// [`SamplingError::OutOfRange`] names the first bad one.
    pub fn validate(&self) -> Result<(), SamplingError> {
        let non_negative = 0.0..=f64::MAX;
        let positive = f64::MIN_POSITIVE..=f64::MAX;
        let fraction = 0.0..=1.0;
        check("temperature", self.temperature, &non_negative, "0 or more", "1")?;
        check("top_p", self.top_p, &fraction, "from 0 to 1", "1")?;
        check("min_p", self.min_p, &fraction, "from 0 to 1", "0")?;
        check("repetition_penalty", self.repetition_penalty, &positive, "more than 0", "1")
    }
}

/// Chooses the next token. `logits` `[V]` are overwritten by the transforms.
///
/// `history` holds the ids of prompt and answer so far, `position` counts the draws of this answer from 0.
///
/// # Errors
/// [`SamplingError::NotFinite`] when the logits cannot be ordered.
pub fn next_token(
    logits: &mut [f32],
    history: &[u32],
    params: &SamplingParams,
    position: u32,
) -> Result<u32, SamplingError> {
    transform(logits, history, params);
    let token = if params.is_greedy() { argmax(logits) } else { draw(logits, uniform(params.seed, position)) };
    token.ok_or(SamplingError::NotFinite)
}

fn check(
    name: &'static str,
    value: f64,
    allowed: &std::ops::RangeInclusive<f64>,
    range: &'static str,
    off: &'static str,
) -> Result<(), SamplingError> {
    if allowed.contains(&value) { Ok(()) } else { Err(SamplingError::OutOfRange { name, value, range, off }) }
}
