//! One token from logits: the argmax, or a repeatable random draw. A shader does the same in u32 and f32 arithmetic.

/// A number in [0, 1) with 24 random bits, a pure function of seed and position.
///
/// The generator is counter-based: `pcg3d` of Jarzynski and Olano (*Hash Functions for GPU Rendering*, 2020) over
/// (seed's low half, seed's high half, position), of which the first word's upper 24 bits are used. There is no state
/// to carry, and every step is a wrapping u32 operation that WGSL has too.
pub fn uniform(seed: u64, position: u32) -> f32 {
    let [x, _, _] = pcg3d([seed as u32, (seed >> 32) as u32, position]);
    (x >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Hashes three words to three words.
fn pcg3d(words: [u32; 3]) -> [u32; 3] {
    let [x, y, z] = words.map(|word| word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let [x, y, z] = mix(x, y, z).map(|word| word ^ (word >> 16));
    mix(x, y, z)
}

/// One round: each word takes up the product of the other two, the newest values first.
fn mix(x: u32, y: u32, z: u32) -> [u32; 3] {
    let x = x.wrapping_add(y.wrapping_mul(z));
    let y = y.wrapping_add(z.wrapping_mul(x));
    let z = z.wrapping_add(x.wrapping_mul(y));
    [x, y, z]
}

/// Draws an index with probability proportional to exp(logit), given `u` in [0, 1).
///
/// Masses `exp(logit − max)` are summed in f32 in *index order*; the first index at which the sum exceeds `u · total`
/// is drawn. Ruled-out tokens (−∞) add exactly nothing. `None` when no logit is finite or one is NaN or +∞.
pub fn draw(logits: &[f32], u: f32) -> Option<u32> {
    let largest = logits[argmax(logits)? as usize];
    let mass = |logit: &f32| (logit - largest).exp();
    let total: f32 = logits.iter().map(mass).sum();
    let target = u * total;
    let mut cumulative = 0.0_f32;
    let drawn = logits.iter().position(|logit| {
        cumulative += mass(logit);
        cumulative > target
    });
    drawn.and_then(|index| u32::try_from(index).ok())
}

/// The index of the largest logit, the first of equals. `None` when no logit is finite or one is NaN.
pub fn argmax(logits: &[f32]) -> Option<u32> {
    let mut best = None;
    let mut largest = f32::NEG_INFINITY;
    for (index, &logit) in logits.iter().enumerate() {
        if logit.is_nan() {
            return None;
        }
        if logit > largest {
            (best, largest) = (u32::try_from(index).ok(), logit);
        }
    }
    best
}
