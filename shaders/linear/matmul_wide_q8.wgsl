// Product of a matrix of activations with 8-bit weights on an adapter with registers to spare.
//!include common/weights_q8.wgsl
//!include common/matmul_wide.wgsl
