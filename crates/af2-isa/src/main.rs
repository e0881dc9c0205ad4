//! `cargo run -p af2-isa`: compiles every kernel with Mesa's RADV compiler for an AMD GPU that need not be present and prints instructions,
//! registers and spills.
//!
//! The machine code shows what matters on hardware and no software adapter shows: loops that were not unrolled, loads that stall each
//! other, arrays that ended in memory, registers that leave no room for more subgroups. The figures are counts: every machine with the
//! same Mesa prints the same.
//!
//! Kernels are translated to SPIR-V as wgpu does for Vulkan. Overrides have their defaults, which are those of hardware GPUs.

mod driver;
mod spirv;

use std::env;
use std::io::{self, Write};
use std::process::{Command, ExitCode};

use af2_gpu::shader::{ALL, Shader};
use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::driver::{Compiled, Driver};

/// Names the GPU that Mesa's driver compiles for; without it, the driver compiles for the GPU of the machine.
const FORCE_FAMILY: &str = "RADV_FORCE_FAMILY";

/// Compiles kernels for an AMD GPU that need not be present; prints instructions, registers and spills.
#[derive(Debug, Parser)]
struct Arguments {
    /// Kernels whose name contains this, with overrides after commas ("matvec_q4,NORM=1,ROWS=4"); all kernels if none is named.
    kernels: Vec<String>,
    /// The GPU to compile for, by Mesa's name.
    #[arg(long, default_value = "NAVI21")]
    gpu: String,
    /// Print the machine code too.
    #[arg(long)]
    text: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("af2-isa: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if env::var_os(FORCE_FAMILY).is_none() {
        // The driver reads the variable when it is loaded: a child process has it from the start.
        let mut again = Command::new(env::current_exe()?);
        let status = again.args(env::args_os().skip(1)).env(FORCE_FAMILY, &arguments.gpu).status()?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let driver = Driver::open().with_context(|| format!("no compiler for {}", arguments.gpu))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}\n{:<38}{:>13}{:>11}{:>10}{:>10}",
        driver.name, "kernel", "instructions", "registers", "spilled", "waves"
    )?;
    for (shader, constants) in wanted(&arguments.kernels)? {
        if shader.cooperative && !driver.cooperative {
            eprintln!("af2-isa: {} left out: the driver has no matrix units for {}", shader.name, arguments.gpu);
            continue;
        }
        let words = spirv::translate(shader, &constants)?;
        let Compiled { instructions, registers, spilled, waves, text } = driver.compile(shader, &words)?;
        writeln!(out, "{:<38}{instructions:>13}{registers:>11}{spilled:>10}{waves:>10}", shader.name)?;
        if arguments.text {
            writeln!(out, "{text}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

type Wanted = Vec<(&'static Shader, Vec<(String, f64)>)>;

fn wanted(kernels: &[String]) -> Result<Wanted> {
    if kernels.is_empty() {
        return Ok(ALL.iter().map(|shader| (*shader, Vec::new())).collect());
    }
    let mut found = Wanted::new();
    for kernel in kernels {
        let mut parts = kernel.split(',');
        let name = parts.next().unwrap_or_default();
        let constants: Vec<(String, f64)> = parts.map(constant).collect::<Result<_>>()?;
        let before = found.len();
        let named = ALL.iter().filter(|shader| shader.name.contains(name));
        found.extend(named.map(|shader| (*shader, constants.clone())));
        if found.len() == before {
            bail!("no kernel's name contains '{name}'");
        }
    }
    Ok(found)
}

fn constant(text: &str) -> Result<(String, f64)> {
    let (name, value) = text.split_once('=').with_context(|| format!("'{text}' is no NAME=NUMBER"))?;
    Ok((name.into(), value.parse().with_context(|| format!("'{value}' is no number"))?))
}
