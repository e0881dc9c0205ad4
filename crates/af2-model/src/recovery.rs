//! A model that outlives its GPU: after a loss (driver reset, sleep, unplugged) the work goes on where it stopped.
//!
//! ```text
//! lost ── all of the old device dropped ── device opened, weights loaded ([`Opener`]) ── clip encoded again from its 16-bit codes
//!      ── prompt and answer so far in one prefill ([`Clip::resume`]) ── next token
//! ```
//!
//! The caller sees the same tokens as without the loss, each once. A beam search and a trace, which give nothing on the way, start
//! over. Out of memory is met once per call by giving up what other clips hold; they are encoded again when they are asked.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{
    GenerateOptions, Generation, Query, ScoreRequest, Scores, TOKENS_PER_WINDOW, TokenRules, Trace,
};
use af2_core::text::Tokenizer;
use af2_gpu::{GpuError, Span};

use crate::{Clip, Model, ModelError};

/// Losses in a row, without a token or a window between them, after which the work stops.
const MOST_LOSSES: u32 = 3;

/// Gets a model onto a device: what differs between the desktop and a browser.
pub trait Opener {
    /// The platform's error.
    type Error: From<ModelError>;

    /// Opens a device, another one if need be, and loads the model on it. `after` is the error that made it necessary; none for the
    /// first load, and after [`RecoveringModel::release`].
    ///
    /// # Errors
    /// There is no device, or a file of the model cannot be read. An error that is [`Trouble`] is met by another call.
    fn open(&self, after: Option<&Self::Error>) -> impl Future<Output = Result<Model, Self::Error>>;

    /// What of an error another attempt may mend.
    fn trouble(error: &Self::Error) -> Option<Trouble>;
}

/// Failures of a device that another attempt may mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The device was lost.
    Lost,
    /// The device ran out of memory.
    OutOfMemory,
}

impl Trouble {
    /// The trouble behind a device's error.
    pub fn of(error: &GpuError) -> Option<Self> {
        match error {
            GpuError::DeviceLost(_) => Some(Self::Lost),
            GpuError::OutOfMemory { .. } => Some(Self::OutOfMemory),
            _ => None,
        }
    }
}

/// A model, and how to get it back; cheap to clone.
pub struct RecoveringModel<O: Opener>(Arc<Inner<O>>);

struct Inner<O> {
    opener: O,
    config: ModelConfig,
    tokenizer: Tokenizer,
    /// None while it is on no device.
    model: Mutex<Option<Model>>,
    /// What every clip holds of the device.
    clips: Mutex<Vec<Weak<Slot>>>,
}

/// A clip on the current device; none while it is in use, and after a loss.
type Slot = Mutex<Option<Clip>>;

/// Audio that a model listened to, with the codes it was encoded from.
pub struct RecoveringClip<O: Opener> {
    model: RecoveringModel<O>,
    source: Source,
    slot: Arc<Slot>,
}

/// What a clip is made of again after a loss.
enum Source {
    /// Windows of 16-bit codes.
    Windows(Windows),
    /// Encoder tokens, [64 · windows, D], and whether every window is a sound of its own.
    Tokens(Vec<f32>, bool),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Failures of one call since its last progress.
#[derive(Default)]
struct Failures {
    losses: Cell<u32>,
    /// Memory was freed once.
    freed: Cell<bool>,
}

impl Failures {
    fn progress(&self) {
        self.losses.set(0);
    }

    /// Whether another attempt is worth it.
    fn allow(&self, trouble: Option<Trouble>) -> bool {
        match trouble {
            Some(Trouble::Lost) => {
                self.losses.set(self.losses.get() + 1);
                self.losses.get() < MOST_LOSSES
            }
            Some(Trouble::OutOfMemory) => !self.freed.replace(true),
            None => false,
        }
    }
}

impl<O: Opener> Clone for RecoveringModel<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O: Opener> RecoveringModel<O> {
    /// Loads the model, again if the device is lost meanwhile.
    ///
    /// # Errors
    /// As [`Opener::open`].
    // wgpu's handles are not Send on the web; the Arc is only a shared pointer there.
    #[allow(clippy::arc_with_non_send_sync)]
    pub async fn open(opener: O) -> Result<Self, O::Error> {
        let (failures, mut last) = (Failures::default(), None);
        let model = loop {
            match opener.open(last.as_ref()).await {
                Ok(model) => break model,
                Err(error) if failures.allow(O::trouble(&error)) => last = Some(error),
                Err(error) => return Err(error),
            }
        };
        let (config, tokenizer) = (model.config().clone(), model.tokenizer().clone());
        let (model, clips) = (Mutex::new(Some(model)), Mutex::default());
        Ok(Self(Arc::new(Inner { opener, config, tokenizer, model, clips })))
    }

    /// The configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.0.config
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0.tokenizer
    }

