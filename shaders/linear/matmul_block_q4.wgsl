// Product of a matrix of activations with 4-bit weights on an adapter that is a program.
//!include common/weights_q4.wgsl
//!include common/matmul_block.wgsl
