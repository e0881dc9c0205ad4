// Product of one row of activations with float32 weights, the norm before it and what follows it fused in; for programs.
//!include common/weights_f32.wgsl
//!include common/group_f32.wgsl
//!include common/matvec_rows.wgsl
//!include common/matvec_block.wgsl
