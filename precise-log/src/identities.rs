//! Which entries a log has already: a cache in the state folder, from an entry's identity to its
//! number.

use std::collections::HashMap;

use precise_core::Hash;

/// The first eight bytes of an identity.
type Prefix = u64;

/// The cache. It never says that an entry is there, only where to look.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    recent: HashMap<Prefix, Vec<u64>>,
    size: u64,
}

impl Identities {
    /// How many entries of the log it knows.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The numbers of the entries that may have this identity. No other entry has it.
    pub(crate) fn candidates(&self, identity: &Hash) -> Vec<u64> {
        self.recent.get(&prefix(identity)).cloned().unwrap_or_default()
    }

    /// Adds the next entry.
    pub(crate) fn push(&mut self, identity: &Hash) {
        self.recent.entry(prefix(identity)).or_default().push(self.size);
        self.size += 1;
    }
}

fn prefix(identity: &Hash) -> Prefix {
    let [a, b, c, d, e, f, g, h, ..] = *identity;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
