//! The bytes of Precise. SPEC.md says what they are; this crate is where they are made.
//!
//! ```text
//!  record ──▶ canonical ──▶ proof ──▶ batch ──▶ log ──▶ verdict
//!  json.rs    canonical.rs  proof.rs  merkle.rs entry.rs verify.rs
//!  row.rs     number.rs     lanes.rs            tlog.rs
//!                                               note.rs
//!
//!  policy.rs    whose keys a verifier trusts
//!  receipt.rs   what a proof's holder keeps: its way from a batch into a log
//!  status.rs    which proofs are void, as a map that shows one of them and no other
//!  ruleset.rs   which cohorts a record is in
//!  cohort.rs    which cohorts of an audience may be named, and the document that does
//!  performance.rs  how a cohort did: facts, exact sums, and what they show
//!  statistics.rs   intervals and their like, the same bits everywhere
//!  attribution.rs  which cohorts brought conversions, and whose data stands behind an event
//!  royalty.rs      what contributors are due: accruals, settlements, statements and their lines
//!  money.rs     amounts and currencies
//!  names.rs     names by number, for aggregates
//!  decimal.rs   exact decimals, as integers of a unit
//!  catalog.rs   every SQL function, as one table: name, arguments, doc, example, kernel
//!  records.rs   those of them that make something of a record a row, a batch at a time
//!  value.rs     what the engines pass in and get back
//!  error.rs     the codes PRnnn
//!  document.rs  the small documents Precise defines, read strictly
//!  field.rs     fields of a record by their paths
//!  hex.rs       32 bytes as 0x…
//! ```
//!
//! # What this crate does not do
//!
//! It opens no file and no connection, reads no clock, no environment and no randomness: all of
//! those come in as arguments. It has no `unsafe`, knows no engine's types, and needs no standard
//! library (feature `std` only lets BLAKE3 look at the CPU). It never changes a record: what it
//! cannot keep exactly it refuses.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod attribution;
pub mod canonical;
pub mod catalog;
pub mod cohort;
pub mod decimal;
pub mod document;
pub mod entry;
pub mod error;
pub mod field;
pub mod hex;
pub mod json;
mod lanes;
pub mod merkle;
pub mod money;
mod names;
pub mod note;
pub mod number;
pub mod performance;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod records;
pub mod row;
pub mod royalty;
pub mod ruleset;
pub mod statistics;
pub mod status;
pub mod tlog;
pub mod value;
pub mod verify;

pub use error::{Code, Error, Result};
pub use merkle::Hash;

/// The version of SPEC.md this crate implements.
pub const SPEC_VERSION: u32 = 1;
