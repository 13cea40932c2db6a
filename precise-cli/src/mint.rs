//! `precise mint`: records in, proofs and rejects out, and the batch roots over them.
//!
//! One thread reads and cuts, as many as there are cores mint, and this one writes. Piece i goes to
//! minter i modulo their number and comes back from there, so that order needs no sorting and a
//! slow piece holds up the others instead of letting them pile up.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use precise_arrow::Rows;
use precise_core::cohort::Seat;
use precise_core::field::FieldPath;
use precise_core::json::Reader;
use precise_core::proof::{Blind, Minter, write_id};
use precise_core::{Code, Error, Hash, proof};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::input::{self, Format, Input, MemberSource, Piece};
use crate::output::{Output, is_stream, parent, same_file};
use crate::progress::Progress;
use crate::proofs::{ID_LEN, Proofs, ProofsWriter, WriteError};
use crate::runs::{BatchRoot, SortedRuns, describe_part};

/// Pieces waiting at each minter, and minted ones waiting for the writer.
const WAITING: usize = 2;

/// What to mint and where to.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) output: PathBuf,
    /// None: beside the output, if there are any.
    pub(crate) rejects: Option<PathBuf>,
    pub(crate) with_record: bool,
    pub(crate) strict: bool,
    pub(crate) blinding: Option<Blinding>,
    /// For an audience: where each record says which cohort it is in, and whose it is.
    pub(crate) seat_fields: Option<SeatFields>,
    pub(crate) part_limit: usize,
}

/// The fields of a record that an audience reads.
pub(crate) struct SeatFields {
    pub(crate) cohort: FieldPath,
    pub(crate) member: FieldPath,
}

/// How each record's blind is made.
pub(crate) struct Blinding {
    pub(crate) secret: [u8; 32],
    pub(crate) record_id: FieldPath,
}

/// What minting came to.
pub(crate) struct Summary {
    pub(crate) records: u64,
    pub(crate) minted: u64,
    pub(crate) rejected: BTreeMap<&'static str, u64>,
    pub(crate) duplicates: u64,
    pub(crate) distinct: u64,
    pub(crate) roots: Vec<BatchRoot>,
    pub(crate) seconds: f64,
    pub(crate) output: PathBuf,
    /// The file of rejected rows, if it was written.
    pub(crate) rejects: Option<PathBuf>,
}

/// Mints.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let mut output = Output::create(&job.output)?;
    let mut rejects = Rejects::create(job)?;
    let directory =
        if is_stream(&job.output) { std::env::temp_dir() } else { parent(output.path()).into() };
    let mut runs = SortedRuns::new(&directory);
    let write_failed = |error: &WriteError| write_failure(&job.output, error);
    let mut writer =
        ProofsWriter::new(&mut output, job.with_record).map_err(|error| write_failed(&error))?;

    let (mut records, mut minted) = (0, 0);
    mint_all(job, &mut |input, batch: Minted| {
        let first_row = records;
        records += u64::from(batch.rows);
        for reject in &batch.rejects {
            if job.strict {
                let row = first_row + u64::from(reject.row);
                let what = format!("row {row} of {} is refused", input.path.display());
                return Err(Failure::refused(what, reject.error.clone()));
            }
            rejects.write(input, first_row, reject)?;
        }
        runs.extend(&batch.hashes)?;
        minted += batch.hashes.len() as u64;
        writer.write(batch.into_proofs(first_row)).map_err(|error| write_failed(&error))
    })?;

    writer.finish().map_err(|error| write_failed(&error))?;
    let set = runs.finish(job.part_limit)?;
    let roots = set.batch_roots()?;
    let (rejected, rejects) = rejects.finish()?;
    output.finish()?;
    Ok(Summary {
        records,
        minted,
        rejected,
        duplicates: set.duplicates(),
        distinct: set.distinct(),
        roots,
        seconds: started.elapsed().as_secs_f64(),
        output: job.output.clone(),
        rejects,
    })
}

fn write_failure(path: &Path, error: &WriteError) -> Failure {
    // The Parquet writer hands on what the file said.
    if let WriteError::External(source) = error
        && let Some(error) = source.downcast_ref()
    {
        return Failure::io("write", path, error);
    }
    Failure::Io(format!("cannot write {}: {error}", path.display()))
}

