//! Logs in directories, and the way to break them.

use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use precise_core::Code;
use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::note::{Algorithm, Checkpoint, Note, Signer, VerifierKey};
use precise_core::row::UtcSecond;
use precise_log::fsck::{Expected, Report, fsck};
use precise_log::{Error as LogError, State, Store, Writer};
use tempfile::TempDir;

pub(crate) type Tested<T = ()> = Result<T, Box<dyn Error>>;

pub(crate) const ORIGIN: &str = "example.com/log";

pub(crate) fn signer(seed: u8) -> Result<Signer, precise_core::Error> {
    Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[seed; 32])
}

pub(crate) fn key() -> Result<VerifierKey, precise_core::Error> {
    Ok(signer(1)?.verifier_key().clone())
}

/// Batches with these numbers.
pub(crate) fn batches(numbers: Range<u64>) -> Tested<Vec<Entry>> {
    numbers
        .map(|number| {
            let mut batch_root = [0xb0; 32];
            batch_root[..8].copy_from_slice(&number.to_be_bytes());
            Ok(Entry::Batch(BatchEntry {
                kind: BatchKind::Records,
                batch_root,
                closed_at: UtcSecond::from_posix(0).ok_or("no such time")?,
                count: 1,
                label: None,
                part: None,
            }))
        })
        .collect()
}

/// A log in a directory of its own, with its writer.
pub(crate) struct Kept {
    folder: TempDir,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
}

impl Kept {
    /// A log of these batches.
    pub(crate) async fn of(numbers: Range<u64>) -> Tested<Self> {
        let folder = tempfile::tempdir()?;
        let store = Store::open(&folder.path().join("log").display().to_string())?;
        let state = State::open(folder.path().join("state"))?;
        let writer = Writer::create(store.clone(), signer(1)?, state).await?;
        let mut kept = Self { folder, store, writer };
        kept.grow(numbers).await?;
        Ok(kept)
    }

    pub(crate) async fn grow(&mut self, numbers: Range<u64>) -> Tested {
        self.writer.commit(&batches(numbers)?, async |_, _| Ok(())).await?;
        Ok(())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A place beside the log.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn check(&self) -> Result<Report, LogError> {
        check(&self.store).await
    }

    /// Signs a checkpoint of other contents, and puts it in the place of the log's.
    pub(crate) fn sign(&self, seed: u8, change: impl FnOnce(&mut Checkpoint)) -> Tested {
        let path = self.path().join("checkpoint");
        let mut checkpoint = Checkpoint::parse(Note::parse(&fs::read(&path)?)?.text())?;
        change(&mut checkpoint);
        let signer = Signer::from_seed(&checkpoint.origin, Algorithm::Ed25519, &[seed; 32])?;
        let text = checkpoint.to_text();
        Ok(fs::write(path, Note::new(&text, vec![signer.sign(&text, 0)?])?.to_text())?)
    }
}

pub(crate) async fn check(store: &Store) -> Result<Report, LogError> {
    let key = key().map_err(|error| LogError::refused("the test's key", error))?;
    fsck(store, &key, Expected::Precise, |_, _| ()).await
}

/// The code of what was refused, and what it was.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, LogError>) -> Tested<(Code, String)> {
    match result {
        Err(LogError::Refused { what, error }) => Ok((error.code(), format!("{what}: {error}"))),
        other => Err(format!("{other:?} is not refused").into()),
    }
}

/// The files below a folder.
pub(crate) fn files(folder: &Path) -> Tested<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.file_name().is_some_and(|name| name != ".lock") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a folder over another.
pub(crate) fn copy(from: &Path, to: &Path) -> Tested {
    for path in files(from)? {
        let copy = to.join(path.strip_prefix(from)?);
        fs::create_dir_all(copy.parent().ok_or("a file is in no folder")?)?;
        fs::copy(path, copy)?;
    }
    Ok(())
}
