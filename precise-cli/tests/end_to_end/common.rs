//! What every test needs: a directory of its own, a run of the binary, a look at its files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use precise_core::merkle::{Batch, part_index};
use precise_core::{Hash, hex, proof};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory of the test's own, in which the binary runs: plain names are files there.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Every name in the directory, hidden ones too: temporary files are hidden.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<String> =
            fs::read_dir(self.0.path()).unwrap().map(name).collect::<Result<_, _>>().unwrap();
        names.sort();
        names
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_precise"));
        command.args(args).current_dir(self.0.path()).env_remove("RUST_BACKTRACE");
        command
    }

    /// Starts it with pipes on all sides.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> Run {
        let mut child = self.start(args);
        let mut pipe = child.stdin.take().unwrap();
        thread::scope(|scope| {
            // A command that ends early closes its side; what it says is what counts.
            scope.spawn(move || drop(pipe.write_all(stdin)));
            Run::from(child.wait_with_output().unwrap())
        })
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

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code(), stdout: output.stdout, stderr }
    }
}

impl Run {
    /// Exit code 0 and nothing to complain about; what was printed.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        String::from_utf8(self.stdout).unwrap()
    }

    /// This exit code and nothing on standard output; what was complained about.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert_eq!(String::from_utf8_lossy(&self.stdout), "", "{}", self.stderr);
        self.stderr
    }

    /// As [`fails`](Self::fails), and each of `words` is in the complaint.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32, words: &[&str]) {
        let stderr = self.fails(code);
        for word in words {
            assert!(stderr.contains(word), "{word:?} is missing in {stderr}");
        }
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

/// Waits until `done`, and fails after half a minute: a test may be slow but never hang.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a process to end, as [`wait_until`]; one that does not is killed.
#[track_caller]
pub(crate) fn wait_for(mut child: Child) -> Run {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("the process did not end: {:?}", Run::from(child.wait_with_output().unwrap()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Run::from(child.wait_with_output().unwrap())
}

/// Says past the harness, which shows no output of tests that pass, what was not tested.
pub(crate) fn skipped(what: &str) {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "SKIPPED: {what}").unwrap();
}
