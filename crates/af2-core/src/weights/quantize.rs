//! Rounding to integers with one f16 scale per group of 32.
//!
//! The 4-bit grid −8..=7 is not symmetric and coarse, so the scale is searched: for a number of positions where the
//! value of largest magnitude may land (on either side, which gives the scale its sign), all values are rounded, and
//! the least-squares scale of those codes is found in closed form. The winner, refined once, is compared *after*
//! rounding to f16 with the two usual choices, so no group is ever worse than with them.
//!
//! Loops run over fixed lanes and round by adding a large constant, which vectorises on every target.

use half::f16;

use super::scheme::{GROUP_SIZE, Packed};

type Group = [f32; GROUP_SIZE];

/// Independent sums per loop, so that the compiler may keep them in vector registers.
const LANES: usize = 8;

/// 1.5 · 2²³: adding it to a small float leaves the nearest integer (ties to even) in the low mantissa bits.
const ROUNDER: f32 = 12_582_912.0;

/// Codes on which the largest value may land. Between −8 and 7 it is rounded well; beyond, it is clipped a little to
/// the gain of all others. Eight positions come within 0.3 % of the squared error of a search over hundreds.
const LANDINGS: [f32; 8] = [-9.4, -8.6, -8.1, -7.7, -7.3, -6.8, 7.6, 7.0];

/// Packs whole groups as 4-bit codes.
pub(super) fn pack_q4(values: &[f32]) -> Packed {
    let groups = values.as_chunks::<GROUP_SIZE>().0;
    let mut packed =
        Packed { data: Vec::with_capacity(groups.len() * 16), scales: Vec::with_capacity(groups.len() * 2) };
    for group in groups {
        let scale = q4_scale(group);
        packed.scales.extend_from_slice(&scale.to_le_bytes());
        packed.data.extend_from_slice(&nibbles(&codes(group, inverse(scale.to_f32()))));
    }
    packed
}

/// Packs whole groups as 8-bit codes; the largest magnitude lands on 127.
pub(super) fn pack_q8(values: &[f32]) -> Packed {
    let groups = values.as_chunks::<GROUP_SIZE>().0;
    let mut packed = Packed { data: Vec::with_capacity(values.len()), scales: Vec::with_capacity(groups.len() * 2) };
    for group in groups {
        let scale = to_scale(largest(group).abs() / 127.0);
        let inverse = inverse(scale.to_f32());
        packed.scales.extend_from_slice(&scale.to_le_bytes());
        let code = |x: &f32| (((x * inverse).clamp(-127.0, 127.0) + ROUNDER) - ROUNDER) as i8 as u8;
        packed.data.extend(group.iter().map(code));
    }
    packed
}

/// The values of 4-bit groups; lengths are checked by the caller.
pub(super) fn unpack_q4(data: &[u8], scales: &[u8]) -> Vec<f32> {
    let mut values = Vec::with_capacity(data.len() * 2);
    for (group, &scale) in data.as_chunks::<16>().0.iter().zip(scales.as_chunks().0) {
        let scale = f16::from_le_bytes(scale).to_f32();
        for word in group.as_chunks::<4>().0 {
            values.extend(word.map(|byte| (f32::from(byte & 15) - 8.0) * scale));
            values.extend(word.map(|byte| (f32::from(byte >> 4) - 8.0) * scale));
        }
    }
    values
}

/// The values of 8-bit groups; lengths are checked by the caller.
pub(super) fn unpack_q8(data: &[u8], scales: &[u8]) -> Vec<f32> {
    let mut values = Vec::with_capacity(data.len());
    for (group, &scale) in data.as_chunks::<GROUP_SIZE>().0.iter().zip(scales.as_chunks().0) {
        let scale = f16::from_le_bytes(scale).to_f32();
        values.extend(group.map(|code| f32::from(code as i8) * scale));
    }
    values
}

/// The f16 scale of smallest squared error among the searched ones; may be negative, 0 for a group of zeros.
fn q4_scale(group: &Group) -> f16 {
    let largest = largest(group);
    let searched = refined(group, best_fit(group, largest));
    let candidates = [searched, largest / -8.0, largest / 7.0].map(to_scale);
    let mut best = (f32::INFINITY, f16::ZERO);
    for scale in candidates {
        let error = squared_error(group, scale.to_f32());
        if error < best.0 {
            best = (error, scale);
        }
    }
    best.1
}

/// The least-squares scale of the landing that explains most of the group's energy.
fn best_fit(group: &Group, largest: f32) -> f32 {
    let mut best = (0.0, 0.0);
    if largest == 0.0 {
        return 0.0;
    }
    for landing in LANDINGS {
        let (dot, norm) = projections(group, landing / largest);
        let explained = dot * dot / norm;
        if explained > best.0 {
            best = (explained, dot / norm);
        }
    }
    best.1
}

/// One more round of "round with this scale, then fit the scale to the codes".
fn refined(group: &Group, scale: f32) -> f32 {
    let (dot, norm) = projections(group, inverse(scale));
    if norm > 0.0 { dot / norm } else { scale }
}

/// Σ x·q and Σ q² over the group, q being x rounded to the grid of step 1 / `inverse`.
fn projections(group: &Group, inverse: f32) -> (f32, f32) {
    let (mut dot, mut norm) = ([0.0; LANES], [0.0; LANES]);
    for block in group.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            let code = round_to_grid(block[lane] * inverse);
            dot[lane] += block[lane] * code;
            norm[lane] += code * code;
        }
    }
    (dot.iter().sum(), norm.iter().sum())
}

