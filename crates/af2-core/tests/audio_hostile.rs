//! Damaged, cut and absurd input ends in audio or in one line of error; never in a panic, a hang or a huge allocation.
#![allow(clippy::unwrap_used)]

mod fixture;
mod wav;

use af2_core::audio::{AudioError, Channel, LoadedAudio, from_codes, load_file, load_pcm};
use fixture::{bytes, path, released_audio};
use wav::{FLOAT, PCM, wav, wav_i16};

fn load(bytes: Vec<u8>, name: &str) -> Result<LoadedAudio, AudioError> {
    load_file(bytes, name, &released_audio(), 12)
}

fn load_pcm_at(channels: &[&[f32]], rate: u32) -> Result<LoadedAudio, AudioError> {
    load_pcm(channels, rate, Channel::First, &released_audio(), 12)
}

/// Loads, and checks that a refusal is one line that names the file.
fn survive(bytes: Vec<u8>, name: &str) -> Option<LoadedAudio> {
    match load(bytes, name) {
        Ok(clip) => Some(clip),
        Err(error) => {
            let line = error.to_string();
            assert!(line.starts_with(name) && !line.contains('\n'), "{line}");
            None
        }
    }
}

/// Names and bytes of all small fixtures.
fn samples() -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(path("formats")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with("chirp"))
        .map(|name| (name.clone(), bytes(&format!("formats/{name}"))))
        .collect()
}

/// Marsaglia's xorshift: the same damage on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn every_format_cut_anywhere() {
    for (name, whole) in samples() {
        let cuts = (0..64.min(whole.len())).chain((64..whole.len()).step_by(whole.len() / 40));
        for cut in cuts.chain([whole.len() - 1]) {
            survive(whole[..cut].to_vec(), &name);
        }
    }
}

#[test]
fn every_format_with_damaged_bytes() {
    // More rounds for a long search: AF2_DAMAGE_ROUNDS=100000.
    let rounds = std::env::var("AF2_DAMAGE_ROUNDS").map_or(150, |rounds| rounds.parse().unwrap());
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for (name, whole) in samples() {
        for round in 0..rounds {
            let mut damaged = whole.clone();
            // Half of the rounds hit the headers, where sizes and counts are.
            let reach = if round % 2 == 0 { 200.min(whole.len()) } else { whole.len() };
            for _ in 0..1 + noise.below(8) {
                let at = noise.below(reach);
                damaged[at] = if noise.below(3) == 0 { 0xff } else { noise.next() as u8 };
            }
            survive(damaged, &name);
        }
    }
}

#[test]
fn noise_behind_every_signature() {
    let mut noise = Noise(42);
    let signatures: [&[u8]; 16] = [
        b"",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"fLaC\0\0\0\x22",
        b"OggS\0\x02",
        b"ID3\x03\0\0\0\0\x01\0",
        b"\xff\xfb\x90\0",
        b"\xff\xf1\x50\x80",
        b"\0\0\0\x20ftypM4A ",
        b"FORM\0\xff\xff\xffAIFF",
        b"RF64\xff\xff\xff\xffWAVEds64",
        b"caff\0\x01\0\0desc",
        b".snd\0\0\0\x18\xff\xff\xff\xff\0\0\0\x03",
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67",
        b"\0\0\0\x08ftyp\0\x01\0\0moov",
        b"\0\0\0\x08ftyp\0\0\0\x08moov\0\x01\0\0moof",
        b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0",
    ];
    for signature in signatures {
        for length in [1, 10, 100, 5_000, 100_000] {
            let mut file = signature.to_vec();
            file.extend(noise.bytes(length));
            survive(file, "noise.bin");
        }
    }
}

#[test]
fn empty_and_soundless_files() {
    assert!(matches!(load(Vec::new(), "a.wav"), Err(AudioError::Empty { .. })));
    assert!(matches!(load(wav_i16(1, 16000, &[]), "a.wav"), Err(AudioError::NoSamples { .. })));
    assert!(matches!(load(b"hello, this is text".to_vec(), "a.wav"), Err(AudioError::UnknownFormat { .. })));
    assert!(load(wav_i16(0, 16000, &[1, 2, 3]), "a.wav").is_err());
}

