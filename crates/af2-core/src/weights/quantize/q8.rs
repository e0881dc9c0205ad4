//! 8-bit codes with one f16 scale per group of 32; the largest magnitude of a group lands on 127.

use half::f16;

use super::{Packed, inverse, largest, nearest};

/// Columns that share a scale.
pub(in super::super) const GROUP: usize = 32;

/// Packs whole groups.
pub(in super::super) fn pack(values: &[f32]) -> Packed {
    let groups = values.as_chunks::<GROUP>().0;
    let mut packed = Packed { data: Vec::with_capacity(values.len()), scales: Vec::with_capacity(groups.len() * 2) };
    for group in groups {
        let scale = to_scale(largest(group).abs() / 127.0);
        let inverse = inverse(scale.to_f32());
        packed.scales.extend_from_slice(&scale.to_le_bytes());
        packed.data.extend(group.iter().map(|x| nearest((x * inverse).clamp(-127.0, 127.0)) as i8 as u8));
    }
    packed
}

/// The values of whole groups; lengths are checked by the caller.
pub(in super::super) fn unpack(data: &[u8], scales: &[u8]) -> Vec<f32> {
    let mut values = Vec::with_capacity(data.len());
    for (group, &scale) in data.as_chunks::<GROUP>().0.iter().zip(scales.as_chunks().0) {
        let scale = f16::from_le_bytes(scale).to_f32();
        values.extend(group.map(|code| f32::from(code as i8) * scale));
    }
    values
}

/// Nearest f16, never infinite.
fn to_scale(scale: f32) -> f16 {
    f16::from_f32(scale.clamp(-65504.0, 65504.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_groups_stay_finite() {
        for value in [0.0, f32::MIN_POSITIVE, 1e-9, 3e-8, 65504.0, 1e30, f32::MAX] {
            for sign in [1.0, -1.0] {
                let mut group = [0.0; GROUP];
                group[5] = value * sign;
                let packed = pack(&group);
                let values = unpack(&packed.data, &packed.scales);
                let fine = |v: &f32| v.is_finite() && v.abs() <= value.max(1e-7) * 1.001;
                assert!(values.iter().all(fine), "{value}: {values:?}");
            }
        }
    }
}
