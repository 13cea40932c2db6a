//! The leaves of batches, for receipts, and beside each file of them what receipts need besides:
//! whether the proofs are blinded, and where in the log the batch is.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use precise_core::{Hash, hex};
use precise_log::leaves::LeafStore;
use serde_json::{Value, json};

use crate::failure::Result;
use crate::log::write;

/// A folder of batches.
#[derive(Clone, Debug)]
pub(crate) struct Leaves {
    store: LeafStore,
    folder: PathBuf,
}

/// `{"blinded":false,"index":5}`: what is noted of a batch, each null if it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Whether its proofs are blinded.
    pub(crate) blinded: Option<bool>,
    /// Where in the log its entry was put. Whoever reads this looks there whether it is true.
    pub(crate) index: Option<u64>,
}

impl Leaves {
    /// The folder, which is made if it is not there.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        Ok(Self { store: LeafStore::open(folder)?, folder: folder.into() })
    }

    /// What is noted of the batch whose entry has this identity; nothing, if nothing readable is.
    pub(crate) fn noted(&self, identity: &Hash) -> Noted {
        let text = std::fs::read(self.path(identity)).unwrap_or_default();
        let Ok(noted) = serde_json::from_slice::<Value>(&text) else { return Noted::default() };
        Noted { blinded: noted["blinded"].as_bool(), index: noted["index"].as_u64() }
    }

    /// Notes it.
    pub(crate) fn note(&self, identity: &Hash, noted: Noted) -> Result<()> {
        if self.noted(identity) == noted {
            return Ok(());
        }
        let text = json!({ "blinded": noted.blinded, "index": noted.index });
        write(&self.path(identity), &format!("{text}\n"))
    }

    fn path(&self, identity: &Hash) -> PathBuf {
        let name = hex::format_hash(identity);
        self.folder.join(format!("{}.json", name.trim_start_matches("0x")))
    }
}

impl Deref for Leaves {
    type Target = LeafStore;

    fn deref(&self) -> &LeafStore {
        &self.store
    }
}
