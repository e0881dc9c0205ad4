// Query, key and value projection of one token with rotary positions and cache write, float16 weights; for programs.
//!include common/weights_f16.wgsl
//!include common/group_f16.wgsl
//!include common/matvec_qkv.wgsl
//!include common/matvec_block.wgsl
