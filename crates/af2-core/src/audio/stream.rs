//! Hours of audio, window by window: neither the file nor its samples are in memory as a whole.
//!
//! ```text
//! blocks of the whole stream ─ channel ─ rate change ─ cut [start, start + 10 s) ─ normalise ─ codes
//! ```
//!
//! The rate of the whole stream is changed first, without a seam, then it is cut. Every window is normalised by itself, exactly as if its
//! excerpt of the stream at the target rate were a file: only the filter at the edges of such a file would differ.

use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::channel::Channel;
use super::decode::{Source, StreamInfo};
use super::error::AudioError;
use super::general_path;
use super::level::{ChannelPeaks, Level};
use super::load::{LoadRules, decoder_failed};
use super::mp3_path;
use super::normalise::codes;
use super::notices;
use super::window_peaks::WindowPeaks;
use super::windows::{WindowPlan, Windows};
use crate::config::AudioConfig;

/// Seconds from one window to the next. Below, the same tenth of a second would be encoded more than a hundred times.
const HOPS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

/// A window of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamedWindow {
    /// Where it starts, in seconds.
    pub start: f64,
    /// Seconds of audio in it, without the padding.
    pub seconds: f64,
    /// One window as the encoder hears it.
    pub windows: Windows,
    /// How loud it was before normalisation.
    pub level: Level,
}

/// Reads a file of any length, window by window.
pub struct WindowStream {
    source: Source,
    name: String,
    rules: Rules,
    channel: Channel,
    plan: WindowPlan,
    hop: u64,
    /// Samples at the target rate from `first` on.
    samples: VecDeque<f64>,
    first: u64,
    /// Where the next window starts, and where the last one ended.
    next: u64,
    covered: u64,
    /// Whether all of the source was read.
    ended: bool,
    /// Whether decoding failed, after which nothing comes.
    failed: bool,
    peaks: ChannelPeaks,
    loudest: Option<Level>,
}

/// One of the original's two ways of reading a file.
enum Rules {
    General(general_path::Mono, WindowPeaks),
    Mp3(mp3_path::Mono),
}

impl WindowStream {
    /// Opens a file by the rules for `name` or those given. Windows start every `hop_seconds`, which may be shorter or longer than a window.
    ///
    /// # Errors
    /// [`AudioError`]: nothing can be decoded, the channel does not exist, or a setting describes no window.
    pub fn open(
        source: impl Read + Seek + 'static,
        name: &str,
        rules: LoadRules,
        channel: Channel,
        config: &AudioConfig,
        hop_seconds: f64,
    ) -> Result<Self, AudioError> {
        let plan = WindowPlan::new(config, 1)?;
        if !HOPS.contains(&hop_seconds) {
            return Err(AudioError::Hop { seconds: hop_seconds.to_string() });
        }
        let hop = ((hop_seconds * f64::from(plan.sample_rate)).round() as u64).max(1);
        let opened = catch_unwind(AssertUnwindSafe(|| Source::stream(source, name)));
        let source = opened.unwrap_or_else(|_| Err(decoder_failed(name)))?;
        let info = source.info();
        channel.check(info.channels, name)?;
        let rules = if rules.are_for_mp3(name) {
            Rules::Mp3(mp3_path::Mono::new(channel, info, plan.sample_rate))
        } else {
            let peaks = WindowPeaks::new(info.sample_rate, plan.sample_rate, plan.window_samples as u64, hop);
            Rules::General(general_path::Mono::new(channel, info.sample_rate, plan.sample_rate), peaks)
        };
        Ok(Self {
            source,
            name: name.into(),
            rules,
            channel,
            plan,
            hop,
            samples: VecDeque::new(),
            first: 0,
            next: 0,
            covered: 0,
            ended: false,
            failed: false,
            peaks: ChannelPeaks::default(),
            loudest: None,
        })
    }

    /// What the stream says about itself.
    pub fn info(&self) -> &StreamInfo {
        self.source.info()
    }

