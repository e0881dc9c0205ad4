// Attention of one query over keys and values in float16: cross-attention of a token.
//!include common/attention_split.wgsl
//!include common/keys_f16.wgsl
