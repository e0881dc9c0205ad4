//! The matrices of a decoded token, known before the model is loaded.

use af2_core::config::ModelConfig;
use af2_core::weights::Scheme;
use af2_core::weights::tensor_table::{EMBEDDING, HEAD, Storage, TensorUse, tensor_table};
use af2_gpu::MatrixShape;

/// Matrices of one kind and shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMatrices {
    /// What they compute, as plans label it: `gate_up_proj`.
    pub name: &'static str,
    /// Their shape.
    pub shape: MatrixShape,
    /// How many a token reads.
    pub count: usize,
}

/// Tensors by the end of their names, what their matrix is called, and whether its rows are used in pairs. Neighbours of one name share a
/// matrix.
const NAMES: [(&str, &str, bool); 13] = [
    (".attn.to_q.weight", "to_q", false),
    (".attn.to_out.weight", "to_out", false),
    (".ff.1.weight", "ff.1", false),
    (".ff.3.weight", "ff.3", false),
    (".self_attn.q_proj.weight", "qkv_proj", true),
    (".self_attn.k_proj.weight", "qkv_proj", true),
    (".self_attn.v_proj.weight", "qkv_proj", true),
    (".self_attn.o_proj.weight", "o_proj", false),
    (".mlp.gate_proj.weight", "gate_up_proj", true),
    (".mlp.up_proj.weight", "gate_up_proj", true),
    (".mlp.down_proj.weight", "down_proj", false),
    (EMBEDDING, "lm_head", false),
    (HEAD, "lm_head", false),
];

/// The distinct matrices of a decoded token, in the order in which it first reads them, the head last: 9 in every released model. `scheme`
/// tells how a tensor is stored. A device that binds less than a matrix at once splits it by rows; this does not.
pub fn token_matrices(config: &ModelConfig, scheme: impl Fn(&TensorUse) -> Scheme) -> Vec<TokenMatrices> {
    let (mut found, mut heads) = (Vec::<TokenMatrices>::new(), Vec::new());
    let mut fused: Option<TokenMatrices> = None;
    let mut finish = |matrix: Option<TokenMatrices>| {
        let Some(matrix) = matrix else { return };
        let list = if matrix.name == "lm_head" { &mut heads } else { &mut found };
        match list.iter_mut().find(|other| (other.name, other.shape) == (matrix.name, matrix.shape)) {
            Some(other) => other.count += 1,
            None => list.push(matrix),
        }
    };
    let matrices =
        tensor_table(config).into_iter().filter(|tensor| tensor.per_token && tensor.storage == Storage::Matrix);
    for tensor in matrices {
        let Some((_, name, paired)) = NAMES.iter().find(|(end, ..)| tensor.name.ends_with(end)) else { continue };
        let (rows, cols) = tensor.matrix();
        match &mut fused {
            Some(before) if *paired && before.name == *name => before.shape.rows += rows,
            _ => {
                let shape = MatrixShape { rows, cols, scheme: scheme(&tensor), paired: *paired };
                finish(fused.replace(TokenMatrices { name, shape, count: 1 }));
            }
        }
    }
    finish(fused);
    found.append(&mut heads);
    found
}
