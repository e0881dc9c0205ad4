// Attention of one query over keys and values in float32: self-attention of a token.
//!include common/attention_split.wgsl
//!include common/keys_f32.wgsl
