//! Hits of a search as text.

use std::path::{Path, absolute};

use af2_core::search::SearchHit;

use super::files::resolved;

/// One line per hit: where, in which file, how surely.
pub fn as_lines(index: &Path, hits: &[SearchHit]) -> String {
    let line = |hit: &SearchHit| {
        let file = resolved(index, &hit.file);
        format!("{:.2}  {} – {}  {}\n", hit.confidence, clock(hit.start), clock(hit.end), file.display())
    };
    hits.iter().map(line).collect()
}

/// `1:02:03`, without hours below one.
fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// A table with a head line.
pub fn as_csv(index: &Path, hits: &[SearchHit]) -> String {
    let quoted = |text: String| {
        let plain = !text.contains([',', '"', '\n', '\r']);
        if plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
    };
    let line = |hit: &SearchHit| {
        let SearchHit { start, end, score, confidence, .. } = hit;
        let file = quoted(resolved(index, &hit.file).display().to_string());
        format!("{file},{start:.3},{end:.3},{score:.4},{confidence:.4}\n")
    };
    std::iter::once("file,start,end,score,confidence\n".into()).chain(hits.iter().map(line)).collect()
}

/// A playlist that plays the hits: VLC reads the times, other players begin at the start of each file. Paths are absolute, for a playlist
/// may be saved anywhere.
pub fn as_m3u(index: &Path, text: &str, hits: &[SearchHit]) -> String {
    let one_line = |text: &str| text.replace(['\n', '\r'], " ");
    let entry = |hit: &SearchHit| {
        let file = resolved(index, &hit.file);
        let (seconds, title) = ((hit.end - hit.start).ceil(), one_line(text));
        let place = absolute(&file).unwrap_or(file);
        format!(
            "#EXTINF:{seconds},{title} ({:.0} %) at {}\n#EXTVLCOPT:start-time={}\n#EXTVLCOPT:stop-time={}\n{}\n",
            hit.confidence * 100.0,
            clock(hit.start),
            hit.start,
            hit.end,
            one_line(&place.display().to_string())
        )
    };
    std::iter::once("#EXTM3U\n".into()).chain(hits.iter().map(entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits() -> [SearchHit; 2] {
        let hit = |file: &str, start: f64| SearchHit {
            file: file.into(),
            start,
            end: start + 10.0,
            score: 1.5,
            confidence: 0.934,
        };
        [hit("a, b.wav", 50.0), hit("/c.wav", 3720.5)]
    }

    #[cfg(unix)]
    #[test]
    fn hits_are_written_in_every_format() {
        let index = Path::new("/sounds/index");
        let lines = "0.93  00:50 – 01:00  /sounds/a, b.wav\n0.93  1:02:01 – 1:02:11  /c.wav\n";
        assert_eq!(as_lines(index, &hits()), lines);
        let csv = "file,start,end,score,confidence\n\"/sounds/a, b.wav\",50.000,60.000,1.5000,0.9340\n\
            /c.wav,3720.500,3730.500,1.5000,0.9340\n";
        assert_eq!(as_csv(index, &hits()), csv);
        let m3u = "#EXTM3U\n#EXTINF:10,a dog (93 %) at 00:50\n#EXTVLCOPT:start-time=50\n#EXTVLCOPT:stop-time=60\n/sounds/a, b.wav\n\
            #EXTINF:10,a dog (93 %) at 1:02:01\n#EXTVLCOPT:start-time=3720.5\n#EXTVLCOPT:stop-time=3730.5\n/c.wav\n";
        assert_eq!(as_m3u(index, "a dog", &hits()), m3u);
        assert_eq!(as_m3u(index, "a dog", &[]), "#EXTM3U\n");
    }
}
