//! Containers as programs write them rather than as their descriptions say: all hold the same samples.
#![allow(clippy::unwrap_used)]

mod fixture;
mod wav;

use af2_core::audio::{Channel, LoadRules, LoadedAudio, load_file, load_file_as};
use fixture::{bytes, released_audio};
use wav::{FLOAT, PCM, wav};

/// Length of the header that `wav` writes.
const HEADER: usize = 44;

/// The chirp lasts 0.4 s, which gives a notice of its own.
fn load(file: Vec<u8>) -> LoadedAudio {
    let mut loaded = load_file(file, "a.wav", &released_audio(), 12).unwrap();
    loaded.info.notices.retain(|notice| !notice.starts_with("the audio lasts 0."));
    loaded
}

fn refusal(file: Vec<u8>) -> String {
    load_file(file, "a.wav", &released_audio(), 12).unwrap_err().to_string()
}

fn chirp(name: &str) -> Vec<u8> {
    bytes(&format!("formats/chirp{name}"))
}

/// The 16-bit samples of the chirp, little-endian.
fn samples() -> Vec<u8> {
    let file = chirp(".wav");
    let at = file.windows(4).position(|tag| tag == b"data").unwrap() + 8;
    file[at..].to_vec()
}

fn swapped() -> Vec<u8> {
    samples().chunks_exact(2).flat_map(|sample| [sample[1], sample[0]]).collect()
}

#[track_caller]
fn same(file: Vec<u8>) {
    let clip = load(file);
    assert!(clip.windows.codes == load(chirp(".wav")).windows.codes, "{:?}", clip.info);
    assert!(clip.info.notices.is_empty(), "{:?}", clip.info.notices);
}

/// Replaces the lengths of RIFF and data.
fn with_lengths(mut file: Vec<u8>, riff: u32, data: u32) -> Vec<u8> {
    file[4..8].copy_from_slice(&riff.to_le_bytes());
    file[40..44].copy_from_slice(&data.to_le_bytes());
    file
}

fn plain() -> Vec<u8> {
    wav(PCM, 1, 16000, 16, &samples())
}

/// Puts a chunk, exactly as given, before the data.
fn with_chunk(chunk: &[u8]) -> Vec<u8> {
    let file = plain();
    [&file[..HEADER - 8], chunk, &file[HEADER - 8..]].concat()
}

#[test]
fn wav_lengths_that_were_never_written() {
    same(with_lengths(plain(), 0, 0));
    same(with_lengths(plain(), 36, 0));
    same(with_lengths(plain(), u32::MAX, u32::MAX));
    same(with_lengths(plain(), 0x7fff_f024, 0x7fff_f000));
    same(with_lengths(with_chunk(b""), 4000, 0));
}

