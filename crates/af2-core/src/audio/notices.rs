//! What a person should know of a clip before trusting an answer about it, one sentence each.

use super::level::{ChannelPeaks, Level};

/// Seconds below which a clip is called short. A token of the encoder stands for 0.31 s, and the recordings that the model was trained on
/// last seconds: half a second gives it less than two tokens in time to go by.
const SHORT: f64 = 0.5;

/// Notices about a clip whose audio was heard at `level`, `single` being the only channel that was heard, from 0, if it was one.
pub(super) fn about_clip(level: Level, peaks: &ChannelPeaks, single: Option<usize>, seconds: f64) -> Vec<String> {
    let mut notices = Vec::new();
    if level.is_silent() {
        notices.push(match (single, peaks.loudest()) {
            (Some(heard), Some(loud)) if loud != heard => {
                let (heard, loud) = (heard + 1, loud + 1);
                format!(
                    "channel {heard}, which is heard, is silent, and channel {loud} is not: choose it with --channel {loud} (in JavaScript: channel: {loud}), or all with mix"
                )
            }
            _ => silent(level),
        });
    }
    if seconds < SHORT {
        notices.push(format!("the audio lasts {seconds:.2} s only: an answer may be a guess"));
    }
    notices
}

fn silent(level: Level) -> String {
    let peak = -level.peak_dbfs;
    format!("the audio is silent (peak \u{2212}{peak:.0} dBFS): an answer would be a guess")
}
