//! What every test needs: a directory of its own, a run of the binary, a look at its files.

use std::fs::File;
use std::io::Write;
use std::ops::Deref;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_core::merkle::{Batch, part_index};
use precise_core::{Hash, hex, proof};
pub(crate) use program::{Run, skipped, wait_for, wait_until};
use serde_json::{Value, json};

/// A directory of the test's own, and `precise` in it.
pub(crate) struct Place(program::Place);

impl Deref for Place {
    type Target = program::Place;

    fn deref(&self) -> &program::Place {
        &self.0
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(program::Place::new(env!("CARGO_BIN_EXE_precise")))
    }

    /// Mints, which must go well and quietly, and gives the summary.
    pub(crate) fn mint(&self, args: &[&str]) -> Value {
        self.mint_with(args, b"")
    }

    pub(crate) fn mint_with(&self, args: &[&str], stdin: &[u8]) -> Value {
        let run = self.run_with(&[&["mint", "--json"], args].concat(), stdin);
        let summary: Value = serde_json::from_str(&run.succeeds()).unwrap();
        check_sums(&summary);
        summary
    }

    pub(crate) fn proofs(&self, name: &str) -> Vec<Proof> {
        read_proofs(&self.path(name))
    }

    /// The objects of an NDJSON file.
    pub(crate) fn objects(&self, name: &str) -> Vec<Value> {
        self.text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A Parquet file with these columns.
    pub(crate) fn write_parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = File::create(self.path(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

/// A row of `proofs.parquet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) row: u64,
    pub(crate) hash: Hash,
    pub(crate) id: String,
    pub(crate) size: Option<u32>,
    pub(crate) record: Option<String>,
}

impl Proof {
    /// The proof the core mints of `canonical`, without its record.
    pub(crate) fn of(row: u64, canonical: &str) -> Self {
        let hash = proof::hash(canonical.as_bytes(), None);
        let size = Some(canonical.len() as u32);
        Self { row, hash, id: proof::format_id(&hash), size, record: None }
    }

    pub(crate) fn with_record(self, record: &str) -> Self {
        Self { record: Some(record.into()), ..self }
    }
}

/// Reads `proofs.parquet` by the columns' names.
pub(crate) fn read_proofs(path: &Path) -> Vec<Proof> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut proofs = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let rows = batch["row"].as_primitive::<UInt64Type>();
        let hashes = batch["proof_hash"].as_fixed_size_binary();
        let ids = batch["proof_id"].as_string::<i32>();
        let sizes = batch["size"].as_primitive::<UInt32Type>();
        let records = batch.column_by_name("record").map(AsArray::as_string::<i32>);
        for i in 0..batch.num_rows() {
            proofs.push(Proof {
                row: rows.value(i),
                hash: hashes.value(i).try_into().unwrap(),
                id: ids.value(i).into(),
                size: sizes.is_valid(i).then(|| sizes.value(i)),
                record: records.map(|records| records.value(i).into()),
            });
        }
    }
    proofs
}

/// The records of a file minted with `--with-record`.
pub(crate) fn records(proofs: &[Proof]) -> Vec<&str> {
    proofs.iter().map(|proof| proof.record.as_deref().unwrap()).collect()
}

/// The batches a summary must list for `proofs`, by the core's own tree.
pub(crate) fn batches(proofs: &[Proof], part_limit: usize) -> Value {
    let whole = Batch::new(proofs.iter().map(|proof| proof.hash).collect()).unwrap();
    let bits = whole.part_bits(part_limit).unwrap();
    if bits == 0 {
        let root = hex::format_hash(&whole.root());
        return json!([{ "batch_root": root, "count": whole.hashes().len() }]);
    }
    let cells: Vec<&[Hash]> =
        whole.hashes().chunk_by(|a, b| part_index(a, bits) == part_index(b, bits)).collect();
    let batch = |cell: &&[Hash]| {
        let root = Batch::new(cell.to_vec()).unwrap().root();
        json!({
            "batch_root": hex::format_hash(&root),
            "count": cell.len(),
            "part": { "bits": bits, "index": part_index(&cell[0], bits), "parts": cells.len() },
        })
    };
    cells.iter().map(batch).collect()
}

/// What holds in every summary.
#[track_caller]
fn check_sums(summary: &Value) {
    let count = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("no {name}"));
    let rejected = summary["rejected"].as_object().unwrap().values();
    let rejected: u64 = rejected.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(count("records"), count("minted") + rejected, "{summary}");
    assert_eq!(count("minted"), count("distinct") + count("duplicates"), "{summary}");
    let batched = summary["batches"].as_array().unwrap().iter();
    let batched: u64 = batched.map(|batch| batch["count"].as_u64().unwrap()).sum();
    assert_eq!(count("distinct"), batched, "{summary}");
    assert!(summary["seconds"].is_f64(), "{summary}");
    assert!(summary["records_per_second"].is_u64(), "{summary}");
}

/// `{"i":0}`, `{"i":1}`, … one a line.
pub(crate) fn numbered(count: usize) -> String {
    lines(count, |i| format!("{{\"i\":{i}}}\n"))
}

/// `line(0)`, `line(1)`, … with their line ends.
pub(crate) fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// The proofs of [`numbered`].
pub(crate) fn numbered_proofs(count: usize) -> Vec<Proof> {
    (0..count).map(|i| Proof::of(i as u64, &format!("{{\"i\":{i}}}"))).collect()
}

/// A gzip member.
pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A Zstandard frame.
pub(crate) fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 0).unwrap()
}
