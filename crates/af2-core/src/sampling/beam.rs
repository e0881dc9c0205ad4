//! Beam search as a state machine: logits in, parents and tokens out; running the network is the caller's part.
//!
//! The rules are Hugging Face's with its defaults (length penalty 1, no early stopping): each step looks at the 2·B
//! best continuations of all B beams; those that end are set aside with their mean log-probability per token if they
//! are among the B best, the others fill the B live beams; the search is over when no live beam can beat the worst of
//! B finished ones, or when the token limit is reached.

use super::SamplingError;

/// Most beams. Each has a key/value cache: in the 3B model, 57 MB for the 768 positions of an ordinary question and answer.
pub const MOST_BEAMS: usize = 128;

/// What to do before the next [`BeamSearch::advance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeamOutcome {
    /// Run the network on these beams.
    Continue(BeamStep),
    /// The search is over; see [`BeamSearch::finish`].
    Done,
}

/// The live beams after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeamStep {
    /// For each live beam, the row of the previous step it continues: its key/value cache is copied from there.
    pub parents: Vec<usize>,
    /// For each live beam, the token it appends.
    pub tokens: Vec<u32>,
}

/// The search for one prompt.
#[derive(Debug, Clone)]
pub struct BeamSearch {
    num_beams: usize,
    end_of_text: u32,
    max_new_tokens: usize,
    live: Vec<Beam>,
    finished: Vec<Hypothesis>,
    generated: usize,
    /// No live beam can become the answer.
    decided: bool,
}

/// An unfinished answer.
#[derive(Debug, Clone)]
struct Beam {
    tokens: Vec<u32>,
    /// Sum of log-probabilities.
    score: f32,
}

/// An answer that ended.
#[derive(Debug, Clone)]
struct Hypothesis {
    tokens: Vec<u32>,
    /// Log-probability per token, the end token included.
    score: f64,
}

/// A continuation of a live beam.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    score: f32,
    parent: usize,
    token: u32,
}

impl BeamSearch {
    /// A search that starts with one live beam, the prompt.
    ///
    /// # Errors
    /// [`SamplingError::NothingToSearch`] for no beams or no tokens, [`SamplingError::TooManyBeams`] for more than [`MOST_BEAMS`].
    pub fn new(num_beams: usize, end_of_text: u32, max_new_tokens: usize) -> Result<Self, SamplingError> {
        if num_beams == 0 || max_new_tokens == 0 {
            return Err(SamplingError::NothingToSearch { num_beams, max_new_tokens });
        }
        if num_beams > MOST_BEAMS {
            return Err(SamplingError::TooManyBeams { num_beams, most: MOST_BEAMS });
        }
        let prompt = Beam { tokens: Vec::new(), score: 0.0 };
        Ok(Self {
            num_beams,
            end_of_text,
            max_new_tokens,
            live: vec![prompt],
            finished: Vec::new(),
            generated: 0,
            decided: false,
        })
    }

    /// Takes the next-token logits of every live beam: one row `[V]` for the prompt, later one per beam of the last
    /// [`BeamStep`].
    ///
    /// # Errors
    /// [`SamplingError::BeamRows`] for another number of rows, [`SamplingError::NotFinite`] for a NaN or a row without
    /// a finite value.
    pub fn advance(&mut self, logits: &[&[f32]]) -> Result<BeamOutcome, SamplingError> {
        if self.is_done() {
            return Ok(BeamOutcome::Done);
        }
        let candidates = self.best_candidates(logits)?;
        self.generated += 1;
        let step = self.sort_out(&candidates);
        let attainable = candidates.first().map_or(f64::NEG_INFINITY, |best| self.per_token(best.score));
        let full = self.finished.len() >= self.num_beams;
        self.decided = self.live.is_empty() || (full && self.worst_finished() >= attainable);
        Ok(if self.is_done() { BeamOutcome::Done } else { BeamOutcome::Continue(step) })
    }

