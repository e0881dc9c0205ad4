//! An index as a file: its head, its reader, and a list of what it holds.

use crate::backend;
use crate::failure::{Code, failure, set};
use crate::page_file::PageFile;
use crate::request::Request;
use af2_core::index::{AudioIndexError, IndexHeader, IndexReader, IndexRecord};
use js_sys::Object;
use std::io::BufReader;
use wasm_bindgen::JsValue;

/// A reader of an index; it reads ahead, because records begin with a few bytes.
pub type Reader = IndexReader<BufReader<PageFile>>;

/// Records that are checked per step.
const PER_STEP: usize = 1024;

/// A list in progress.
pub struct Library {
    reader: Reader,
    files: Vec<String>,
    windows: u64,
    ended: bool,
}

impl Library {
    /// Opens an index of this model.
    pub fn open(model: &backend::Model, request: &Request) -> Result<Self, JsValue> {
        Ok(Self { reader: open(model, request)?, files: Vec::new(), windows: 0, ended: false })
    }

    /// Checks the next records; at the end `json` has the names of the `files` and the number of `windows`.
    pub fn step(&mut self) -> Result<Option<Object>, JsValue> {
        if self.ended {
            return Ok(None);
        }
        let step = Object::new();
        for _ in 0..PER_STEP {
            match self.reader.next_record().map_err(refused)? {
                // a file that goes on after an interruption has several records
                Some(IndexRecord::File(file)) if self.files.contains(&file.name) => {}
                Some(IndexRecord::File(file)) => self.files.push(file.name),
                Some(IndexRecord::Window(_)) => self.windows += 1,
                Some(IndexRecord::End) => {}
                None => {
                    let list = serde_json::json!({ "files": self.files, "windows": self.windows });
                    set(&step, "json", &list.to_string().into());
                    self.ended = true;
                    break;
                }
            }
        }
        Ok(Some(step))
    }
}

/// A reader at the first record of the request's file, an index of this model.
pub fn open(model: &backend::Model, request: &Request) -> Result<Reader, JsValue> {
    let file = PageFile::of(request).ok_or_else(|| failure(Code::BadRequest, "there is no index to read"))?;
    let (reader, own) = (reader(file)?, header(model, request));
    reader.header().check_model(&own.model, own.width as usize).map_err(refused)?;
    Ok(reader)
}

/// A reader at the first record of any index.
pub fn reader(file: PageFile) -> Result<Reader, JsValue> {
    let length = file.length();
    IndexReader::open(BufReader::new(file), length).map_err(refused)
}

/// The head of this model's indexes. `identity` is the SHA-256 of its `model.safetensors.index.json`.
pub fn header(model: &backend::Model, request: &Request) -> IndexHeader {
    let (config, identity) = (model.config(), request.bytes("identity").map(|bytes| bytes.to_vec()));
    IndexHeader {
        model: identity.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default(),
        width: config.audio_transformer.d_model as u32,
        window_seconds: config.audio.window_length,
        hop_seconds: config.audio.window_length - config.audio.window_overlap,
        options: request.text("channel").map_or_else(String::new, |channel| format!("channel {channel}")),
    }
}

/// An index that cannot be read, or not by this model.
pub fn refused(error: AudioIndexError) -> JsValue {
    failure(Code::BadRequest, error)
}
