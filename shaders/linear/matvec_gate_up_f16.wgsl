// Gate and up projection of the SwiGLU feed-forward for one token, float16 weights.
//!include common/weights_f16.wgsl
//!include common/piece_f16.wgsl
//!include common/matvec_gate_up.wgsl
//!include common/matvec.wgsl
