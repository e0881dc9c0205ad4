//! Every kernel compiled by Mesa's RADV, which is in the package that the tests need on Linux anyway (`mesa-vulkan-drivers`).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn isa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_af2-isa")).args(arguments).output().unwrap()
}

/// Kernels that only software adapters run, whose registers are memory anyway.
const SOFTWARE: [&str; 4] =
    ["linear/matmul_strip_q8", "linear/matmul_strip_q4", "linear/matmul_texels_q8", "linear/matmul_texels_q4"];

/// Spilled registers are written to memory and read back in inner loops.
#[test]
fn no_kernel_spills_on_a_gpu() {
    let output = isa(&[]);
    assert!(output.status.success(), "{}, {}", output.status, String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    let said = String::from_utf8(output.stderr).unwrap();
    let left_out = said.lines().filter(|line| line.contains("left out")).count();
    let cooperative = af2_gpu::shader::ALL.iter().filter(|shader| shader.cooperative).count();
    assert!(left_out == 0 || left_out == cooperative, "older drivers leave out kernels for matrix units:\n{said}");
    assert_eq!(rows.len() + left_out, af2_gpu::shader::ALL.len(), "a row for every other kernel:\n{table}");
    let spilling = rows.iter().filter(|row| row[3] != "0").map(|row| row[0]);
    let spilling: Vec<_> = spilling.filter(|kernel| !SOFTWARE.contains(kernel)).collect();
    assert!(spilling.is_empty(), "{spilling:?}\n{table}");
    assert!(rows.iter().all(|row| row[1].parse::<u32>().unwrap() > 10), "every kernel has instructions:\n{table}");
}

#[test]
fn kernels_and_overrides_are_named() {
    let two = String::from_utf8(isa(&["linear/matvec_q4,PER=2", "--text"]).stdout).unwrap();
    assert!(two.contains("s_endpgm"), "machine code:\n{two}");
    let instructions = |table: &str| {
        let row = table.lines().find(|line| line.starts_with("linear/matvec_q4")).unwrap().to_owned();
        row.split_whitespace().nth(1).unwrap().parse::<u32>().unwrap()
    };
    let eight = String::from_utf8(isa(&["linear/matvec_q4"]).stdout).unwrap();
    assert!(instructions(&two) < instructions(&eight), "a quarter of the rows per thread:\n{eight}");
    for (wrong, problem) in
        [("nosuch", "no kernel's name"), ("argmax,A", "no NAME=NUMBER"), ("argmax,A=x", "no number")]
    {
        let output = isa(&[wrong]);
        assert!(!output.status.success(), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(problem), "{wrong}");
    }
}
