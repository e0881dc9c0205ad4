//! The fields of a release's configuration files that matter at inference.

use serde::Deserialize;
use serde_json::Value;

use super::error::ReleaseError;
use af2_core::small_file::{CONFIG_LIMIT, body};

const YAML: &str = "inference.yaml";
/// Most bytes of `metadata.json`, which lists every tensor: 120 kB for the 3B model.
const LONGEST_METADATA: usize = 4 << 20;
const LM_CONFIG: &str = "config.json of the language model";

/// `configs/inference.yaml`. The default is that of a release without the file: what the released models have, or `None`
/// where the tensors tell.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct InferenceSettings {
    /// Windows and the encoder.
    pub clap_config: ClapSettings,
    /// Everything after the encoder.
    pub model_config: ModelSettings,
}

/// `clap_config` of the settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct ClapSettings {
    /// Width of the encoder's tokens.
    pub audio_embed_dim: Option<usize>,
    /// Seconds per window.
    pub window_length: f64,
    /// Seconds that a window shares with the next.
    pub window_overlap: f64,
    /// Most windows.
    pub max_num_window: usize,
}

impl Default for ClapSettings {
    fn default() -> Self {
        Self { audio_embed_dim: None, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 }
    }
}

/// `model_config` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ModelSettings {
    /// Where the base language model lies in the release.
    pub lang_encoder_path: Option<String>,
    /// n: a cross-attention block stands before layers n − 1, 2n − 1, 3n − 1, …
    pub cross_attn_every_n_layers: Option<usize>,
    /// The audio transformer.
    pub audio_transformer_kwargs: AudioTransformerSettings,
}

/// `audio_transformer_kwargs` of the settings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AudioTransformerSettings {
    /// Attention heads.
    pub n_head: Option<usize>,
    /// Layers.
    pub n_layers: Option<usize>,
    /// Feed-forward width.
    pub d_inner: Option<usize>,
}

/// The base language model's `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LanguageModelSettings {
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key/value heads; as many as query heads when absent.
    #[serde(default)]
    pub num_key_value_heads: Option<usize>,
    /// Width of a head; hidden width / heads when absent.
    #[serde(default)]
    pub head_dim: Option<usize>,
    /// Width of the residual stream.
    #[serde(default)]
    pub hidden_size: Option<usize>,
    /// MLP width.
    #[serde(default)]
    pub intermediate_size: Option<usize>,
    /// Layers.
    #[serde(default)]
    pub num_hidden_layers: Option<usize>,
    /// Epsilon of the RMS norms.
    #[serde(default = "qwen2_epsilon")]
    pub rms_norm_eps: f32,
    /// Base of the rotary angles.
    #[serde(default)]
    pub rope_theta: Option<f64>,
    /// Newer files keep the base of the rotary angles here.
    #[serde(default)]
    pub rope_parameters: Option<RopeParameters>,
    /// Scaling of the rotary angles, which Qwen2.5 bases do not use.
    #[serde(default)]
    pub rope_scaling: Option<Value>,
    /// Activation of the MLP.
    #[serde(default)]
    pub hidden_act: Option<String>,
    /// Whether attention is cut to a window, which Qwen2.5 bases do not do.
    #[serde(default)]
    pub use_sliding_window: bool,
    /// Whether the head is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: Option<bool>,
}

/// `rope_parameters` of newer language-model configurations.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RopeParameters {
    /// Base of the rotary angles.
    #[serde(default)]
    pub rope_theta: Option<f64>,
    /// `default`, or a scaling.
    #[serde(default)]
    pub rope_type: Option<String>,
}

impl InferenceSettings {
    /// Reads `inference.yaml`.
    ///
    /// # Errors
    /// [`ReleaseError::Settings`].
    pub fn parse(yaml: &str) -> Result<Self, ReleaseError> {
        let text = body(yaml.as_bytes(), CONFIG_LIMIT).map_err(|error| Self::error(error.to_string()))?;
        serde_yaml_ng::from_slice(text).map_err(|error| Self::error(error.to_string()))
    }

    /// An error about this file.
    pub(super) fn error(reason: String) -> ReleaseError {
        settings_error(YAML, reason)
    }
}

