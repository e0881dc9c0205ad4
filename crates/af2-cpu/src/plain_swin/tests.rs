//! The order of tokens; stages as a whole are compared with the tensors' in [`crate::swin`].

use super::*;

#[test]
fn shifted_windows_wrap_around_the_grid() {
    let order = window_order(16, 4);
    assert_eq!(order[..2], [4 * 16 + 4, 4 * 16 + 5]);
    assert_eq!(order[8], 5 * 16 + 4, "the second row of the first window");
    assert_eq!(order[AREA + 4], 4 * 16, "the second window goes on at the left");
    assert_eq!(order[255], 3 * 16 + 3);
    let mut sorted = order;
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..256));
}

#[test]
fn merged_tokens_have_the_row_offset_first() {
    assert_eq!(corners(4, 0), [0, 4, 1, 5]);
    assert_eq!(corners(4, 3), [10, 14, 11, 15]);
    assert_eq!(corners(4, 4), [16, 20, 17, 21], "of the second image");
}
