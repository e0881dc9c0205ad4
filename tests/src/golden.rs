//! Golden files: tensors by name, and the list of cases.

use std::collections::HashMap;
use std::fs;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::fixtures::fixture;

/// The tensors of a golden file.
#[derive(Default)]
pub struct Golden {
    pub floats: HashMap<String, Vec<f32>>,
    pub shapes: HashMap<String, Vec<usize>>,
    pub ints: HashMap<String, Vec<i64>>,
}

impl Golden {
    pub fn read(path: &str) -> Self {
        let bytes = fs::read(fixture(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut golden = Self::default();
        for (name, tensor) in SafeTensors::deserialize(&bytes).expect("a golden file").iter() {
            let data = tensor.data();
            golden.shapes.insert(name.into(), tensor.shape().into());
            match tensor.dtype() {
                Dtype::F32 => {
                    let values = data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                    golden.floats.insert(name.into(), values.collect());
                }
                Dtype::I64 => {
                    let values = data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()));
                    golden.ints.insert(name.into(), values.collect());
                }
                Dtype::I16 => {
                    let values = data.chunks_exact(2).map(|b| i64::from(i16::from_le_bytes(b.try_into().unwrap())));
                    golden.ints.insert(name.into(), values.collect());
                }
                other => panic!("{path}: {name} is {other:?}"),
            }
        }
        golden
    }

    pub fn ids(&self, name: &str) -> Vec<u32> {
        self.ints[name].iter().map(|id| u32::try_from(*id).unwrap()).collect()
    }
}

/// One case of `cases.json`.
pub struct Case {
    pub input: String,
    pub prompt: String,
    pub file: String,
    pub answer: String,
    pub prompt_ids: Vec<u32>,
    pub new_ids: Vec<u32>,
    pub forced_ids: Vec<u32>,
    pub forced_margins: Vec<f64>,
    pub full: bool,
    pub windows: usize,
}

impl Case {
    /// Whether the audio needs no rate conversion, so that codes are exact.
    pub fn exact_codes(&self) -> bool {
        let resampled =
            ["stereo_44k1_12s7.flac", "sweep_48k", "speech_22k05", "long_8k", "float_3ch", "tone_11k025", ".mp3"];
        !resampled.iter().any(|part| self.input.contains(part))
    }
}

pub fn cases_json() -> Value {
    serde_json::from_slice(&fs::read(fixture("golden/tiny-a/cases.json")).unwrap()).unwrap()
}

pub fn cases() -> Vec<Case> {
    let ids =
        |value: &Value| value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect::<Vec<_>>();
    let case = |value: &Value| Case {
        input: value["input"].as_str().unwrap().into(),
        prompt: value["prompt"].as_str().unwrap().into(),
        file: format!("golden/tiny-a/{}", value["file"].as_str().unwrap()),
        answer: value["answer"].as_str().unwrap().into(),
        prompt_ids: ids(&value["prompt_ids"]),
        new_ids: ids(&value["new_ids"]),
        forced_ids: ids(&value["forced_ids"]),
        forced_margins: value["forced_margins"].as_array().unwrap().iter().map(|m| m.as_f64().unwrap()).collect(),
        full: value["full"].as_bool().unwrap(),
        windows: value["windows"].as_u64().unwrap() as usize,
    };
    cases_json()["cases"].as_array().unwrap().iter().map(case).collect()
}
