//! What is asked for, read from a JavaScript object: one getter per type of value, because each named one costs a hundred bytes of glue.

use crate::failure::{Code, failure};
use af2_core::engine::GenerateOptions;
use af2_core::sampling::SamplingRequest;
use af2_core::text::prompt::NEW_TOKEN_LIMIT;
use js_sys::{Function, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// An object of the TypeScript package; whatever is missing has its default.
    pub type Request;

    /// The number of this name.
    #[wasm_bindgen(method, structural, indexing_getter)]
    pub fn number(this: &Request, name: &str) -> Option<f64>;
    /// The text of this name.
    #[wasm_bindgen(method, structural, indexing_getter)]
    pub fn text(this: &Request, name: &str) -> Option<String>;
    /// The texts of this name.
    #[wasm_bindgen(method, structural, indexing_getter)]
    pub fn texts(this: &Request, name: &str) -> Option<Vec<String>>;
    /// The bytes of this name.
    #[wasm_bindgen(method, structural, indexing_getter)]
    pub fn bytes(this: &Request, name: &str) -> Option<Uint8Array>;
    /// The ids of this name.
    #[wasm_bindgen(method, structural, indexing_getter)]
    pub fn ids(this: &Request, name: &str) -> Option<Uint32Array>;
    /// The function of this name.
    #[wasm_bindgen(method, structural, indexing_getter)]
    pub fn function(this: &Request, name: &str) -> Option<Function>;
}

impl Request {
    /// Texts that end the answer.
    pub fn stop_strings(&self) -> Vec<String> {
        self.texts("stop").unwrap_or_default()
    }

    /// The engine's options, checked.
    pub fn generate_options(&self) -> Result<GenerateOptions, JsValue> {
        let request = SamplingRequest {
            published: false,
            temperature: self.number("temperature"),
            top_k: self.number("topK").is_some().then(|| self.whole("topK", 0)).transpose()?.map(|k| k as usize),
            top_p: self.number("topP"),
            min_p: self.number("minP"),
            repetition_penalty: self.number("repetitionPenalty"),
            seed: self.whole("seed", 0)?,
        };
        let sampling = request.params().map_err(|error| failure(Code::BadRequest, error))?;
        let max_new_tokens = self.whole("maxNewTokens", NEW_TOKEN_LIMIT as u64)? as usize;
        let top_logprobs = self.whole("topLogprobs", 0)? as usize;
        Ok(GenerateOptions { sampling, max_new_tokens, top_logprobs, ..GenerateOptions::default() })
    }

    /// A text that cannot be missing.
    pub fn needed(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A whole number that a double holds exactly.
    fn whole(&self, name: &str, default: u64) -> Result<u64, JsValue> {
        let value = self.number(name).unwrap_or(default as f64);
        let exact = value >= 0.0 && value.fract() == 0.0 && value <= 9_007_199_254_740_991.0;
        if exact {
            Ok(value as u64)
        } else {
            Err(failure(Code::BadRequest, format!("{name} is {value}, but must be a whole number from 0")))
        }
    }
}
