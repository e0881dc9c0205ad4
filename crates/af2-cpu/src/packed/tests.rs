//! Every scheme and instruction set compared with sums in float64 of the values that [`Scheme::unpack`] gives.

use super::*;
use burn_tensor::Device;

/// Odd numbers of rows, one block, many blocks, and for the schemes without blocks columns that fill no vector.
const SHAPES: [[usize; 2]; 6] = [[1, 32], [5, 64], [33, 96], [7, 896], [300, 1056], [3, 11008]];
const ODD: [[usize; 2]; 4] = [[1, 1], [5, 7], [33, 50], [3, 1021]];

/// Reproducible values of −1..1, some of them far larger.
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..count).map(|i| uniform(&mut state) * if i % 37 == 5 { 30.0 } else { 1.0 }).collect()
}

/// A random matrix and its values.
fn matrix(scheme: Scheme, [rows, cols]: [usize; 2]) -> (PackedMatrix, Vec<f32>) {
    let packed = scheme.pack(rows, cols, &random(rows * cols, 3)).unwrap();
    let values = scheme.unpack(rows, cols, &packed.data, &packed.scales).unwrap();
    (PackedMatrix::new(scheme, [rows, cols], packed.data, packed.scales).unwrap(), values)
}

fn cases() -> impl Iterator<Item = (Scheme, [usize; 2])> {
    let shapes = |scheme: Scheme| SHAPES.into_iter().chain(ODD).filter(move |[_, cols]| scheme.fits(*cols));
    Scheme::ALL.into_iter().flat_map(move |scheme| shapes(scheme).map(move |shape| (scheme, shape)))
}

/// The largest difference of y from x Wᵀ, in units of the norms of the two rows that are multiplied.
fn error(values: &[f32], x: &[f32], y: &[f32], [rows, cols]: [usize; 2]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let mut most = 0.0_f64;
    for (x, y) in x.chunks(cols).zip(y.chunks(rows)) {
        for (w, y) in values.chunks(cols).zip(y) {
            let size = (dot(x, x) * dot(w, w)).sqrt();
            most = most.max((dot(x, w) - f64::from(*y)).abs() / size.max(1e-30));
        }
    }
    most
}

fn few(with: Instructions, matrix: &PackedMatrix, x: &[f32], count: usize) -> Vec<f32> {
    let [y] = multiply_with(with, [matrix], x, count);
    y
}

#[test]
fn matrices_of_several_schemes_and_sizes_are_multiplied_at_once() {
    let x = random(3 * 896, 9);
    let parts = [(Scheme::Q4, 5000), (Scheme::Q8, 7), (Scheme::F16, 130)];
    let matrices = parts.map(|(scheme, rows)| matrix(scheme, [rows, 896]).0);
    let together = multiply(matrices.each_ref(), &x, 3);
    for (matrix, y) in matrices.iter().zip(together) {
        assert_eq!(y, few(Instructions::found(), matrix, &x, 3));
        let [last] = multiply([matrix], &x[2 * 896..], 1);
        let apart = y[2 * matrix.rows..].iter().zip(&last).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "{apart:e}");
    }
}

#[test]
fn a_few_rows_are_multiplied_alike_by_all_instructions() {
    for (scheme, shape) in cases() {
        let (matrix, values) = matrix(scheme, shape);
        for count in [1, 3, FEW] {
            let x = random(count * shape[1], 7);
            for with in [Instructions::Plain, Instructions::found()] {
                let apart = error(&values, &x, &few(with, &matrix, &x, count), shape);
                assert!(apart < 2e-5, "{scheme} {shape:?}, {count} rows: {apart:e}");
            }
        }
    }
}

#[test]
fn many_rows_are_multiplied_by_panels() {
    for (scheme, shape) in cases() {
        let (matrix, values) = matrix(scheme, shape);
        let matrix = matrix.in_float32();
        let x = random(18 * shape[1], 11);
        let y = matrix.forward(Tensor::<3>::from_data(TensorData::new(x.clone(), [2, 9, shape[1]]), &Device::flex()));
        assert_eq!(y.dims(), [2, 9, shape[0]]);
        let apart = error(&values, &x, &y.into_data().iter().collect::<Vec<_>>(), shape);
        assert!(apart < 1e-6, "{scheme} {shape:?}: {apart:e}");
    }
}

