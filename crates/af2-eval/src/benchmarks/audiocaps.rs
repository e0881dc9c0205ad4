//! AudioCaps (Kim et al. 2019), test: five captions a clip.

use super::{BASE, Benchmark, CAPTIONS};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "audiocaps",
    title: "AudioCaps test",
    files: "test.csv (audiocap_id, youtube_id, start_time, caption), test/<youtube_id>.wav",
    templates: CAPTIONS,
    captions: true,
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let mut items: Vec<Item> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in data.table(&["test.csv", "audiocaps_test.csv"], true)? {
        let clip = row.text("youtube_id")?;
        let place = *places.entry(clip.clone()).or_insert(items.len());
        if place == items.len() {
            let audio = data.audio(&["test", "audio", ""], &format!("{clip}.wav"));
            items.push(Item { id: clip, audio, question: "Caption the input audio.".into(), ..Item::default() });
        }
        items[place].answers.push(row.text("caption")?);
    }
    Ok(items)
}
