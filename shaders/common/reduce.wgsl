// Sum and maximum over the threads of a workgroup in two steps of at most 32: fewer barriers than a tree, which software adapters pay for.
// THREADS is a multiple of 8, at most 256.
override THREADS: u32 = 64u;

var<workgroup> lanes: array<f32, THREADS>;

// The sum of `value` over all threads, returned to every thread. `fold` = THREADS / 8.
fn workgroup_sum(value: f32, lane: u32) -> f32 {
    workgroupBarrier();
    lanes[lane] = value;
    workgroupBarrier();
    let fold = THREADS / 8u;
    var part = 0.0;
    if (lane < 8u) {
        for (var i = 0u; i < fold; i += 1u) { part += lanes[lane * fold + i]; }
    }
    workgroupBarrier();
    if (lane < 8u) { lanes[lane] = part; }
    workgroupBarrier();
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// The maximum of `value` over all threads, returned to every thread.
fn workgroup_max(value: f32, lane: u32) -> f32 {
    workgroupBarrier();
    lanes[lane] = value;
    workgroupBarrier();
    let fold = THREADS / 8u;
    var part = value;
    if (lane < 8u) {
        for (var i = 0u; i < fold; i += 1u) { part = max(part, lanes[lane * fold + i]); }
    }
    workgroupBarrier();
    if (lane < 8u) { lanes[lane] = part; }
    workgroupBarrier();
    return max(max(max(lanes[0], lanes[1]), max(lanes[2], lanes[3])), max(max(lanes[4], lanes[5]), max(lanes[6], lanes[7])));
}
