//! The functions as DataFusion's objects, for a registry or a plan of one's own.

use std::sync::Arc;

use datafusion_expr::{AggregateUDF, ScalarUDF};
use precise_core::catalog::{FUNCTIONS, Function};

use crate::aggregate::CatalogAggregate;
use crate::scalar::CatalogScalar;

/// The scalar function `name`, such as `precise_mint_proof`; none if there is no such one.
pub fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    let function = Function::find(name).ok().filter(|function| !function.is_aggregate())?;
    Some(Arc::new(CatalogScalar::new(function).into()))
}

/// The aggregate `name`, such as `precise_merkle_root`; none if there is no such one.
pub fn aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    let function = Function::find(name).ok().filter(|function| function.is_aggregate())?;
    Some(Arc::new(CatalogAggregate::new(function).into()))
}

/// Every scalar function.
pub fn scalars() -> impl Iterator<Item = Arc<ScalarUDF>> {
    FUNCTIONS.iter().filter_map(|function| scalar(function.name))
}

/// Every aggregate.
pub fn aggregates() -> impl Iterator<Item = Arc<AggregateUDF>> {
    FUNCTIONS.iter().filter_map(|function| aggregate(function.name))
}
