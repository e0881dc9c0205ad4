//! Where the tokens of windows and of merged tokens stand in the grid.

use af2_core::engine::WINDOW;

/// The place in the grid, rolled up and to the left by `shift`, of every token: window by window, [side · side].
pub(super) fn window_order(side: usize, shift: usize) -> Vec<usize> {
    let per_side = side / WINDOW;
    let place = |token: usize| {
        let (window, inside) = (token / (WINDOW * WINDOW), token % (WINDOW * WINDOW));
        let y = window / per_side * WINDOW + inside / WINDOW + shift;
        let x = window % per_side * WINDOW + inside % WINDOW + shift;
        y % side * side + x % side
    };
    (0..side * side).map(place).collect()
}

/// The places of the four tokens that become one; the row offset varies first.
pub(super) fn corners(side: usize, merged: usize) -> [usize; 4] {
    let half = side / 2;
    // Images are a multiple of the merged grid apart, so rows can be counted through all of them.
    let (y, x) = (merged / half * 2, merged % half * 2);
    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(down, right)| (y + down) * side + x + right)
}
