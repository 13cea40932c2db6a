//! `proofs.parquet`: what minting writes, and what batches are read from; or a database's archive.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use precise_arrow::{ByteColumn, CellType};
use precise_core::{Hash, hex, proof};

use crate::failure::{Failure, Result};
use crate::input::{Format, Input, Piece, Row, Rows, format_of, open_file};
use crate::runs::SortedRuns;

/// The column batches are made of.
pub(crate) const HASH_COLUMN: &str = "proof_hash";

/// How long the canonical form is; null where the proof is blinded.
const SIZE_COLUMN: &str = "size";

/// The column of an archive that says which batch a proof is in.
const BATCH_COLUMN: &str = "batch_id";

/// Bytes of encoded rows held before they are written: a row is about 100 bytes.
const ROW_GROUP_LEN: usize = 32 << 20;

/// Proofs of consecutive accepted rows.
pub(crate) struct Proofs {
    pub(crate) rows: Vec<u64>,
    pub(crate) hashes: Vec<Hash>,
    pub(crate) ids: Vec<u8>,
    /// Empty if the proofs are blinded.
    pub(crate) sizes: Vec<u32>,
    /// Canonical forms and where each ends, if they are wanted.
    pub(crate) records: Option<(Vec<u8>, Vec<usize>)>,
}

/// `prf_` and 52 characters.
pub(crate) const ID_LEN: usize = 56;

/// Writes proofs as Parquet.
pub(crate) struct ProofsWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
}

impl<W: Write + Send> ProofsWriter<W> {
    pub(crate) fn new(output: W, with_record: bool) -> std::result::Result<Self, WriteError> {
        let mut fields = vec![
            Field::new("row", DataType::UInt64, false),
            Field::new(HASH_COLUMN, DataType::FixedSizeBinary(32), false),
            Field::new("proof_id", DataType::Utf8, false),
            // Null where the proof is blinded: the size would tell of the record.
            Field::new(SIZE_COLUMN, DataType::UInt32, true),
        ];
        if with_record {
            fields.push(Field::new("record", DataType::Utf8, false));
        }
        let schema = Arc::new(Schema::new(fields));
        // Hashes are random: neither a dictionary nor a compressor finds anything in them.
        let canon = KeyValue::new("precise.canon".into(), precise_core::canonical::NAME.to_owned());
        let record = ColumnPath::from("record");
        let properties = WriterProperties::builder()
            .set_created_by(concat!("precise ", env!("CARGO_PKG_VERSION")).into())
            .set_key_value_metadata(Some(vec![canon]))
            .set_dictionary_enabled(false)
            .set_column_encoding(ColumnPath::from("row"), Encoding::DELTA_BINARY_PACKED)
            .set_compression(Compression::UNCOMPRESSED)
            .set_column_compression(record, Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(None)
            .build();
        let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties))?;
        Ok(Self { writer, schema })
    }

    pub(crate) fn write(&mut self, proofs: Proofs) -> std::result::Result<(), WriteError> {
        let count = proofs.rows.len();
        if count == 0 {
            return Ok(());
        }
        let hashes = proofs.hashes.into_flattened();
        let sizes = if proofs.sizes.is_empty() {
            UInt32Array::new_null(count)
        } else {
            UInt32Array::from(proofs.sizes)
        };
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(proofs.rows)),
            Arc::new(FixedSizeBinaryArray::try_new(32, hashes.into(), None)?),
            Arc::new(texts(proofs.ids, (0..=count).map(|i| i * ID_LEN))?),
            Arc::new(sizes),
        ];
        if let Some((text, ends)) = proofs.records {
            columns.push(Arc::new(texts(text, std::iter::once(0).chain(ends))?));
        }
        self.writer.write(&RecordBatch::try_new(self.schema.clone(), columns)?)?;
        if self.writer.in_progress_size() > ROW_GROUP_LEN {
            self.writer.flush()?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> std::result::Result<(), WriteError> {
        // Not `into_inner`, which keeps the words of an error in writing and not its kind.
        self.writer.close().map(drop)
    }
}