#[test]
fn wav_chunks_of_careless_writers() {
    same(with_chunk(b"LIST\0\0\0\0"));
    same(with_chunk(b"LIST\x05\0\0\0INFOx"));
    same(with_chunk(b"LIST\x05\0\0\0INFOx\0"));
    same(with_chunk(b"LIST\x0c\0\0\0INFOIART\xff\0\0\0"));
    same(with_chunk(b"fact\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
}

#[test]
fn wav_formats_of_any_length() {
    for extra in [2usize, 4, 24] {
        let file = plain();
        let length = (16 + extra as u32).to_le_bytes();
        same([&file[..16], &length, &file[20..36], &vec![0; extra], &file[36..]].concat());
    }
    // Valid bits of 0 in an extensible float format, 12 of 16, and 20 of 24.
    let floats: Vec<u8> = [0.5f32, -0.25].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let file = wav(FLOAT, 1, 16000, 32, &floats);
    let mut format = file[20..36].to_vec();
    format[..2].copy_from_slice(&0xfffeu16.to_le_bytes());
    let guid = b"\x03\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    let extensible = [&file[..16], &[40, 0, 0, 0], &format, &[22, 0, 0, 0, 0, 0, 0, 0], guid, &file[36..]].concat();
    assert_eq!(load(extensible).windows.codes, load(file).windows.codes);
    let mut twelve = plain();
    twelve[34] = 12;
    same(twelve);
    let wide: Vec<u8> = samples().chunks_exact(2).flat_map(|sample| [0, sample[0], sample[1]]).collect();
    let mut twenty = wav(PCM, 1, 16000, 24, &wide);
    twenty[34] = 20;
    same(twenty);
}

#[test]
fn relatives_of_wav() {
    let data = samples();
    let length = (data.len() as u64).to_le_bytes();
    for name in [b"RF64", b"BW64"] {
        let mut file = with_lengths(plain(), u32::MAX, u32::MAX);
        file[..4].copy_from_slice(name);
        let sizes = [b"ds64\x1c\0\0\0", &[0; 8][..], &length, &[0; 8], &[0; 4]].concat();
        same([&file[..12], &sizes, &file[12..], b"junk after the data"].concat());
    }
    let number = |value: u32| value.to_be_bytes();
    let format = [&number(16)[..], &[0, 1, 0, 1], &number(16000), &number(32000), &[0, 2, 0, 16]].concat();
    same([b"RIFX\0\0\0\0WAVEfmt ", &format[..], b"data", &number(data.len() as u32), &swapped()].concat());
    let guid = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
    let riff = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";
    let head = [&riff[..], &[0; 8], b"wave", guid, b"fmt ", guid, &40u64.to_le_bytes(), &plain()[20..36]].concat();
    same([&head[..], b"data", guid, &(24 + data.len() as u64).to_le_bytes(), &data].concat());
}

#[test]
fn aiff_au_and_caf() {
    for (form, sound) in [(0u32, 0u32), (u32::MAX, 6400 * 2 + 8), (1, 6400 * 2 + 8)] {
        let mut file = chirp(".aiff");
        let at = file.windows(4).position(|tag| tag == b"SSND").unwrap() + 4;
        file.truncate(at + 12 + 12800);
        file[4..8].copy_from_slice(&form.to_be_bytes());
        file[at..at + 4].copy_from_slice(&sound.to_be_bytes());
        same(file);
    }
    for length in [12800u32, u32::MAX] {
        let fields = [24, length, 3, 16000, 1].map(u32::to_be_bytes).concat();
        same([b".snd", &fields[..], &swapped()].concat());
    }
    same(chirp(".caf"));
    same(chirp("_alac.caf"));
}

#[test]
fn quicktime_samples_are_big_endian_unless_it_says_otherwise() {
    same(chirp("_in24.mov"));
}

#[test]
fn flac_between_tags() {
    same([&chirp(".flac")[..], &[0x5a; 10]].concat());
    same([&b"ID3\x05\0\0\0\0\0\x04abcd"[..], &chirp(".flac")].concat());
    let mut file = chirp(".flac");
    file[8..10].fill(0); // the least block
    same(file);
    same(chirp("_flac.mka"));
}

#[test]
fn what_is_missing_is_said() {
    let whole = plain();
    let clip = load(whole[..HEADER + 5000].to_vec());
    assert_eq!(clip.info.frames, 2500);
    assert!(clip.info.notices[0].contains("cut short"), "{:?}", clip.info.notices);
    let mut file = chirp("_alac.m4a");
    let at = file.windows(4).position(|tag| tag == b"mdat").unwrap() + 4;
    file[at..at + 400].fill(0xff);
    let notices = load(file).info.notices;
    let said = |notice: &String| notice.contains("left out") || notice.contains("more than it holds");
    assert!(notices.iter().any(said), "{notices:?}");
}

#[test]
fn mp3_after_padding_and_in_parts() {
    let (one, frames) = (chirp("_id3.mp3"), load(chirp("_id3.mp3")).info.frames);
    assert_eq!(load([vec![0; 100_000], one.clone()].concat()).info.frames, frames);
    // As in ffmpeg, the padding where files were joined, and the tag frame of the second, stay.
    let joined = load([&one[..], &one].concat()).info.frames;
    assert!((2 * frames..2 * frames + 4 * 1152).contains(&joined), "{joined}");
    let mut newer = one;
    newer[3] = 5;
    assert_eq!(load(newer).info.frames, frames);
}

#[test]
fn rules_of_mp3_without_its_name() {
    let load_as = |name: &str, rules| {
        load_file_as(chirp("_stereo.ogg"), name, rules, Channel::First, &released_audio(), 12).unwrap()
    };
    let by_name = load_as("a.mp3", LoadRules::ByName);
    assert_eq!(load_as("standard input", LoadRules::Mp3), by_name);
    assert_eq!(load_as("a.mp3", LoadRules::Pcm), load_as("a.ogg", LoadRules::ByName));
    assert_ne!(load_as("a.ogg", LoadRules::ByName).windows, by_name.windows);
}

#[test]
fn four_channels_of_vorbis() {
    let clip = load(chirp("_vorbis_4_channels.ogg"));
    assert_eq!((clip.info.channels, clip.info.frames), (4, 6400));
}

#[test]
fn refusals_name_the_thing_and_the_remedy() {
    let mut he_aac = chirp("_aac.m4a");
    let at = he_aac.windows(5).position(|field| field[..4] == [5, 0x80, 0x80, 0x80]).unwrap() + 5;
    he_aac[at] = 5 << 3 | he_aac[at] & 7;
    let line = refusal(he_aac);
    assert!(line.contains("HE-AAC is not supported") && line.contains("ffmpeg"), "{line}");
    let mut mp3 = plain();
    mp3[20] = 0x55;
    assert!(refusal(mp3).contains("MP3 in WAV is not supported"));
    let m4a = chirp("_aac.m4a");
    let moov = m4a.windows(4).position(|tag| tag == b"moov").unwrap();
    let line = refusal(m4a[..moov - 4].to_vec());
    assert!(line.contains("cut short") && line.contains("moov"), "{line}");
    let line = refusal(b"no audio at all, just a line of text".to_vec());
    assert!(line.contains("not a known audio format") && line.contains("ffmpeg"), "{line}");
    let line = load_file(vec![1; 100], "two\nlines.wav", &released_audio(), 12).unwrap_err().to_string();
    assert!(!line.contains('\n'), "{line}");
}

/// A QuickTime file of the chirp, whose index comes last, with another edit list: durations in milliseconds and starts in units of the
/// media's time.
fn with_edits(name: &str, edits: &[(u32, i32)]) -> Vec<u8> {
    let mut file = chirp(name);
    let at = |file: &[u8], tag: &[u8; 4]| file.windows(4).rposition(|bytes| bytes == tag).unwrap();
    let list = at(&file, b"elst");
    let old = u32::from_be_bytes(file[list - 4..list].try_into().unwrap()) as usize;
    let mut entries = [&[0; 4][..], &(edits.len() as u32).to_be_bytes()].concat();
    for (duration, start) in edits {
        entries.extend([&duration.to_be_bytes()[..], &start.to_be_bytes(), &[0, 1, 0, 0]].concat());
    }
    let grown = entries.len() + 8 - old;
    file.splice(list + 4..list - 4 + old, entries);
    for tag in [b"moov", b"trak", b"edts", b"elst"] {
        let at = at(&file, tag);
        let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) + grown as u32;
        file[at - 4..at].copy_from_slice(&length.to_be_bytes());
    }
    file
}

#[test]
fn parts_of_an_edit_list_are_heard_as_edited() {
    // 16 frames per millisecond: 100 ms from the middle, a pause, 150 ms from the start, 50 ms twice.
    let edits = [(100, 3200), (40, -1), (150, 0), (50, 1600), (50, 1600)];
    let samples = samples();
    let part = |start: usize, frames: usize| &samples[2 * start..2 * (start + frames)];
    let joined = [part(3200, 1600), part(0, 2400), part(1600, 800), part(1600, 800)].concat();
    let clip = load(with_edits("_in24.mov", &edits));
    assert_eq!(clip.windows.codes, load(wav(PCM, 1, 16000, 16, &joined)).windows.codes);
    assert_eq!(clip.info.notices, [""; 0]);
    // Compressed samples: a part begins and ends inside of packets.
    let coded = load(with_edits("_aac.m4a", &[(100, 3200), (150, 1024)]));
    assert_eq!((coded.windows.codes.len(), coded.info.notices.len()), (4000, 0));
    let whole = load(with_edits("_aac.m4a", &[(100, 3200)]));
    let (alike, louder) = (&coded.windows.codes[100..1600], &whole.windows.codes[100..1600]);
    let scale = f64::from(alike[700]) / f64::from(louder[700]);
    let off = alike.iter().zip(louder).map(|(a, b)| (f64::from(*a) - scale * f64::from(*b)).abs()).fold(0.0, f64::max);
    assert!(off < 200.0, "the first part is the same audio, {off}");
}

#[test]
fn a_hostile_edit_list_costs_little() {
    let edits = vec![(u32::MAX, 0); 20_000];
    let clip = load(with_edits("_in24.mov", &edits));
    assert_eq!(clip.windows.codes.len(), 6400, "the first part is longer than anything that is heard");
    let short = vec![(1, 0); 20_000];
    assert_eq!(load(with_edits("_in24.mov", &short)).windows.codes.len(), 4096 * 16);
}

/// Puts a fill element before the end of every frame of an ADTS stream.
fn with_fill(file: &[u8], content: &[u8]) -> Vec<u8> {
    let mut rest = file;
    let mut made = Vec::new();
    while let [_, protection, _, c, d, e, ..] = *rest {
        let length = usize::from(c & 3) << 11 | usize::from(d) << 3 | usize::from(e >> 5);
        let header = if protection & 1 == 0 { 9 } else { 7 };
        let (frame, after) = rest.split_at(length);
        rest = after;
        let mut bits: Vec<u8> =
            frame[header..].iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1)).collect();
        let end = bits.iter().rposition(|bit| *bit == 1).unwrap() - 2;
        bits.truncate(end);
        let number = |value: usize, count: usize| (0..count).map(move |bit| (value >> (count - 1 - bit) & 1) as u8);
        bits.extend(number(6, 3));
        if content.len() < 15 {
            bits.extend(number(content.len(), 4));
        } else {
            bits.extend(number(15, 4).chain(number(content.len() - 14, 8)));
        }
        content.iter().for_each(|byte| bits.extend(number(usize::from(*byte), 8)));
        bits.extend([1, 1, 1]);
        let block: Vec<u8> =
            bits.chunks(8).map(|byte| (0..8).fold(0, |sum, bit| sum << 1 | byte.get(bit).unwrap_or(&0))).collect();
        let length = header + block.len();
        let mut head = frame[..header].to_vec();
        head[3] = head[3] & 0xfc | (length >> 11) as u8;
        head[4] = (length >> 3) as u8;
        head[5] = head[5] & 0x1f | (length << 5) as u8;
        made.extend([head, block].concat());
    }
    made
}

#[test]
fn he_aac_that_says_to_be_aac_lc_gives_a_notice() {
    let plain = chirp("_aac.aac");
    let whole = load(plain.clone());
    for length in [9, 14, 15, 40, 269] {
        for kind in [0xd5, 0xe5] {
            let mut content = vec![0x5a; length];
            content[0] = kind;
            let clip = load(with_fill(&plain, &content));
            assert_eq!(clip.windows.codes, whole.windows.codes, "{length}");
            assert!(clip.info.notices[0].starts_with("it is HE-AAC") && clip.info.notices[0].contains("up to 8000 Hz"));
            // Padding behind it.
            let padded = with_fill(&with_fill(&plain, &content), &[0; 7]);
            assert_eq!(load(padded).info.notices.len(), 1);
        }
    }
    let filled = load(with_fill(&plain, &[0x0a; 20]));
    assert_eq!((filled.info.notices, filled.windows.codes), (whole.info.notices, whole.windows.codes));
}
