// Matrix units with 16 x 16 matrices: NVIDIA, AMD since RDNA 3.
enable f16;
enable wgpu_cooperative_matrix;
const SIZE: u32 = 16u;
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
