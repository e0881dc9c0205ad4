//! 4-bit codes with a signed 8-bit scale per group of 16 and one f32 scale per row.
//!
//! The grid −8..=7 is coarse and not symmetric, so the scale of a group is searched. The value of largest magnitude
//! lands in turn on eight positions of the grid, on either side, which gives the scale its sign. All values are rounded
//! under that scale, and the least-squares scale of their codes follows in closed form. The best one is refined once.
//! Then the largest scale of a row becomes 127, the others are rounded to the same step, and every value takes the
//! nearest code under its rounded scale.
//!
//! Eight groups are searched side by side, one per lane, so that no sum runs across a vector register.

use super::{Packed, inverse, largest, nearest};

/// Columns that share a scale.
pub(in super::super) const GROUP: usize = 16;

/// Largest magnitude of a stored group scale.
const TOP: f32 = 127.0;

/// Groups searched at a time.
const LANES: usize = 8;

/// Positions on which the value of largest magnitude lands. Beyond −8 and 7 it is clipped a little, which serves the
/// others. These eight come within 0.6 % of the squared error of a search over 55.
const LANDINGS: [f32; 8] = [-9.4, -8.6, -8.1, -7.7, -7.3, -6.8, 7.6, 7.0];

type Group = [f32; GROUP];
/// A number for each of the groups searched together.
type Lanes = [f32; LANES];
/// The groups searched together: for every column its value in each group.
type Block = [Lanes; GROUP];

/// Bytes of a row's scales: the f32 of the row, one byte per group, zeros up to a whole word.
pub(in super::super) fn scales_row(cols: usize) -> usize {
    (cols / GROUP).next_multiple_of(4).saturating_add(4)
}

/// Packs a matrix; `cols` is a multiple of 32.
pub(in super::super) fn pack(rows: usize, cols: usize, values: &[f32]) -> Packed {
    let data = Vec::with_capacity(values.len() / 2);
    let mut packed = Packed { data, scales: Vec::with_capacity(rows * scales_row(cols)) };
    for row in 0..rows {
        pack_row(&values[row * cols..(row + 1) * cols], &mut packed);
        packed.scales.resize((row + 1) * scales_row(cols), 0);
    }
    packed
}

/// The values of a matrix; lengths are checked by the caller.
pub(in super::super) fn unpack(cols: usize, data: &[u8], scales: &[u8]) -> Vec<f32> {
    let mut values = Vec::with_capacity(data.len() * 2);
    for (codes, scales) in data.chunks_exact((cols / 2).max(1)).zip(scales.chunks_exact(scales_row(cols))) {
        let Some((&row_scale, group_scales)) = scales.split_first_chunk() else { continue };
        let row_scale = f32::from_le_bytes(row_scale);
        for (group, &scale) in codes.as_chunks::<{ GROUP / 2 }>().0.iter().zip(group_scales) {
            let value = |code: u8| (f32::from(code) - 8.0) * f32::from(scale as i8) * row_scale;
            for word in group.as_chunks::<4>().0 {
                values.extend(word.map(|byte| value(byte & 15)));
                values.extend(word.map(|byte| value(byte >> 4)));
            }
        }
    }
    values
}

/// The row is divided by a power of two first, so rows of any magnitude are searched alike. A scale that would be
/// subnormal becomes 0, as it would on a GPU.
fn pack_row(row: &[f32], packed: &mut Packed) {
    let unit = power_of_two(largest(row));
    let per_unit = inverse(unit);
    let row: Vec<f32> = row.iter().map(|x| x * per_unit).collect();
    let groups = row.as_chunks::<GROUP>().0;
    let scales: Vec<f32> = groups.chunks(LANES).flat_map(searched).take(groups.len()).collect();
    let step = largest(&scales).abs() / TOP;
    let step = if (step * unit).is_normal() { step } else { 0.0 };
    packed.scales.extend_from_slice(&(step * unit).to_le_bytes());
    for (group, scale) in groups.iter().zip(scales) {
        let scale = nearest((scale * inverse(step)).clamp(-TOP, TOP));
        packed.scales.push(scale as i8 as u8);
        packed.data.extend_from_slice(&nibbles(&codes(group, inverse(scale * step))));
    }
}