    /// The model on its present device; none after [`RecoveringModel::release`] or a loss, until it is needed again.
    pub fn current(&self) -> Option<Model> {
        lock(&self.0.model).clone()
    }

    /// The model on a device, opened if there is none.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub async fn ready(&self) -> Result<Model, O::Error> {
        self.recovered(None).await
    }

    /// Frees all GPU memory of an idle model and its clips, until it is needed again.
    pub fn release(&self) {
        *lock(&self.0.model) = None;
        self.free_clips();
    }

    /// Encodes audio. `progress` is told how many of how many windows are done, never fewer than before, and stops the work by
    /// returning false.
    ///
    /// # Errors
    /// As [`Model::listen`] and [`Opener::open`].
    pub async fn listen(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<RecoveringClip<O>, O::Error> {
        let (failures, mut most) = (Failures::default(), 0);
        let clip = self.persist(&failures, async |model| {
            let mut monotone = |done, count| {
                if done > most {
                    (most, _) = (done, failures.progress());
                }
                progress(most, count)
            };
            model.listen(windows, &mut monotone).await
        });
        Ok(self.held(clip.await?, Source::Windows(windows.clone())))
    }

    /// As [`Model::encode_tokens`]; a loss on the way costs time only.
    ///
    /// # Errors
    /// As [`Model::encode_tokens`] and [`Opener::open`].
    pub async fn encode_tokens(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<f32>, O::Error> {
        let encode = async |model: &Model| model.encode_tokens(windows, progress).await;
        self.persist(&Failures::default(), encode).await
    }

    /// As [`Model::hear`]; the tokens stay in memory, to make the clip again after a loss.
    ///
    /// # Errors
    /// As [`Model::hear`] and [`Opener::open`].
    pub async fn hear(&self, tokens: Vec<f32>, apart: bool) -> Result<RecoveringClip<O>, O::Error> {
        let hear = async |model: &Model| model.hear(&tokens, apart).await;
        let clip = self.persist(&Failures::default(), hear).await?;
        Ok(self.held(clip, Source::Tokens(tokens, apart)))
    }

    // As in `open`.
    #[allow(clippy::arc_with_non_send_sync)]
    fn held(&self, clip: Clip, source: Source) -> RecoveringClip<O> {
        let slot = Arc::new(Mutex::new(Some(clip)));
        let mut clips = lock(&self.0.clips);
        clips.retain(|clip| clip.strong_count() > 0);
        clips.push(Arc::downgrade(&slot));
        RecoveringClip { model: self.clone(), source, slot }
    }

    /// As [`Model::trace`].
    ///
    /// # Errors
    /// As [`Model::trace`] and [`Opener::open`].
    pub async fn trace(
        &self,
        windows: &Windows,
        prompt: &[u32],
        max_new_tokens: usize,
        replace: &HashMap<String, Vec<f32>>,
    ) -> Result<Trace, O::Error> {
        let trace = async |model: &Model| model.trace(windows, prompt, max_new_tokens, replace).await;
        self.persist(&Failures::default(), trace).await
    }

    /// Makes attempts until one succeeds or fails for good.
    async fn persist<T>(
        &self,
        failures: &Failures,
        mut attempt: impl AsyncFnMut(&Model) -> Result<T, ModelError>,
    ) -> Result<T, O::Error> {
        let mut last = None;
        loop {
            let error = match self.recovered(last.as_ref()).await {
                Ok(model) => match attempt(&model).await {
                    Ok(value) => return Ok(value),
                    Err(error) => {
                        self.drop_if_lost(&model);
                        error.into()
                    }
                },
                Err(error) => error,
            };
            if !failures.allow(O::trouble(&error)) {
                return Err(error);
            }
            self.free_clips();
            last = Some(error);
        }
    }

    async fn recovered(&self, after: Option<&O::Error>) -> Result<Model, O::Error> {
        if let Some(model) = self.current() {
            return Ok(model);
        }
        let model = self.0.opener.open(after).await?;
        *lock(&self.0.model) = Some(model.clone());
        Ok(model)
    }

    fn drop_if_lost(&self, model: &Model) {
        let mut current = lock(&self.0.model);
        if model.gpu().lost().is_err() && current.as_ref().is_some_and(|current| current.is(model)) {
            *current = None;
        }
    }

    /// Drops what can be computed again: idle clips with their plans, and the scratch buffers.
    fn free_clips(&self) {
        for slot in lock(&self.0.clips).iter().filter_map(Weak::upgrade) {
            *lock(&slot) = None;
        }
        if let Some(model) = self.current() {
            model.free_scratch();
        }
    }
}

impl<O: Opener> RecoveringClip<O> {
    /// The model that listened.
    pub fn model(&self) -> &RecoveringModel<O> {
        &self.model
    }

    /// Windows of audio.
    pub fn windows(&self) -> usize {
        match &self.source {
            Source::Windows(windows) => windows.count,
            Source::Tokens(tokens, _) => {
                tokens.len() / (TOKENS_PER_WINDOW * self.model.config().audio_transformer.d_model)
            }
        }
    }

    /// As [`Clip::generate_many`].
    ///
    /// # Errors
    /// As [`Clip::generate_many`] and [`Opener::open`].
    pub async fn generate_many(
        &mut self,
        queries: &[Query],
        options: &GenerateOptions,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Generation>, O::Error> {
        let generate = async |clip: &mut Clip| clip.generate_many(queries, options, progress).await;
        self.with_clip(&Failures::default(), generate).await
    }

    /// As [`Clip::score`].
    ///
    /// # Errors
    /// As [`Clip::score`] and [`Opener::open`].
    pub async fn score(
        &mut self,
        requests: &[ScoreRequest],
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Scores>, O::Error> {
        let score = async |clip: &mut Clip| clip.score(requests, progress).await;
        self.with_clip(&Failures::default(), score).await
    }

    /// As [`Clip::attention`].
    ///
    /// # Errors
    /// As [`Clip::attention`] and [`Opener::open`].
    pub async fn attention(&mut self, query: &Query, ids: &[u32]) -> Result<Vec<f32>, O::Error> {
        let attend = async |clip: &mut Clip| clip.attention(query, ids).await;
        self.with_clip(&Failures::default(), attend).await
    }

    /// As [`Clip::generate`]; a loss on the way costs time only.
    ///
    /// # Errors
    /// As [`Clip::generate`] and [`Opener::open`].
    pub async fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, O::Error> {
        let (mut generation, failures) = (Generation::new(), Failures::default());
        self.with_clip(&failures, async |clip| {
            let mut counted = |id| {
                failures.progress();
                on_token(id)
            };
            clip.resume(prompt, options, &mut generation, &mut counted).await
        })
        .await?;
        Ok(generation)
    }

    /// As [`RecoveringClip::generate`], of tokens that obey `rules`.
    ///
    /// # Errors
    /// As [`Clip::resume_with`] and [`Opener::open`].
    pub async fn generate_with(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        rules: &mut dyn TokenRules,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, O::Error> {
        let (mut generation, failures) = (Generation::new(), Failures::default());
        self.with_clip(&failures, async |clip| {
            let mut counted = |id| {
                failures.progress();
                on_token(id)
            };
            clip.resume_with(prompt, options, rules, &mut generation, &mut counted).await
        })
        .await?;
        Ok(generation)
    }

    /// As [`Clip::beam_search`].
    ///
    /// # Errors
    /// As [`Clip::beam_search`] and [`Opener::open`].
    pub async fn beam_search(
        &mut self,
        prompt: &[u32],
        beams: usize,
        max_new_tokens: usize,
        on_step: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u32>, O::Error> {
        let search = async |clip: &mut Clip| clip.beam_search(prompt, beams, max_new_tokens, on_step).await;
        self.with_clip(&Failures::default(), search).await
    }

    /// As [`Clip::profile_step`]; none while the clip is on no device.
    ///
    /// # Errors
    /// As [`Clip::profile_step`].
    pub async fn profile_step(&self) -> Result<Option<Vec<Span>>, ModelError> {
        let Some(clip) = lock(&self.slot).take() else { return Ok(None) };
        let spans = clip.profile_step().await;
        *lock(&self.slot) = Some(clip);
        spans
    }

    /// Works with the clip on the present device, where it is encoded if it is not there.
    async fn with_clip<T>(
        &self,
        failures: &Failures,
        mut work: impl AsyncFnMut(&mut Clip) -> Result<T, ModelError>,
    ) -> Result<T, O::Error> {
        self.model
            .persist(failures, async |model| {
                let stored = lock(&self.slot).take().filter(|clip| clip.model().is(model));
                let mut clip = match stored {
                    Some(clip) => clip,
                    None => match &self.source {
                        Source::Windows(windows) => model.listen(windows, &mut |_, _| true).await?,
                        Source::Tokens(tokens, apart) => model.hear(tokens, *apart).await?,
                    },
                };
                let result = work(&mut clip).await;
                *lock(&self.slot) = Some(clip);
                result
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_losses_without_progress_are_enough_and_memory_is_freed_once() {
        let failures = Failures::default();
        let allowed = |trouble| failures.allow(Some(trouble));
        assert!(allowed(Trouble::Lost) && allowed(Trouble::Lost));
        failures.progress();
        assert!(allowed(Trouble::Lost) && allowed(Trouble::OutOfMemory) && allowed(Trouble::Lost));
        assert!(!allowed(Trouble::Lost));
        failures.progress();
        assert!(!allowed(Trouble::OutOfMemory) && !failures.allow(None));
    }
}
