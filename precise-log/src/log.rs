//! A log to read: also somebody else's. Whatever it answers leads to its signed checkpoint.

use std::ops::Range;

use bytes::Bytes;
use precise_core::note::{Checkpoint, Note, VerifierKey};
use precise_core::policy::Policy;
use precise_core::tlog::{self, LogProof};
use precise_core::{Code, Hash};

use crate::error::{Error, Result};
use crate::store::{Store, Version};
use crate::tiles::{Edge, Tree};

/// Where a log's checkpoint is.
pub const CHECKPOINT: &str = "checkpoint";

/// A checkpoint whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// It and its signatures.
    pub note: String,
}

impl SignedCheckpoint {
    /// Reads a note and verifies that the log of this key signed it.
    ///
    /// Errors: those of [`Note::parse`], [`Note::open`] and [`Checkpoint::parse`]; PR405 for the
    /// checkpoint of another log.
    pub fn verify(note: &str, key: &VerifierKey) -> precise_core::Result<Self> {
        let parsed = Note::parse(note.as_bytes())?;
        parsed.open(std::slice::from_ref(key))?;
        let checkpoint = Checkpoint::parse(parsed.text())?;
        if checkpoint.origin != key.name() {
            let detail = format!("it is of {}, the key is of {}", checkpoint.origin, key.name());
            return Err(precise_core::Error::new(Code::Unsigned).because(detail));
        }
        Ok(Self { checkpoint, note: note.into() })
    }
}

/// The entries of a log, up to a checkpoint.
#[derive(Clone, Debug)]
pub struct Log {
    store: Store,
    signed: SignedCheckpoint,
    tree: Tree,
}

impl Log {
    /// Reads the checkpoint, which must be signed by this key, and the edge of the tree.
    ///
    /// Errors: those of [`SignedCheckpoint::verify`]; PR414 for tiles of another tree.
    pub async fn open(store: Store, key: &VerifierKey) -> Result<Self> {
        let (note, _) = read_checkpoint(&store).await?;
        let signed = SignedCheckpoint::verify(&note, key)
            .map_err(|error| Error::refused(checkpoint_name(&store), error))?;
        Self::at(store, signed).await
    }

    /// Reads the checkpoint, for which the policy's keys must vouch, and the edge of the tree.
    ///
    /// Errors: those of [`Policy::open`]; PR414 for tiles of another tree.
    pub async fn open_with(store: Store, policy: &Policy) -> Result<Self> {
        let (note, _) = read_checkpoint(&store).await?;
        let vouched =
            policy.open(&note).map_err(|error| Error::refused(checkpoint_name(&store), error))?;
        Self::at(store, SignedCheckpoint { checkpoint: vouched.checkpoint, note }).await
    }

    /// The log up to a checkpoint that was verified.
    ///
    /// Error: PR414 for tiles of another tree.
    pub async fn at(store: Store, signed: SignedCheckpoint) -> Result<Self> {
        let Checkpoint { size, root, .. } = &signed.checkpoint;
        let tree = Tree::open(store.clone(), *size, root).await?;
        Ok(Self { store, signed, tree })
    }

    /// This log when it has grown up to a checkpoint with this edge.
    pub(crate) fn grown(&self, signed: SignedCheckpoint, edge: Edge) -> Self {
        Self { store: self.store.clone(), signed, tree: self.tree.grown(edge) }
    }

    /// Where it is.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.signed.checkpoint.origin
    }

    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.signed.checkpoint.size
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.signed
    }

    pub(crate) fn edge(&self) -> &Edge {
        self.tree.edge()
    }

    /// An entry.
    ///
    /// Errors: PR414 if a file is not what the tree says; PR407 if it is not UTF-8, as every entry
    /// of Precise is.
    pub async fn entry(&self, index: u64) -> Result<String> {
        let end = index.checked_add(1).ok_or_else(|| self.beyond(index))?;
        let entries = self.entries(index..end).await?;
        let entry = entries.into_iter().next().ok_or_else(|| self.beyond(index))?;
        String::from_utf8(entry.into()).map_err(|_| {
            let error = precise_core::Error::new(Code::Entry).because("it is not UTF-8");
            Error::refused(format!("entry {index} of {}", self.store), error)
        })
    }

    /// Entries, as they are in the log. They are in memory at once: ask for so many.
    ///
    /// Error: PR414 if a file is not what the tree says.
    pub async fn entries(&self, range: Range<u64>) -> Result<Vec<Bytes>> {
        if range.end > self.size() {
            return Err(self.beyond(range.end - 1));
        }
        self.tree.entries(range).await
    }

    /// That an entry is in the log.
    ///
    /// Error: PR414 if a tile is not what the tree says.
    pub async fn prove(&self, index: u64) -> Result<LogProof> {
        let size = self.size();
        if index >= size {
            return Err(self.beyond(index));
        }
        let path = self.tree.compute(|read| tlog::prove_inclusion(index, size, read)).await?;
        Ok(LogProof { extra: None, index, path, checkpoint: self.signed.note.clone() })
    }

    /// That the log begins with its first `old_size` entries.
    ///
    /// Error: PR414 if a tile is not what the tree says.
    pub async fn prove_consistency(&self, old_size: u64) -> Result<Vec<Hash>> {
        let size = self.size();
        self.check_size(old_size)?;
        self.tree.compute(|read| tlog::prove_consistency(old_size, size, read)).await
    }

    /// The root over its first `size` entries.
    ///
    /// Error: PR414 if a tile is not what the tree says.
    pub async fn root(&self, size: u64) -> Result<Hash> {
        self.check_size(size)?;
        self.tree.compute(|read| tlog::root(size, read)).await
    }

    fn check_size(&self, size: u64) -> Result<()> {
        if size <= self.size() { Ok(()) } else { Err(self.beyond(size - 1)) }
    }

    fn beyond(&self, index: u64) -> Error {
        let why = format!("it has {}", self.size());
        Error::failed(format!("read entry {index} of {}", self.store), why)
    }
}

/// The checkpoint, not verified, and which version of it this is.
pub(crate) async fn read_checkpoint(store: &Store) -> Result<(String, Version)> {
    let found = store.get_version(CHECKPOINT).await?;
    let (note, version) =
        found.ok_or_else(|| Error::failed(format!("open the log {store}"), "there is none"))?;
    let note = String::from_utf8(note.into()).map_err(|_| {
        let error = precise_core::Error::new(Code::Note).because("it is not UTF-8");
        Error::refused(checkpoint_name(store), error)
    })?;
    Ok((note, version))
}

pub(crate) fn checkpoint_name(store: &Store) -> String {
    format!("{store}/{CHECKPOINT}")
}
