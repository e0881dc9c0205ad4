// Attention of many queries over keys and values in float16: cross-attention of a prompt.
//!include common/attention.wgsl
//!include common/keys_f16.wgsl
