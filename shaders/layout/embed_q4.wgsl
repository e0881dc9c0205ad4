// Token embedding lookup, 4-bit weights.
//!include common/weights_q4.wgsl
//!include common/embed.wgsl
