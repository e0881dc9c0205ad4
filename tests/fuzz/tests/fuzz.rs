//! Every fuzz target on its corpus and on mutations of it: none panics, and none takes more than 256 MB for one input.
//!
//! `AF2_FUZZ_SECONDS` makes a session longer than the usual number of inputs, `AF2_FUZZ_SEED` makes it another one, and
//! `AF2_FUZZ_TARGET` runs one target.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use af2_fuzz::mutate::{Dice, bulky, mutate};
use af2_fuzz::{TARGETS, Target};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Most bytes that one input may take.
const BUDGET: usize = 256 << 20;
/// Inputs of a target where no time is asked for: a few seconds.
const INPUTS: u64 = 500;
/// What no input should take. It is only reported: machines differ.
const SLOW: Duration = Duration::from_secs(10);

/// The last panic. Panics are seen here even where they are contained: in a browser they end the engine.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

fn remember(panic: &PanicHookInfo<'_>) {
    let text = panic.to_string().replace('\n', " ");
    let ours = panic.location().is_some_and(|place| !place.file().contains("registry"));
    // Libraries check for overflow only in builds for tests.
    if ours || !text.ends_with("with overflow") {
        *PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(text);
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, expected a number")))
}

/// What a session has seen.
#[derive(Default)]
struct Session {
    inputs: u64,
    peak: usize,
    slowest: Duration,
}

impl Session {
    /// Runs one input; a failure stores it and says how to meet it again.
    fn run(&mut self, target: &Target, bytes: &[u8], origin: &str) -> Result<(), String> {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let start = Instant::now();
        let _ = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
        let peak = ALLOCATOR.peak_usage().saturating_sub(before);
        self.inputs += 1;
        self.peak = self.peak.max(peak);
        self.slowest = self.slowest.max(start.elapsed());
        let panic = PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let fault = panic.or_else(|| (peak > BUDGET).then(|| format!("takes {} MiB", peak >> 20)));
        fault.map_or(Ok(()), |fault| {
            let (name, path) = (target.name, store(target, bytes));
            Err(format!("{name}: {fault}\n  {origin}; add {} to tests/fuzz/corpus/{name}", path.display()))
        })
    }
}

fn store(target: &Target, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}-{}", target.name, bytes.len()));
    std::fs::write(&path, bytes).expect("room for the input that failed");
    path
}

/// A bulky header gets the length in front that makes it one.
fn framed(target: &Target, mut bytes: Vec<u8>) -> Vec<u8> {
    if target.name == "safetensors" {
        drop(bytes.splice(0..0, (bytes.len() as u64).to_le_bytes()));
    }
    bytes
}

fn fuzz(target: &Target, seed: u64, time: Option<Duration>) -> Result<Session, String> {
    let seeds = target.seeds();
    let mut session = Session::default();
    for (number, bytes) in seeds.iter().enumerate() {
        session.run(target, bytes, &format!("seed file {number}"))?;
    }
    for (number, bytes) in bulky(target.longest).enumerate().filter(|_| target.longest > 0) {
        session.run(target, &framed(target, bytes), &format!("bulky input {number}"))?;
    }
    let (start, mut dice) = (Instant::now(), Dice::new(seed));
    let done = |session: &Session| match time {
        Some(time) => start.elapsed() >= time,
        None => session.inputs >= INPUTS,
    };
    while !done(&session) {
        let bytes = mutate(&seeds, &mut dice);
        session.run(target, &bytes, &format!("seed {seed}, input {}", session.inputs))?;
    }
    Ok(session)
}

/// One test for all: allocator and hook are those of the whole process.
#[test]
fn no_input_panics_or_fills_the_memory() {
    let seed = number("AF2_FUZZ_SEED").unwrap_or(1);
    let time = number("AF2_FUZZ_SECONDS").map(Duration::from_secs);
    let wanted = std::env::var("AF2_FUZZ_TARGET").ok();
    println!("seed {seed}");
    panic::set_hook(Box::new(remember));
    let mut sessions = Vec::new();
    for target in TARGETS.iter().filter(|target| wanted.as_deref().is_none_or(|name| name == target.name)) {
        let session = fuzz(target, seed, time);
        if let Ok(Session { inputs, peak, slowest }) = &session {
            let slow = if *slowest > SLOW { " (slow)" } else { "" };
            println!(
                "{:<13}{inputs:>9} inputs, {:>4} MiB at most, slowest {slowest:.1?}{slow}",
                target.name,
                peak >> 20
            );
        }
        sessions.push(session);
    }
    drop(panic::take_hook());
    let faults: Vec<String> = sessions.iter().filter_map(|session| session.as_ref().err().cloned()).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(!sessions.is_empty(), "AF2_FUZZ_TARGET names no target");
    for target in &TARGETS {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let stored = std::fs::read_dir(folder.join("corpus").join(target.name)).expect("a folder in corpus/").count();
        assert!(stored > 0 && folder.join(format!("fuzz_targets/{}.rs", target.name)).is_file(), "{}", target.name);
    }
}
