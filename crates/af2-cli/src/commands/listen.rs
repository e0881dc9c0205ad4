//! What every question about one file begins with: a loaded model that has heard the audio.

use std::path::Path;
use std::time::Instant;

use af2_core::audio::LoadedAudio;
use anyhow::Result;

use super::options::{AudioOptions, EngineOptions};
use crate::asking::Timings;
use crate::model::{Engine, EngineChoice, Heard, ModelFiles};
use crate::terminal::{count_bar, note};

/// A model, and audio in its memory.
pub(super) struct Listened {
    pub engine: Box<dyn Engine>,
    pub audio: LoadedAudio,
    pub heard: Box<dyn Heard>,
    /// What it took so far.
    pub timings: Timings,
}

/// Loads a model, into the engine `default` where none was asked for, and lets it hear a file. What of the file or the model people should
/// know is said on stderr, and stays in the audio's notices.
///
/// # Errors
/// The model or the audio cannot be loaded, or the device failed.
pub(super) fn listen(
    model: &Path,
    audio: &Path,
    engine: &EngineOptions,
    input: AudioOptions,
    default: Option<EngineChoice>,
) -> Result<Listened> {
    let start = Instant::now();
    let engine = engine.load(model, default)?;
    let load = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let mut audio = input.load(&engine.config().audio, audio, 0.0)?;
    let decode_audio = start.elapsed().as_secs_f64();
    for notice in &audio.info.notices {
        note(notice);
    }
    audio.info.notices.extend(ModelFiles::notice(model)?); // said on stderr when the model was loaded
    if audio.info.truncated {
        let heard = audio.windows.seconds();
        // The hint names more than what was asked for.
        let more = (audio.windows.count * 2).max(30);
        note(format_args!("only the first {heard:.0} s are heard; --max-windows {more} listens to more"));
    }
    let windows = audio.windows.count;
    if windows > engine.config().audio.max_num_window {
        let gigabytes = engine.clip_bytes(windows) as f64 / 1e9;
        note(format_args!("{windows} windows take about {gigabytes:.1} GB of memory beside the model"));
    }
    let start = Instant::now();
    let heard = encode(&*engine, &audio)?;
    let timings = Timings { load, decode_audio, encode: start.elapsed().as_secs_f64(), ..Timings::default() };
    Ok(Listened { engine, audio, heard, timings })
}

fn encode(engine: &dyn Engine, audio: &LoadedAudio) -> Result<Box<dyn Heard>> {
    let bar = count_bar(audio.windows.count as u64, "listening");
    let heard = engine.listen(&audio.windows, &mut |done, _| {
        bar.set_position(done as u64);
        true
    });
    bar.finish_and_clear();
    heard
}
