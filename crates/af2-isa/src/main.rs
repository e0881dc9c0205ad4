//! `cargo run -p af2-isa`: what a GPU's compiler makes of the kernels, on a machine that has no such GPU.
//!
//! Mesa's driver for AMD chips compiles without a chip when it is told which one to think of. Its machine code shows what no software
//! driver does: loops left as loops, loads that wait for each other, arrays that ended in memory, registers that leave no room for
//! other workgroups. The numbers are counts, the same on every machine with the same Mesa.
//!
//! Kernels are translated as wgpu does it on Vulkan, with the defaults of their overrides, which are those for chips.

mod driver;
mod spirv;

use std::env;
use std::io::{self, Write};
use std::process::{Command, ExitCode};

use af2_gpu::shader::{ALL, Shader};
use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::driver::{Compiled, Driver};

/// The variable that makes Mesa's driver think of a chip that is not there.
const CHIP: &str = "RADV_FORCE_FAMILY";

/// What a GPU's compiler makes of the kernels.
#[derive(Debug, Parser)]
struct Arguments {
    /// Kernels whose name contains this, with overrides after commas ("matvec_q4,NORM=1,ROWS=4"); all kernels if none is named.
    kernels: Vec<String>,
    /// The chip to compile for, as Mesa spells it.
    #[arg(long, default_value = "NAVI21")]
    chip: String,
    /// Print the machine code as well.
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
    if env::var_os(CHIP).is_none() {
        // The driver reads its variable when it is loaded: a second process has it from the start.
        let mut again = Command::new(env::current_exe()?);
        let status = again.args(env::args_os().skip(1)).env(CHIP, &arguments.chip).status()?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let driver = Driver::open().with_context(|| format!("no compiler for {}", arguments.chip))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}\n{:<38}{:>13}{:>11}{:>10}{:>10}",
        driver.name, "kernel", "instructions", "registers", "spilled", "waves"
    )?;
    for (shader, constants) in wanted(&arguments.kernels)? {
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