/// Σ (x − scale·q)² over the group.
fn squared_error(group: &Group, scale: f32) -> f32 {
    let inverse = inverse(scale);
    let mut sums = [0.0; LANES];
    for block in group.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            let miss = block[lane] - scale * round_to_grid(block[lane] * inverse);
            sums[lane] += miss * miss;
        }
    }
    sums.iter().sum()
}

/// The codes 0..=15 of a group.
fn codes(group: &Group, inverse: f32) -> [u8; GROUP_SIZE] {
    group.map(|x| (round_to_grid(x * inverse) + 8.0) as i32 as u8)
}

/// Two codes per byte in the order of the module's documentation: byte b of word w holds 8w + b and 8w + b + 4.
fn nibbles(codes: &[u8; GROUP_SIZE]) -> [u8; GROUP_SIZE / 2] {
    std::array::from_fn(|i| {
        let low = (i / 4) * 8 + i % 4;
        codes[low] | codes[low + 4] << 4
    })
}

fn round_to_grid(x: f32) -> f32 {
    (x.clamp(-8.0, 7.0) + ROUNDER) - ROUNDER
}

/// The value of largest magnitude, with its sign.
fn largest(group: &Group) -> f32 {
    group.iter().fold(0.0, |most: f32, &x| if x.abs() > most.abs() { x } else { most })
}

/// Nearest f16, never infinite.
fn to_scale(scale: f32) -> f16 {
    f16::from_f32(scale.clamp(-65504.0, 65504.0))
}

/// 1 / scale, and 0 for a scale of 0 so that all codes become 0.
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { scale.recip() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn uniform(state: &mut u64) -> f32 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 40) as f32 / (1 << 24) as f32
    }

    /// Sum of `n` uniform values, centred: n = 1 is flat, n = 12 nearly normal.
    fn group(state: &mut u64, n: usize, size: f32) -> Group {
        std::array::from_fn(|_| ((0..n).map(|_| uniform(state)).sum::<f32>() - n as f32 / 2.0) * size)
    }

    fn error_with(group: &Group, scale: f32) -> f64 {
        let scale = f64::from(to_scale(scale).to_f32());
        let miss = |&x: &f32| {
            let code = if scale == 0.0 { 0.0 } else { (f64::from(x) / scale).round_ties_even().clamp(-8.0, 7.0) };
            (f64::from(x) - code * scale).powi(2)
        };
        group.iter().map(miss).sum()
    }

    #[test]
    fn never_worse_than_the_usual_schemes_and_better_on_average() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let (mut ours, mut seven, mut eight, mut dense) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..4000 {
            let size = [1.0, 0.02, 1e-4, 300.0][i % 4];
            let group = group(&mut state, [1, 2, 12][i % 3], size);
            let most = largest(&group);
            let error = error_with(&group, q4_scale(&group).to_f32());
            let plain = [error_with(&group, most / 7.0), error_with(&group, most / -8.0)];
            assert!(error <= plain[0].min(plain[1]) * (1.0 + 1e-5), "group {i}: {error} against {plain:?}");
            let search = (500..1200).flat_map(|s| [s as f32 / 100.0, s as f32 / -100.0]);
            let least = search.map(|s| error_with(&group, most / s)).fold(f64::INFINITY, f64::min);
            let unit = f64::from(size).powi(-2);
            ours += error * unit;
            seven += plain[0] * unit;
            eight += plain[1] * unit;
            dense += least * unit;
        }
        println!("squared error: ours {ours:.3}, max/7 {seven:.3}, largest -> -8 {eight:.3}, dense search {dense:.3}");
        assert!(ours < 0.85 * seven && ours < 0.9 * eight, "ours {ours}, max/7 {seven}, -8 {eight}");
        assert!(ours < 1.03 * dense, "ours {ours}, dense search over 1400 scales {dense}");
    }

    #[test]
    fn extreme_groups_stay_finite() {
        for value in [0.0, f32::MIN_POSITIVE, 1e-9, 3e-8, 65504.0, 1e30, f32::MAX] {
            for sign in [1.0, -1.0] {
                let mut group = [0.0; GROUP_SIZE];
                group[5] = value * sign;
                for values in [unpack(pack_q4(&group), unpack_q4), unpack(pack_q8(&group), unpack_q8)] {
                    assert!(
                        values.iter().all(|v| v.is_finite() && v.abs() <= value.max(1e-7) * 1.001),
                        "{value}: {values:?}"
                    );
                }
            }
        }
    }

    fn unpack(packed: Packed, with: fn(&[u8], &[u8]) -> Vec<f32>) -> Vec<f32> {
        with(&packed.data, &packed.scales)
    }

    /// Not a test of correctness: `cargo test --release -p af2-core quantize_speed -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn quantize_speed() {
        let mut state = 7;
        let values: Vec<f32> = (0..1 << 18).flat_map(|_| group(&mut state, 4, 0.1)).collect();
        for (name, pack) in [("q4", pack_q4 as fn(&[f32]) -> Packed), ("q8", pack_q8)] {
            let start = std::time::Instant::now();
            let packed = pack(&values);
            let seconds = start.elapsed().as_secs_f64();
            println!("{name}: {:.0} M weights/s, {} bytes", values.len() as f64 / seconds / 1e6, packed.data.len());
        }
    }
}