/// The power of two at or below `x` in magnitude; 0 for subnormal numbers.
fn power_of_two(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7f80_0000)
}

/// The searched scales of up to [`LANES`] groups, zeros for absent ones.
fn searched(groups: &[Group]) -> Lanes {
    let mut block = [[0.0; LANES]; GROUP];
    for (lane, group) in groups.iter().enumerate() {
        for (column, &x) in block.iter_mut().zip(group) {
            column[lane] = x;
        }
    }
    refined(&block, best_fit(&block))
}

/// For each group the least-squares scale of the landing that leaves the least squared error.
fn best_fit(block: &Block) -> Lanes {
    let per_code = largest_of_each(block).map(inverse);
    let (mut explained, mut best) = ([0.0; LANES], [0.0; LANES]);
    for landing in LANDINGS {
        let (dot, norm) = projections(block, &per_code.map(|x| x * landing));
        for lane in 0..LANES {
            let energy = dot[lane] * dot[lane] / norm[lane];
            let better = energy > explained[lane];
            explained[lane] = if better { energy } else { explained[lane] };
            best[lane] = if better { dot[lane] / norm[lane] } else { best[lane] };
        }
    }
    best
}

/// Rounds with these scales and fits the scales to the codes once more.
fn refined(block: &Block, scales: Lanes) -> Lanes {
    let (dot, norm) = projections(block, &scales.map(inverse));
    std::array::from_fn(|lane| if norm[lane] > 0.0 { dot[lane] / norm[lane] } else { scales[lane] })
}

/// Σ x·q and Σ q² over each group, q being x rounded to the grid of step 1 / `inverse`.
fn projections(block: &Block, inverse: &Lanes) -> (Lanes, Lanes) {
    let (mut dot, mut norm) = ([0.0; LANES], [0.0; LANES]);
    for column in block {
        for lane in 0..LANES {
            let code = round_to_grid(column[lane] * inverse[lane]);
            dot[lane] += column[lane] * code;
            norm[lane] += code * code;
        }
    }
    (dot, norm)
}

fn largest_of_each(block: &Block) -> Lanes {
    let mut most = [0.0f32; LANES];
    for column in block {
        for lane in 0..LANES {
            most[lane] = if column[lane].abs() > most[lane].abs() { column[lane] } else { most[lane] };
        }
    }
    most
}

/// The codes 0..=15 of a group.
fn codes(group: &Group, inverse: f32) -> [u8; GROUP] {
    group.map(|x| (round_to_grid(x * inverse) + 8.0) as i32 as u8)
}

/// Two codes per byte in the order of the schemes' documentation: byte b of word w holds 8w + b and 8w + b + 4.
fn nibbles(codes: &[u8; GROUP]) -> [u8; GROUP / 2] {
    std::array::from_fn(|i| {
        let low = (i / 4) * 8 + i % 4;
        codes[low] | codes[low + 4] << 4
    })
}

