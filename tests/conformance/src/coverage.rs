//! Which calls the vectors make on which engine: a ratchet, since a family of vectors may grow
//! but not shrink.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::vector::{Expected, Vector};

/// How many vectors call one function on one engine, by what they expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// A result that is not NULL.
    pub valid: usize,
    /// NULL.
    pub null: usize,
    /// An error.
    pub error: usize,
}

/// The counts of `engine` by function.
pub fn coverage<'a>(
    engine: &dyn Engine,
    vectors: impl IntoIterator<Item = &'a Vector>,
) -> BTreeMap<&'static str, Counts> {
    let mut coverage: BTreeMap<_, Counts> = BTreeMap::new();
    for vector in vectors.into_iter().filter(|vector| engine.covers(vector).is_ok()) {
        let counts = coverage.entry(vector.function.name).or_default();
        match &vector.expected {
            Expected::Refusal(_) => counts.error += 1,
            Expected::Result(form) if form.is_null() => counts.null += 1,
            Expected::Digest(_) | Expected::Result(_) => counts.valid += 1,
        }
    }
    coverage
}
