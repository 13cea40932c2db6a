//! The functions as users write them in SQL: the files in `slt/`, one per family.
//!
//! What they expect was not recorded from here: hashes are BLAKE3 and SHA-256 by other programs, of
//! texts that stand beside them; documents are those of `tests/reference`.

use std::fs;
use std::path::Path;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner, strict_column_validator};
use tokio::runtime::Runtime;

/// DataFusion with every function registered, as the runner sees a database.
struct Database {
    context: SessionContext,
    runtime: Runtime,
}

impl Database {
    fn new() -> Self {
        let config = SessionConfig::new().with_information_schema(true).with_target_partitions(4);
        let mut context = SessionContext::new_with_config(config);
        datafusion_udfs::register_all(&mut context).unwrap();
        Self { context, runtime: Runtime::new().unwrap() }
    }
}

impl DB for Database {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let (schema, batches) = self.runtime.block_on(async {
            let frame = self.context.sql(sql).await?;
            let schema = frame.schema().as_arrow().clone();
            Ok::<_, DataFusionError>((schema, frame.collect().await?))
        })?;
        if schema.fields().is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types = schema.fields().iter().map(|field| column_type(field.data_type())).collect();
        let mut rows = Vec::new();
        for batch in &batches {
            rows.extend(shown(batch)?);
        }
        Ok(DBOutput::Rows { types, rows })
    }

    fn engine_name(&self) -> &'static str {
        "datafusion"
    }
}

/// `T` for text, `I` for integers, `?` for the rest: bytes and truth values.
fn column_type(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        DataType::Dictionary(_, values) => column_type(values),
        DataType::LargeUtf8 | DataType::Utf8 | DataType::Utf8View => DefaultColumnType::Text,
        integer if integer.is_integer() => DefaultColumnType::Integer,
        _ => DefaultColumnType::Any,
    }
}

/// Cells as text: bytes as hex digits, the empty text as `(empty)`.
fn shown(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::new().with_null("NULL");
    let columns = batch.columns().iter();
    let columns: Vec<ArrayFormatter<'_>> = columns
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<_, _>>()?;
    let cell = |column: &ArrayFormatter<'_>, row| match column.value(row).to_string() {
        empty if empty.is_empty() => "(empty)".into(),
        text => text,
    };
    let row = |row| columns.iter().map(|column| cell(column, row)).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slt"))
}

fn run(name: &str) {
    let mut runner = Runner::new(|| async { Ok(Database::new()) });
    runner.with_column_validator(strict_column_validator);
    if let Err(error) = runner.run_file(folder().join(name).with_extension("slt")) {
        panic!("{}", error.display(false));
    }
}

#[test]
fn about() {
    run("about");
}

#[test]
fn batch() {
    run("batch");
}

#[test]
fn cohorts() {
    run("cohorts");
}

#[test]
fn errors() {
    run("errors");
}

#[test]
fn proof() {
    run("proof");
}

#[test]
fn rows() {
    run("rows");
}

#[test]
fn every_file_is_run() {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let run = ["about.slt", "batch.slt", "cohorts.slt", "errors.slt", "proof.slt", "rows.slt"];
    assert_eq!(names, run, "each file has its test above");
}
