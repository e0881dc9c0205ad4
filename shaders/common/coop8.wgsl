// Matrix units with 8 x 8 matrices: Apple.
enable f16;
enable wgpu_cooperative_matrix;
const SIZE: u32 = 8u;
alias MatrixA = coop_mat8x8<f16, A>;
alias MatrixB = coop_mat8x8<f16, B>;
alias MatrixC = coop_mat8x8<f32, C>;
