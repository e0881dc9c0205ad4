// Attention of one query over keys and values in float32: self-attention of a token, and its cross-attention in exact models.
//!include common/attention_split.wgsl
//!include common/keys_f32.wgsl
