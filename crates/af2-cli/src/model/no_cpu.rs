//! What builds without the feature `cpu` say in the CPU engine's place.

use std::path::Path;

use af2_core::audio::Windows;
use anyhow::{Result, bail};

use super::{Baseline, Engine, Measurement};

/// Name of the CPU engine where a GPU's adapter would be named; none where it was not built.
pub const CPU_NAME: Option<&str> = None;

/// Refuses.
///
/// # Errors
/// Always.
pub(super) fn load(_: &Path) -> Result<Box<dyn Engine>> {
    missing()
}

/// Never, so that the shaders run wherever there is any adapter.
///
/// # Errors
/// None.
pub(super) fn fits_easily(_: &Path) -> Result<bool> {
    Ok(false)
}

impl Baseline {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn check(self) -> Result<()> {
        missing()
    }

    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn measure(self, _: &Path, _: &Windows, _: &[u32], _: usize) -> Result<Measurement> {
        missing()
    }
}

fn missing<T>() -> Result<T> {
    bail!("this build has no CPU engine: build af2 without `--no-default-features`, or use a GPU (--engine gpu)")
}
