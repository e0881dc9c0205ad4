// Query, key and value projection of one token with rotary positions and cache write, 4-bit weights; for programs.
//!include common/weights_q4.wgsl
//!include common/group_q4.wgsl
//!include common/matvec_qkv.wgsl
//!include common/matvec_block.wgsl
