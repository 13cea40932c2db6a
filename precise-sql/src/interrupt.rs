//! Ctrl-C: the running query is dropped, and with it whatever file it had begun.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::unpoisoned;

/// Directories of the moment.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The running query, until somebody has asked it to stop.
static RUNNING: Mutex<Option<AbortHandle>> = Mutex::new(None);

/// Whether no statement is to follow the one that is running.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// How long a query may take to notice, where nobody sits who could press Ctrl-C again.
const PATIENCE: Duration = Duration::from_secs(5);

/// From now on Ctrl-C and a polite kill stop the running query. If there is none, or it was asked
/// before, they end the program.
pub(crate) fn install(prompt: bool) {
    // Should the handler be refused, the process still ends on Ctrl-C, as any does.
    let _ = ctrlc::set_handler(move || {
        let running = unpoisoned(RUNNING.lock()).take();
        if let Some(query) = running {
            query.abort();
            if prompt {
                return;
            }
            STOPPED.store(true, Ordering::Relaxed);
            thread::sleep(PATIENCE);
        }
        for directory in unpoisoned(UNFINISHED.lock()).iter() {
            // It may be gone already; there is nobody left to tell.
            let _ = fs::remove_dir_all(directory);
        }
        let _ = io::stderr().write_all(b"interrupted\n");
        process::exit(130);
    });
}

/// Notes the query that is running now.
pub(crate) fn begin(query: AbortHandle) {
    *unpoisoned(RUNNING.lock()) = Some(query);
}

/// Notes that it is not any more. True if it was the last, even if it was done before it noticed.
pub(crate) fn end() -> bool {
    *unpoisoned(RUNNING.lock()) = None;
    STOPPED.load(Ordering::Relaxed)
}

/// Notes a directory that is to be removed if the program ends without ado.
pub(crate) fn begin_files(directory: &Path) {
    unpoisoned(UNFINISHED.lock()).push(directory.into());
}

/// Notes that it is not any more.
pub(crate) fn end_files(directory: &Path) {
    unpoisoned(UNFINISHED.lock()).retain(|other| other != directory);
}
