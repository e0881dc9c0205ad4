//! Every dimension of a model, from the shapes of its tensors.
//!
//! The configuration files add what shapes do not tell (head counts, epsilons). What both tell must agree. A release on
//! the hub has no `configs/inference.yaml`: then names and lengths of tensors tell the rest.

use af2_core::config::{
    AudioConfig, AudioTransformerConfig, CrossAttentionConfig, EncoderConfig, MODEL_TYPE, ModelConfig, SpecialTokens,
    TextConfig,
};
use af2_core::weights::tensor_table::{AUDIO_TRANSFORMER, EMBEDDING, ENCODER, HEAD, INV_FREQ, cross_attention_prefix};

use super::catalog::Catalog;
use super::error::ReleaseError;
use super::names::Origin;
use super::settings::{InferenceSettings, LanguageModelSettings};

/// Rate of every release; no file states it.
const SAMPLE_RATE: u32 = 16_000;

/// Width of a cross-attention head, fixed in the original whatever the model's width.
const CROSS_HEAD_DIM: usize = 64;

const LAYERS: &str = "lang_encoder.model.layers.";
const CROSS: &str = "gated_cross_attn_layer_sound.";

/// The configuration of the model in `catalog`.
///
/// `tokens` are the ids in the extended tokenizer and `tokenizer_size` is its length.
///
/// # Errors
/// [`ReleaseError`] naming the tensor or file that is missing, has another shape, or contradicts the others.
pub fn infer(
    catalog: &Catalog<'_>,
    settings: &InferenceSettings,
    lm: &LanguageModelSettings,
    name: &str,
    tokens: SpecialTokens,
    tokenizer_size: usize,
) -> Result<ModelConfig, ReleaseError> {
    let encoder = encoder(catalog)?;
    let text = text(catalog, lm, tokenizer_size)?;
    let clap = &settings.clap_config;
    let config = ModelConfig {
        model_type: MODEL_TYPE.into(),
        name: name.into(),
        audio: AudioConfig {
            sample_rate: SAMPLE_RATE,
            window_length: clap.window_length,
            window_overlap: clap.window_overlap,
            max_num_window: clap.max_num_window,
        },
        audio_transformer: audio_transformer(catalog, settings, encoder.output_dim())?,
        cross_attention: cross_attention(catalog, settings, text.num_hidden_layers)?,
        encoder,
        text,
        tokens,
    };
    config.validate()?;
    Ok(config)
}

fn encoder(catalog: &Catalog<'_>) -> Result<EncoderConfig, ReleaseError> {
    let embed_dim = catalog.shape(&format!("{ENCODER}patch_embed.proj.weight"), 4, "[width, 1, 4, 4]")?[0];
    let stages = catalog.count(&format!("{ENCODER}layers."), "blocks.")?;
    let mut encoder = EncoderConfig { embed_dim, depths: vec![], num_heads: vec![], mlp_dims: vec![] };
    for stage in 0..stages {
        let blocks = format!("{ENCODER}layers.{stage}.blocks.");
        encoder.depths.push(catalog.count(&blocks, "")?);
        let table = format!("{blocks}0.attn.relative_position_bias_table");
        encoder.num_heads.push(catalog.shape(&table, 2, "[225, heads]")?[1]);
        let fc1 = format!("{blocks}0.mlp.fc1.weight");
        encoder.mlp_dims.push(catalog.shape(&fc1, 2, "[4·width, width]")?[0]);
    }
    Ok(encoder)
}

fn audio_transformer(
    catalog: &Catalog<'_>,
    settings: &InferenceSettings,
    encoder_width: usize,
) -> Result<AudioTransformerConfig, ReleaseError> {
    let kwargs = &settings.model_config.audio_transformer_kwargs;
    let d_model = catalog.shape(&format!("{AUDIO_TRANSFORMER}layer_norm.weight"), 1, "[width]")?[0];
    let stack = format!("{AUDIO_TRANSFORMER}layer_stack.");
    let n_layers = catalog.count(&stack, "")?;
    let d_inner = catalog.shape(&format!("{stack}0.pos_ffn.w_1.weight"), 2, "[inner width, width]")?[0];
    agree("audio_embed_dim", settings.clap_config.audio_embed_dim, d_model, InferenceSettings::error)?;
    agree("audio_embed_dim", Some(d_model), encoder_width, InferenceSettings::error)?;
    agree("audio_transformer_kwargs.n_layers", kwargs.n_layers, n_layers, InferenceSettings::error)?;
    agree("audio_transformer_kwargs.d_inner", kwargs.d_inner, d_inner, InferenceSettings::error)?;
    let n_head = match kwargs.n_head {
        Some(stated) => stated,
        None => heads_by_frequencies(catalog, d_model)?,
    };
    if n_head == 0 || d_model % n_head != 0 {
        let reason = format!("audio_transformer_kwargs.n_head is {n_head}, expected a divisor of {d_model}");
        return Err(InferenceSettings::error(reason));
    }
    Ok(AudioTransformerConfig { d_model, n_layers, n_head, d_inner })
}

