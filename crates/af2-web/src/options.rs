//! How an answer is chosen, read from the page's options.

use crate::backend::GenerateOptions;
use crate::failure::{Code, failure};
use af2_core::sampling::SamplingParams;
use af2_core::text::prompt::NEW_TOKEN_LIMIT;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The `AskOptions` of the TypeScript package; whatever is missing has its default.
    pub type AskOptions;

    #[wasm_bindgen(method, getter, js_name = maxNewTokens)]
    fn max_new_tokens(this: &AskOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn temperature(this: &AskOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = topK)]
    fn top_k(this: &AskOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = topP)]
    fn top_p(this: &AskOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = minP)]
    fn min_p(this: &AskOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = repetitionPenalty)]
    fn repetition_penalty(this: &AskOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn seed(this: &AskOptions) -> Option<f64>;
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
        let sampling = self.sampling()?;
        let max_new_tokens = whole("maxNewTokens", self.max_new_tokens(), NEW_TOKEN_LIMIT as u64)? as usize;
        Ok(GenerateOptions { sampling, max_new_tokens, ..GenerateOptions::default() })
    }

    /// Greedy, unless any option asks for a draw.
    fn sampling(&self) -> Result<SamplingParams, JsValue> {
        let greedy = SamplingParams::greedy();
        let draws = self.top_k().is_some() || self.top_p().is_some() || self.min_p().is_some();
        let params = SamplingParams {
            temperature: self.temperature().unwrap_or(if draws { 1.0 } else { greedy.temperature }),
            top_k: whole("topK", self.top_k(), 0)? as usize,
            top_p: self.top_p().unwrap_or(greedy.top_p),
            min_p: self.min_p().unwrap_or(greedy.min_p),
            repetition_penalty: self.repetition_penalty().unwrap_or(greedy.repetition_penalty),
            seed: whole("seed", self.seed(), 0)?,
        };
        params.validate().map_err(|error| failure(Code::BadRequest, error))?;
        Ok(params)
    }
}

/// A whole number that a double holds exactly.
fn whole(name: &str, value: Option<f64>, default: u64) -> Result<u64, JsValue> {
    let value = value.unwrap_or(default as f64);
    let exact = value >= 0.0 && value.fract() == 0.0 && value <= 9_007_199_254_740_991.0;
    if exact {
        Ok(value as u64)
    } else {
        Err(failure(Code::BadRequest, format!("{name} is {value}, but must be a whole number from 0")))
    }
}
