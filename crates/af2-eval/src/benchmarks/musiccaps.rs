//! MusicCaps (Agostinelli et al. 2023), evaluation: one paragraph a clip of 10 s.

use super::{BASE, Benchmark, CAPTIONS};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "musiccaps",
    title: "MusicCaps evaluation",
    files: "musiccaps-public.csv, audio/<ytid>.wav or audio/[<ytid>]-[<start>-<end>].wav",
    templates: CAPTIONS,
    captions: true,
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let test = |row: &crate::data_dir::Row| row.or_empty("is_audioset_eval").eq_ignore_ascii_case("true");
    let item = |row: crate::data_dir::Row| {
        let clip = row.text("ytid")?;
        let short = data.audio(&["audio", ""], &format!("{clip}.wav"));
        let long = format!("[{clip}]-[{}-{}].wav", row.or_empty("start_s"), row.or_empty("end_s"));
        let audio = if data.has(&short) { short } else { data.audio(&["audio", ""], &long) };
        let answers = vec![row.text("caption")?];
        Ok(Item { id: clip, audio, question: "Caption the input audio.".into(), answers, ..Item::default() })
    };
    data.table(&["musiccaps-public.csv", "musiccaps.csv"], true)?.into_iter().filter(test).map(item).collect()
}
