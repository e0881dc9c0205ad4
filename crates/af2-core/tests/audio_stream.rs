//! Windows of a stream are those of its excerpts; channels, levels and notices.
#![allow(clippy::unwrap_used)]

mod fixture;
mod wav;

use std::io::{Cursor, Error, Read, Result as IoResult, Seek, SeekFrom};

use af2_core::audio::{
    AudioError, Channel, LoadRules, LoadedAudio, Source, StreamedWindow, WindowStream, codes_from_f32, codes_from_f64,
    load_file, load_file_as, load_from, load_pcm, mono_from_i16, resample,
};
use af2_core::config::AudioConfig;
use fixture::{bytes, path, released_audio};
use wav::{FLOAT, wav, wav_i16};

fn open(
    file: Vec<u8>,
    name: &str,
    channel: Channel,
    config: &AudioConfig,
    hop: f64,
) -> Result<WindowStream, AudioError> {
    WindowStream::open(Cursor::new(file), name, LoadRules::ByName, channel, config, hop)
}

fn all(mut stream: WindowStream) -> (Vec<StreamedWindow>, Vec<String>) {
    let windows = std::iter::from_fn(|| stream.next().unwrap()).collect();
    assert_eq!(stream.next(), Ok(None), "the end stays the end");
    (windows, stream.notices())
}

fn windows(file: Vec<u8>, name: &str, channel: Channel, config: &AudioConfig, hop: f64) -> Vec<StreamedWindow> {
    all(open(file, name, channel, config, hop).unwrap()).0
}

/// Starts of the windows that cover `samples` samples, none of them without a sample, or with nothing new.
fn starts(samples: usize, window: usize, hop: usize) -> Vec<usize> {
    let needed = |start: &usize| *start == 0 || *start < samples && start - hop + window < samples;
    (0..).map(|index| index * hop).take_while(needed).collect()
}

/// A noise that repeats itself nowhere.
fn noise(count: usize) -> impl Iterator<Item = i16> {
    let mut state = 1u32;
    (0..count).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16
    })
}

#[test]
fn a_window_is_what_loading_its_excerpt_gives() {
    let config = AudioConfig { window_length: 1.0, ..released_audio() };
    let frames: Vec<i16> = noise(2 * 52_345).map(|sample| sample / 3).collect();
    let floats: Vec<u8> = frames.iter().flat_map(|&sample| (f32::from(sample) / 9000.0).to_le_bytes()).collect();
    for name in ["a.wav", "a.mp3"] {
        for channel in [Channel::First, Channel::Index(2), Channel::Mix] {
            for hop in [1.0, 0.25, 1.7] {
                let starts = starts(52_345, 16_000, (hop * 16_000.0) as usize);
                let check = |file: Vec<u8>, excerpt: &dyn Fn(usize, usize) -> Vec<u8>| {
                    let found = windows(file, name, channel, &config, hop);
                    assert_eq!(found.len(), starts.len());
                    for (window, &start) in found.iter().zip(&starts) {
                        let part = excerpt(start, 52_345.min(start + 16_000));
                        let loaded = load_file_as(part, name, LoadRules::ByName, channel, &config, 1).unwrap();
                        assert_eq!(window.windows, loaded.windows, "{name}, {channel}, hop {hop}, {start}");
                        assert_eq!((window.start, window.seconds), (start as f64 / 16_000.0, loaded.info.seconds));
                        assert_eq!(window.level, loaded.info.level);
                    }
                };
                check(wav_i16(2, 16_000, &frames), &|from, to| wav_i16(2, 16_000, &frames[2 * from..2 * to]));
                let float = |data: &[u8]| wav(FLOAT, 2, 16_000, 32, data);
                check(float(&floats), &|from, to| float(&floats[8 * from..8 * to]));
            }
        }
    }
}

