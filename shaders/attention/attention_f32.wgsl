// Attention of many queries over keys and values in float32: audio transformer, and self-attention of a prompt.
//!include common/attention.wgsl
//!include common/keys_f32.wgsl
