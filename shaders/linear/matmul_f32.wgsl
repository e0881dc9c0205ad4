// Product of a matrix of activations with float32 weights; prompt, encoder and audio transformer.
//!include common/weights_f32.wgsl
//!include common/matmul.wgsl
