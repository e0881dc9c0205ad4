//! The choice, over the matrices of the released models.

use af2_core::weights::Scheme;

use super::choose::LARGE;
use super::*;
use crate::Tuning;

/// Hidden width, inner width, heads and their width of the 0.5B, 1.5B and 3B.
const RELEASED: [(usize, usize, usize, usize); 3] =
    [(896, 4_864, 14, 64), (1_536, 8_960, 12, 128), (2_048, 11_008, 16, 128)];

/// The matrices of a decoded token: to_q, to_out, ff.1, ff.3, q k v, o, gate and up, down, head.
fn matrices(scheme: Scheme) -> impl Iterator<Item = MatrixShape> {
    RELEASED.into_iter().flat_map(move |(hidden, inner, heads, width)| {
        let plain = [
            (512, hidden),
            (hidden, 512),
            (4 * hidden, hidden),
            (hidden, 4 * hidden),
            (hidden, heads * width),
            (hidden, inner),
            (151_936, hidden),
        ];
        let paired = [((heads + 4) * width, hidden), (2 * inner, hidden)];
        let shape = move |(rows, cols), paired| MatrixShape { rows, cols, scheme, paired };
        plain.map(move |size| shape(size, false)).into_iter().chain(paired.map(move |size| shape(size, true)))
    })
}

#[test]
fn large_matrices_of_the_released_sizes_fill_every_profile() {
    let mut large = 0;
    for shape in Scheme::ALL.into_iter().flat_map(matrices) {
        for profile in DeviceProfile::ALL {
            let sizes = MatvecSizes::choose(shape, Tuning::HARDWARE, &profile);
            assert!(sizes.fit(shape), "{shape} on {}: {sizes}", profile.name);
            if shape.bytes() < LARGE {
                assert_eq!(sizes.parts, 1, "{shape}: a small matrix is read by one dispatch");
                continue;
            }
            large += 1;
            let counts = Counts::of_matvec(shape, sizes, &profile);
            let what = format!("{shape} on {}: {sizes}; {counts:?}", profile.name);
            println!("{what}");
            assert!(counts.idle < 0.1 && counts.idle >= 0.0, "{what}");
            assert!(counts.per_multiprocessor >= 2.0, "{what}");
        }
    }
    assert!(large > 250, "only {large} were looked at");
}

/// Bytes in flight are what the memory needs, or all of the matrix; a quarter of that where more would take a second dispatch.
#[test]
fn four_bits_keep_the_memory_busy() {
    for shape in matrices(Scheme::Q4).filter(|shape| shape.bytes() >= LARGE) {
        for profile in DeviceProfile::ALL {
            let sizes = MatvecSizes::choose(shape, Tuning::HARDWARE, &profile);
            let counts = Counts::of_matvec(shape, sizes, &profile);
            let share = shape.scheme.data_bytes(shape.rows, shape.cols) / u64::from(profile.multiprocessors);
            let wanted = profile.needed_in_flight().min(share);
            assert!(
                4 * counts.in_flight >= wanted,
                "{shape} on {}: {sizes}; {counts:?}, wanted {wanted}",
                profile.name
            );
        }
    }
}

/// Threads × steps of a small example, by hand: 3 workgroups of 4 rows by 8 slices over 9 blocks take 2 steps of 32 lanes per row and
/// thread, 3 · 32 · 2 in all, for 10 · 9 blocks.
#[test]
fn counts_by_hand() {
    let shape = MatrixShape { rows: 10, cols: 288, scheme: Scheme::Q4, paired: false };
    let sizes = MatvecSizes { rows: 4, threads: 32, slices: 8, ahead: 4, parts: 1 };
    let counts = Counts::of_matvec(shape, sizes, &DeviceProfile::XE);
    assert_eq!((counts.workgroups, counts.per_multiprocessor), (3, 0.5));
    assert!((counts.idle - (1.0 - 90.0 / 192.0)).abs() < 1e-12, "{counts:?}");
    assert_eq!(counts.in_flight, 4 * 9 * 16 / 2, "all 9 blocks of 16 bytes of 4 rows, on half of the multiprocessors");
    let halved = Counts::of_matvec(shape, MatvecSizes { threads: 16, rows: 2, ..sizes }, &DeviceProfile::H100);
    assert!(
        (halved.idle - (1.0 - 90.0 / (2.0 * 5.0 * 16.0 * 2.0))).abs() < 1e-12,
        "half of every subgroup: {halved:?}"
    );
}

#[test]
fn every_choice_exists_within_the_limits_of_its_tuning() {
    for threads in [8, 16, 24, 32, 56, 64, 120] {
        for rows in [4, 8] {
            let tuning = Tuning { matvec_threads: threads, matvec_rows: rows, ..Tuning::HARDWARE };
            for cols in (32..=2_048).step_by(32).chain([11_008]) {
                let shape = MatrixShape { rows: 600, cols, scheme: Scheme::F32, paired: cols % 64 == 0 };
                let sizes = MatvecSizes::choose(shape, tuning, &DeviceProfile::H100);
                assert!(sizes.fit(shape) && sizes.threads <= threads && sizes.per_thread() <= rows, "{shape}: {sizes}");
                assert!(sizes.part_blocks(cols) * (sizes.parts as usize - 1) < cols / 32, "{shape}: {sizes}");
            }
        }
    }
}

#[test]
fn software_adapters_keep_their_sizes() {
    let Tuning { matvec_rows: rows, matvec_threads: threads, .. } = Tuning::SOFTWARE;
    for shape in Scheme::ALL.into_iter().flat_map(matrices) {
        let sizes = MatvecSizes::choose(shape, Tuning::SOFTWARE, &DeviceProfile::H100);
        assert_eq!(sizes, MatvecSizes { rows, threads, slices: threads, ahead: 1, parts: 1 });
    }
}
