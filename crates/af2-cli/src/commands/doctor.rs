//! `af2 doctor [MODEL]`: the adapters, their limits, and whether they compute right results.

use std::path::PathBuf;

use af2_gpu::{AdapterInfo, Gpu, GpuError};
use anyhow::{Result, bail};
use clap::Args;

use super::options::AdapterOption;
use super::self_test;
use crate::model::{CPU_NAME, EngineChoice, TuningFile, drive, open_gpu};
use crate::terminal::print_line;

/// Arguments of `af2 doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Load this model and test that it answers here as its index says.
    model: Option<PathBuf>,
    /// Write to the index of MODEL what it answers here: on the CPU, or on a machine that is known to be right.
    #[arg(long, requires = "model")]
    record: bool,
    /// What computes MODEL; by default as for af2 ask.
    #[arg(long, value_name = "ENGINE", requires = "model")]
    engine: Option<EngineChoice>,
    #[command(flatten)]
    adapter: AdapterOption,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "model")]
    json: bool,
}

/// Lists adapters and tests one, or tests a model.
pub fn run(arguments: Arguments) -> Result<()> {
    if let Some(model) = &arguments.model {
        return self_test::run(model, arguments.engine, arguments.adapter.name(), arguments.record);
    }
    let adapters = pollster::block_on(Gpu::adapters());
    let gpu = match open_gpu(arguments.adapter.name()) {
        Err(error @ GpuError::NoAdapter(_)) if arguments.adapter.name().is_none() => {
            return without_gpu(&error, arguments.json);
        }
        opened => opened?,
    };
    let measured = TuningFile::of_user().and_then(|file| file.find(gpu.info()));
    let gpu = measured.as_ref().map_or(gpu.clone(), |kernels| gpu.tuned(kernels.clone()));
    let (tests, tuning) = (drive(&gpu, gpu.self_test())??, gpu.tuning());
    if arguments.json {
        let tests: Vec<_> = tests
            .iter()
            .map(|test| serde_json::json!({ "name": test.name, "error": test.error, "passed": test.passed }))
            .collect();
        let adapters: Vec<_> = adapters.iter().map(as_json).collect();
        print_line(serde_json::json!({
            "adapters": adapters,
            "used": gpu.info().name,
            "tuning": tuning.to_string(),
            "tuning_measured": measured.is_some(),
            "self_test": tests,
            "cpu_engine": CPU_NAME,
        }))?;
    } else {
        for adapter in &adapters {
            print_line(describe(adapter, adapter.name == gpu.info().name))?;
        }
        if let Some(name) = CPU_NAME {
            print_line(format_args!("  {name}, with --engine cpu or where there is no GPU"))?;
        }
        let origin = if measured.is_some() { "measured" } else { "by default, af2 tune measures" };
        print_line(format_args!("kernels on {}: {} ({origin})", gpu.info().name, tuning.describe()))?;
        print_line(format_args!("self-test on {}:", gpu.info().name))?;
        for test in &tests {
            let verdict = if test.passed { "ok" } else { "WRONG" };
            print_line(format_args!("  {:<22} {verdict:>5}   error {:.1e}", test.name, test.error))?;
        }
    }
    if tests.iter().any(|test| !test.passed) {
        bail!(
            "{} computes wrong results; update its driver, or choose another adapter with --adapter",
            gpu.info().name
        );
    }
    Ok(())
}

/// What there is without a GPU.
fn without_gpu(error: &GpuError, json: bool) -> Result<()> {
    if json {
        let adapters: [(); 0] = [];
        print_line(serde_json::json!({ "adapters": adapters, "used": CPU_NAME, "cpu_engine": CPU_NAME }))?;
    } else {
        print_line(error)?;
        if let Some(name) = CPU_NAME {
            print_line(format_args!("* {name} answers instead, slower"))?;
        }
    }
    Ok(())
}

fn describe(info: &AdapterInfo, used: bool) -> String {
    let mib = |bytes: u64| bytes >> 20;
    format!(
        "{} {} ({}, {}{})\n    driver {}\n    buffers to {} MiB, bindings to {} MiB, {} invocations, {} KiB workgroup memory\n    f16 {}, cooperative matrices {}, timestamps {}",
        if used { "*" } else { " " },
        info.name,
        info.backend,
        info.kind,
        if info.software { ", software" } else { "" },
        if info.driver.is_empty() { "unknown" } else { &info.driver },
        mib(info.max_buffer_bytes),
        mib(info.max_binding_bytes),
        info.max_invocations,
        info.workgroup_memory_bytes >> 10,
        if info.shader_f16 { "yes" } else { "no" },
        info.cooperative_matrix.map_or("no".into(), |units| format!("{0} × {0}", units.size)),
        if info.timestamps { "yes" } else { "no" },
    )
}

fn as_json(info: &AdapterInfo) -> serde_json::Value {
    serde_json::json!({
        "name": info.name,
        "backend": info.backend,
        "kind": info.kind,
        "driver": info.driver,
        "software": info.software,
        "max_buffer_bytes": info.max_buffer_bytes,
        "max_binding_bytes": info.max_binding_bytes,
        "max_invocations": info.max_invocations,
        "workgroup_memory_bytes": info.workgroup_memory_bytes,
        "shader_f16": info.shader_f16,
        "cooperative_matrix": info.cooperative_matrix.map(|units| units.size),
        "timestamps": info.timestamps,
    })
}