    /// The best answer's ids, its end token included if it has one. Called early, it takes live beams as they are.
    pub fn finish(mut self) -> Vec<u32> {
        if !self.decided && self.generated > 0 {
            for beam in std::mem::take(&mut self.live) {
                self.set_aside(beam.tokens, beam.score);
            }
        }
        let best = self.finished.into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        best.map(|hypothesis| hypothesis.tokens).unwrap_or_default()
    }

    fn is_done(&self) -> bool {
        self.decided || self.generated == self.max_new_tokens
    }

    /// The 2·B best continuations, best first; of equal ones the earlier beam and the smaller id.
    fn best_candidates(&self, logits: &[&[f32]]) -> Result<Vec<Candidate>, SamplingError> {
        if logits.len() != self.live.len() {
            return Err(SamplingError::BeamRows { live: self.live.len(), rows: logits.len() });
        }
        let keep = self.num_beams.saturating_mul(2);
        let mut best: Vec<Candidate> = Vec::new();
        for (parent, (row, beam)) in logits.iter().zip(&self.live).enumerate() {
            let log_sum = log_sum_exp(row)?;
            for (token, logit) in (0_u32..).zip(row.iter()) {
                let score = (logit - log_sum.largest) - log_sum.rest + beam.score;
                insert_ranked(&mut best, keep, Candidate { score, parent, token });
            }
        }
        Ok(best)
    }

    /// Sets ended candidates aside and makes the others the new live beams.
    fn sort_out(&mut self, candidates: &[Candidate]) -> BeamStep {
        let before = std::mem::take(&mut self.live);
        let mut step = BeamStep { parents: Vec::new(), tokens: Vec::new() };
        for (rank, candidate) in candidates.iter().enumerate() {
            let mut tokens = before[candidate.parent].tokens.clone();
            tokens.push(candidate.token);
            if candidate.token != self.end_of_text {
                step.parents.push(candidate.parent);
                step.tokens.push(candidate.token);
                self.live.push(Beam { tokens, score: candidate.score });
            } else if rank < self.num_beams {
                self.set_aside(tokens, candidate.score);
            }
            if self.live.len() == self.num_beams {
                break;
            }
        }
        step
    }

    /// Keeps an answer if it is among the B best so far.
    fn set_aside(&mut self, tokens: Vec<u32>, log_probability: f32) {
        let score = self.per_token(log_probability);
        if self.finished.len() >= self.num_beams {
            let worst = self.worst_finished();
            if score <= worst {
                return;
            }
            // The first of equally bad ones goes.
            if let Some(index) = self.finished.iter().position(|hypothesis| hypothesis.score == worst) {
                self.finished.remove(index);
            }
        }
        self.finished.push(Hypothesis { tokens, score });
    }

    /// Length penalty 1: the mean log-probability of the tokens generated so far.
    fn per_token(&self, log_probability: f32) -> f64 {
        f64::from(log_probability) / self.generated as f64
    }

    fn worst_finished(&self) -> f64 {
        self.finished.iter().map(|hypothesis| hypothesis.score).fold(f64::INFINITY, f64::min)
    }
}

/// log Σ exp(logit), as the largest logit and the rest.
struct LogSumExp {
    largest: f32,
    rest: f32,
}

fn log_sum_exp(row: &[f32]) -> Result<LogSumExp, SamplingError> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = row.iter().map(|logit| f64::from((logit - largest).exp())).sum();
    let rest = total.ln() as f32;
    if rest.is_finite() { Ok(LogSumExp { largest, rest }) } else { Err(SamplingError::NotFinite) }
}

/// Inserts a candidate in a list of at most `keep`, sorted from best to worst, behind its equals.
fn insert_ranked(best: &mut Vec<Candidate>, keep: usize, candidate: Candidate) {
    let too_bad = best.len() >= keep && best.last().is_none_or(|worst| candidate.score <= worst.score);
    if too_bad || candidate.score == f32::NEG_INFINITY {
        return;
    }
    best.truncate(keep - 1);
    let rank = best.partition_point(|other| other.score >= candidate.score);
    best.insert(rank, candidate);
}
