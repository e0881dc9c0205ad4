//! The toy release in memory, to be edited, written and converted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use af2_cli::convert::{ConvertError, ConvertOptions, convert};
use af2_core::weights::Scheme;
use af2_core::weights::safetensors::{Dtype, Header, TensorSpec, write_header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::converted::Converted;

/// The committed toy release.
pub fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tiny-a")
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    pub fn f32(shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Tensor { dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    pub fn values(&self) -> Vec<f32> {
        assert_eq!(self.dtype, Dtype::F32);
        self.bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    /// The same numbers in another type.
    pub fn cast<const N: usize>(&mut self, dtype: Dtype, to: impl Fn(f32) -> [u8; N]) {
        if self.dtype == Dtype::F32 {
            self.bytes = self.values().into_iter().flat_map(to).collect();
            self.dtype = dtype;
        }
    }
}

pub type Tensors = BTreeMap<String, Tensor>;

/// Everything a conversion reads.
#[derive(Clone)]
pub struct Toy {
    pub tensors: Tensors,
    pub lm_tensors: Tensors,
    pub lm_config: Value,
    /// `configs/inference.yaml`; empty for a release without one.
    pub yaml: String,
    pub metadata_is_array: bool,
    pub chunks: usize,
    pub lm_shards: usize,
    pub clap: Option<PathBuf>,
}

impl Toy {
    pub fn new() -> Self {
        let dir = fixture();
        let mut tensors = Tensors::new();
        for chunk in 0..4 {
            tensors.extend(read(&dir.join(format!("safe_ckpt/chunk_{chunk}.safetensors"))));
        }
        Toy {
            tensors,
            lm_tensors: Tensors::new(),
            lm_config: serde_json::from_slice(&fs::read(dir.join("lang_encoder/config.json")).unwrap()).unwrap(),
            yaml: fs::read_to_string(dir.join("configs/inference.yaml")).unwrap(),
            metadata_is_array: false,
            chunks: 4,
            lm_shards: 1,
            clap: None,
        }
    }

    pub fn edited(edit: impl FnOnce(&mut Toy)) -> Self {
        let mut toy = Toy::new();
        edit(&mut toy);
        toy
    }

    pub fn rename(&mut self, rename: impl Fn(&str) -> String) {
        self.tensors = std::mem::take(&mut self.tensors).into_iter().map(|(name, t)| (rename(&name), t)).collect();
    }

    /// Takes away the tensors whose names satisfy `which`.
    pub fn take(&mut self, which: impl Fn(&str) -> bool) -> Tensors {
        let (taken, left) = std::mem::take(&mut self.tensors).into_iter().partition(|(name, _)| which(name));
        self.tensors = left;
        taken
    }

    /// Writes `release/` and `lm/`.
    pub fn write(&self, dir: &Path) {
        let (release, lm) = (dir.join("release"), dir.join("lm"));
        for folder in [&release.join("safe_ckpt"), &lm] {
            fs::create_dir_all(folder).unwrap();
        }
        if !self.yaml.is_empty() {
            fs::create_dir(release.join("configs")).unwrap();
            fs::write(release.join("configs/inference.yaml"), &self.yaml).unwrap();
        }
        let names: Vec<String> = (0..self.chunks).map(|chunk| format!("part-{chunk}")).collect();
        for (name, tensors) in names.iter().zip(split(&self.tensors, self.chunks)) {
            write(&release.join(format!("safe_ckpt/{name}.safetensors")), &tensors);
        }
        let metadata = match self.metadata_is_array {
            true => json!(names),
            false => names.iter().map(|name| (name.clone(), json!([]))).collect::<serde_json::Map<_, _>>().into(),
        };
        fs::write(release.join("safe_ckpt/metadata.json"), metadata.to_string()).unwrap();
        self.write_lm(&lm);
    }

    fn write_lm(&self, dir: &Path) {
        for file in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
            fs::copy(fixture().join("lang_encoder").join(file), dir.join(file)).unwrap();
        }
        fs::write(dir.join("config.json"), self.lm_config.to_string()).unwrap();
        if self.lm_shards == 1 && !self.lm_tensors.is_empty() {
            write(&dir.join("model.safetensors"), &self.lm_tensors);
        } else if !self.lm_tensors.is_empty() {
            let mut map = serde_json::Map::new();
            for (i, tensors) in split(&self.lm_tensors, self.lm_shards).iter().enumerate() {
                let name = format!("model-{i}.safetensors");
                write(&dir.join(&name), tensors);
                map.extend(tensors.keys().map(|tensor| (tensor.clone(), json!(name))));
            }
            fs::write(dir.join("model.safetensors.index.json"), json!({"weight_map": map}).to_string()).unwrap();
        }
    }

    pub fn options(&self, dir: &Path, scheme: Scheme) -> ConvertOptions {
        ConvertOptions {
            release_dir: dir.join("release"),
            out_dir: dir.join("out"),
            lm_dir: Some(dir.join("lm")),
            clap_file: self.clap.clone(),
            scheme,
            shard_bytes: 1 << 20,
        }
    }

    /// Writes and converts.
    pub fn convert(&self, scheme: Scheme) -> Result<Converted, ConvertError> {
        let dir = TempDir::new().unwrap();
        self.write(dir.path());
        let result = convert(&self.options(dir.path(), scheme), &mut |_, _| {});
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        let expected = if result.is_ok() { 3 } else { 2 };
        assert_eq!(left.len(), expected, "a conversion leaves its result or nothing: {left:?}");
        result.map(|report| Converted::new(dir, report))
    }

    /// The message of a conversion that must fail.
    pub fn failure(&self) -> String {
        match self.convert(Scheme::Q4) {
            Ok(_) => panic!("the conversion should have failed"),
            Err(error) => error.to_string(),
        }
    }
}

pub fn read(path: &Path) -> Tensors {
    let file = fs::read(path).unwrap();
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header = Header::parse(&file[8..8 + length], file.len() as u64).unwrap();
    let tensor = |(name, entry): (String, af2_core::weights::safetensors::TensorEntry)| {
        let bytes = file[entry.begin as usize..entry.end as usize].to_vec();
        (name, Tensor { dtype: entry.dtype, shape: entry.shape, bytes })
    };
    header.tensors.into_iter().map(tensor).collect()
}

pub fn write(path: &Path, tensors: &Tensors) {
    let spec = |(name, tensor): (&String, &Tensor)| TensorSpec {
        name: name.clone(),
        dtype: tensor.dtype,
        shape: tensor.shape.clone(),
    };
    let specs: Vec<_> = tensors.iter().map(spec).collect();
    let mut file = write_header(&specs, &BTreeMap::new()).unwrap();
    tensors.values().for_each(|tensor| file.extend_from_slice(&tensor.bytes));
    fs::write(path, file).unwrap();
}

/// Deals the tensors out to `count` files.
fn split(tensors: &Tensors, count: usize) -> Vec<Tensors> {
    let mut parts = vec![Tensors::new(); count];
    for (i, (name, tensor)) in tensors.iter().enumerate() {
        parts[i % count].insert(name.clone(), tensor.clone());
    }
    parts
}
