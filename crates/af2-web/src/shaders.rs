//! The texts of all kernels, so that a browser's compiler can be asked about each.

use af2_gpu::shader::ALL;
use wasm_bindgen::prelude::*;

/// Names of all kernels, family and name.
#[wasm_bindgen(js_name = shaderNames)]
pub fn shader_names() -> Vec<String> {
    ALL.iter().map(|shader| shader.name.to_owned()).collect()
}

/// WGSL of a kernel with its includes pasted, if there is one of this name.
#[wasm_bindgen(js_name = shaderSource)]
pub fn shader_source(name: &str) -> Option<String> {
    ALL.iter().find(|shader| shader.name == name).map(|shader| shader.source.to_owned())
}
