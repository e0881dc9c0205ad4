//! The options of an answer, read from a JavaScript object.

use crate::failure::{Code, failure};
use af2_core::engine::GenerateOptions;
use af2_core::sampling::SamplingRequest;
use af2_core::text::prompt::NEW_TOKEN_LIMIT;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The `AskOptions` of the TypeScript package; whatever is missing has its default.
    pub type AskOptions;

    /// The number of this name: one getter for all, because each costs a hundred bytes of glue.
    #[wasm_bindgen(method, structural, indexing_getter)]
    fn number(this: &AskOptions, name: &str) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn stop(this: &AskOptions) -> Option<Vec<String>>;
}

impl AskOptions {
    /// Texts that end the answer.
    pub fn stop_strings(&self) -> Vec<String> {
        self.stop().unwrap_or_default()
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
        Ok(GenerateOptions { sampling, max_new_tokens, ..GenerateOptions::default() })
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
