// Gate and up projection of the SwiGLU feed-forward for one token, 4-bit weights.
//!include common/weights_q4.wgsl
//!include common/piece_q4.wgsl
//!include common/matvec_gate_up.wgsl
//!include common/matvec.wgsl