fn round_to_grid(x: f32) -> f32 {
    nearest(x.clamp(-8.0, 7.0))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{uniform, values};
    use super::*;

    const COLS: usize = 256;

    fn round_trip(cols: usize, values: &[f32]) -> Vec<f32> {
        let packed = pack(values.len() / cols, cols, values);
        unpack(cols, &packed.data, &packed.scales)
    }

    /// Squared error of a group under an exact scale.
    fn error_with(group: &[f32], scale: f64) -> f64 {
        let code = |x: f64| if scale == 0.0 { 0.0 } else { (x / scale).round_ties_even().clamp(-8.0, 7.0) };
        group.iter().map(|&x| (f64::from(x) - code(f64::from(x)) * scale).powi(2)).sum()
    }

    fn squared_error(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
    }

    #[test]
    fn better_than_the_usual_scales_and_near_a_dense_search() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let (mut ours, mut seven, mut eight, mut dense) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..400 {
            let size = [1.0, 0.02, 1e-4, 300.0][i % 4];
            let row = values(&mut state, COLS, [1, 2, 12][i % 3], size);
            let unit = f64::from(size).powi(-2);
            ours += squared_error(&row, &round_trip(COLS, &row)) * unit;
            for group in row.chunks(GROUP) {
                let most = f64::from(largest(group));
                seven += error_with(group, most / 7.0) * unit;
                eight += error_with(group, most / -8.0) * unit;
                let search = (500..1200).flat_map(|s| [f64::from(s) / 100.0, f64::from(s) / -100.0]);
                dense += search.map(|s| error_with(group, most / s)).fold(f64::INFINITY, f64::min) * unit;
            }
        }
        println!("squared error: ours {ours:.3}, max/7 {seven:.3}, largest -> -8 {eight:.3}, dense search {dense:.3}");
        assert!(ours < 0.85 * seven && ours < 0.9 * eight, "ours {ours}, max/7 {seven}, -8 {eight}");
        assert!(ours < 1.03 * dense, "ours {ours}, dense search over 1400 exact scales per group {dense}");
    }

    /// A row of codes under stored scales, of which some are 127, comes back as it was.
    #[test]
    fn values_on_the_grid_are_exact() {
        let mut state = 3;
        for row_scale in [1.0f32, 0.003, 7e-12, 4e20] {
            let mut row = Vec::new();
            for group in 0..COLS / GROUP {
                let scale = if group == 5 { -127.0 } else { 40.0 + (80.0 * uniform(&mut state)).floor() };
                let code = |i: usize, u: f32| if i == 3 { -8.0 } else { (15.9 * u).floor() - 8.0 };
                row.extend((0..GROUP).map(|i| code(i, uniform(&mut state)) * scale * row_scale));
            }
            let back = round_trip(COLS, &row);
            let apart = row.iter().zip(&back).map(|(a, b)| (a - b).abs() / row_scale).fold(0.0, f32::max);
            assert!(apart < 1e-3, "{apart} steps apart at a row scale of {row_scale}");
        }
    }

    #[test]
    fn one_outlier_costs_the_rest_of_its_row_little() {
        let mut state = 11;
        let mut row = values(&mut state, COLS, 12, 0.02);
        row[37] *= 100.0;
        let back = round_trip(COLS, &row);
        let (rest, restored) = (&row[48..], &back[48..]);
        let energy = squared_error(rest, &vec![0.0; rest.len()]);
        let error = (squared_error(rest, restored) / energy).sqrt();
        assert!(error < 0.2, "relative error {error} away from the outlier's group");
        assert!((row[37] - back[37]).abs() < 0.01 * row[37].abs(), "{} became {}", row[37], back[37]);
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut row = vec![0.0; COLS];
        assert_eq!(round_trip(COLS, &row), row);
        row[GROUP * 3] = 0.5;
        assert_eq!(round_trip(COLS, &row)[..GROUP * 3], row[..GROUP * 3], "a group of zeros beside another");
    }

    #[test]
    fn rows_of_any_magnitude_stay_finite() {
        for value in [0.0, f32::MIN_POSITIVE, 1e-33, 1e-9, 3e-8, 65504.0, 1e30, 3e38] {
            for sign in [1.0, -1.0] {
                let mut row = [0.0; 32];
                row[5] = value * sign;
                let back = round_trip(32, &row);
                assert!(back.iter().all(|v| v.is_finite() && v.abs() <= value * 1.001), "{value}: {back:?}");
                assert!(value < 1e-34 || (back[5] / row[5] - 1.0).abs() < 1e-5, "{value}: {back:?}");
            }
        }
    }

    #[test]
    fn a_value_that_is_not_finite_spoils_its_row_alone() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut rows = values(&mut 5, 3 * 64, 4, 0.1);
            let good = round_trip(64, &rows);
            rows[64 + 7] = bad;
            let spoilt = round_trip(64, &rows);
            assert_eq!((&spoilt[..64], &spoilt[128..]), (&good[..64], &good[128..]));
        }
    }
}
