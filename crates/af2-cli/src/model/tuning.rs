//! Measured [`Kernels`] on disk, one entry per adapter and driver, so that a GPU is measured once, and on it every matrix.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use af2_core::config::ModelConfig;
use af2_core::weights::index::ModelIndex;
use af2_gpu::{AdapterInfo, Gpu, Kernels, MatrixShape};
use af2_model::token_matrices;
use anyhow::{Context, Result, ensure};

use super::{ModelDirError, ModelFiles, drive};
use crate::open_file::read_regular;
use crate::terminal::{count_bar, note};

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

    /// The measurements of this adapter with this driver and this version of the kernels; those of older versions stay in the file. A file
    /// that cannot be read counts as empty: it is only a cache.
    pub fn find(&self, info: &AdapterInfo) -> Option<Kernels> {
        self.entries().get(&info.tuning_key())?.parse().ok()
    }

    /// Adds measurements, in place of the adapter's older ones; the file is replaced as a whole.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn store(&self, info: &AdapterInfo, kernels: &Kernels) -> Result<()> {
        let mut entries = self.entries();
        entries.insert(info.tuning_key(), kernels.to_string());
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

/// The distinct matrices that a decoded token of a model reads.
///
/// # Errors
/// The directory is no model.
pub fn matrix_shapes(dir: &Path) -> Result<Vec<MatrixShape>, ModelDirError> {
    let files = ModelFiles::open(dir)?;
    let (config, index) = (ModelConfig::parse(&files.config)?, ModelIndex::parse(&files.index)?);
    let matrices = token_matrices(&config, |tensor| tensor.layout(&index).scheme);
    let mut shapes = Vec::new();
    for matrix in matrices {
        if !shapes.contains(&matrix.shape) {
            shapes.push(matrix.shape);
        }
    }
    Ok(shapes)
}

/// Measures which kernels are fastest on a device, then how the matrices of a model are best divided there.
///
/// # Errors
/// The device failed or has too little memory.
pub fn measure_kernels(gpu: &Gpu, shapes: &[MatrixShape]) -> Result<Kernels> {
    let start = Instant::now();
    let tuning = drive(gpu, gpu.measure_tuning(&|| start.elapsed().as_secs_f64()))??;
    measure_shapes(&gpu.tuned(tuning), shapes)
}

/// The kernels of a device with the sizes of a model's matrices that were not measured before.
fn measure_shapes(gpu: &Gpu, shapes: &[MatrixShape]) -> Result<Kernels> {
    let start = Instant::now();
    let bar = count_bar(shapes.len() as u64, "measuring matrices");
    let progress = |done: usize, _: usize| bar.set_position(done as u64);
    let measured = drive(gpu, gpu.measure_matvecs(shapes, &|| start.elapsed().as_secs_f64(), &progress));
    bar.finish_and_clear();
    Ok(measured??)
}

/// The device with the [`Kernels`] measured for it and for the matrices of the model in a directory. A hardware GPU is measured on first use, and for matrices
/// that it has not met. A software adapter keeps its defaults, unless `af2 tune` measured it.
pub fn tuned(gpu: Gpu, dir: &Path) -> Gpu {
    let Some(file) = TuningFile::of_user() else { return gpu };
    let found = file.find(gpu.info());
    if gpu.info().software {
        return found.map_or(gpu.clone(), |kernels| gpu.tuned(kernels));
    }
    let shapes = matrix_shapes(dir).unwrap_or_default(); // a broken model is reported by who loads it
    let name = &gpu.info().name;
    let measured = match found {
        Some(kernels) if kernels.covers(&shapes) => return gpu.tuned(kernels),
        Some(kernels) => {
            note(format_args!("measuring the matrices of this model on {name}, once"));
            let gpu = gpu.tuned(kernels.clone());
            measure_shapes(&gpu, &shapes).unwrap_or(kernels)
        }
        None => {
            note(format_args!("measuring which kernels are fastest on {name}, once"));
            // The defaults give the same answers everywhere, so a failure here only costs speed.
            let Ok(kernels) = measure_kernels(&gpu, &shapes) else { return gpu };
            kernels
        }
    };
    let _ = file.store(gpu.info(), &measured);
    gpu.tuned(measured)
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;
    use af2_gpu::{MatvecSizes, Tuning};

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
            cooperative_matrix: None,
            timestamps: false,
        }
    }

    #[test]
    fn a_measurement_is_found_again_for_the_same_driver_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = TuningFile::at(folder.path().join("new/tuning.json"));
        assert_eq!(file.find(&info("1")), None);
        let mut kernels = Kernels::from(Tuning { matvec_rows: 4, ..Tuning::HARDWARE });
        let shape = MatrixShape { rows: 9_728, cols: 896, scheme: Scheme::Q4, paired: true };
        kernels.set(shape, MatvecSizes { rows: 32, threads: 64, slices: 4, ahead: 4, parts: 1 });
        file.store(&info("1"), &kernels).unwrap();
        file.store(&info("2"), &Tuning::SOFTWARE.into()).unwrap();
        assert_eq!(file.find(&info("1")), Some(kernels));
        assert_eq!(file.find(&info("2")), Some(Tuning::SOFTWARE.into()));
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
        file.store(&info("1"), &Tuning { matvec_rows: 3, ..Tuning::HARDWARE }.into()).unwrap();
        assert_eq!(file.find(&info("1")), None);
    }

    /// What was stored before matrices were measured has another key: it is not used, and not lost for the version that wrote it.
    #[test]
    fn measurements_of_older_kernels_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let file = TuningFile::at(folder.path().join("tuning.json"));
        let old = format!("a GPU | Vulkan | 1 | af2 {}", env!("CARGO_PKG_VERSION"));
        fs::write(file.path(), serde_json::json!({ &old: "tiled staged 8 64 64" }).to_string()).unwrap();
        assert_eq!(file.find(&info("1")), None);
        assert!(TuningFile::at_checked(file.path().into()).is_ok());
        file.store(&info("1"), &Tuning::HARDWARE.into()).unwrap();
        assert_eq!(file.find(&info("1")), Some(Tuning::HARDWARE.into()));
        assert_eq!(file.entries().get(&old).map(String::as_str), Some("tiled staged 8 64 64"));
    }
}
