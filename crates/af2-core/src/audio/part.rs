//! A part of a file: the samples of some windows, out of a longer run whose extremes decide on their loudness.

use super::decode::Read;
use super::level::{ChannelPeaks, Level};
use super::normalise::{Extremes, Sample, codes_within};

/// What was read of a file that begins within it.
pub(super) struct Part {
    pub codes: Vec<i16>,
    pub read: Read,
    pub level: Level,
    pub peaks: ChannelPeaks,
    /// Whether the file was heard from its beginning all the same.
    pub from_beginning: bool,
}

/// What a block holds behind its first `frames` frames.
pub(super) fn after<'a>(block: &[&'a [f64]], frames: usize) -> Vec<&'a [f64]> {
    block.iter().map(|channel| channel.get(frames..).unwrap_or_default()).collect()
}

/// The first samples of a run, with the extremes of all of it. The rest takes no memory.
pub(super) struct FirstSamples<S> {
    samples: Vec<S>,
    most: usize,
    extremes: Extremes,
}

impl<S: Sample> FirstSamples<S> {
    /// Of a run of which `most` samples are heard.
    pub fn new(most: usize) -> Self {
        Self { samples: Vec::new(), most, extremes: Extremes::default() }
    }

    /// Takes the next samples.
    pub fn push(&mut self, samples: impl Iterator<Item = S> + Clone) {
        self.extremes.add(samples.clone());
        self.samples.extend(samples.take(self.most - self.samples.len()));
    }

    /// The codes of those that are heard, after all were divided by `divisor`, and the level before that.
    pub fn codes(mut self, divisor: Option<f64>, divide: impl Fn(S, f64) -> S) -> (Vec<i16>, Level) {
        let level = Level::of(self.samples.iter().map(|sample| (*sample).into()));
        if let Some(divisor) = divisor {
            self.samples.iter_mut().for_each(|sample| *sample = divide(*sample, divisor));
            self.extremes = self.extremes.divided_by(divisor);
        }
        (codes_within(self.samples.iter().copied(), self.samples.len(), self.extremes), level)
    }
}
