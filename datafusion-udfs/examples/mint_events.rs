//! Mints proofs of events and prints the root over them.
//!
//! ```console
//! $ cargo run -p datafusion-udfs --example mint_events
//! $ cargo run -p datafusion-udfs --example mint_events events.parquet
//! ```
//!
//! Without a file, of a few events made up here. A file has a column `payload` of JSON text.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::functions::expr_fn::encode;
use datafusion::prelude::{ParquetReadOptions, SessionContext, col, lit};
use datafusion_udfs::functions;
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    Runtime::new()?.block_on(mint(std::env::args().nth(1)))
}

async fn mint(parquet: Option<String>) -> Result<()> {
    let mut context = SessionContext::new();
    datafusion_udfs::register_all(&mut context)?;
    if let Some(path) = parquet {
        context.register_parquet("events", path, ParquetReadOptions::default()).await?;
    } else {
        let table = MemTable::try_new(events()?.schema(), vec![vec![events()?]])?;
        context.register_table("events", Arc::new(table))?;
    }

    // With SQL. A record that cannot be minted gives NULL here, and its fault beside it.
    let proofs = "SELECT precise_try_mint_proof(payload) AS proof, precise_check(payload) AS fault
                  FROM events LIMIT 10";
    context.sql(proofs).await?.show().await?;

    // The same with a DataFrame: the root over all that can be minted.
    let payload = col("payload");
    let sound = functions::call("precise_check", vec![payload.clone()])?.is_null();
    let hash = functions::call("precise_proof_hash", vec![payload])?;
    let root = functions::call("precise_merkle_root", vec![hash])?;
    let batches = context
        .table("events")
        .await?
        .filter(sound)?
        .aggregate(vec![], vec![root.alias("root")])?
        .select(vec![encode(col("root"), lit("hex")).alias("root")])?
        .collect()
        .await?;
    println!("{}", datafusion::arrow::util::pretty::pretty_format_batches(&batches)?);
    Ok(())
}

/// Four events: two are one record spelled in two ways, and the last cannot be minted.
fn events() -> Result<RecordBatch> {
    let payloads = [
        r#"{"id":"A/7","size":1.50}"#,
        r#"{"size":15e-1,"id":"\u0041\/7"}"#,
        r#"{"id":"B/1","size":2}"#,
        r#"{"id":"C/9","size":1,"size":2}"#,
    ];
    let payloads: ArrayRef = Arc::new(StringArray::from_iter_values(payloads));
    Ok(RecordBatch::try_from_iter([("payload", payloads)])?)
}
