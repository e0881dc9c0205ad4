//! The windows of an index, judged one batch after the other, on any engine.

use af2_core::engine::{AudioView, Scores};
use af2_core::index::IndexedWindow;
use af2_core::search::{SearchHit, SearchQuery, TopHits, WindowMatch};
use anyhow::{Context, Result};

use crate::model::Engine;

/// A search being made. It holds the windows of one batch.
pub struct WindowSearch<'a> {
    engine: &'a dyn Engine,
    query: SearchQuery,
    /// Scores without any audio, once known.
    silent: Option<Vec<Scores>>,
    hits: TopHits,
    /// Windows of a batch, with their files.
    waiting: Vec<(String, IndexedWindow)>,
    batch: usize,
}

impl<'a> WindowSearch<'a> {
    /// Judges `batch` windows at a time.
    pub fn new(engine: &'a dyn Engine, query: SearchQuery, hits: TopHits, batch: usize) -> Self {
        Self { engine, query, silent: None, hits, waiting: Vec::new(), batch }
    }

    /// Takes the next window of a file.
    ///
    /// # Errors
    /// The device failed.
    pub fn push(&mut self, file: &str, window: IndexedWindow) -> Result<()> {
        self.waiting.push((file.into(), window));
        if self.waiting.len() >= self.batch { self.flush() } else { Ok(()) }
    }

    /// The places, best first.
    ///
    /// # Errors
    /// As [`WindowSearch::push`].
    pub fn finish(mut self) -> Result<Vec<SearchHit>> {
        self.flush()?;
        Ok(self.hits.finish())
    }

    /// Judges the windows that wait.
    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let tokens: Vec<f32> = self.waiting.iter().flat_map(|(_, window)| window.tokens_f32()).collect();
        let mut heard = self.engine.hear(&tokens, true)?;
        if self.silent.is_none() {
            let requests = self.query.requests(&AudioView::window(0).silent());
            self.silent = Some(heard.score(&requests, &mut |_, _| true)?);
        }
        let views = (0..self.waiting.len()).map(AudioView::window);
        let requests: Vec<_> = views.flat_map(|view| self.query.requests(&view)).collect();
        let scores = heard.score(&requests, &mut |_, _| true)?;
        let per_window = requests.len() / self.waiting.len();
        let silent = self.silent.as_deref().unwrap_or_default();
        for ((file, window), scores) in self.waiting.drain(..).zip(scores.chunks(per_window)) {
            let judgement = self.query.judge(scores, silent).context("the engine left scores out")?;
            let (start, end) = (window.start, window.start + window.seconds);
            let (score, confidence) = (judgement.score, judgement.confidence);
            self.hits.push(&file, WindowMatch { start, end, score, confidence });
        }
        Ok(())
    }
}
