//! `af2 doctor`: what GPUs there are, what they allow, and whether they compute what they should.

use std::io::{self, Write};

use af2_gpu::{AdapterFacts, Gpu, GpuError};
use anyhow::{Result, bail};
use clap::Args;

use crate::engine::CPU_NAME;
use crate::executor::{drive, open_gpu};
use crate::tuning::TuningFile;

/// Arguments of `af2 doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Test the adapter whose name contains this instead of the one that would be used.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Lists adapters and tests one.
pub fn run(arguments: Arguments) -> Result<()> {
    let adapters = pollster::block_on(Gpu::adapters());
    let gpu = match open_gpu(arguments.adapter.as_deref()) {
        Err(error @ GpuError::NoAdapter(_)) if arguments.adapter.is_none() => {
            return without_gpu(&error, arguments.json);
        }
        opened => opened?,
    };
    let tests = drive(&gpu, gpu.self_test())??;
    let measured = TuningFile::of_user().and_then(|file| file.find(gpu.facts()));
    let tuning = measured.unwrap_or(gpu.tuning());
    let mut out = io::stdout().lock();
    if arguments.json {
        let tests: Vec<_> = tests
            .iter()
            .map(|test| serde_json::json!({ "name": test.name, "error": test.error, "passed": test.passed }))
            .collect();
        let adapters: Vec<_> = adapters.iter().map(as_json).collect();
        writeln!(
            out,
            "{}",
            serde_json::json!({
                "adapters": adapters,
                "used": gpu.facts().name,
                "tuning": tuning.to_string(),
                "tuning_measured": measured.is_some(),
                "self_test": tests,
                "cpu_engine": CPU_NAME,
            })
        )?;
    } else {
        for adapter in &adapters {
            writeln!(out, "{}", describe(adapter, adapter.name == gpu.facts().name))?;
        }
        writeln!(out, "  {CPU_NAME}, with --engine cpu or where there is no GPU")?;
        let origin = if measured.is_some() { "measured" } else { "by default, af2 tune measures" };
        writeln!(out, "kernels on {}: {} ({origin})", gpu.facts().name, tuning.describe())?;
        writeln!(out, "self-test on {}:", gpu.facts().name)?;
        for test in &tests {
            let verdict = if test.passed { "ok" } else { "WRONG" };
            writeln!(out, "  {:<22} {verdict:>5}   error {:.1e}", test.name, test.error)?;
        }
    }
    if tests.iter().any(|test| !test.passed) {
        bail!(
            "{} computes wrong results; update its driver, or choose another adapter with --adapter",
            gpu.facts().name
        );
    }
    Ok(())
}

/// What there is without a GPU.
fn without_gpu(error: &GpuError, json: bool) -> Result<()> {
    if json {
        let adapters: [(); 0] = [];
        println!("{}", serde_json::json!({ "adapters": adapters, "used": CPU_NAME, "cpu_engine": CPU_NAME }));
    } else {
        println!("{error}\n* {CPU_NAME} answers meanwhile, slower");
    }
    Ok(())
}

fn describe(facts: &AdapterFacts, used: bool) -> String {
    let mib = |bytes: u64| bytes >> 20;
    format!(
        "{} {} ({}, {}{})\n    driver {}\n    buffers to {} MiB, bindings to {} MiB, {} invocations, {} KiB workgroup memory\n    f16 {}, timestamps {}",
        if used { "*" } else { " " },
        facts.name,
        facts.backend,
        facts.kind,
        if facts.software { ", software" } else { "" },
        if facts.driver.is_empty() { "unknown" } else { &facts.driver },
        mib(facts.max_buffer_bytes),
        mib(facts.max_binding_bytes),
        facts.max_invocations,
        facts.workgroup_memory_bytes >> 10,
        if facts.shader_f16 { "yes" } else { "no" },
        if facts.timestamps { "yes" } else { "no" },
    )
}

fn as_json(facts: &AdapterFacts) -> serde_json::Value {
    serde_json::json!({
        "name": facts.name,
        "backend": facts.backend,
        "kind": facts.kind,
        "driver": facts.driver,
        "software": facts.software,
        "max_buffer_bytes": facts.max_buffer_bytes,
        "max_binding_bytes": facts.max_binding_bytes,
        "max_invocations": facts.max_invocations,
        "workgroup_memory_bytes": facts.workgroup_memory_bytes,
        "shader_f16": facts.shader_f16,
        "timestamps": facts.timestamps,
    })
}