/// What the Parquet writer's failures are called here.
pub(crate) type WriteError = parquet::errors::ParquetError;

fn texts(
    text: Vec<u8>,
    offsets: impl Iterator<Item = usize>,
) -> std::result::Result<StringArray, WriteError> {
    // A piece's text is far below 2 GiB: MAX_RECORD_LEN, or some pieces of 1 MiB.
    let offsets = OffsetBuffer::new(offsets.map(|offset| offset as i32).collect());
    Ok(StringArray::try_new(offsets, Buffer::from_vec(text), None)?)
}

/// Reads the hashes of files into one set: Parquet, or CSV if a name says so. With a `batch`, those
/// of that batch; without one, files that tell of more than one are refused, since their set is
/// none that was ever batched. How many rows had no hash.
pub(crate) fn read_hashes(
    paths: &[PathBuf],
    column: &str,
    batch: Option<&str>,
    runs: &mut SortedRuns,
) -> Result<u64> {
    let (mut seen, mut nulls) = (None, 0);
    for path in paths {
        if format_of(path) == Some(Format::Csv) {
            read_csv(path, column, batch, &mut seen, runs)?;
        } else if batch.is_some() {
            return Err(Failure::Usage(format!(
                "--batch is for CSV, which says in the column {BATCH_COLUMN} where each proof is; {} \
                 is read as Parquet",
                path.display()
            )));
        } else if matches!(format_of(path), Some(Format::Json | Format::Ndjson)) {
            return Err(Failure::Usage(format!(
                "{} holds records and no proofs; precise mint makes proofs of them",
                path.display()
            )));
        } else {
            nulls += read_parquet(path, column, runs)?;
        }
    }
    match batch {
        Some(batch) if seen.is_none() => {
            Err(Failure::Usage(format!("there is no proof of batch {batch:?}")))
        }
        _ => Ok(nulls),
    }
}

/// Says that rows have no proof: they are in no batch, as NULLs are in no aggregate of SQL.
pub(crate) fn warn_of_nulls(nulls: u64) {
    if nulls > 0 {
        eprintln!("warning: rows without a proof hash, which are in no batch: {nulls}");
    }
}

/// Reads the rows of `batch`, or all if they are of no other than was `seen`.
fn read_csv(
    path: &Path,
    column: &str,
    batch: Option<&str>,
    seen: &mut Option<String>,
    runs: &mut SortedRuns,
) -> Result<()> {
    let shown = path.display();
    let no_column =
        |name: &str, hint: &str| Failure::Usage(format!("{shown} has no column {name:?}; {hint}"));
    let mut row = 0_u64;
    Input::new(path, Some(Format::Csv), None, b',')?.read(&Arc::default(), &mut |piece| {
        let Piece::Rows(Rows { list, cells: Some(cells), .. }) = piece else { return Ok(()) };
        let names = cells.columns.names();
        let find = |name: &str| names.iter().position(|n| *n == name.to_ascii_lowercase());
        let hash_at = find(column)
            .ok_or_else(|| no_column(column, "pass --column with the name of its proof hashes"))?;
        let batch_at = find(BATCH_COLUMN);
        if batch.is_some() && batch_at.is_none() {
            return Err(no_column(BATCH_COLUMN, "without it there is nothing --batch could mean"));
        }
        let mut hashes = Vec::with_capacity(list.len());
        for (i, Row { fault, .. }) in list.iter().enumerate() {
            row += 1;
            let refused = |why: &dyn std::fmt::Display| {
                Failure::Usage(format!("cannot read row {row} of {shown}: {why}"))
            };
            if let Some(error) = fault {
                return Err(refused(error));
            }
            let of_row: Vec<&[u8]> = cells.of(i).collect();
            if of_row.len() != names.len() {
                let why = format!("it has {} cells instead of {}", of_row.len(), names.len());
                return Err(refused(&why));
            }
            if let Some(at) = batch_at {
                let id = String::from_utf8_lossy(of_row[at]);
                if batch.is_some_and(|batch| batch != id) {
                    continue;
                }
                let first = seen.get_or_insert_with(|| id.clone().into_owned());
                if *first != id {
                    return Err(Failure::Usage(format!(
                        "row {row} of {shown} is of batch {id:?}, others are of batch {first:?}; \
                         pass --batch with the one you mean"
                    )));
                }
            }
            hashes.push(parse_hash(of_row[hash_at]).map_err(|error| {
                refused(&format!("{} {error}, in column {column:?}", error.code()))
            })?);
        }
        runs.extend(&hashes)
    })
}

