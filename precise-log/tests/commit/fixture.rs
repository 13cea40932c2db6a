//! Keys, states, entries.

use std::error::Error;
use std::path::Path;

use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::note::{Algorithm, Signer};
use precise_core::row::UtcSecond;
use precise_log::{Error as LogError, Log, Placed, State, Store, Writer};
use tempfile::TempDir;

pub(crate) type Tested = Result<(), Box<dyn Error>>;

pub(crate) const ORIGIN: &str = "example.com/log";

pub(crate) fn signer() -> Result<Signer, precise_core::Error> {
    Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[7; 32])
}

/// The batch with this number, closed at this time.
pub(crate) fn batch(number: u64, closed_at: i64) -> Result<Entry, Box<dyn Error>> {
    let mut batch_root = [0xb0; 32];
    batch_root[..8].copy_from_slice(&number.to_be_bytes());
    let closed_at = UtcSecond::from_posix(closed_at).ok_or("no such time")?;
    Ok(Entry::Batch(BatchEntry {
        kind: BatchKind::Records,
        batch_root,
        closed_at,
        count: 1,
        label: None,
        part: None,
    }))
}

pub(crate) fn batches(numbers: std::ops::Range<u64>) -> Result<Vec<Entry>, Box<dyn Error>> {
    numbers.map(|number| batch(number, 0)).collect()
}

/// A machine: its state folder.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Result<Self, std::io::Error> {
        // The guard is synced with each commit, which takes time on a disk and none in memory.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        Ok(Self { folder })
    }

    pub(crate) fn state(&self) -> Result<State, LogError> {
        State::open(self.folder.path().join("state"))
    }

    pub(crate) async fn create(&self, store: &Store) -> Result<Writer, Box<dyn Error>> {
        Ok(Writer::create(store.clone(), signer()?, self.state()?).await?)
    }

    pub(crate) async fn open(&self, store: &Store) -> Result<Writer, LogError> {
        let signer = signer().map_err(|error| LogError::refused("the test's key", error))?;
        Writer::open(store.clone(), signer, self.state()?, false).await
    }

    pub(crate) async fn adopt(&self, store: &Store) -> Result<Writer, Box<dyn Error>> {
        Ok(Writer::open(store.clone(), signer()?, self.state()?, true).await?)
    }
}

pub(crate) async fn commit(
    writer: &mut Writer,
    entries: &[Entry],
) -> Result<Vec<Placed>, LogError> {
    writer.commit(entries, async |_, _| Ok(())).await
}

/// Every entry of the log once, each with its proof.
pub(crate) async fn check_log(log: &Log) -> Tested {
    let mut seen = std::collections::HashSet::new();
    let Some(last) = log.size().checked_sub(1) else { return Ok(()) };
    for (index, bytes) in (0..).zip(log.entries(0..log.size()).await?) {
        let identity = Entry::parse(&bytes)?.identity()?;
        assert!(seen.insert(identity), "entry {index} is there twice");
        if index % 7 == 0 || index == last {
            let proof = log.prove(index).await?;
            let checkpoint = &log.checkpoint().checkpoint;
            assert!(proof.leads_to(&bytes, checkpoint.size, &checkpoint.root));
        }
    }
    Ok(())
}
