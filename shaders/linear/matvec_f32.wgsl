// Product of one row of activations with float32 weights, the norm before it and what follows it fused in.
//!include common/weights_f32.wgsl
//!include common/piece_f32.wgsl
//!include common/matvec_rows.wgsl
//!include common/matvec.wgsl
