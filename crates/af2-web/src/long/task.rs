//! Work on long audio as a page sees it.

use super::captioner::Captioner;
use super::indexer::Indexer;
use super::library::Library;
use super::search::Search;
use crate::failure::{Code, failure};
use crate::model::Model;
use crate::request::Request;
use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// Work that is done in steps, between which other calls get their turn.
#[wasm_bindgen]
pub struct Task(Kind);

enum Kind {
    Captions(Captioner),
    Index(Indexer),
    Library(Library),
    Search(Search),
}

#[wasm_bindgen]
impl Model {
    /// Starts a task, by the `kind` of the request. A file is its `read(offset, length)`, which gives a `Uint8Array`, and its `length`.
    ///
    /// | `kind` | request | a step gives |
    /// |---|---|---|
    /// | `captions` | a file with `name`; `channel`, `hop`, `question` | `json` (captions), `seconds`, `duration` |
    /// | `index` | `identity` of the model, `channel`; as a file, an index to go on with | `bytes` to append, `seconds`, `duration` |
    /// | `library` | an index as a file, `identity` | at the end `json`: the index's `files` and number of `windows` |
    /// | `search` | the same with `text`, `top`, `minConfidence` | at the end `json` (hits) |
    ///
    /// # Errors
    /// `UNSUPPORTED_AUDIO`; `BAD_REQUEST` for options, and for an index that is damaged or of another model.
    pub async fn task(&self, request: Request) -> Result<Task, JsValue> {
        let model = self.engine();
        Ok(Task(match request.needed("kind").as_str() {
            "captions" => Kind::Captions(Captioner::new(model, &request)?),
            "index" => Kind::Index(Indexer::new(model, &request)?),
            "library" => Kind::Library(Library::open(model, &request)?),
            _ => Kind::Search(Search::new(model, &request)?),
        }))
    }
}

#[wasm_bindgen]
impl Task {
    /// Opens the next file of an index: a file with `name`, and `modified` in seconds since 1970.
    ///
    /// # Errors
    /// `UNSUPPORTED_AUDIO`.
    pub async fn begin(&mut self, file: Request) -> Result<(), JsValue> {
        match &mut self.0 {
            Kind::Index(indexer) => indexer.begin(&file),
            _ => Err(failure(Code::Internal, "only an index has several files")),
        }
    }

    /// Does the next step; `undefined` when there was nothing left to do.
    ///
    /// # Errors
    /// `UNSUPPORTED_AUDIO` or `BAD_REQUEST` for a damaged file, `ABORTED`, `INSUFFICIENT_MEMORY`, `DEVICE_LOST`.
    pub async fn step(&mut self, model: &Model, signal: AbortSignal) -> Result<Option<Object>, JsValue> {
        let model = model.engine();
        match &mut self.0 {
            Kind::Captions(captioner) => captioner.step(model, &signal).await,
            Kind::Index(indexer) => indexer.step(model, &signal).await,
            Kind::Library(library) => library.step(),
            Kind::Search(search) => search.step(model, &signal).await,
        }
    }
}
