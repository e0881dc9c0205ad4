// Product of a matrix of activations with 8-bit weights on an adapter that is a program.
//!include common/weights_q8.wgsl
//!include common/matmul_block.wgsl
