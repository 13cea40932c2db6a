//! What every test needs: a directory of its own, a run of the binary, a look at what it said.

use std::ops::Deref;

pub(crate) use program::{Run, skipped, wait_for, wait_until};
use serde_json::Value;

/// A directory of the test's own, and the shell in it.
pub(crate) struct Place(program::Place);

impl Deref for Place {
    type Target = program::Place;

    fn deref(&self) -> &program::Place {
        &self.0
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(program::Place::new(env!("CARGO_BIN_EXE_precise-sql")))
    }

    /// Runs one text of SQL.
    pub(crate) fn sql(&self, sql: &str) -> Run {
        self.run(&["-c", sql])
    }

    /// The rows of one text of SQL, which must go well and quietly.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Value> {
        objects(&self.run(&["--json", "-c", sql]).succeeds())
    }

    /// A Parquet file of the query's rows.
    #[track_caller]
    pub(crate) fn copy(&self, query: &str, name: &str) {
        self.sql(&format!("COPY ({query}) TO '{name}'")).succeeds();
    }
}

/// A JSON value for each line.
#[track_caller]
pub(crate) fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
