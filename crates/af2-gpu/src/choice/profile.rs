//! GPUs by their published figures, so that counts can be had without them.

/// A load from memory takes about this many nanoseconds on a busy GPU; a round figure that holds within a factor of two.
const LATENCY: f64 = 600.0;

/// What the choice of sizes needs to know of a GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeviceProfile {
    /// The name to ask for.
    pub name: &'static str,
    /// What an adapter of this kind is called, in lower case: every word is a part of its name.
    words: &'static [&'static str],
    /// Multiprocessors (NVIDIA), cores (Apple) or dual subslices (Intel): what a workgroup runs on as a whole.
    pub multiprocessors: u32,
    /// Threads that run in lockstep.
    pub subgroup: u32,
    /// Threads that one multiprocessor holds at a time.
    pub resident_threads: u32,
    /// Bytes per nanosecond from memory.
    pub gigabytes_per_second: f64,
    /// Where the figures are from.
    pub source: &'static str,
}

impl DeviceProfile {
    /// NVIDIA's data centre GPU.
    pub const H100: Self = Self {
        name: "h100",
        words: &["h100"],
        multiprocessors: 132,
        subgroup: 32,
        resident_threads: 2048,
        gigabytes_per_second: 3350.0,
        source: "NVIDIA H100 Tensor Core GPU Architecture, SXM5; CUDA C++ Programming Guide, compute capability 9.0",
    };
    /// NVIDIA's desktop GPU.
    pub const RTX_4090: Self = Self {
        name: "4090",
        words: &["rtx", "4090"],
        multiprocessors: 128,
        subgroup: 32,
        resident_threads: 1536,
        gigabytes_per_second: 1008.0,
        source: "NVIDIA Ada GPU Architecture, GeForce RTX 4090; CUDA C++ Programming Guide, compute capability 8.9",
    };
    /// Apple's laptop GPU with 19 cores.
    pub const M2_PRO: Self = Self {
        name: "m2pro",
        words: &["m2", "pro"],
        multiprocessors: 19,
        subgroup: 32,
        resident_threads: 1024,
        gigabytes_per_second: 200.0,
        source: "Apple's announcement of the M2 Pro; Metal Feature Set Tables: the largest threadgroup, which one core must hold",
    };
    /// Intel's integrated GPU with 96 execution units.
    pub const XE: Self = Self {
        name: "xe",
        words: &["intel", "xe"],
        multiprocessors: 6,
        subgroup: 16,
        resident_threads: 16 * 7 * 16,
        gigabytes_per_second: 68.0,
        source: "oneAPI GPU Optimization Guide, Xe-LP: 6 dual subslices of 16 units of 7 threads, 16 lanes each; LPDDR4x-4267",
    };
    /// All profiles.
    pub const ALL: [Self; 4] = [Self::H100, Self::RTX_4090, Self::M2_PRO, Self::XE];

    /// The profile of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name == name)
    }

    /// The profile that fits the name of an adapter; the H100's if none does: on a smaller GPU its sizes only make workgroups smaller
    /// than they need be.
    pub fn of_adapter(name: &str) -> Self {
        let name = name.to_lowercase();
        let fits = |profile: &Self| profile.words.iter().all(|word| name.contains(word));
        Self::ALL.into_iter().find(fits).unwrap_or(Self::H100)
    }

    /// Bytes in flight per multiprocessor that keep the memory busy: rate × latency (Little's law).
    pub fn needed_in_flight(&self) -> u64 {
        (self.gigabytes_per_second * LATENCY / f64::from(self.multiprocessors)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_known_by_their_names() {
        for (adapter, name) in [
            ("NVIDIA H100 80GB HBM3", "h100"),
            ("NVIDIA GeForce RTX 4090", "4090"),
            ("Apple M2 Pro", "m2pro"),
            ("Intel(R) Iris(R) Xe Graphics (TGL GT2)", "xe"),
            ("Radeon RX 7900 XTX", "h100"),
            ("", "h100"),
        ] {
            assert_eq!(DeviceProfile::of_adapter(adapter).name, name, "{adapter}");
        }
        for profile in DeviceProfile::ALL {
            assert_eq!(DeviceProfile::named(profile.name), Some(profile));
        }
        assert_eq!(DeviceProfile::named("h200"), None);
    }
}
