//! PostgreSQL's own binary forms of `jsonb` and NUMERIC, for `pg_precise`.
//!
//! ```text
//!  document.rs   jsonb ──▶ the core's encoder
//!  numeric.rs    NUMERIC ──▶ decimal digits
//! ```
//!
//! A crate of its own, so that its tests run without a server: they feed it what no server writes.
//!
//! # What this crate does not do
//!
//! It calls nothing of PostgreSQL's and trusts no byte: a damaged value is said to be damaged, and
//! costs neither a panic nor more than its own length.

#![forbid(unsafe_code)]

mod document;
pub mod numeric;

pub use document::Reader;
