//! The targets. What a parser refuses is fine; what it accepts is used.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use af2_cli::batch::{Job, Origin, Output, parse_list};
use af2_cli::convert::PytorchFile;
use af2_convert::layout::{InferenceSettings, LanguageModelSettings, chunk_names};
use af2_core::audio::{Channel, LoadRules, WindowStream, load_file_as};
use af2_core::config::{AudioConfig, ModelConfig};
use af2_core::engine::Shards;
use af2_core::index::{IndexReader, IndexWriter};
use af2_core::text::{BaseTokenizer, Tokenizer};
use af2_core::weights::index::ModelIndex;
use af2_core::weights::safetensors::{Header, PREFIX_BYTES, header_bytes};

/// An audio file; files of odd length by the rules for MP3.
pub fn audio(bytes: &[u8]) {
    let config = AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 };
    let rules = if bytes.len() % 2 == 1 { LoadRules::Mp3 } else { LoadRules::Pcm };
    let loaded = load_file_as(bytes.to_vec(), "input", rules, Channel::First, &config, 12);
    match &loaded {
        Ok(audio) => assert!((1..=12).contains(&audio.windows.count)),
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
    let stream = WindowStream::open(Cursor::new(bytes.to_vec()), "input", rules, Channel::First, &config, 25.0);
    match stream.and_then(|mut stream| stream.next()) {
        Ok(window) => assert!(window.is_some_and(|window| window.windows.count == 1)),
        Err(error) => assert!(loaded.is_err(), "{error}"),
    }
}

/// A safetensors file.
pub fn safetensors(bytes: &[u8]) {
    let file = bytes.len() as u64;
    let Some(length) = bytes.first_chunk().and_then(|prefix| header_bytes(*prefix, file).ok()) else { return };
    let begin = PREFIX_BYTES as usize;
    if let Ok(header) = Header::parse(&bytes[begin..begin + length], file) {
        assert!(header.tensors.values().all(|tensor| tensor.begin <= tensor.end && tensor.end <= file));
    }
}

/// `model.safetensors.index.json` of a converted model.
pub fn index(bytes: &[u8]) {
    if let Ok(index) = ModelIndex::parse(bytes) {
        let text = index.to_json().expect("an index that was read can be written");
        assert_eq!(ModelIndex::parse(text.as_bytes()).as_ref(), Ok(&index));
    }
}

/// `config.json` of a converted model, against the index of the toy model.
pub fn config(bytes: &[u8]) {
    static INDEX: &[u8] = include_bytes!("../../../weights/toy/model.safetensors.index.json");
    if let Ok(config) = ModelConfig::parse(bytes) {
        let index = ModelIndex::parse(INDEX).expect("the index of the toy model");
        drop(Shards::new(&config, &index));
    }
}

/// `tokenizer.json`, of a converted model and of a base language model.
pub fn tokenizer(bytes: &[u8]) {
    const TEXT: &str = "<audio>what's this, naïve 犬 2024?\n<SEP>";
    if let Ok(tokenizer) = Tokenizer::from_json(bytes) {
        let ids = tokenizer.encode(TEXT).unwrap_or_default();
        tokenizer.decode(&ids, true).expect("its own ids");
    }
    let base = BaseTokenizer { tokenizer_json: Some(bytes), ..BaseTokenizer::default() };
    if let Ok(extended) = base.extend() {
        assert!(Tokenizer::from_json(&extended.json).is_ok(), "what is written can be read");
    }
}

/// An index of audio: what is read is written again as it was.
pub fn audio_index(bytes: &[u8]) {
    let Ok(mut reader) = IndexReader::open(bytes, bytes.len() as u64) else { return };
    let mut again = Vec::new();
    let mut writer = IndexWriter::create(&mut again, reader.header().clone()).expect("a header that was read");
    while let Ok(Some(record)) = reader.next_record() {
        writer.append(&record).expect("a record that was read");
    }
    assert_eq!(Some(&again[..]), bytes.get(..reader.end() as usize));
}

/// A checkpoint of PyTorch: a pickle in a ZIP archive, or a bare one.
///
/// # Panics
/// Also if the folder for temporary files cannot be written.
pub fn pickle(bytes: &[u8]) {
    let file = temporary(bytes);
    if let Ok(checkpoint) = PytorchFile::open(file.path()) {
        let checkpoint = checkpoint.checkpoint();
        for tensor in &checkpoint.tensors {
            let bytes = tensor.bytes().min(1 << 16);
            drop(pollster::block_on(checkpoint.source.read(&tensor.name, 0..bytes)));
        }
    }
}

/// The list of `af2 batch`.
pub fn batch_list(bytes: &[u8]) {
    if let Ok(jobs) = parse_list(bytes, Path::new("root"), &["What?".to_owned()]) {
        assert!(jobs.iter().all(|job| !job.questions.is_empty()));
    }
}

/// The file of answers that `af2 batch --out` continues: whatever it is, it stays and lines are only appended.
///
/// # Panics
/// Also if the folder for temporary files cannot be written.
pub fn batch_output(bytes: &[u8]) {
    static CONFIG: &[u8] = include_bytes!("../../../weights/toy/config.json");
    let file = temporary(bytes);
    let origin = Origin::new(CONFIG, b"index", Default::default()).expect("the configuration of the toy model");
    let job = Job { audio: "a.wav".into(), questions: Vec::new(), start: 0.0, fields: Default::default() };
    let appended = Output::open(file.path(), origin, bytes.len() % 2 == 1).map(|mut output| {
        output.failure(&job, "What?", "none").expect("room for a line");
    });
    let after = fs::read(file.path()).expect("the file is still there");
    assert!(after.starts_with(bytes), "bytes were lost");
    assert!(appended.is_ok() || after.len() == bytes.len(), "a file of others was changed");
}

/// The small files of a release: `metadata.json`, `inference.yaml`, and the language model's `config.json`.
pub fn release(bytes: &[u8]) {
    if let Ok(names) = chunk_names(bytes) {
        assert!(!names.is_empty() && names.iter().all(|name| !name.contains(['/', '\\', '\0'])));
    }
    drop(InferenceSettings::parse(&String::from_utf8_lossy(bytes)));
    drop(LanguageModelSettings::parse(bytes));
}

fn temporary(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    fs::write(file.path(), bytes).expect("room for a temporary file");
    file
}
