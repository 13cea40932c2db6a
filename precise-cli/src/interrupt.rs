//! Ctrl-C: long work looks at a flag between two pieces, ends, and leaves nothing half-written.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C (and a polite kill) sets the flag instead of ending the process at once. A
/// second one ends it.
pub(crate) fn install() {
    // Without a handler the process just ends on Ctrl-C, and its temporary file stays behind.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

/// Fails once Ctrl-C was pressed.
pub(crate) fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) { Err(Failure::Interrupted) } else { Ok(()) }
}
