// A dispatch holds at most 65,535 workgroups per dimension: long grids are folded over x and y, and this undoes the fold.
fn linear_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}