/// Reads and mints everything; `each` gets the minted pieces in order.
pub(crate) fn mint_all(
    job: &Job,
    each: &mut dyn FnMut(&Input, Minted) -> Result<()>,
) -> Result<()> {
    let minters = std::thread::available_parallelism().map_or(1, usize::from);
    let read = Arc::new(AtomicU64::new(0));
    let lengths: Option<u64> = job.inputs.iter().map(Input::len).sum();
    let progress = Progress::bytes(lengths);
    std::thread::scope(|scope| {
        let mut to_minters: Vec<SyncSender<(usize, Piece)>> = Vec::new();
        let mut from_minters: Vec<Receiver<(usize, Minted)>> = Vec::new();
        for _ in 0..minters {
            let (to_minter, pieces) = sync_channel(WAITING);
            let (to_writer, minted) = sync_channel(WAITING);
            to_minters.push(to_minter);
            from_minters.push(minted);
            scope.spawn(move || mint_pieces(job, &pieces, &to_writer));
        }
        let reader = scope.spawn({
            let read = read.clone();
            move || read_all(job, &read, &to_minters)
        });
        let mut result = Ok(());
        for minted in from_minters.iter().cycle() {
            // The first minter without a piece is one behind the last piece.
            let Ok((input, minted)) = minted.recv() else { break };
            result = each(&job.inputs[input], minted);
            progress.set(read.load(Ordering::Relaxed));
            if result.is_err() {
                break;
            }
        }
        // Minters that still send fail now, end, and so does the reader.
        drop(from_minters);
        progress.finish();
        let reader = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and(reader)
    })
}

fn read_all(
    job: &Job,
    read: &Arc<AtomicU64>,
    to_minters: &[SyncSender<(usize, Piece)>],
) -> Result<()> {
    let mut turns = to_minters.iter().cycle();
    for (i, input) in job.inputs.iter().enumerate() {
        input.read(read, &mut |piece| {
            // A cycle over at least one minter does not end: there is one for each core.
            let minter = turns.next().expect("there is a minter");
            // It is gone only if the writer failed.
            minter.send((i, piece)).map_err(|_| Failure::Stopped)
        })?;
    }
    Ok(())
}

fn mint_pieces(
    job: &Job,
    pieces: &Receiver<(usize, Piece)>,
    to_writer: &SyncSender<(usize, Minted)>,
) {
    let mut worker = Worker::new(job);
    while let Ok((input, piece)) = pieces.recv() {
        let minted = worker.mint(job.inputs[input].format, piece);
        if to_writer.send((input, minted)).is_err() {
            return;
        }
    }
}

/// One piece, minted.
#[derive(Default)]
pub(crate) struct Minted {
    /// Rows in the piece.
    pub(crate) rows: u32,
    /// Which of them were accepted.
    pub(crate) accepted: Vec<u32>,
    pub(crate) hashes: Vec<Hash>,
    ids: Vec<u8>,
    sizes: Vec<u32>,
    records: Option<(Vec<u8>, Vec<usize>)>,
    /// Of those accepted, if they are asked for.
    pub(crate) seats: Vec<Seat>,
    pub(crate) rejects: Vec<Reject>,
}

/// One row that was refused.
pub(crate) struct Reject {
    row: u32,
    error: Error,
    raw: Vec<u8>,
}

impl Minted {
    /// The proofs; the piece's first row is `first_row`.
    fn into_proofs(self, first_row: u64) -> Proofs {
        Proofs {
            rows: self.accepted.iter().map(|row| first_row + u64::from(*row)).collect(),
            hashes: self.hashes,
            ids: self.ids,
            sizes: self.sizes,
            records: self.records,
        }
    }
}

struct Worker<'j> {
    job: &'j Job,
    minter: Minter,
    reader: Reader,
    minted: Minted,
}

impl<'j> Worker<'j> {
    fn new(job: &'j Job) -> Self {
        let (minter, reader) = (Minter::default(), Reader::default());
        Self { job, minter, reader, minted: Minted::default() }
    }

    fn mint(&mut self, format: Format, piece: Piece) -> Minted {
        self.minted =
            Minted { records: self.job.with_record.then(Default::default), ..Minted::default() };
        match piece {
            Piece::Columns(batch) => self.mint_columns(&batch),
            Piece::Lines(text) => self.mint_lines(format, &text),
            Piece::Rows(rows) => self.mint_rows(rows),
        }
        self.hash();
        std::mem::take(&mut self.minted)
    }

    fn mint_columns(&mut self, batch: &RecordBatch) {
        let schema = batch.schema();
        let rows = Rows::new(schema.fields(), batch.columns());
        for i in 0..batch.num_rows() {
            let pushed = match &rows {
                Ok(rows) => self.minter.push_row(|row| rows.write(i, row)),
                // The file's columns were looked at before; this is for what changed since.
                Err(error) => Err(error.clone()),
            };
            self.end_row(|| show_row(batch, i), pushed, MemberSource::Record);
        }
    }

