// Gate and up projection of the SwiGLU feed-forward for one token, float16 weights; for programs.
//!include common/weights_f16.wgsl
//!include common/group_f16.wgsl
//!include common/matvec_gate_up.wgsl
//!include common/matvec_block.wgsl
