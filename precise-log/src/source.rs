//! Where closed batches wait for the committer.

use std::time::Duration;

use async_trait::async_trait;
use precise_core::entry::{BatchEntry, Entry};
use precise_core::status::VoidDocument;

use crate::commit::{Placed, Writer};
use crate::error::Result;
use crate::log::Log;

pub mod postgres;

/// A batch that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedBatch {
    /// What the source calls it.
    pub key: String,
    /// What the log is to hold of it. It never changes, `closed_at` included.
    pub entry: BatchEntry,
}

/// A batch that is in the log, and the proof of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedBatch {
    /// What the source calls it.
    pub key: String,
    /// The log's name.
    pub origin: String,
    /// The number of its entry.
    pub index: u64,
    /// The entry as the log has it: another's, if it was committed before under another time.
    pub entry: String,
    /// That it is there.
    pub tlog_proof: String,
    /// The signed checkpoint that the proof leads to.
    pub checkpoint: String,
}

/// Where closed batches wait, and where it is noted that they are in the log.
#[async_trait]
pub trait Source: Send {
    /// Names it in messages, without anything secret.
    fn name(&self) -> String;

    /// At most so many batches, oldest first, and none that is handed out already. No other
    /// committer gets them until they are marked or released.
    async fn closed(&mut self, limit: usize) -> Result<Vec<ClosedBatch>>;

    /// Notes that batches are in the log.
    async fn mark(&mut self, committed: &[CommittedBatch]) -> Result<()>;

    /// How many batches it passes over, because they are none. It has said why.
    fn refused(&self) -> usize {
        0
    }

    /// Gives back what [`closed`](Source::closed) handed out and was not marked.
    async fn release(&mut self) -> Result<()>;

    /// Comes back when there may be something new, or after `at_most`. This and
    /// [`closed`](Source::closed) may be given up half-way.
    async fn wait(&mut self, at_most: Duration) -> Result<()>;

    /// All that is void by this source.
    async fn voids(&mut self) -> Result<Vec<VoidDocument>> {
        Ok(Vec::new())
    }
}

/// Takes batches to a log, and has their source note it. Of each, whether the log had it before.
///
/// Errors: those of [`Writer::commit`] and [`Source::mark`].
pub async fn commit(
    writer: &mut Writer,
    source: &mut dyn Source,
    closed: Vec<ClosedBatch>,
) -> Result<Vec<(CommittedBatch, bool)>> {
    let entries: Vec<Entry> =
        closed.iter().map(|batch| Entry::Batch(batch.entry.clone())).collect();
    let mut committed = Vec::new();
    writer
        .commit(&entries, async |log: &Log, placed: &[Placed]| {
            committed = prove(log, &closed, placed).await?;
            source.mark(&committed).await
        })
        .await
        .map(|placed| committed.into_iter().zip(placed.iter().map(|placed| placed.known)).collect())
}

/// What the sources of batches are to note of them, in the order in which they were placed.
///
/// Error: PR414 if a tile is not what the tree says.
pub(crate) async fn prove<'b>(
    log: &Log,
    batches: impl IntoIterator<Item = &'b ClosedBatch>,
    placed: &[Placed],
) -> Result<Vec<CommittedBatch>> {
    let mut committed = Vec::with_capacity(placed.len());
    for (batch, Placed { index, entry, .. }) in batches.into_iter().zip(placed) {
        committed.push(CommittedBatch {
            key: batch.key.clone(),
            origin: log.origin().into(),
            index: *index,
            entry: entry.clone(),
            tlog_proof: log.prove(*index).await?.to_text(),
            checkpoint: log.checkpoint().note.clone(),
        });
    }
    Ok(committed)
}
