// The last step of a matvec whose columns were split: the sums over the parts, always in the same order. A thread per row.
// The kernel defines which rows (`row_of`, `all_rows`).
override ROWS: u32 = 64u;  // even; also the threads
override PARTS: u32 = 2u;

@group(0) @binding(1) var<storage, read> partial: array<f32>;  // [PARTS, N]

var<workgroup> row_sums: array<f32, ROWS>;

fn sum_rows(group: u32, lane: u32) {
    let row = row_of(group, lane);
    var sum = 0.0;
    for (var part = 0u; part < PARTS; part += 1u) { sum += partial[part * all_rows() + row]; }
    row_sums[lane] = sum;
    workgroupBarrier();
}
