// Query, key and value projection of one token with rotary positions and cache write, float32 weights; for programs.
//!include common/weights_f32.wgsl
//!include common/group_f32.wgsl
//!include common/matvec_qkv.wgsl
//!include common/matvec_block.wgsl
