// Product of a matrix of activations with 4-bit weights; prompt, encoder and audio transformer.
//!include common/weights_q4.wgsl
//!include common/matmul.wgsl
