// The keys that a row of a batch attends to: its own sequence so far with CAUSAL, else the audio it hears.
//!include common/rows.wgsl
//!include common/queries.wgsl
override CAUSAL: u32 = 0u;
// An override and no parameter: see "Speed" in the README.
override QUADS: u32 = 16u;  // of a head, the last one perhaps in part
const TIMES: u32 = 32u;  // of a window; each has a token for the lower half of the spectrum and one for the upper half
const LEAST: f32 = -3.4e38;

fn key_count(row: Row) -> u32 {
    return select(row.audio_count, row.position + 1u, CAUSAL == 1u);
}

fn key_at(row: Row, j: u32) -> u32 {
    return select(row.audio_first + j, cache_row(row, j), CAUSAL == 1u);
}

fn is_hidden(row: Row, key: u32) -> bool {
    let time = key / (2u * TIMES) * TIMES + key % TIMES;
    return CAUSAL == 0u && time >= row.hidden_first && time < row.hidden_end;
}

fn all_hidden(row: Row) -> bool {
    let first = row.audio_first / 2u;
    return CAUSAL == 0u && row.hidden_first <= first && row.hidden_end >= first + row.audio_count / 2u;
}

// q . k; four loads in flight, past the last quad the query counts as zero.
fn dot_key(q_base: u32, k_base: u32) -> f32 {
    var sum = vec4<f32>();
    for (var c = 0u; c < QUADS; c += 4u) {
        let at = 4u * min(vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(QUADS - 1u));
        let terms = vec4<f32>(
            dot(q4(q_base, at.x), kv4(k_base, at.x)),
            dot(q4(q_base, at.y), kv4(k_base, at.y)),
            dot(q4(q_base, at.z), kv4(k_base, at.z)),
            dot(q4(q_base, at.w), kv4(k_base, at.w)),
        );
        sum += select(vec4<f32>(), terms, vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(QUADS));
    }
    return (sum.x + sum.y) + (sum.z + sum.w);
}