    fn mint_lines(&mut self, format: Format, text: &[u8]) {
        let mut start = 0;
        while start < text.len() {
            let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |len| start + len);
            let line = &text[start..end];
            start = end + 1;
            if !line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
                let pushed = match format {
                    Format::Cells => self.minter.push_cells(line),
                    _ => self.minter.push(line),
                };
                self.end_row(|| line.into(), pushed, MemberSource::Record);
            }
        }
    }

    fn mint_rows(&mut self, mut rows: input::Rows) {
        for i in 0..rows.list.len() {
            let member = rows.member_source(i);
            let row = &mut rows.list[i];
            let raw = &rows.raw[row.raw.clone()];
            let pushed = match (row.fault.take(), &rows.cells) {
                (Some(fault), _) => Err(fault),
                (None, Some(cells)) => self.minter.push_text_row(&cells.columns, cells.of(i)),
                (None, None) => self.minter.push(raw),
            };
            self.end_row(|| raw.into(), pushed, member);
        }
    }

    fn end_row(
        &mut self,
        raw: impl FnOnce() -> Vec<u8>,
        pushed: precise_core::Result<()>,
        member: MemberSource,
    ) {
        let row = self.minted.rows;
        self.minted.rows += 1;
        match pushed.and_then(|()| self.blind_last()).and_then(|()| self.seat_last(member)) {
            Ok(()) => self.minted.accepted.push(row),
            Err(error) => self.minted.rejects.push(Reject { row, error, raw: raw() }),
        }
        if self.minter.is_full() {
            self.hash();
        }
    }

    /// With a secret, hashes the record just added, since each has a key of its own.
    fn blind_last(&mut self) -> precise_core::Result<()> {
        let Some(blinding) = &self.job.blinding else { return Ok(()) };
        let canonical = self.minter.canonical(self.minter.len() - 1);
        let blind = blinding
            .record_id
            .record_id(&mut self.reader, canonical)
            .and_then(|id| Blind::derive(&blinding.secret, &id));
        match blind {
            Ok(blind) => self.minted.hashes.push(proof::hash(canonical, Some(&blind))),
            Err(error) => {
                self.minter.pop();
                return Err(error);
            }
        }
        Ok(())
    }

    /// For an audience, reads where the record just added belongs.
    fn seat_last(&mut self, member: MemberSource) -> precise_core::Result<()> {
        let Some(fields) = &self.job.seat_fields else { return Ok(()) };
        let canonical = self.minter.canonical(self.minter.len() - 1);
        let seat = Seat::read(&mut self.reader, canonical, &fields.cohort, &fields.member)?;
        let member = match member {
            MemberSource::Column(member) => member,
            MemberSource::Record => seat.member,
        };
        self.minted.seats.push(Seat { member, ..seat });
        Ok(())
    }

    /// Hashes the records added since the last time.
    fn hash(&mut self) {
        let Self { job, minter, minted, .. } = self;
        let blinded = job.blinding.is_some();
        if !blinded {
            minter.hash_into(&mut minted.hashes);
        }
        for i in 0..minter.len() {
            let canonical = minter.canonical(i);
            if !blinded {
                minted.sizes.push(canonical.len() as u32);
            }
            if let Some((text, ends)) = &mut minted.records {
                text.extend_from_slice(canonical);
                ends.push(text.len());
            }
        }
        minter.clear();
        let mut id = [0; ID_LEN];
        for hash in &minted.hashes[minted.ids.len() / ID_LEN..] {
            write_id(hash, &mut id);
            minted.ids.extend_from_slice(&id);
        }
    }
}

/// A row of columns among the rejects: an object of each value as Arrow prints it.
fn show_row(batch: &RecordBatch, row: usize) -> Vec<u8> {
    let options = FormatOptions::new().with_null("NULL");
    let schema = batch.schema();
    let cells = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let shown = ArrayFormatter::try_new(column.as_ref(), &options)
            .and_then(|formatter| formatter.value(row).try_to_string());
        (field.name().clone(), shown.unwrap_or_else(|error| error.to_string()).into())
    });
    serde_json::Value::Object(cells.collect()).to_string().into_bytes()
}

/// Rejected rows, one JSON object a line: nothing is lost.
pub(crate) struct Rejects {
    path: PathBuf,
    output: Option<Output>,
    buffer: Vec<u8>,
    counts: BTreeMap<&'static str, u64>,
}

/// Bytes of rejects written at a time.
const REJECTS_LEN: usize = 1 << 16;