impl LanguageModelSettings {
    /// Reads `config.json` and refuses what the decoder does not compute.
    ///
    /// # Errors
    /// [`ReleaseError::Settings`].
    pub fn parse(json: &[u8]) -> Result<Self, ReleaseError> {
        let text = body(json, CONFIG_LIMIT).map_err(|error| Self::error(error.to_string()))?;
        let settings: Self = serde_json::from_slice(text).map_err(|error| Self::error(error.to_string()))?;
        if let Some(scaling) = settings.scaling() {
            return Err(Self::error(format!("rope scaling {scaling} is not supported, expected none")));
        }
        if settings.use_sliding_window {
            return Err(Self::error("use_sliding_window is true, which is not supported".into()));
        }
        match settings.hidden_act.as_deref() {
            None | Some("silu") => Ok(settings),
            Some(other) => Err(Self::error(format!("hidden_act is `{other}`, expected `silu`"))),
        }
    }

    /// Base of the rotary angles; Qwen2's default is 10000.
    pub fn theta(&self) -> f64 {
        let newer = self.rope_parameters.as_ref().and_then(|rope| rope.rope_theta);
        self.rope_theta.or(newer).unwrap_or(10_000.0)
    }

    fn scaling(&self) -> Option<String> {
        let kind = |value: &Value| {
            let kind = value.get("rope_type").or(value.get("type")).and_then(Value::as_str);
            kind.map_or_else(|| value.to_string(), str::to_owned)
        };
        let older = self.rope_scaling.as_ref().filter(|value| !value.is_null()).map(kind);
        let newer = self.rope_parameters.as_ref().and_then(|rope| rope.rope_type.clone());
        older.or(newer).filter(|kind| kind != "default")
    }

    /// An error about this file.
    pub(super) fn error(reason: String) -> ReleaseError {
        settings_error(LM_CONFIG, reason)
    }
}

/// The chunk names in `safe_ckpt/metadata.json`: an array of names, or an object whose keys are names.
///
/// # Errors
/// [`ReleaseError::Settings`] for anything else, and for names that are no plain file names.
pub fn chunk_names(json: &[u8]) -> Result<Vec<String>, ReleaseError> {
    let error = |reason: String| settings_error("safe_ckpt/metadata.json", reason);
    let text = body(json, LONGEST_METADATA).map_err(|fault| error(fault.to_string()))?;
    let value: Value = serde_json::from_slice(text).map_err(|fault| error(fault.to_string()))?;
    let names: Vec<String> = match value {
        Value::Object(map) => map.keys().cloned().collect(),
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| error(format!("{value} is no chunk name"))))
            .collect::<Result<_, _>>()?,
        _ => return Err(error("expected an array or an object of chunk names".into())),
    };
    match names.iter().find(|name| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0'])) {
        Some(name) => Err(error(format!("chunk `{name}` is not a plain file name"))),
        None if names.is_empty() => Err(error("names no chunk".into())),
        None => Ok(names),
    }
}

fn settings_error(file: &'static str, reason: String) -> ReleaseError {
    ReleaseError::Settings { file, reason }
}

fn qwen2_epsilon() -> f32 {
    1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_as_array_or_object() {
        assert_eq!(chunk_names(br#"["b","a"]"#).unwrap(), ["b", "a"]);
        assert_eq!(chunk_names(br#"{"a":[],"b":["x"]}"#).unwrap(), ["a", "b"]);
        for bad in [r#"["../a"]"#, "[]", "{}", "3", "[3]", "[[", r#"["a/b"]"#] {
            let error = chunk_names(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("safe_ckpt/metadata.json: "), "{error}");
        }
    }

    #[test]
    fn rotary_base_old_and_new_spelling() {
        let parse =
            |rest: &str| LanguageModelSettings::parse(format!(r#"{{"num_attention_heads":4{rest}}}"#).as_bytes());
        assert_eq!(parse("").unwrap().theta(), 1e4);
        assert_eq!(parse(r#","rope_theta":1000000.0"#).unwrap().theta(), 1e6);
        let newer = r#","rope_parameters":{"rope_theta":5e5,"rope_type":"default"}"#;
        assert_eq!(parse(newer).unwrap().theta(), 5e5);
        for unsupported in
            [r#","rope_scaling":{"type":"yarn"}"#, r#","use_sliding_window":true"#, r#","hidden_act":"gelu""#]
        {
            assert!(parse(unsupported).is_err(), "{unsupported}");
        }
    }
}
