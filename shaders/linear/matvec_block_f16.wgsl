// Product of one row of activations with float16 weights, the norm before it and what follows it fused in; for programs.
//!include common/weights_f16.wgsl
//!include common/group_f16.wgsl
//!include common/matvec_rows.wgsl
//!include common/matvec_block.wgsl
