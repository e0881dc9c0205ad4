//! A converted model on disk, and its weights as the kernels will see them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use af2_cli::model::ModelDir;
use af2_convert::Report;
use af2_core::weights::stored::Location;
use tempfile::TempDir;

pub struct Converted {
    dir: TempDir,
    pub report: Report,
    pub model: ModelDir,
}

impl Converted {
    pub fn new(dir: TempDir, report: Report) -> Self {
        let model = ModelDir::open(&dir.path().join("out")).unwrap();
        model.verify().unwrap();
        Converted { dir, report, model }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// De-quantised weights by name.
    pub fn values(&self) -> BTreeMap<String, Vec<f32>> {
        let unpack = |(tensor, stored): &(_, af2_core::weights::stored::StoredTensor)| {
            let tensor: &af2_core::weights::tensor_table::TensorUse = tensor;
            let scales = stored.scales.as_ref().map_or(Vec::new(), |scales| self.bytes(scales));
            let data = self.bytes(&stored.data);
            (tensor.name.clone(), stored.scheme.unpack(stored.rows, stored.cols, &data, &scales).unwrap())
        };
        self.model.tensors.iter().map(unpack).collect()
    }

    /// Digests of all shards: equal where every byte written is equal.
    pub fn digests(&self) -> Vec<String> {
        self.model.index.shards.values().map(|shard| shard.sha256.clone()).collect()
    }

    fn bytes(&self, location: &Location) -> Vec<u8> {
        let file = fs::read(self.path().join(&location.shard)).unwrap();
        file[location.entry.begin as usize..location.entry.end as usize].to_vec()
    }
}
