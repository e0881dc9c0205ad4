// Product of a matrix of activations with float32 weights on an adapter that is a program.
//!include common/weights_f32.wgsl
//!include common/matmul_block.wgsl
