// Query, key and value projection of one token with rotary positions and cache write, 8-bit weights.
//!include common/weights_q8.wgsl
//!include common/piece_q8.wgsl
//!include common/matvec_qkv.wgsl
//!include common/matvec.wgsl
