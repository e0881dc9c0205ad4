// Attention of many queries over keys and values in float32: audio transformer, self-attention of a prompt, and its cross-attention in exact models.
//!include common/attention.wgsl
//!include common/keys_f32.wgsl
