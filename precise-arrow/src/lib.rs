//! Arrow columns as what Precise mints: typed rows, JSON texts, hashes.
//!
//! ```text
//!  rows.rs   columns of any type ──▶ RowEncoder     (SPEC.md section 1.7)
//!  bytes.rs  a column of text or bytes, whatever its layout, cell by cell
//! ```
//!
//! Nothing is decided here about bytes: each cell is handed to `precise-core` as what it is.

mod bytes;
mod rows;

pub use bytes::{ByteColumn, CellType};
pub use rows::{Rows, check_fields};