#[test]
fn the_rate_of_every_format_is_changed_before_the_cut() {
    let config = AudioConfig { window_length: 0.5, ..released_audio() };
    let mut checked = 0;
    for folder in ["formats", "inputs"] {
        for entry in std::fs::read_dir(path(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") || name.ends_with(".json") || name.starts_with("long") {
                continue;
            }
            let file = bytes(&format!("{folder}/{name}"));
            for hop in [0.5, 0.2, 1.1] {
                check_cut(&file, &name, &config, hop);
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

/// Compares the windows of a file with cuts of all of it at the target rate.
fn check_cut(file: &[u8], name: &str, config: &AudioConfig, hop: f64) {
    let mut source = Source::open(file.to_vec(), name).unwrap();
    let info = source.info().clone();
    let mut planes = vec![Vec::new(); info.channels];
    let read = source
        .read(usize::MAX, |block| {
            planes.iter_mut().zip(block).for_each(|(plane, block)| plane.extend_from_slice(block))
        })
        .unwrap();
    let mp3 = name.ends_with(".mp3");
    let heard: Vec<f64> = if mp3 {
        let round = if info.integer { f64::floor } else { f64::round_ties_even };
        let pcm: Vec<i16> = (0..read.frames)
            .flat_map(|frame| planes.iter().map(move |plane| round(plane[frame] * 32768.0) as i16))
            .collect();
        mono_from_i16(&pcm, info.channels, info.sample_rate, 16_000).into_iter().map(f64::from).collect()
    } else {
        resample(&planes[0], info.sample_rate, 16_000)
    };
    let stream = open(file.to_vec(), name, Channel::First, config, hop).unwrap();
    if let Some(duration) = stream.duration() {
        let seconds = read.frames as f64 / f64::from(info.sample_rate);
        assert!((duration - seconds).abs() < 0.15, "{name}: {duration} of {seconds} s");
    }
    let found = all(stream).0;
    let starts = starts(heard.len(), 8_000, (hop * 16_000.0) as usize);
    assert_eq!(found.len(), starts.len(), "{name}, hop {hop}");
    for (window, start) in found.iter().zip(starts) {
        let excerpt = &heard[start..heard.len().min(start + 8_000)];
        let codes = if mp3 {
            codes_from_f32(&excerpt.iter().map(|&sample| sample as f32).collect::<Vec<_>>())
        } else {
            let inside = |frame: usize| {
                (start * info.sample_rate as usize..(start + 8_000) * info.sample_rate as usize)
                    .contains(&(frame * 16_000))
            };
            let peak = planes.iter().flat_map(|plane| plane.iter().enumerate().filter(|(frame, _)| inside(*frame)));
            let joint = peak.map(|(_, sample)| sample.abs()).fold(1.0, f64::max);
            codes_from_f64(&excerpt.iter().map(|sample| sample / joint).collect::<Vec<_>>())
        };
        assert_eq!(window.windows.codes, codes, "{name}, hop {hop}, window at {start}");
    }
}

#[test]
fn hops_and_channels_that_do_not_exist_are_refused() {
    let file = || wav_i16(2, 16_000, &[100; 4000]);
    let refused =
        |channel, hop| open(file(), "a.wav", channel, &released_audio(), hop).map(drop).unwrap_err().to_string();
    for hop in [0.0, 0.05, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(Channel::First, hop).contains("0.1 s to 3600 s"), "{hop}");
    }
    for name in ["a.wav", "a.mp3"] {
        for number in [0, 3] {
            let channel = Channel::Index(number);
            let error = load_file_as(file(), name, LoadRules::ByName, channel, &released_audio(), 1).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{name}: there is no channel {number}; the audio has channels 1 to 2")
            );
            assert!(open(file(), name, channel, &released_audio(), 10.0).is_err());
        }
    }
    let pcm = load_pcm(&[&[0.1; 9000]], 16_000, Channel::Index(2), &released_audio(), 1).unwrap_err().to_string();
    assert_eq!(pcm, "PCM: there is no channel 2; the audio has one channel, 1");
    assert_eq!(["1", "12", "mix"].map(str::parse), [Ok(Channel::Index(1)), Ok(Channel::Index(12)), Ok(Channel::Mix)]);
    for wrong in ["0", "-1", "left", "", "1.5"] {
        assert!(wrong.parse::<Channel>().is_err(), "{wrong}");
    }
}

#[test]
fn the_channel_that_was_chosen_is_heard() {
    let frames: Vec<i16> = (0..16_000).flat_map(|i| [(i % 100) * 100, -(i % 77) * 200]).collect();
    let codes = |name: &str, channel| {
        let file = wav_i16(2, 16_000, &frames);
        load_file_as(file, name, LoadRules::ByName, channel, &released_audio(), 1).unwrap().windows.codes
    };
    let single = |name: &str, from: usize| {
        let one: Vec<i16> = frames.iter().copied().skip(from).step_by(2).collect();
        load_file(wav_i16(1, 16_000, &one), name, &released_audio(), 1).unwrap().windows.codes
    };
    for name in ["a.wav", "a.mp3"] {
        assert_eq!(codes(name, Channel::Index(1)), single(name, 0));
        assert_eq!(codes(name, Channel::Index(2)), single(name, 1));
    }
    assert_eq!(codes("a.wav", Channel::First), single("a.wav", 0));
    assert_eq!(codes("a.mp3", Channel::First), codes("a.mp3", Channel::Mix));
    let average: Vec<f64> =
        frames.chunks(2).map(|pair| (f64::from(pair[0]) / 32768.0 + f64::from(pair[1]) / 32768.0) / 2.0).collect();
    assert_eq!(codes("a.wav", Channel::Mix), codes_from_f64(&average));
}

#[test]
fn what_makes_an_answer_doubtful_is_said() {
    let notices = |left: i16, right: i16, count: usize, channel: Channel, name: &str| {
        let frames: Vec<i16> =
            (0..count).flat_map(|i| if i % 2 == 0 { [left, right] } else { [-left, -right] }).collect();
        let file = wav_i16(2, 16_000, &frames);
        let streamed = all(open(file.clone(), name, channel, &released_audio(), 10.0).unwrap()).1;
        let loaded = load_file_as(file, name, LoadRules::ByName, channel, &released_audio(), 12).unwrap().info.notices;
        assert_eq!(streamed, loaded);
        loaded
    };
    let none: [String; 0] = [];
    assert_eq!(notices(500, 500, 16_000, Channel::First, "a.wav"), none);
    let silent = notices(8, 8, 16_000, Channel::First, "a.wav");
    assert_eq!(silent, ["the audio is silent (peak \u{2212}72 dBFS): an answer would be a guess"]);
    assert_eq!(notices(0, 0, 16_000, Channel::Mix, "a.mp3").len(), 1);
    let left = notices(0, 900, 200_000, Channel::First, "a.wav");
    assert!(left.len() == 1 && left[0].contains("--channel 2") && left[0].contains("channel: 2"), "{left:?}");
    assert_eq!(notices(0, 900, 200_000, Channel::Index(1), "a.mp3"), left);
    assert_eq!(notices(0, 900, 16_000, Channel::First, "a.mp3"), none, "the average is heard");
    assert_eq!(notices(0, 900, 16_000, Channel::Index(2), "a.wav"), none);
    let right = notices(900, 0, 16_000, Channel::Index(2), "a.wav");
    assert!(right.len() == 1 && right[0].contains("--channel 1"), "{right:?}");
    let short = notices(500, 500, 1600, Channel::First, "a.wav");
    assert_eq!(short, ["the audio lasts 0.10 s only: an answer may be a guess"]);
    let pcm = load_pcm(&[&[0.0; 9000], &[0.5; 9000]], 16_000, Channel::First, &released_audio(), 1).unwrap();
    assert!(pcm.info.notices[0].contains("--channel 2") && pcm.info.level.is_silent(), "{:?}", pcm.info);
}

/// A file that cannot be read from `broken` on.
struct Failing {
    file: Cursor<Vec<u8>>,
    broken: u64,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let read = self.file.read(buffer)?;
        if self.file.position() > self.broken { Err(Error::other("the stick was pulled out")) } else { Ok(read) }
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_file_that_cannot_be_read_on_is_no_shorter_file() {
    let frames: Vec<i16> = noise(16_000 * 40).collect();
    let wav = wav_i16(1, 16_000, &frames);
    let source = |broken| Failing { file: Cursor::new(wav.clone()), broken };
    let open = |broken| {
        WindowStream::open(source(broken), "a.wav", LoadRules::ByName, Channel::First, &released_audio(), 10.0)
    };
    let gone = "a.wav: cannot be read (the stick was pulled out); check the disk or copy the file, and try again";
    assert_eq!(open(0).map(drop).unwrap_err().to_string(), gone);
    let mut stream = open(900_000).unwrap();
    assert!(stream.next().unwrap().is_some() && stream.next().unwrap().is_some());
    assert_eq!(stream.next().unwrap_err().to_string(), gone);
    assert_eq!(stream.next(), Ok(None));
}

/// What is heard of a file from `start` on, in two windows of a second at most.
fn from(file: &[u8], name: &str, start: f64) -> Result<LoadedAudio, AudioError> {
    let config = AudioConfig { window_length: 1.0, window_overlap: 0.0, ..released_audio() };
    load_from(Cursor::new(file.to_vec()), name, LoadRules::ByName, Channel::First, &config, 2, start)
}

/// A noise at a quarter of full scale, with one louder sample.
fn with_peak(frames: usize, at: usize, peak: i16) -> Vec<i16> {
    let mut samples: Vec<i16> = noise(frames).map(|sample| sample / 4).collect();
    samples[at] = peak;
    samples
}

#[test]
fn a_part_is_what_its_excerpt_gives() {
    let samples = with_peak(80_000, 20_000, 9_000);
    for (name, start) in [("a.wav", 0.5), ("a.wav", 1.25), ("a.mp3", 0.5), ("a.mp3", 1.25)] {
        let at = (start * 16_000.0) as usize;
        let (part, excerpt) = (&samples[at..], wav_i16(1, 16_000, &samples[at..]));
        let (found, wanted) =
            (from(&wav_i16(1, 16_000, &samples), name, start).unwrap(), from(&excerpt, name, 0.0).unwrap());
        assert_eq!(found.windows, wanted.windows, "{name} from {start} s of {} samples", part.len());
        assert_eq!((found.info, found.windows.count), (wanted.info, 2));
    }
    // At another rate and in stereo: the rate is changed after the cut.
    let stereo: Vec<i16> = noise(2 * 50_000).map(|sample| sample / 4).collect();
    let (whole, part) = (wav_i16(2, 8_000, &stereo), wav_i16(2, 8_000, &stereo[2 * 12_000..]));
    let (found, wanted) = (from(&whole, "a.mp3", 1.5).unwrap(), from(&part, "a.mp3", 0.0).unwrap());
    assert_eq!(found.windows, wanted.windows);
    let (found, wanted) = (from(&whole, "a.wav", 1.5).unwrap(), from(&part, "a.wav", 0.0).unwrap());
    // The filter reads on where the excerpt ends, and the peak may be there too.
    let apart = found.windows.codes.iter().zip(&wanted.windows.codes).map(|(a, b)| a.abs_diff(*b)).take(31_000).max();
    assert!(apart.unwrap() < 3_000 && found.windows.codes.len() == wanted.windows.codes.len(), "{apart:?}");
}

#[test]
fn a_peak_behind_the_part_counts_by_the_general_rules_only() {
    // 2 s are heard from 1 s on; until 4 s the peak is looked for.
    for (at, counts) in [(3.5, true), (4.5, false), (0.5, false)] {
        let file = wav_i16(1, 16_000, &with_peak(80_000, (at * 16_000.0) as usize, 32_000));
        let loudest = |name: &str| from(&file, name, 1.0).unwrap().windows.codes.iter().map(|c| c.unsigned_abs()).max();
        assert_eq!(loudest("a.wav").unwrap() < 10_000, counts, "a peak at {at} s");
        assert_eq!(loudest("a.mp3"), Some(32_767));
    }
}

#[test]
fn a_short_mp3_is_heard_from_its_beginning_and_says_so() {
    let samples = with_peak(40_000, 39_000, 32_000); // 2.5 s: not longer than 1 s and two windows
    let found = from(&wav_i16(1, 16_000, &samples), "a.mp3", 1.0).unwrap();
    assert!(found.info.notices[0].contains("heard from its beginning, not from 1 s"), "{:?}", found.info.notices);
    let whole = wav_i16(1, 16_000, &samples[..32_000]);
    let (first, alone) = (&found.windows.codes, from(&whole, "a.mp3", 0.0).unwrap().windows.codes);
    assert_eq!((first.len(), found.info.frames, found.info.truncated), (32_000, 32_000, true));
    let at = (0..alone.len()).max_by_key(|at| alone[*at]).unwrap();
    let louder = f64::from(alone[at]) / f64::from(first[at]);
    assert!((louder - 32_000.0 / 8_191.0).abs() < 0.05, "the peak behind what is heard counts: {louder}");
    let general = from(&wav_i16(1, 16_000, &samples), "a.wav", 1.0).unwrap();
    assert_eq!((general.windows.codes.len(), general.info.frames), (24_000, 24_000));
}

#[test]
fn a_start_behind_the_end_or_no_time_is_refused() {
    let file = wav_i16(1, 16_000, &with_peak(16_000, 0, 9_000));
    for name in ["a.wav", "a.mp3"] {
        for start in [1.0, 7.0, 1e300] {
            let error = from(&file, name, start).unwrap_err().to_string();
            assert!(error.contains("ends before") && error.contains(name), "{error}");
        }
        for start in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(from(&file, name, start).unwrap_err().to_string().contains("no time"), "{start}");
        }
    }
}
