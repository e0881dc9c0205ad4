//! Measured [`Tuning`]s on disk, one per adapter and driver, so that a GPU is measured once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use af2_gpu::{AdapterFacts, Gpu, Tuning};
use anyhow::{Context, Result};

use crate::executor::drive;
use crate::session::read_limited;

/// Largest file that is read.
const FILE_LIMIT: u64 = 1 << 20;

/// The file where measurements are kept.
#[derive(Debug, Clone)]
pub struct TuningFile(PathBuf);

impl TuningFile {
    /// In the user's cache folder; none where the system has no such folder.
    pub fn of_user() -> Option<Self> {
        Some(Self(dirs::cache_dir()?.join("af2").join("tuning.json")))
    }

    /// At a path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What was measured for this adapter with this driver and this version of the kernels. A file that cannot be read counts as
    /// none: it is only a cache.
    pub fn find(&self, facts: &AdapterFacts) -> Option<Tuning> {
        self.entries().get(&facts.tuning_key())?.parse().ok()
    }

    /// Adds a measurement; the file is replaced as a whole.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn keep(&self, facts: &AdapterFacts, tuning: Tuning) -> Result<()> {
        let mut entries = self.entries();
        entries.insert(facts.tuning_key(), tuning.to_string());
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let failed = || format!("cannot write {}", self.0.display());
        fs::create_dir_all(folder).with_context(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
        file.write_all(serde_json::to_string_pretty(&entries)?.as_bytes()).with_context(failed)?;
        file.persist(&self.0).map_err(io::Error::from).with_context(failed)?;
        Ok(())
    }

    fn entries(&self) -> BTreeMap<String, String> {
        let bytes = read_limited(&self.0, FILE_LIMIT).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

/// Measures a device.
///
/// # Errors
/// The device failed or has too little memory.
pub fn measure(gpu: &Gpu) -> Result<Tuning> {
    let start = Instant::now();
    Ok(drive(gpu, gpu.measure_tuning(&|| start.elapsed().as_secs_f64()))??)
}

/// The device with what was measured for it. A chip is measured when it is met for the first time; a program that plays one has
/// known answers, and only what `af2 tune` measured on it is taken.
pub fn tuned(gpu: Gpu) -> Gpu {
    let Some(file) = TuningFile::of_user() else { return gpu };
    if let Some(tuning) = file.find(gpu.facts()) {
        return gpu.tuned(tuning);
    }
    if gpu.facts().software {
        return gpu;
    }
    eprintln!("af2: measuring which kernels are fastest on {}, once", gpu.facts().name);
    // The defaults are right everywhere, so whatever goes wrong here stops nobody.
    let Ok(tuning) = measure(&gpu) else { return gpu };
    let _ = file.keep(gpu.facts(), tuning);
    gpu.tuned(tuning)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn facts(driver: &str) -> AdapterFacts {
        AdapterFacts {
            name: "a chip".into(),
            backend: "Vulkan".into(),
            kind: "DiscreteGpu".into(),
            driver: driver.into(),
            software: false,
            max_buffer_bytes: 1,
            max_binding_bytes: 1,
            max_invocations: 256,
            workgroup_memory_bytes: 16_384,
            shader_f16: false,
            timestamps: false,
        }
    }

    #[test]
    fn a_measurement_is_found_again_for_the_same_driver_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = TuningFile::at(folder.path().join("new/tuning.json"));
        assert_eq!(file.find(&facts("1")), None);
        let tuning = Tuning { matvec_rows: 4, ..Tuning::HARDWARE };
        file.keep(&facts("1"), tuning).unwrap();
        file.keep(&facts("2"), Tuning::SOFTWARE).unwrap();
        assert_eq!(file.find(&facts("1")), Some(tuning));
        assert_eq!(file.find(&facts("2")), Some(Tuning::SOFTWARE));
        assert_eq!(file.find(&facts("3")), None);
    }

    #[test]
    fn a_broken_file_or_impossible_sizes_count_as_no_measurement() {
        let folder = tempfile::tempdir().unwrap();
        let file = TuningFile::at(folder.path().join("tuning.json"));
        fs::write(file.path(), "{").unwrap();
        assert_eq!(file.find(&facts("1")), None);
        fs::write(file.path(), "{\"a\": {\"product\": \"tiled\"}}").unwrap();
        assert_eq!(file.find(&facts("1")), None);
        file.keep(&facts("1"), Tuning { matvec_rows: 3, ..Tuning::HARDWARE }).unwrap();
        assert_eq!(file.find(&facts("1")), None);
    }
}
