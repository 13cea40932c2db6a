//! The binary `precise`, run as a user or a script runs it: arguments and files in; exit code,
//! standard output, standard error and files out.
//!
//! One test crate, so that it links once; a module for each command, or for each thing that can
//! go wrong.

mod archive;
mod attribute;
mod audience;
mod blinding;
mod canonical;
mod cohorts;
mod columns;
mod committer;
mod common;
mod csv;
mod demo;
mod failures;
mod functions;
mod interrupt;
mod log;
mod mint;
mod outside;
mod prove_verify;
mod reconcile;
mod rejects;
mod releases;
mod royalty;
mod sample;
mod settle;
mod sql;
mod typed_rows;
mod usage;
