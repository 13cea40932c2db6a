//! Files that one process at a time holds.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};

/// How long to wait between two attempts. A commit takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(2);

/// A lock that is held until this and its clones go, or its process ends.
#[derive(Clone, Debug)]
pub struct Lock(#[allow(dead_code, reason = "closing the file gives the lock back")] Arc<File>);

impl Lock {
    /// Waits until nobody else holds the lock of a file, which is made if it is not there.
    pub async fn wait(path: &Path) -> Result<Self> {
        let failed = |error| Error::failed(format!("lock {}", path.display()), error);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        // Waiting in the kernel would keep a thread, also of who has given up waiting.
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Arc::new(file))),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}