/// More rows than a task has, a number that four does not divide, results that are added, biases, and what is done at last.
#[test]
fn many_rows_are_multiplied_alike_by_all_instructions() {
    for (scheme, shape) in cases().filter(|(scheme, _)| matches!(scheme, Scheme::Q4 | Scheme::Q8)) {
        let (matrix, values) = matrix(scheme, shape);
        let [rows, cols] = shape;
        for (with, count) in [(Instructions::Plain, 9), (Instructions::found(), 261)] {
            let x = random(count * cols, 7);
            let (bias, before) = (random(rows, 1), random(count * rows, 2));
            let prepared =
                matrix.rows_with(with, count, |row, values| values.copy_from_slice(&x[row * cols..][..cols]));
            let multiplied = |epilogue| {
                let mut y = before.clone();
                matrix.multiply_rows_with(with, &prepared, y.chunks_mut(rows), epilogue);
                y
            };
            let plain = multiplied(Epilogue::default());
            let apart = error(&values, &x, &plain, shape);
            assert!(apart < 3e-5, "{scheme} {shape:?}, {count} rows: {apart:e}");
            let negated = |y: &mut [f32]| y.iter_mut().for_each(|y| *y = -*y);
            let all = multiplied(Epilogue { bias: Some(&bias), add: true, map: Some(negated) });
            let biased = multiplied(Epilogue { bias: Some(&bias), ..Epilogue::default() });
            for (place, plain) in plain.iter().enumerate() {
                let bias = bias[place % rows];
                let near = |found: f32, expected: f32| (found - expected).abs() < 1e-4 * (1.0 + plain.abs());
                assert!(near(biased[place], plain + bias) && near(all[place], -(plain + bias + before[place])));
            }
        }
    }
}

#[test]
fn of_many_rows_only_those_with_a_number_that_is_not_finite_are_lost() {
    for scheme in [Scheme::Q4, Scheme::Q8] {
        let (matrix, _) = matrix(scheme, [5, 96]);
        let mut x = random(10 * 96, 5);
        x[3 * 96 + 50] = f32::INFINITY;
        for with in [Instructions::Plain, Instructions::found()] {
            let prepared = matrix.rows_with(with, 10, |row, values| values.copy_from_slice(&x[row * 96..][..96]));
            let mut y = vec![0.0; 50];
            matrix.multiply_rows_with(with, &prepared, y.chunks_mut(5), Epilogue::default());
            assert!(y.iter().enumerate().all(|(place, y)| y.is_finite() == (place / 5 != 3)), "{scheme} {y:?}");
        }
    }
}

#[test]
fn unpacked_values_are_exactly_those_of_the_scheme() {
    for (scheme, shape) in cases() {
        let (matrix, values) = matrix(scheme, shape);
        for with in [Instructions::Plain, Instructions::found()] {
            let mut found = vec![0.0; values.len()];
            matrix.unpack(with, 0, &mut found);
            assert!(found.iter().zip(&values).all(|(a, b)| a == b), "{scheme} {shape:?}");
        }
        let last = shape[0] as u32 - 1;
        assert_eq!(matrix.select(&[last, 0]), [&values[last as usize * shape[1]..], &values[..shape[1]]].concat());
    }
}

#[test]
fn every_half_precision_number_widens_exactly() {
    let stored: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let expected = Scheme::F16.unpack(1, 1 << 16, &stored, &[]).unwrap();
    for (half, (found, expected)) in halves(&stored).into_iter().zip(expected).enumerate() {
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(same, "{half:#06x}: {found} for {expected}");
    }
}

#[test]
fn a_number_that_is_not_finite_reaches_every_result() {
    for scheme in Scheme::ALL {
        let (matrix, _) = matrix(scheme, [5, 96]);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = random(2 * 96, 5);
            x[50] = bad;
            for with in [Instructions::Plain, Instructions::found()] {
                let y = few(with, &matrix, &x, 2);
                assert!(
                    y[..5].iter().all(|y| !y.is_finite()) && y[5..].iter().all(|y| y.is_finite()),
                    "{scheme} {y:?}"
                );
            }
        }
    }
}

#[test]
fn activations_of_any_magnitude_are_multiplied() {
    for scheme in Scheme::ALL {
        let (matrix, values) = matrix(scheme, [5, 96]);
        for size in [0.0, 1e-40, 1e-30, 1e-3, 1e20] {
            let x: Vec<f32> = random(96, 5).iter().map(|x| x * size).collect();
            let y = few(Instructions::found(), &matrix, &x, 1);
            let apart = error(&values, &x, &y, [5, 96]);
            assert!(size < 1e-33 || apart < 2e-5, "{scheme} at {size:e}: {apart:e}");
            assert!(y.iter().all(|y| y.is_finite()), "{scheme} at {size:e}: {y:?}");
        }
    }
}

#[test]
fn bytes_of_another_length_are_refused() {
    for scheme in Scheme::ALL {
        let (data, scales) = (scheme.data_bytes(3, 64) as usize, scheme.scale_bytes(3, 64) as usize);
        let new = |data, scales| PackedMatrix::new(scheme, [3, 64], vec![0; data], vec![0; scales]);
        assert!(new(data, scales).is_ok() && new(data - 1, scales).is_err() && new(data, scales + 2).is_err());
    }
}
