//! Panics: faults of this program. They are told in one line, and end only the work that met them.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use anyhow::{Result, anyhow};

use crate::terminal::note;

/// Tells a panic in one line instead of Rust's own report, unless `RUST_BACKTRACE` asks for that.
pub fn tell_in_one_line() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
            let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
            note(format_args!("internal error{place}: {}", text(info.payload())));
        }));
    }
}

/// Runs one step of the work; a panic in it is its error.
///
/// # Errors
/// Those of the step, and its panic. What the step had borrowed may be half changed then: the caller drops it.
pub fn contain<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    let panicked = |payload: Box<dyn Any + Send>| Err(anyhow!("internal error: {}", text(&*payload)));
    panic::catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(panicked)
}

/// The message of a panic, in one line.
fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").replace('\n', " ")
}
