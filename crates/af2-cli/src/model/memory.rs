//! Whether a model fits this machine's free memory.

use std::fs;

use anyhow::{Result, bail};

/// Bytes of a model that leaves room on any machine, for systems that do not tell what is free.
const SMALL: u64 = 1_500_000_000;

/// Bytes that processes can still allocate, where the system tells.
pub(super) fn free_memory() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Whether `needed` bytes leave at least as many free.
pub(super) fn leaves_room(needed: u64, free: Option<u64>) -> bool {
    needed <= free.map_or(SMALL, |bytes| bytes / 2)
}

/// Refuses before anything is allocated: a system that runs out of memory kills the process without a message.
///
/// # Errors
/// `needed` is more than what is free.
pub(super) fn check_memory(needed: u64, free: Option<u64>) -> Result<()> {
    match free {
        Some(free) if needed > free => bail!(
            "on the CPU this model needs {:.1} GB of memory and {:.1} GB are free; use a GPU (--engine gpu), or a smaller model",
            needed as f64 / 1e9,
            free as f64 / 1e9
        ),
        _ => Ok(()),
    }
}

/// Refuses a clip that does not fit, as [`check_memory`] a model.
///
/// # Errors
/// The `needed` bytes of `windows` windows are more than what is free.
pub(super) fn check_clip(windows: usize, needed: u64, free: Option<u64>) -> Result<()> {
    match free {
        Some(free) if needed > free => bail!(
            "{windows} windows of audio need {:.1} GB of memory on the CPU and {:.1} GB are free; listen to fewer with --max-windows, or use a GPU (--engine gpu)",
            needed as f64 / 1e9,
            free as f64 / 1e9
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_clip, check_memory, leaves_room};

    #[test]
    fn a_clip_that_does_not_fit_is_refused_before_it_is_encoded() {
        let refusal = check_clip(150, 2_400_000_000, Some(1_000_000_000)).err().map(|error| error.to_string());
        assert!(refusal.is_some_and(|text| text.contains("150 windows") && text.contains("--max-windows")));
        assert!(check_clip(150, 9, Some(9)).is_ok() && check_clip(150, u64::MAX, None).is_ok());
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_before_it_is_loaded() {
        let refusal = check_memory(22_000_000_000, Some(16_000_000_000)).err().map(|error| error.to_string());
        assert!(refusal.is_some_and(|text| text.contains("22.0 GB") && text.contains("16.0 GB")));
        assert!(check_memory(16, Some(16)).is_ok());
        assert!(check_memory(u64::MAX, None).is_ok());
    }

    #[test]
    fn a_model_that_just_fits_is_not_chosen_unasked() {
        assert!(!leaves_room(22_000_000_000, Some(23_600_000_000)));
        assert!(leaves_room(11_000_000_000, Some(23_600_000_000)));
        assert!(leaves_room(20_000_000, None));
        assert!(!leaves_room(5_000_000_000, None));
    }
}
