//! Measured [`Tuning`]s on disk, one per adapter and driver, so that a GPU is measured once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use af2_gpu::{AdapterInfo, Gpu, Tuning};
use anyhow::{Context, Result, ensure};

use super::drive;
use crate::open_file::read_regular;
use crate::terminal::note;

/// Largest file that is read.
const FILE_LIMIT: u64 = 1 << 20;

/// The file that stores measurements.
#[derive(Debug, Clone)]
pub struct TuningFile(PathBuf);

impl TuningFile {
    /// The file in the user's cache folder; none where the system has no such folder.
    pub fn of_user() -> Option<Self> {
        Some(Self(dirs::cache_dir()?.join("af2").join("tuning.json")))
    }

    /// A file of the caller's choice.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// A file that a user named: it may be replaced.
    ///
    /// # Errors
    /// There is something else than measurements.
    pub fn at_checked(path: PathBuf) -> Result<Self> {
        let ours = match read_regular(&path, FILE_LIMIT) {
            Ok(bytes) => bytes.is_empty() || serde_json::from_slice::<BTreeMap<String, String>>(&bytes).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        ensure!(ours, "{} was not written by af2 tune, and is left as it is; name another file", path.display());
        Ok(Self(fs::canonicalize(&path).unwrap_or(path))) // a link is followed, not replaced
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The measurement of this adapter with this driver and this version of the kernels. A file that cannot be read counts as empty:
    /// it is only a cache.
    pub fn find(&self, info: &AdapterInfo) -> Option<Tuning> {
        self.entries().get(&info.tuning_key())?.parse().ok()
    }

    /// Adds a measurement; the file is replaced as a whole.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn store(&self, info: &AdapterInfo, tuning: Tuning) -> Result<()> {
        let mut entries = self.entries();
        entries.insert(info.tuning_key(), tuning.to_string());
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let failed = || format!("cannot write {}", self.0.display());
        fs::create_dir_all(folder).with_context(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
        file.write_all(serde_json::to_string_pretty(&entries)?.as_bytes()).with_context(failed)?;
        file.persist(&self.0).map_err(io::Error::from).with_context(failed)?;
        Ok(())
    }

    fn entries(&self) -> BTreeMap<String, String> {
        let bytes = read_regular(&self.0, FILE_LIMIT).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

/// Measures which kernels are fastest on a device.
///
/// # Errors
/// The device failed or has too little memory.
pub fn measure_tuning(gpu: &Gpu) -> Result<Tuning> {
    let start = Instant::now();
    Ok(drive(gpu, gpu.measure_tuning(&|| start.elapsed().as_secs_f64()))??)
}

/// The device with the [`Tuning`] measured for it. A hardware GPU is measured on first use. A software adapter keeps its
/// defaults, unless `af2 tune` measured it.
pub fn tuned(gpu: Gpu) -> Gpu {
    let Some(file) = TuningFile::of_user() else { return gpu };
    if let Some(tuning) = file.find(gpu.info()) {
        return gpu.tuned(tuning);
    }
    if gpu.info().software {
        return gpu;
    }
    note(format_args!("measuring which kernels are fastest on {}, once", gpu.info().name));
    // The defaults give the same answers everywhere, so a failure here only costs speed.
    let Ok(tuning) = measure_tuning(&gpu) else { return gpu };
    let _ = file.store(gpu.info(), tuning);
    gpu.tuned(tuning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(driver: &str) -> AdapterInfo {
        AdapterInfo {
            name: "a GPU".into(),
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
        assert_eq!(file.find(&info("1")), None);
        let tuning = Tuning { matvec_rows: 4, ..Tuning::HARDWARE };
        file.store(&info("1"), tuning).unwrap();
        file.store(&info("2"), Tuning::SOFTWARE).unwrap();
        assert_eq!(file.find(&info("1")), Some(tuning));
        assert_eq!(file.find(&info("2")), Some(Tuning::SOFTWARE));
        assert_eq!(file.find(&info("3")), None);
        assert!(TuningFile::at_checked(file.path().into()).is_ok());
    }

    #[test]
    fn a_broken_file_or_impossible_sizes_count_as_no_measurement() {
        let folder = tempfile::tempdir().unwrap();
        let file = TuningFile::at(folder.path().join("tuning.json"));
        fs::write(file.path(), "{").unwrap();
        assert_eq!(file.find(&info("1")), None);
        fs::write(file.path(), "{\"a\": {\"matmul\": \"tiled\"}}").unwrap();
        assert_eq!(file.find(&info("1")), None);
        assert!(TuningFile::at_checked(file.path().into()).is_err());
        file.store(&info("1"), Tuning { matvec_rows: 3, ..Tuning::HARDWARE }).unwrap();
        assert_eq!(file.find(&info("1")), None);
    }
}
