//! Captions and search on hours of audio with known events, and the memory they take.

use super::{
    af2::Af2,
    events::{Claim, Match, ranking},
    recordings::Event,
    statistics::average_precision,
};
use crate::recipe::text;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};

/// Sounds that are searched for: the most frequent ones.
const PHRASES: usize = 12;

/// `M-minutes.json`, as `hours.py` writes it.
#[derive(Deserialize)]
struct Hours {
    file: String,
    seconds: f64,
    events: Vec<Event>,
}

/// A caption of `af2 captions --format json`.
#[derive(Deserialize)]
struct Caption {
    start: f64,
    end: f64,
    text: String,
}

/// A hit of `af2 search --format json`.
#[derive(Deserialize)]
struct Hit {
    start: f64,
    end: f64,
}

/// Captions the longest file of `folder` and searches it, and prints how well; then the peak memory for every file.
pub fn evaluate(af2: &Af2, folder: &Path, minutes: u32) -> Result<()> {
    let hours = read(&folder.join(format!("{minutes}-minutes.json")))?;
    let audio = folder.join(&hours.file);
    println!("\n### {:.0} minutes, {} events\n", hours.seconds / 60.0, hours.events.len());
    println!("| captions | claims | precision | recall |\n|---|---|---|---|");
    for (name, options) in
        [("by window", &["--format", "json"][..]), ("with --where", &["--format", "json", "--where"])]
    {
        let captions: Vec<Caption> = af2.json("captions", options, &[text(&audio)?])?;
        let claims: Vec<Claim> = captions.iter().flat_map(claims).collect();
        for (rule, matched) in [
            ("the sound, ±1 s", Match::of(&claims, &hours.events, |c, e| c.overlaps(e, 1.0) && c.sound == e.sound)),
            ("any sound, ±1 s", Match::of(&claims, &hours.events, |c, e| c.overlaps(e, 1.0))),
            ("any sound, onset within 1 s", Match::of(&claims, &hours.events, |c, e| (c.start - e.start).abs() <= 1.0)),
        ] {
            println!("| {name}: {rule} | {} | {} | {} |", claims.len(), matched.precision(), matched.recall());
        }
    }
    search(af2, &audio, &hours)
}

/// Peak memory of captioning every file of `minutes`.
pub fn memory(af2: &Af2, folder: &Path, minutes: &[u32]) -> Result<()> {
    println!("\n| audio | peak memory of `af2 captions` |\n|---|---|");
    for length in minutes {
        let audio = folder.join(format!("{length}-minutes.wav"));
        let peak = af2.peak_memory("captions", &["--format", "json"], &[text(&audio)?])?;
        println!("| {length} minutes | {:.1} MB |", peak as f64 / 1e6);
    }
    Ok(())
}

fn search(af2: &Af2, audio: &Path, hours: &Hours) -> Result<()> {
    let index = audio.with_extension("index");
    if index.exists() {
        fs::remove_file(&index)?;
    }
    af2.output("index", &["--out", text(&index)?], &[text(audio)?])?;
    println!(
        "\n| search | events | average precision | first hit right | hits right among as many as events |\n|---|---|---|---|---|"
    );
    let mut mean = 0.0;
    let sounds = frequent(&hours.events);
    for sound in &sounds {
        let hits: Vec<Hit> = af2.json(
            "search",
            &["--format", "json", "--top", "100000", "--min-confidence", "0"],
            &[text(&index)?, &article(sound)],
        )?;
        let events: Vec<&Event> = hours.events.iter().filter(|event| event.sound == *sound).collect();
        let found = ranking(hits.iter().map(|hit| (hit.start, hit.end)), &events);
        let precision = average_precision(&found, events.len());
        let among = found.iter().take(events.len()).filter(|hit| **hit).count();
        let first = if found.first() == Some(&true) { "yes" } else { "no" };
        println!("| {sound} | {} | {precision:.3} | {first} | {among} |", events.len());
        mean += precision / sounds.len() as f64;
    }
    println!("| mean | | {mean:.3} | | |");
    Ok(())
}

fn read(path: &Path) -> Result<Hours> {
    let list = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}: make it with `cargo xtask sounds hours`", path.display()))?;
    let hours: Hours = serde_json::from_str(&list)?;
    ensure!(!hours.events.is_empty(), "{} has no events", path.display());
    Ok(hours)
}

/// The sounds that occur most often; of equal ones the first by name.
fn frequent(events: &[Event]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    events.iter().for_each(|event| *counts.entry(&event.sound).or_default() += 1);
    let mut sounds: Vec<(&str, usize)> = counts.into_iter().collect();
    sounds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sounds.into_iter().take(PHRASES).map(|(sound, _)| sound.to_owned()).collect()
}

/// Every sound that a caption names, over its whole interval: `[a dog, then rain]` names two.
fn claims(caption: &Caption) -> Vec<Claim> {
    let named = caption.text.trim_matches(|c| "[] .".contains(c)).replace(", then ", ", ").replace(" and ", ", ");
    let bare = |name: &str| {
        let name = name.trim();
        name.strip_prefix("an ").or_else(|| name.strip_prefix("a ")).unwrap_or(name).to_owned()
    };
    named.split(", ").map(|name| Claim { sound: bare(name), start: caption.start, end: caption.end }).collect()
}

/// The noun as the demo model's questions have it.
fn article(sound: &str) -> String {
    const BARE: [&str; 8] = ["rain", "thunder", "wind", "water", "fire", "speech", "laughing", "applause"];
    match sound.chars().next() {
        _ if BARE.contains(&sound) => sound.to_owned(),
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {sound}"),
        _ => format!("a {sound}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_claims_every_sound_it_names() {
        let caption = Caption { start: 1.0, end: 2.0, text: "[a dog, then an electric guitar, then rain]".into() };
        let sounds: Vec<String> = claims(&caption).into_iter().map(|claim| claim.sound).collect();
        assert_eq!(sounds, ["dog", "electric guitar", "rain"]);
        assert_eq!(article("organ"), "an organ");
        assert_eq!(article("rain"), "rain");
    }
}
