// Product of a matrix of activations with float32 weights on an adapter with registers to spare.
//!include common/weights_f32.wgsl
//!include common/matmul_wide.wgsl
