//! The functions inside DataFusion beside their peers, in one run, on one core.
//!
//! `precise-bench-sql EVENTS.parquet [ROW]`: each row is `SELECT count(expression) FROM events`
//! over the column `payload`, scan included. Figures are seconds on the CPU of all threads, the
//! least of some rounds in which all take turns; what counts is their ratio. Run by `make bench`.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use datafusion::arrow::array::{Array, BinaryBuilder, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

/// Rounds; the least of each row is shown.
const ROUNDS: usize = 5;

/// What is measured; the first is what the others are compared with.
const ROWS: &[(&str, &str)] = &[
    ("precise_proof_hash(payload)", "precise_proof_hash(payload)"),
    ("precise_mint_proof(payload)", "precise_mint_proof(payload)"),
    ("precise_canonical(payload)", "precise_canonical(payload)"),
    ("precise_check(payload), never NULL", "coalesce(precise_check(payload), '')"),
    ("built-in digest(payload, 'blake3'), no JSON read", "digest(payload, 'blake3')"),
    ("built-in sha256(payload), no JSON read", "sha256(payload)"),
    ("serde_json + serde_json_canonicalizer + blake3", "serde_proof_hash(payload)"),
    ("octet_length(payload): the scan", "octet_length(payload)"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: precise-bench-sql EVENTS.parquet [ROW]");
        return ExitCode::from(2);
    };
    match run(&path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(path: &str) -> Result<()> {
    let config = SessionConfig::new().with_target_partitions(1);
    let mut context = SessionContext::new_with_config(config);
    datafusion_udfs::register_all(&mut context)?;
    context.register_udf(ScalarUDF::from(SerdeProofHash::new()));
    context.register_parquet("events", path, ParquetReadOptions::default()).await?;
    let count = context.table("events").await?.count().await?;
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let mut rows: Vec<(&str, &str, f64)> = ROWS
        .iter()
        .filter(|(name, _)| name.contains(&wanted))
        .map(|(name, expression)| (*name, *expression, f64::INFINITY))
        .collect();
    for _ in 0..ROUNDS {
        for (_, expression, seconds) in &mut rows {
            let before = cpu_seconds();
            let query = format!("SELECT count({expression}) FROM events");
            context.sql(&query).await?.collect().await?;
            *seconds = seconds.min(cpu_seconds() - before);
        }
    }
    println!("{:<50} {:>8} {:>12} {:>10}", "", "CPU s", "per second", "× first");
    let first = rows.first().map_or(0.0, |row| row.2);
    for (name, _, seconds) in rows {
        let (rate, ratio) = (count as f64 / seconds, seconds / first);
        println!("{name:<50} {seconds:>8.3} {rate:>12.0} {ratio:>10.2}");
    }
    Ok(())
}

/// Time that all threads have been on a CPU: the first figure of Linux's schedstat, nanoseconds.
fn cpu_seconds() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").expect("the kernel lists threads");
    let nanoseconds = |stat: String| stat.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(nanoseconds)
        .sum::<f64>()
        / 1e9
}

/// What one writes first: a tree, the crate for RFC 8785, a hash.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SerdeProofHash {
    signature: Signature,
}

impl SerdeProofHash {
    fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for SerdeProofHash {
    fn name(&self) -> &'static str {
        "serde_proof_hash"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let texts: &StringViewArray = as_string_view_array(&arrays[0])?;
        let mut hashes = BinaryBuilder::with_capacity(texts.len(), 32 * texts.len());
        for text in texts {
            let Some(text) = text else {
                hashes.append_null();
                continue;
            };
            let value: serde_json::Value = serde_json::from_str(text)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            let canonical = serde_json_canonicalizer::to_vec(&value)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            hashes.append_value(blake3::hash(&canonical).as_bytes());
        }
        Ok(ColumnarValue::Array(Arc::new(hashes.finish())))
    }
}
