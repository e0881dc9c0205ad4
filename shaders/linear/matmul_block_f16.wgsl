// Product of a matrix of activations with float16 weights on an adapter that is a program.
//!include common/weights_f16.wgsl
//!include common/matmul_block.wgsl