/// Heads of the audio transformer from the length of its rotary frequencies, for a release without settings.
///
/// A head of d dimensions rotates R = max(d/2, 32) of them, with R/2 frequencies; hence d = 2R: 256 for the 64
/// frequencies of the released models. R = 32 also stands for heads narrower than 64, which no release has.
fn heads_by_frequencies(catalog: &Catalog<'_>, d_model: usize) -> Result<usize, ReleaseError> {
    let expected = "[a quarter of a head's width], which tells the head count where configs/inference.yaml is absent";
    let frequencies = catalog.shape(INV_FREQ, 1, expected)?[0];
    let head_dim = frequencies.saturating_mul(4);
    if d_model.is_multiple_of(head_dim) {
        return Ok(d_model / head_dim);
    }
    let expected = format!("a quarter of a head's width, which divides {d_model}");
    Err(ReleaseError::Shape { tensor: INV_FREQ.into(), found: vec![frequencies], expected })
}

fn cross_attention(
    catalog: &Catalog<'_>,
    settings: &InferenceSettings,
    layers: usize,
) -> Result<CrossAttentionConfig, ReleaseError> {
    let present = catalog.numbers(LAYERS, CROSS);
    let by_names = present.first().map_or(1, |first| first + 1);
    let every_n_layers = settings.model_config.cross_attn_every_n_layers.unwrap_or(by_names);
    if every_n_layers == 0 || every_n_layers > layers {
        let reason = format!("cross_attn_every_n_layers is {every_n_layers}, expected 1..={layers}");
        return Err(InferenceSettings::error(reason));
    }
    if let Some(layer) = present.iter().find(|&&layer| (layer + 1) % every_n_layers != 0 || layer >= layers) {
        let reason = format!(
            "cross_attn_every_n_layers is {every_n_layers}, but layer {layer} of {layers} has tensors `{}*`",
            cross_attention_prefix(*layer)
        );
        return Err(InferenceSettings::error(reason));
    }
    let first = cross_attention_prefix(every_n_layers - 1);
    let q_rows = catalog.shape(&format!("{first}attn.to_q.weight"), 2, "[64·heads, hidden width]")?[0];
    if q_rows % CROSS_HEAD_DIM != 0 {
        let (tensor, found) = (format!("{first}attn.to_q.weight"), vec![q_rows]);
        return Err(ReleaseError::Shape { tensor, found, expected: "a multiple of 64 rows".into() });
    }
    let ff_inner = catalog.shape(&format!("{first}ff.1.weight"), 2, "[inner width, hidden width]")?[0];
    Ok(CrossAttentionConfig { num_heads: q_rows / CROSS_HEAD_DIM, head_dim: CROSS_HEAD_DIM, every_n_layers, ff_inner })
}

fn text(catalog: &Catalog<'_>, lm: &LanguageModelSettings, tokenizer_size: usize) -> Result<TextConfig, ReleaseError> {
    let embedding = catalog.shape(EMBEDDING, 2, "[vocabulary rows, hidden width]")?;
    let (vocab_size, hidden_size) = (vocabulary(catalog, embedding, tokenizer_size)?, embedding[1]);
    let num_hidden_layers = catalog.count(LAYERS, "decoder_layer.")?;
    let gate = format!("{LAYERS}0.decoder_layer.mlp.gate_proj.weight");
    let intermediate_size = catalog.shape(&gate, 2, "[inner width, hidden width]")?[0];
    agree("hidden_size", lm.hidden_size, hidden_size, LanguageModelSettings::error)?;
    agree("num_hidden_layers", lm.num_hidden_layers, num_hidden_layers, LanguageModelSettings::error)?;
    agree("intermediate_size", lm.intermediate_size, intermediate_size, LanguageModelSettings::error)?;
    let heads = lm.num_attention_heads;
    let head_dim = lm.head_dim.or(hidden_size.checked_div(heads)).unwrap_or(0);
    Ok(TextConfig {
        hidden_size,
        num_hidden_layers,
        num_attention_heads: heads,
        num_key_value_heads: lm.num_key_value_heads.unwrap_or(heads),
        head_dim,
        intermediate_size,
        vocab_size,
        rms_norm_eps: lm.rms_norm_eps,
        rope_theta: lm.theta(),
        tie_word_embeddings: lm.tie_word_embeddings.unwrap_or(false) || catalog.get(HEAD).is_none(),
    })
}

/// Rows of the model's embedding. A base language model's own table has spare rows; the original cuts it to the
/// tokenizer's length, as it does when it makes room for the added tokens.
fn vocabulary(catalog: &Catalog<'_>, shape: &[usize], tokenizer_size: usize) -> Result<usize, ReleaseError> {
    if shape[0] < tokenizer_size {
        let expected = format!("at least {tokenizer_size} rows, one per token of the tokenizer");
        return Err(ReleaseError::Shape { tensor: EMBEDDING.into(), found: shape.to_vec(), expected });
    }
    let own = catalog.get(EMBEDDING).is_some_and(|tensor| tensor.origin == Origin::Release);
    Ok(if own { shape[0] } else { tokenizer_size })
}

/// A value a file states must be what the tensors say.
fn agree(
    field: &str,
    stated: Option<usize>,
    found: usize,
    error: fn(String) -> ReleaseError,
) -> Result<(), ReleaseError> {
    match stated {
        Some(stated) if stated != found => Err(error(format!("{field} is {stated}, but the tensors say {found}"))),
        _ => Ok(()),
    }
}
