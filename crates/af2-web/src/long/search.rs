//! A search of an index: every window is asked about the wanted sound.

use super::library::{self, Reader, refused};
use crate::backend::{self, BATCH};
use crate::failure::{Code, failure, set, text_failure};
use crate::request::Request;
use af2_core::engine::{AudioView, Scores};
use af2_core::index::{IndexRecord, IndexedWindow};
use af2_core::search::{SearchBy, SearchQuery, TopHits, WindowMatch};
use js_sys::Object;
use wasm_bindgen::JsValue;
use web_sys::AbortSignal;

/// A search in progress.
pub struct Search {
    reader: Reader,
    query: SearchQuery,
    /// None once they were given.
    hits: Option<TopHits>,
    /// Of the windows that follow.
    file: String,
    /// Scores without any audio, the same for all windows.
    silent: Option<Vec<Scores>>,
}

impl Search {
    /// Opens an index for a search for a described sound: at most `top` hits of at least `minConfidence`.
    pub fn new(model: &backend::Model, request: &Request) -> Result<Self, JsValue> {
        let reader = library::open(model, request)?;
        let query = SearchQuery::new(model.tokenizer(), &request.needed("text"), SearchBy::default());
        let [top, least] = ["top", "minConfidence"].map(|name| request.number(name).unwrap_or_default());
        let hits = TopHits::new(top as usize, least as f32, reader.header().hop_seconds);
        let query = query.map_err(|e| text_failure(&e))?;
        Ok(Self { reader, query, hits: Some(hits), file: String::new(), silent: None })
    }

    /// Asks about the next windows; at the end `json` is an array of the hits, best first.
    pub async fn step(&mut self, model: &backend::Model, signal: &AbortSignal) -> Result<Option<Object>, JsValue> {
        let batch = self.next_batch()?;
        let step = Object::new();
        if batch.is_empty() {
            let Some(hits) = self.hits.take() else { return Ok(None) };
            let json = serde_json::to_string(&hits.finish()).map_err(|error| failure(Code::Internal, error))?;
            set(&step, "json", &json.into());
            return Ok(Some(step));
        }
        self.ask(model, &batch, &|| !signal.aborted()).await?;
        Ok(Some(step))
    }

    async fn ask(
        &mut self,
        model: &backend::Model,
        batch: &[(String, IndexedWindow)],
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), JsValue> {
        let tokens = batch.iter().flat_map(|(_, window)| window.tokens_f32()).collect();
        let mut clip = backend::hear(model, tokens, true).await?;
        let silent = match self.silent.take() {
            Some(silent) => silent,
            None => {
                let requests = self.query.requests(&AudioView::window(0).silent());
                backend::score(&mut clip, &requests, go_on).await?
            }
        };
        let views = (0..batch.len()).map(AudioView::window);
        let requests: Vec<_> = views.flat_map(|view| self.query.requests(&view)).collect();
        let scores = backend::score(&mut clip, &requests, go_on).await?;
        for ((file, window), heard) in batch.iter().zip(scores.chunks(requests.len() / batch.len())) {
            let (Some(judgement), Some(hits)) = (self.query.judge(heard, &silent), &mut self.hits) else { continue };
            let (start, end) = (window.start, window.start + window.seconds);
            hits.push(file, WindowMatch { start, end, score: judgement.score, confidence: judgement.confidence });
        }
        self.silent = Some(silent);
        Ok(())
    }

    /// The next windows with the names of their files; none at the end.
    fn next_batch(&mut self) -> Result<Vec<(String, IndexedWindow)>, JsValue> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            match self.reader.next_record().map_err(refused)? {
                Some(IndexRecord::File(file)) => self.file = file.name,
                Some(IndexRecord::Window(window)) => batch.push((self.file.clone(), window)),
                Some(IndexRecord::End) => {}
                None => break,
            }
        }
        Ok(batch)
    }
}
