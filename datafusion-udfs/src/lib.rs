//! The functions of Precise for [DataFusion]: driven by the catalogue of `precise-core`.
//!
//! ```
//! use datafusion::arrow::array::AsArray;
//! use datafusion::prelude::SessionContext;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> datafusion::error::Result<()> {
//! let mut context = SessionContext::new();
//! datafusion_udfs::register_all(&mut context)?;
//! let frame = context.sql("SELECT precise_canonical('{\"b\":1.50,\"a\":2}')").await?;
//! let batches = frame.collect().await?;
//! assert_eq!(batches[0].column(0).as_string::<i32>().value(0), r#"{"a":2,"b":1.5}"#);
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  udfs.rs, functions.rs   what a Rust program asks for
//!  scalar.rs               one ScalarUDFImpl for every scalar row of the catalogue
//!  row_arguments.rs        how columns become the row of precise_mint_row
//!  aggregate.rs            one AggregateUDFImpl for every aggregate row
//!  columns.rs, types.rs    Arrow's arrays and types as the catalogue's values and types, and back
//! ```
//!
//! A Parquet column of UUIDs or JSON is one for `precise_mint_row` only if the engine keeps its
//! extension type: build the crate `parquet` with `arrow_canonical_extension_types`, and set
//! `datafusion.execution.parquet.skip_metadata` to false. Otherwise it is bytes, or text.
//!
//! # What this crate does not do
//!
//! It has no branch on what a function means, and no function of its own: what is not in the
//! catalogue is not here. It does not link the engine, only its expression crates.
//!
//! [DataFusion]: https://datafusion.apache.org

mod aggregate;
mod columns;
mod documentation;
mod error;
pub mod functions;
mod row_arguments;
mod scalar;
mod types;
pub mod udfs;

use std::sync::Arc;

use datafusion_common::{DataFusionError, Result};
use datafusion_expr::registry::FunctionRegistry;

pub use error::FunctionError;

/// Registers every function of the catalogue, in place of any of the same name.
///
/// Error: the registry is read-only.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in udfs::scalars() {
        registry.register_udf(function)?;
    }
    for function in udfs::aggregates() {
        registry.register_udaf(function)?;
    }
    match registry.register_function_rewrite(Arc::new(row_arguments::NameColumns)) {
        // A registry that cannot rewrite calls, such as an executor's, gets them rewritten already.
        // Elsewhere only `precise_mint_row(a, b)` is missed: it then asks for names.
        Err(DataFusionError::NotImplemented(_)) => Ok(()),
        done => done,
    }
}
