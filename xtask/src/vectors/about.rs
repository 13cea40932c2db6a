//! The calls of `tests/vectors/about.json`: the software itself. Their results change with it.

use super::{Call, Table, args};

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    let comment = "The versions of the software and of SPEC.md; a release changes this one.";
    table.gives("precise_version", "version", comment, args([]));
    let comment = "No example fails; an example more or less changes how many pass.";
    table.gives("precise_selftest", "selftest", comment, args([]));
    table.calls
}
