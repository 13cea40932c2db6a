//! Which calls the vectors make on which surface: a ratchet, since a family of vectors may grow
//! but not shrink.

use std::collections::BTreeMap;

use precise_core::catalog::Function;

use crate::engine::Surface;
use crate::vector::{Expected, Vector};

/// What a call can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A result that is not NULL.
    Valid,
    /// NULL.
    Null,
    /// An error with one of our codes.
    Error,
}

impl Kind {
    /// In the order of `tests/coverage.json`.
    pub const ALL: [Self; 3] = [Self::Valid, Self::Null, Self::Error];

    /// The name in `tests/coverage.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Null => "null",
            Self::Error => "error",
        }
    }

    /// Whether `function` can come to it: without arguments nothing can be NULL or wrong, and
    /// `precise_check` and the verdict on a statement line tell of errors and have none.
    pub fn is_possible(self, function: &Function) -> bool {
        match self {
            Self::Valid => true,
            Self::Null => !function.args.is_empty(),
            Self::Error => !function.args.is_empty() && !TELLS_OF_ERRORS.contains(&function.name),
        }
    }

    fn of(expected: &Expected) -> Self {
        match expected {
            Expected::Refusal(_) => Self::Error,
            Expected::Result(form) if form.is_null() => Self::Null,
            Expected::Digest(_) | Expected::Result(_) | Expected::Undetailed(_) => Self::Valid,
        }
    }
}

const TELLS_OF_ERRORS: [&str; 2] = ["precise_check", "precise_verify_statement_line"];

/// How many vectors call one function, by what comes of it.
pub type Counts = BTreeMap<Kind, usize>;

/// The counts of `surface` by function.
pub fn coverage<'a>(
    surface: &Surface,
    vectors: impl IntoIterator<Item = &'a Vector>,
) -> BTreeMap<&'static str, Counts> {
    let mut coverage: BTreeMap<_, Counts> = BTreeMap::new();
    for vector in vectors.into_iter().filter(|vector| (surface.covers)(vector).is_ok()) {
        let counts = coverage.entry(vector.function.name).or_default();
        *counts.entry(Kind::of(&vector.expected)).or_default() += 1;
    }
    coverage
}
