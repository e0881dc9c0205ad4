// Product of one row of activations with 8-bit weights, the norm before it and what follows it fused in.
//!include common/weights_q8.wgsl
//!include common/piece_q8.wgsl
//!include common/matvec_rows.wgsl
//!include common/matvec.wgsl
