// Token embedding lookup, float16 weights.
//!include common/weights_f16.wgsl
//!include common/embed.wgsl
