//! An engine that is loaded when it is first needed: a run whose answers are all there loads none.

use std::cell::OnceCell;
use std::time::Instant;

use anyhow::Result;

use crate::model::Engine;

/// A model that may not be loaded yet.
pub struct LazyEngine<'a> {
    load: Box<dyn Fn() -> Result<Box<dyn Engine>> + 'a>,
    loaded: OnceCell<(Box<dyn Engine>, f64)>,
}

impl<'a> LazyEngine<'a> {
    /// A model that `load` loads.
    pub fn new(load: impl Fn() -> Result<Box<dyn Engine>> + 'a) -> Self {
        Self { load: Box::new(load), loaded: OnceCell::new() }
    }

    /// The model, and the seconds that loading took.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn get(&self) -> Result<(&dyn Engine, f64)> {
        let (engine, seconds) = match self.loaded.get() {
            Some(loaded) => loaded,
            None => {
                let start = Instant::now();
                let engine = (self.load)()?;
                self.loaded.get_or_init(|| (engine, start.elapsed().as_secs_f64()))
            }
        };
        Ok((&**engine, *seconds))
    }

    /// The name of what computes, if it is loaded.
    pub fn name(&self) -> Option<String> {
        self.loaded.get().map(|(engine, _)| engine.name())
    }
}
