//! Ctrl-C: whatever the threads are doing, half-written files go away and the process ends.
//!
//! A flag to be looked at between two pieces would not do: a read from a terminal or an idle pipe
//! does not come back for it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files that are not whole yet, and directories of the moment.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C, a polite kill and a closed terminal remove what is unfinished and exit
/// with 130 and these words.
pub(crate) fn install(last_words: &'static str) {
    // Should the handler be refused, the process still ends on Ctrl-C, as any does.
    let _ = ctrlc::set_handler(move || {
        let unfinished = unfinished();
        for path in unfinished.iter() {
            // It may be gone already; there is nobody left to tell.
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
        }
        eprintln!("interrupted; {last_words}");
        std::process::exit(130);
    });
}

/// Notes a file or directory that is to be removed if the process is interrupted.
pub(crate) fn begin(path: &Path) {
    unfinished().push(path.into());
}

/// Gives the file its final name by `rename`. An interrupt comes before or after, not in between.
pub(crate) fn finish(path: &Path, rename: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut unfinished = unfinished();
    rename()?;
    unfinished.retain(|other| other != path);
    Ok(())
}
