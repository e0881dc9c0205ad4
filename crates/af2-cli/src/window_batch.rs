//! Windows of a stream in batches: the engine encodes and asks them together.

use af2_core::audio::{Level, WindowStream, Windows};
use af2_core::engine::TOKENS_PER_WINDOW;
use af2_core::index::IndexedWindow;
use anyhow::Result;

use crate::model::Engine;

/// Silent windows that may be between the others of a batch: a stream of silence must still be seen to go on.
const MOST_SILENT: usize = 64;

/// One window of a batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchWindow {
    /// Seconds from the start of the audio.
    pub start: f64,
    /// Seconds of audio in it.
    pub seconds: f64,
    /// How loud it is.
    pub level: Level,
    /// Its place among the encoded windows; none for a silent one, which is not encoded.
    pub place: Option<usize>,
}

/// Consecutive windows of a stream.
pub struct WindowBatch {
    /// All of them, in order.
    pub windows: Vec<BatchWindow>,
    /// Those that are not silent, side by side.
    audio: Windows,
}

impl WindowBatch {
    /// Reads windows that begin at `from` seconds or later, until `size` of them are not silent; none at the end of the stream.
    ///
    /// # Errors
    /// The file cannot be decoded.
    pub fn next(stream: &mut WindowStream, size: usize, from: f64) -> Result<Option<Self>> {
        let mut batch: Option<Self> = None;
        while let Some(next) = stream.next()? {
            if next.start < from {
                continue;
            }
            let batch = batch.get_or_insert_with(|| Self {
                windows: Vec::new(),
                audio: Windows {
                    codes: Vec::new(),
                    count: 0,
                    hop_samples: next.windows.window_samples,
                    ..next.windows
                },
            });
            let place = (!next.level.is_silent()).then_some(batch.audio.count);
            if place.is_some() {
                batch.audio.codes.extend(next.windows.covered_codes(0));
                batch.audio.count += 1;
                batch.audio.codes.resize(batch.audio.count * batch.audio.window_samples, 0);
            }
            batch.windows.push(BatchWindow { start: next.start, seconds: next.seconds, level: next.level, place });
            if batch.audio.count >= size || batch.windows.len() >= size + MOST_SILENT {
                break;
            }
        }
        Ok(batch)
    }

    /// Windows that are not silent.
    pub fn sounding(&self) -> usize {
        self.audio.count
    }

    /// Their encoder tokens, [64 · n, D]; none for none.
    ///
    /// # Errors
    /// The device failed.
    pub fn encode(&self, engine: &dyn Engine) -> Result<Vec<f32>> {
        if self.sounding() == 0 { Ok(Vec::new()) } else { engine.encode(&self.audio, &mut |_, _| true) }
    }

    /// Those that are not silent, as an index stores them.
    ///
    /// # Errors
    /// The device failed.
    pub fn indexed(&self, engine: &dyn Engine) -> Result<Vec<IndexedWindow>> {
        let tokens = self.encode(engine)?;
        let tokens = tokens.chunks(TOKENS_PER_WINDOW * engine.config().audio_transformer.d_model);
        let sounding = self.windows.iter().filter(|window| window.place.is_some());
        let stored = |(window, tokens): (&BatchWindow, &[f32])| IndexedWindow {
            start: window.start,
            seconds: window.seconds,
            peak_dbfs: window.level.peak_dbfs,
            rms_dbfs: window.level.rms_dbfs,
            tokens: IndexedWindow::stored_tokens(tokens),
        };
        Ok(sounding.zip(tokens).map(stored).collect())
    }
}
