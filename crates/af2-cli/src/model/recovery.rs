//! The GPU engine: a model that is loaded from its directory again when its device is lost.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{GenerateOptions, Generation, Query, ScoreRequest, Scores, TokenRules, Trace};
use af2_core::text::Tokenizer;
use af2_gpu::{Gpu, GpuError, Span};
use af2_model::{Model, ModelError, Opener, RecoveringClip, RecoveringModel, Trouble};
use anyhow::Result;

use super::executor::nap;
use super::{Engine, Heard, Session, open_gpu, tuned};
use crate::terminal::note;

/// How long a driver that gives no device may take to come back.
const RESET: Duration = Duration::from_secs(1);

/// Loads the model of a directory on `first`, or on the adapter whose name contains `adapter`, and on any device after a loss.
///
/// # Errors
/// As [`Session::load`].
pub(super) fn load(first: Option<Gpu>, adapter: Option<&str>, dir: &Path) -> Result<Box<dyn Engine>> {
    let files = Files { dir: dir.into(), adapter: adapter.map(str::to_owned), first: Mutex::new(first) };
    Ok(Box::new(pollster::block_on(RecoveringModel::open(files))?))
}

/// Where a model and a device come from.
struct Files {
    dir: PathBuf,
    /// Part of the adapter's name.
    adapter: Option<String>,
    /// The device of the first load, if it is open already.
    first: Mutex<Option<Gpu>>,
}

impl Opener for Files {
    type Error = anyhow::Error;

    async fn open(&self, after: Option<&anyhow::Error>) -> Result<Model> {
        let (first, adapter) =
            (self.first.lock().unwrap_or_else(PoisonError::into_inner).take(), self.adapter.as_deref());
        let gpu = match (first, after) {
            (Some(gpu), _) => gpu,
            (None, None) => open_gpu(adapter)?,
            (None, Some(error)) => {
                note(format_args!("recovering: {error:#}"));
                reopen(adapter)?
            }
        };
        Ok(Session::load_on(tuned(gpu, &self.dir), &self.dir)?.model)
    }

    fn trouble(error: &anyhow::Error) -> Option<Trouble> {
        trouble(error)
    }
}

/// The same adapter; any other where it is gone, for example unplugged.
fn reopen(adapter: Option<&str>) -> Result<Gpu, GpuError> {
    open_gpu(adapter).or_else(|_| open_gpu(None)).map_err(|error| {
        sleep(RESET);
        if Trouble::of(&error).is_some() { error } else { GpuError::DeviceLost(error.to_string()) }
    })
}

/// What another attempt may mend. A model's errors hide the device's: they pass its message on as their own.
pub(super) fn trouble(error: &anyhow::Error) -> Option<Trouble> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(ModelError::Gpu(error)) => Trouble::of(error),
        _ => cause.downcast_ref().and_then(Trouble::of),
    })
}

/// Whether a device was lost for good: nothing more can be computed.
pub fn is_lost(error: &anyhow::Error) -> bool {
    trouble(error) == Some(Trouble::Lost)
}

/// Runs a future to its end on whatever device the model is.
fn drive<T>(model: &RecoveringModel<Files>, future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        if let Some(model) = model.current() {
            // A loss ends what the future waits for.
            let _ = model.gpu().wait(nap);
        }
    }
}

impl Engine for RecoveringModel<Files> {
    fn config(&self) -> &ModelConfig {
        self.config()
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.tokenizer()
    }

    fn name(&self) -> String {
        self.current().map_or_else(|| "no GPU".into(), |model| model.gpu().info().name.clone())
    }

    fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Box<dyn Heard>> {
        Ok(Box::new(drive(self, self.listen(windows, progress))?))
    }

    fn encode(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<f32>> {
        drive(self, self.encode_tokens(windows, progress))
    }

    fn hear(&self, tokens: &[f32], apart: bool) -> Result<Box<dyn Heard>> {
        Ok(Box::new(drive(self, self.hear(tokens.to_vec(), apart))?))
    }

    fn trace(&self, windows: &Windows, prompt: &[u32], max_new_tokens: usize) -> Result<Trace> {
        drive(self, self.trace(windows, prompt, max_new_tokens, &HashMap::new()))
    }
}

impl Heard for RecoveringClip<Files> {
    fn windows(&self) -> usize {
        self.windows()
    }

    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation> {
        let model = self.model().clone();
        drive(&model, self.generate(prompt, options, on_token))
    }

    fn generate_with(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        rules: &mut dyn TokenRules,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation> {
        let model = self.model().clone();
        drive(&model, self.generate_with(prompt, options, rules, on_token))
    }

    fn beam_search(&mut self, prompt: &[u32], beams: usize, max_new_tokens: usize) -> Result<Vec<u32>> {
        let model = self.model().clone();
        drive(&model, self.beam_search(prompt, beams, max_new_tokens, &mut |_| true))
    }

    fn generate_many(
        &mut self,
        queries: &[Query],
        options: &GenerateOptions,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Generation>> {
        let model = self.model().clone();
        drive(&model, self.generate_many(queries, options, progress))
    }

    fn score(
        &mut self,
        requests: &[ScoreRequest],
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Scores>> {
        let model = self.model().clone();
        drive(&model, self.score(requests, progress))
    }

    fn attention(&mut self, query: &Query, ids: &[u32]) -> Result<Vec<f32>> {
        let model = self.model().clone();
        drive(&model, self.attention(query, ids))
    }

    fn profile_step(&self) -> Result<Option<Vec<Span>>> {
        drive(self.model(), async { Ok(self.profile_step().await?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_seen_through_other_errors() {
        let lost = || GpuError::DeviceLost("gone".into());
        let errors: [anyhow::Error; 3] = [
            lost().into(),
            ModelError::Gpu(lost()).into(),
            anyhow::Error::new(ModelError::Gpu(lost())).context("dog.wav"),
        ];
        assert!(errors.iter().all(is_lost));
        assert!(!is_lost(&ModelError::Busy.into()) && !is_lost(&anyhow::anyhow!("lost")));
    }
}
