// Product of a matrix of activations with 4-bit weights on an adapter with registers to spare.
//!include common/weights_q4.wgsl
//!include common/matmul_wide.wgsl
