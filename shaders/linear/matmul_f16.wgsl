// Product of a matrix of activations with float16 weights; prompt, encoder and audio transformer.
//!include common/weights_f16.wgsl
//!include common/matmul.wgsl
