// Token embedding lookup, 8-bit weights.
//!include common/weights_q8.wgsl
//!include common/embed.wgsl
