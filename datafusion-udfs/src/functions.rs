//! Calls as expressions, for DataFrames.

use datafusion_common::{Result, plan_err};
use datafusion_expr::Expr;

use crate::udfs;

/// The call of a function, scalar or aggregate, whose arguments the planner then checks.
///
/// Error: there is no such function.
///
/// ```
/// use datafusion::prelude::col;
/// let proof = datafusion_udfs::functions::call("precise_mint_proof", vec![col("payload")])?;
/// assert_eq!(proof.to_string(), "precise_mint_proof(payload)");
/// # Ok::<(), datafusion::error::DataFusionError>(())
/// ```
pub fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    if let Some(function) = udfs::scalar(name) {
        return Ok(function.call(args));
    }
    if let Some(function) = udfs::aggregate(name) {
        return Ok(function.call(args));
    }
    plan_err!("PR190 no such function: {name}")
}
