//! Where the fixtures are, and toy models converted from them once per process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use af2_cli::convert::{ConvertOptions, convert};
use af2_cli::model::{Session, open_gpu};
use af2_core::weights::Scheme;
use af2_cpu::{Backend, ModelLoader};
use af2_gpu::Tuning;

/// A file or folder of `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// Converts a release directory whose base language model is the toy's.
pub fn convert_release(release: &Path, out: &Path, scheme: Scheme) {
    let options = ConvertOptions {
        release_dir: release.into(),
        out_dir: out.into(),
        lm_dir: Some(fixture("tiny-a/lang_encoder")),
        clap_file: None,
        scheme,
        shard_bytes: 1 << 20,
    };
    convert(&options, &mut |_, _| {}).expect("the toy release converts");
}

/// The toy model in a scheme, loaded; one at a time may be used.
pub fn toy(scheme: Scheme) -> MutexGuard<'static, Session> {
    type Sessions = Mutex<HashMap<&'static str, &'static Mutex<Session>>>;
    static SESSIONS: OnceLock<Sessions> = OnceLock::new();
    let name = match scheme {
        Scheme::F32 => "f32",
        Scheme::F16 => "f16",
        Scheme::Q8 => "q8",
        Scheme::Q4 => "q4",
    };
    let mut sessions = SESSIONS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let session = sessions.entry(name).or_insert_with(|| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let out = dir.path().join(name);
        convert_release(&fixture("tiny-a"), &out, scheme);
        Box::leak(Box::new(Mutex::new(Session::load(&out, None).expect("an adapter and a valid model"))))
    });
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The toy model in a scheme, with the kernels of a hardware GPU.
pub fn toy_as_on_hardware(scheme: Scheme) -> Session {
    toy_tuned(scheme, Tuning::HARDWARE)
}

/// The toy model in a scheme, with given kernels.
pub fn toy_tuned(scheme: Scheme, tuning: Tuning) -> Session {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let out = dir.path().join("toy");
    convert_release(&fixture("tiny-a"), &out, scheme);
    let gpu = open_gpu(None).expect("an adapter").tuned(tuning);
    Session::load_on(gpu, &out).expect("a valid model")
}

/// The toy model in float32 on the CPU.
pub fn toy_reference() -> af2_cpu::Model {
    static MODEL: OnceLock<af2_cpu::Model> = OnceLock::new();
    let load = || {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let out = dir.path().join("f32");
        convert_release(&fixture("tiny-a"), &out, Scheme::F32);
        load_reference(&out)
    };
    MODEL.get_or_init(load).clone()
}

/// A converted model on the CPU.
pub fn load_reference(dir: &Path) -> af2_cpu::Model {
    let read = |name: &str| std::fs::read(dir.join(name)).expect("a file of the model");
    let small = ["config.json", "tokenizer.json", "model.safetensors.index.json"].map(read);
    let mut loader = ModelLoader::new(Backend::Cpu, &small[0], &small[1], &small[2]).expect("valid files");
    for (name, _) in loader.shards() {
        loader.push(&name, &read(&name)).expect("a shard of the index");
        loader.finish_shard(&name).expect("a valid shard");
    }
    loader.finish().expect("a valid model")
}

/// A float32 model whose matrices are what the toy model's are after packing in a scheme: the same numbers by another way.
pub fn toy_unpacked(scheme: Scheme) -> Session {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (packed, release, out) = (dir.path().join("packed"), dir.path().join("release"), dir.path().join("out"));
    convert_release(&fixture("tiny-a"), &packed, scheme);
    unpack_release(&packed, &release);
    convert_release(&release, &out, Scheme::F32);
    Session::load(&out, None).expect("an adapter and a valid model")
}

/// Writes a converted model back as a release with float32 tensors.
fn unpack_release(model: &Path, release: &Path) {
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(model.join("model.safetensors.index.json")).unwrap()).unwrap();
    let shards: HashMap<String, Vec<u8>> = index["shards"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (name.clone(), std::fs::read(model.join(name)).unwrap()))
        .collect();
    let view = |name: &str| {
        let shard = &shards[index["weight_map"][name].as_str().unwrap()];
        let tensors = safetensors::SafeTensors::deserialize(shard).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        (tensor.shape().to_vec(), tensor.data().to_vec())
    };
    let mut tensors = Vec::new();
    for name in index["weight_map"].as_object().unwrap().keys().filter(|name| !name.ends_with(".scales")) {
        let (mut shape, mut data) = view(name);
        if let Some(entry) = index["quantization"].get(name) {
            let scheme: Scheme = serde_json::from_value(entry["scheme"].clone()).unwrap();
            let scales = entry["scales"].as_str().map_or(Vec::new(), |scales| view(scales).1);
            let cols = if scheme == Scheme::Q4 { 2 * shape[1] } else { shape[1] };
            let values = scheme.unpack(shape[0], cols, &data, &scales).unwrap();
            shape[1] = cols;
            data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
        tensors.push((name.clone(), shape, data));
    }
    let views = tensors.iter().map(|(name, shape, data)| {
        (name.clone(), safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    std::fs::create_dir_all(release.join("safe_ckpt")).unwrap();
    std::fs::create_dir_all(release.join("configs")).unwrap();
    safetensors::serialize_to_file(views, None, &release.join("safe_ckpt/chunk_0.safetensors")).unwrap();
    std::fs::write(release.join("safe_ckpt/metadata.json"), r#"["chunk_0"]"#).unwrap();
    std::fs::copy(fixture("tiny-a/configs/inference.yaml"), release.join("configs/inference.yaml")).unwrap();
}
