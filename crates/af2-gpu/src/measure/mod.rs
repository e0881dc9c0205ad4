//! Measurements of a device: whether it computes correctly, which kernels are fastest on it, how fast it can be at all, and where a plan
//! spends its time.

mod profile;
mod rates;
pub(crate) mod self_test;
mod tune;

pub use profile::{KernelTime, Span, by_kernel};
pub use rates::Rates;
pub use self_test::SelfTest;