#[test]
fn wav_lengths_follow_the_bytes_not_the_header() {
    let samples: Vec<i16> = (0..3000).map(|i| (i % 100) - 50).collect();
    let whole = wav_i16(1, 16000, &samples);
    let frames = |file: Vec<u8>| load(file, "a.wav").unwrap().info.frames;
    assert_eq!(frames(whole.clone()), 3000);
    // Cut in the middle of a sample: every whole one before counts.
    assert_eq!(frames(whole[..44 + 2 * 1777 + 1].to_vec()), 1777);
    for claim in [u32::MAX, u32::MAX - 1, 1 << 31] {
        let mut claiming = whole.clone();
        claiming[4..8].copy_from_slice(&claim.to_le_bytes());
        claiming[40..44].copy_from_slice(&claim.to_le_bytes());
        assert_eq!(frames(claiming), 3000);
    }
    let mut never_closed = whole;
    never_closed[4..8].fill(0);
    never_closed[40..44].fill(0);
    assert_eq!(frames(never_closed), 3000);
}

#[test]
fn cut_flac_gives_what_precedes_the_cut() {
    let whole = bytes("inputs/edge_160001.flac");
    let all = load(whole.clone(), "a.flac").unwrap();
    let cut = load(whole[..whole.len() / 2].to_vec(), "a.flac").unwrap();
    assert!((20_000..160_000).contains(&cut.info.frames), "{}", cut.info.frames);
    assert_eq!(all.info.frames, 160_001);
}

#[test]
fn cut_mp3_gives_what_precedes_the_cut() {
    let whole = bytes("inputs/stereo_44k1.mp3");
    let cut = load(whole[..whole.len() / 2].to_vec(), "a.mp3").unwrap();
    assert!((40_000..70_000).contains(&cut.info.frames), "{}", cut.info.frames);
}

#[test]
fn samples_that_are_no_numbers_are_found() {
    let data = [0.5f32, 0.25, f32::NAN, 0.0].map(f32::to_le_bytes).concat();
    let line = load(wav(FLOAT, 2, 16000, 32, &data), "a.wav").unwrap_err().to_string();
    assert_eq!(line, "a.wav: sample 1 of channel 0 is NaN; export the audio again with finite samples");
    let line = load_pcm_at(&[&[0.0], &[f32::NEG_INFINITY]], 16000).unwrap_err().to_string();
    assert_eq!(line, "PCM: sample 0 of channel 1 is -inf; export the audio again with finite samples");
}

#[test]
fn absurd_rates_are_refused() {
    for rate in [0, 1, 999, 384_001, u32::MAX] {
        assert!(load(wav_i16(1, rate, &[1; 100]), "a.wav").is_err(), "{rate}");
        assert!(matches!(load_pcm_at(&[&[0.5; 10]], rate), Err(AudioError::SampleRate { .. })), "{rate}");
    }
    assert!(load(wav(PCM, u16::MAX, 16000, 32, &[0; 4096]), "a.wav").is_err());
}

#[test]
fn pcm_must_be_a_sound() {
    assert!(matches!(load_pcm_at(&[], 16000), Err(AudioError::Channels { .. })));
    assert!(matches!(load_pcm_at(&[&[0.0], &[0.0, 1.0]], 16000), Err(AudioError::Channels { .. })));
    assert!(matches!(load_pcm_at(&[&[], &[]], 16000), Err(AudioError::NoSamples { .. })));
    assert!(matches!(from_codes(&[], &released_audio(), 12), Err(AudioError::NoSamples { .. })));
}

#[test]
fn pcm_takes_the_general_path() {
    let file = load(bytes("inputs/float_3ch_32k.wav"), "float_3ch_32k.wav").unwrap();
    let data = bytes("inputs/float_3ch_32k.wav");
    let start = data.windows(4).position(|tag| tag == b"data").unwrap() + 8;
    let values: Vec<f32> = data[start..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let channel = |c: usize| values.iter().copied().skip(c).step_by(3).collect::<Vec<f32>>();
    let channels = [channel(0), channel(1), channel(2)];
    let pcm = load_pcm_at(&channels.each_ref().map(Vec::as_slice), 32000).unwrap();
    assert_eq!(pcm.windows, file.windows);
}
