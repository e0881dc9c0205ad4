// Token embedding lookup, float32 weights.
//!include common/weights_f32.wgsl
//!include common/embed.wgsl