impl Rejects {
    pub(crate) fn create(job: &Job) -> Result<Self> {
        let path = match &job.rejects {
            Some(path) => path.clone(),
            None if is_stream(&job.output) => PathBuf::from("rejects.ndjson"),
            None => job.output.with_extension("rejects.ndjson"),
        };
        let is_output = |input: &&Input| {
            input.path.is_file() && [&job.output, &path].iter().any(|o| same_file(&input.path, o))
        };
        if let Some(Input { path, .. }) = job.inputs.iter().find(is_output) {
            let path = path.display();
            return Err(Failure::Usage(format!("{path} is an input and would be written over")));
        }
        // A file of an earlier run may not be taken for this one's.
        let asked = job.rejects.is_some() || path.is_file();
        let output = if asked { Some(Output::create(&path)?) } else { None };
        Ok(Self { path, output, buffer: Vec::new(), counts: BTreeMap::new() })
    }

    pub(crate) fn write(&mut self, input: &Input, first_row: u64, reject: &Reject) -> Result<()> {
        let code = reject.error.code();
        *self.counts.entry(code.name()).or_default() += 1;
        if self.output.is_none() {
            self.output = Some(Output::create(&self.path)?);
        }
        let mut line = json!({
            "row": first_row + u64::from(reject.row),
            "input": input.path.display().to_string(),
            "code": code.name(),
            "path": reject.error.path(),
            "offset": reject.error.offset(),
            "message": reject.error.to_string(),
        });
        if let Ok(raw) = std::str::from_utf8(&reject.raw) {
            line["raw"] = raw.into();
        } else {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&reject.raw);
            line["raw_base64"] = encoded.into();
        }
        if code == Code::InputSize {
            line["raw_cut"] = true.into();
        }
        self.buffer.extend_from_slice(line.to_string().as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= REJECTS_LEN { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(output) = &mut self.output {
            output
                .write_all(&self.buffer)
                .map_err(|error| Failure::io("write", &self.path, &error))?;
        }
        self.buffer.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(BTreeMap<&'static str, u64>, Option<PathBuf>)> {
        self.flush()?;
        let written = match self.output {
            None => None,
            Some(output) => {
                output.finish()?;
                Some(self.path)
            }
        };
        Ok((self.counts, written))
    }
}

impl Summary {
    /// How many rows were refused.
    pub(crate) fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "records": self.records,
            "minted": self.minted,
            "rejected": self.rejected,
            "duplicates": self.duplicates,
            "distinct": self.distinct,
            "batches": self.roots.iter().map(|root| root.to_json()).collect::<Vec<_>>(),
            "output": self.output.display().to_string(),
            "rejects": self.rejects.as_ref().map(|path| path.display().to_string()),
            "seconds": self.seconds,
            "records_per_second": self.rate(),
        })
    }

    fn rate(&self) -> u64 {
        (self.records as f64 / self.seconds.max(1e-9)) as u64
    }

    /// For people: a line a figure, a line a batch root.
    pub(crate) fn print(&self, to: &mut dyn Write) -> std::io::Result<()> {
        writeln!(to, "{:>12}  records", thousands(self.records))?;
        writeln!(to, "{:>12}  minted to {}", thousands(self.minted), self.output.display())?;
        if let (Some(rejects), total @ 1..) = (&self.rejects, self.rejected_total()) {
            writeln!(to, "{:>12}  rejected, kept in {}", thousands(total), rejects.display())?;
        }
        print_rejected(&self.rejected, to)?;
        writeln!(to, "{:>12}  duplicates", thousands(self.duplicates))?;
        writeln!(to, "{:>12}  distinct proofs", thousands(self.distinct))?;
        for root in &self.roots {
            let hash = precise_core::hex::format_hash(&root.root);
            match root.part {
                None => writeln!(to, "  batch root  {hash}")?,
                Some(part) => {
                    let count = thousands(root.count);
                    writeln!(to, "  batch root  {hash}  {count} proofs, {}", describe_part(part))?;
                }
            }
        }
        if self.roots.is_empty() {
            writeln!(to, "  no batch root: nothing was minted")?;
        }
        writeln!(to, "{:>12}  records/s in {:.2} s", thousands(self.rate()), self.seconds)
    }
}

/// For people: a line for each code under which rows were refused.
pub(crate) fn print_rejected(
    rejected: &BTreeMap<&'static str, u64>,
    to: &mut dyn Write,
) -> std::io::Result<()> {
    for (name, count) in rejected {
        let message = Code::from_name(name).map_or("", Code::message);
        writeln!(to, "{:>12}    {name} {message}", thousands(*count))?;
    }
    Ok(())
}

/// `1,234,567`
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