/// Reads a hash as documents spell it, or as PostgreSQL prints bytes.
fn parse_hash(cell: &[u8]) -> precise_core::Result<Hash> {
    match cell.strip_prefix(br"\x").and_then(hex::parse_digits) {
        Some(hash) => Ok(hash),
        None => proof::parse_spelling(&String::from_utf8_lossy(cell)),
    }
}

/// How many of its rows are NULL.
fn read_parquet(path: &Path, column: &str, runs: &mut SortedRuns) -> Result<u64> {
    let mut nulls = 0;
    let shown = path.display();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Io(format!("cannot read {shown} as Parquet: {error}"))
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(open_file(path)?)
        .map_err(|error| failed(&error))?;
    let Ok(index) = builder.schema().index_of(column) else {
        return Err(Failure::Usage(format!(
            "{shown} has no column {column:?}; pass --column with the name of its proof hashes"
        )));
    };
    let mask = ProjectionMask::roots(builder.parquet_schema(), [index]);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(1 << 16)
        .build()
        .map_err(|error| failed(&error))?;
    for batch in reader {
        let batch = batch.map_err(|error| failed(&error))?;
        let hashes = hashes(batch.column(0)).map_err(|why| {
            Failure::Usage(format!(
                "column {column:?} of {shown} does not hold proof hashes: {why}"
            ))
        })?;
        nulls += (batch.num_rows() - hashes.len()) as u64;
        runs.extend(&hashes)?;
    }
    Ok(nulls)
}

/// The hashes of a column; NULLs are passed over, as the SQL aggregate does.
fn hashes(array: &ArrayRef) -> std::result::Result<Vec<Hash>, String> {
    let is_bytes = ByteColumn::cell_type(array.data_type()) == Some(CellType::Bytes);
    match ByteColumn::of(array) {
        Some(column) if is_bytes => (0..array.len())
            .filter_map(|row| column.get(row))
            .map(|cell| {
                cell.try_into().map_err(|_| format!("one of them has {} bytes", cell.len()))
            })
            .collect(),
        _ => Err(format!("it is {}, and 32 bytes each are wanted", array.data_type())),
    }
}

/// Whether files of minted proofs tell that these are blinded, and `size` is null therefore. Files
/// without that column tell nothing.
///
/// Error: some of the proofs are blinded and others are not, which a batch cannot tell apart later.
pub(crate) fn is_blinded(paths: &[PathBuf]) -> Result<Option<bool>> {
    let (mut blinded, mut bare) = (0, 0);
    for path in paths.iter().filter(|path| format_of(path) != Some(Format::Csv)) {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::Io(format!("cannot read {} as Parquet: {error}", path.display()))
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(open_file(path)?)
            .map_err(|error| failed(&error))?;
        let Ok(index) = builder.schema().index_of(SIZE_COLUMN) else { return Ok(None) };
        let mask = ProjectionMask::roots(builder.parquet_schema(), [index]);
        for batch in builder.with_projection(mask).build().map_err(|error| failed(&error))? {
            let batch = batch.map_err(|error| failed(&error))?;
            let nulls = batch.column(0).null_count();
            blinded += nulls;
            bare += batch.num_rows() - nulls;
        }
    }
    match (blinded, bare) {
        (0, 0) => Ok(None),
        (_, 0) => Ok(Some(true)),
        (0, _) => Ok(Some(false)),
        _ => Err(Failure::Usage(format!(
            "{blinded} of the proofs are blinded and {bare} are not; commit them apart"
        ))),
    }
}
