//! A folder into which files of proofs are moved: each is a batch that waits. Once it is in the log
//! it is moved to `committed`, and one that is none to `refused`, with the reason beside it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use precise_log::source::{ClosedBatch, CommittedBatch, Source};
use tokio::task::block_in_place;
use tracing::warn;

use crate::commit::{Closable, Reading, note, parquet_files};
use crate::failure::{Failure, Result};
use crate::leaves::Leaves;
use crate::log::write;

/// How often it is looked into.
const POLL: Duration = Duration::from_secs(1);

/// The folder.
pub(crate) struct Spool {
    folder: PathBuf,
    reading: Reading,
    leaves: Leaves,
    /// Files that were handed out, and the names of those of their batches that are not in the log
    /// yet.
    taken: Vec<(PathBuf, Vec<String>)>,
    refused: usize,
}

impl Spool {
    /// Looks whether there is such a folder.
    pub(crate) fn open(folder: &Path, reading: Reading, leaves: Leaves) -> Result<Self> {
        parquet_files(folder)?;
        Ok(Self { folder: folder.into(), reading, leaves, taken: Vec::new(), refused: 0 })
    }

    fn take(&mut self, limit: usize) -> Result<Vec<ClosedBatch>> {
        let mut batches = Vec::new();
        for file in parquet_files(&self.folder)? {
            if batches.len() >= limit || self.taken.iter().any(|(taken, _)| *taken == file) {
                continue;
            }
            match Closable::read(std::slice::from_ref(&file), &self.reading) {
                Err(why) => self.refuse(&file, &why)?,
                Ok(read) => {
                    if read.nulls > 0 {
                        warn!("rows of {} without a proof hash: {}", file.display(), read.nulls);
                    }
                    let closed = read.close(&self.reading, &self.leaves)?;
                    let names = closed.iter().map(|batch| batch.key.clone()).collect();
                    self.taken.push((file, names));
                    batches.extend(closed);
                }
            }
        }
        Ok(batches)
    }

    fn refuse(&mut self, file: &Path, why: &Failure) -> Result<()> {
        warn!("{} is refused: {why}", file.display());
        let refused = self.put(file, "refused")?;
        let mut reason = refused.into_os_string();
        reason.push(".reason");
        write(Path::new(&reason), &format!("{why}\n"))?;
        self.refused += 1;
        Ok(())
    }

    /// Moves a file into a folder of the spool.
    fn put(&self, file: &Path, into: &str) -> Result<PathBuf> {
        let folder = self.folder.join(into);
        let failed = |error: io::Error| Failure::io("move", file, &error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let name = file.file_name().unwrap_or_default();
        // A name that was there before stays whose it is. Nobody else puts files there, so that
        // none comes between.
        let mut to = folder.join(name);
        let mut number = 1_u64;
        while to.exists() {
            number += 1;
            to = folder.join(numbered(name, number));
        }
        fs::rename(file, &to).map_err(failed)?;
        Ok(to)
    }

    fn settle(&mut self, committed: &[CommittedBatch]) -> Result<()> {
        for batch in committed {
            note(&self.leaves, batch)?;
            for (_, names) in &mut self.taken {
                names.retain(|name| *name != batch.key);
            }
        }
        // A file that could not be moved is read again, and found to be in the log.
        for (file, names) in std::mem::take(&mut self.taken) {
            if names.is_empty() {
                self.put(&file, "committed")?;
            } else {
                self.taken.push((file, names));
            }
        }
        Ok(())
    }
}

/// `events.2.parquet`
fn numbered(name: &OsStr, number: u64) -> OsString {
    let name = Path::new(name);
    let mut numbered = name.file_stem().unwrap_or_default().to_owned();
    numbered.push(format!(".{number}"));
    if let Some(extension) = name.extension() {
        numbered.push(".");
        numbered.push(extension);
    }
    numbered
}

#[async_trait]
impl Source for Spool {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    async fn closed(&mut self, limit: usize) -> precise_log::Result<Vec<ClosedBatch>> {
        Ok(block_in_place(|| self.take(limit))?)
    }

    async fn mark(&mut self, committed: &[CommittedBatch]) -> precise_log::Result<()> {
        Ok(block_in_place(|| self.settle(committed))?)
    }

    async fn release(&mut self) -> precise_log::Result<()> {
        self.taken.clear();
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> precise_log::Result<()> {
        tokio::time::sleep(at_most.min(POLL)).await;
        Ok(())
    }

    fn refused(&self) -> usize {
        self.refused
    }
}
