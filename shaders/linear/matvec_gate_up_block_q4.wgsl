// Gate and up projection of the SwiGLU feed-forward for one token, 4-bit weights; for programs.
//!include common/weights_q4.wgsl
//!include common/group_q4.wgsl
//!include common/matvec_gate_up.wgsl
//!include common/matvec_block.wgsl