    /// Seconds of the whole stream, where the file tells without being decoded.
    pub fn duration(&self) -> Option<f64> {
        Some(self.source.stated_frames()? as f64 / f64::from(self.info().sample_rate))
    }

    /// What was passed over, missing or cut so far, one sentence each; at the end of the stream also what makes answers about it doubtful.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = self.source.notices();
        if let Some(level) = self.loudest.filter(|_| self.ended) {
            let single = self.channel.single(matches!(self.rules, Rules::General(..)));
            notices.extend(notices::about_clip(level, &self.peaks, single, self.seconds(self.end())));
        }
        notices
    }

    /// The next window; none after the one that covers the last sample. It ends in zeros.
    ///
    /// # Errors
    /// [`AudioError`] for samples that are not finite, or a file that cannot be read any more; nothing comes after it.
    #[expect(clippy::should_implement_trait)] // an iterator's items would be results, and a caller goes on after none
    pub fn next(&mut self) -> Result<Option<StreamedWindow>, AudioError> {
        if self.failed {
            return Ok(None);
        }
        let guarded = catch_unwind(AssertUnwindSafe(|| self.cut()));
        let window = guarded.unwrap_or_else(|_| Err(decoder_failed(&self.name)));
        self.failed = window.is_err();
        window
    }

    fn cut(&mut self) -> Result<Option<StreamedWindow>, AudioError> {
        let (start, end) = (self.next, self.next + self.plan.window_samples as u64);
        while !self.ended && self.end() < end {
            self.read_block()?;
            self.drop_before(start);
        }
        if start > 0 && (start >= self.end() || self.covered >= self.end()) {
            return Ok(None);
        }
        let end = end.min(self.end());
        let excerpt = self.samples.range((start - self.first) as usize..(end - self.first) as usize).copied();
        let level = Level::of(excerpt.clone());
        let length = excerpt.len();
        let codes = match &mut self.rules {
            Rules::Mp3(_) => codes(excerpt.map(|sample| sample as f32), length),
            Rules::General(_, peaks) => match peaks.take() {
                // As `general_path::Clip` scales.
                joint if joint > 1.0 => codes(excerpt.map(move |sample| sample / joint), length),
                _ => codes(excerpt, length),
            },
        };
        if self.loudest.is_none_or(|loudest| level.peak_dbfs > loudest.peak_dbfs) {
            self.loudest = Some(level);
        }
        (self.next, self.covered) = (start + self.hop, end);
        self.drop_before(self.next);
        let windows = Windows::new(codes, &self.plan);
        Ok(Some(StreamedWindow { start: self.seconds(start), seconds: windows.seconds(), windows, level }))
    }

    /// Converts the next block of the source.
    fn read_block(&mut self) -> Result<(), AudioError> {
        let (rules, peaks) = (&mut self.rules, &mut self.peaks);
        let more = self.source.read_block(|block| {
            peaks.push(block);
            match rules {
                Rules::General(mono, window_peaks) => {
                    window_peaks.push(block);
                    mono.push(block);
                }
                Rules::Mp3(mono) => mono.push(block),
            }
        })?;
        self.ended = !more;
        match rules {
            Rules::General(mono, _) => {
                if !more {
                    mono.finish();
                }
                self.samples.extend(mono.take().iter());
            }
            Rules::Mp3(mono) => self.samples.extend(mono.take().into_iter().map(f64::from)),
        }
        Ok(())
    }

    /// Drops the samples before `start` that are there.
    fn drop_before(&mut self, start: u64) {
        let count = start.saturating_sub(self.first).min(self.samples.len() as u64);
        self.samples.drain(..count as usize);
        self.first += count;
    }

    /// Where the samples that were read end.
    fn end(&self) -> u64 {
        self.first + self.samples.len() as u64
    }

    fn seconds(&self, sample: u64) -> f64 {
        sample as f64 / f64::from(self.plan.sample_rate)
    }
}
