//! The binary `precise-sql`, run as a user or a script runs it: SQL and files in; exit code,
//! standard output, standard error and files out.

mod common;
mod copy;
mod failures;
mod files;
mod formats;
mod functions;
mod interrupt;
mod limits;
mod prompt;
mod scripts;
mod usage;
