// Product of a matrix of activations with float16 weights on an adapter with registers to spare.
//!include common/weights_f16.wgsl
//!include common/matmul_wide.wgsl
