// Product of a matrix of activations with 8-bit weights; prompt, encoder and audio transformer.
//!include common/weights_q8.wgsl
//!include common/matmul.wgsl
