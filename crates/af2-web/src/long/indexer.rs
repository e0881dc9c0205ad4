//! An index of many files, made as they are heard.

use super::hearing::{self, Hearing};
use super::library::{self, refused};
use crate::backend;
use crate::failure::set;
use crate::page_file::PageFile;
use crate::request::Request;
use af2_core::config::AudioConfig;
use af2_core::engine::TOKENS_PER_WINDOW;
use af2_core::index::{IndexRecord, IndexWriter, IndexedFile, IndexedWindow};
use js_sys::{Object, Uint8Array};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::AbortSignal;

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An index being made.
pub struct Indexer {
    writer: IndexWriter<Written>,
    written: Written,
    audio: AudioConfig,
    channel: Option<String>,
    /// The file that is heard; none before the first and after each.
    hearing: Option<Hearing>,
}

impl Indexer {
    /// A new index, or one that goes on with the index that is given as a file.
    pub fn new(model: &backend::Model, request: &Request) -> Result<Self, JsValue> {
        let (header, written) = (library::header(model, request), Written::default());
        let writer = match PageFile::of(request) {
            None => IndexWriter::create(written.clone(), header).map_err(refused)?,
            Some(file) => {
                let mut reader = library::reader(file)?;
                reader.header().check_same(&header).map_err(refused)?;
                while reader.next_record().map_err(refused)?.is_some() {}
                IndexWriter::resume(written.clone(), &reader)
            }
        };
        let audio = model.config().audio.clone();
        Ok(Self { writer, written, audio, channel: request.text("channel"), hearing: None })
    }

    /// Opens the next file.
    pub fn begin(&mut self, file: &Request) -> Result<(), JsValue> {
        set(file, "channel", &self.channel.clone().into());
        self.hearing = Some(Hearing::open(file, &self.audio)?);
        let [bytes, modified] = ["length", "modified"].map(|name| file.number(name).unwrap_or_default() as u64);
        let file = IndexedFile { name: file.needed("name"), bytes, modified };
        self.writer.append(&IndexRecord::File(file)).map_err(refused)
    }

    /// Encodes the next windows of the file; `bytes` are to be appended to the index.
    pub async fn step(&mut self, model: &backend::Model, signal: &AbortSignal) -> Result<Option<Object>, JsValue> {
        let Some(hearing) = &mut self.hearing else { return Ok(None) };
        let batch = hearing.next_batch()?;
        let tokens = hearing::encode(model, &batch, signal).await?;
        let per_window = TOKENS_PER_WINDOW * model.config().audio_transformer.d_model;
        let audible = batch.iter().filter(|window| !window.level.is_silent());
        for (window, tokens) in audible.zip(tokens.chunks_exact(per_window)) {
            let window = IndexedWindow {
                start: window.start,
                seconds: window.seconds,
                peak_dbfs: window.level.peak_dbfs,
                rms_dbfs: window.level.rms_dbfs,
                tokens: IndexedWindow::stored_tokens(tokens),
            };
            self.writer.append(&IndexRecord::Window(window)).map_err(refused)?;
        }
        let step = hearing.progress();
        if batch.is_empty() {
            self.writer.append(&IndexRecord::End).map_err(refused)?;
            self.hearing = None;
        }
        set(&step, "bytes", &Uint8Array::from(self.written.0.take().as_slice()));
        Ok(Some(step))
    }
}
