//! Rows in, side by side, and what is made of them out, in order.
//!
//! One thread reads and cuts, as many as there are cores work, and this one takes what they made.
//! Piece i goes to worker i modulo their number and comes back from there, so that order needs no
//! sorting and a slow piece holds up the others instead of letting them pile up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use precise_arrow::Rows;
use precise_core::proof::Minter;

use crate::failure::{Failure, Result};
use crate::input::{self, Format, Input, MemberSource, Piece};
use crate::progress::Progress;
use crate::rejects::Reject;

/// Pieces waiting at each worker, and finished ones waiting for who takes them.
const WAITING: usize = 2;

/// What is done with records. Each worker has one of its own.
pub(crate) trait Task: Send {
    /// What is made of one piece.
    type Made: Send;

    /// Nothing made yet.
    fn begin(&self) -> Self::Made;

    /// Takes the last of `records`. One that is refused is taken out of them again.
    fn take(
        &mut self,
        records: &Minter,
        member: MemberSource,
        made: &mut Self::Made,
    ) -> precise_core::Result<()>;

    /// Takes a line of NDJSON as it stands, if what is said there can be told without making a
    /// record of it; says whether it did. A line that would be refused is not taken.
    fn take_plain(&mut self, _line: &[u8], _made: &mut Self::Made) -> bool {
        false
    }

    /// Looks at all records that were taken since the last time; they go then.
    fn settle(&mut self, records: &Minter, made: &mut Self::Made);
}

/// One piece, worked on.
pub(crate) struct Done<M> {
    /// Rows in the piece.
    pub(crate) rows: u32,
    /// Which of them were accepted.
    pub(crate) accepted: Vec<u32>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) made: M,
}

/// Takes what was made of a piece of an input.
pub(crate) type Take<'t, M> = dyn FnMut(&Input, Done<M>) -> Result<()> + 't;

/// Reads everything and works on it; `each` gets the pieces in order. The workers' tasks, as they
/// are in the end.
pub(crate) fn work_all<T: Task>(
    inputs: &[Input],
    begin: impl Fn() -> T,
    each: &mut Take<'_, T::Made>,
) -> Result<Vec<T>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let read = Arc::new(AtomicU64::new(0));
    let lengths: Option<u64> = inputs.iter().map(Input::len).sum();
    let progress = Progress::bytes(lengths);
    std::thread::scope(|scope| {
        let mut to_workers: Vec<SyncSender<(usize, Piece)>> = Vec::new();
        let mut from_workers: Vec<Receiver<(usize, Done<T::Made>)>> = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..workers {
            let (to_worker, pieces) = sync_channel(WAITING);
            let (to_taker, done) = sync_channel(WAITING);
            to_workers.push(to_worker);
            from_workers.push(done);
            let worker = Worker { task: begin(), records: Minter::default() };
            tasks.push(scope.spawn(move || worker.work(inputs, &pieces, &to_taker)));
        }
        let reader = scope.spawn({
            let read = read.clone();
            move || read_all(inputs, &read, &to_workers)
        });
        let mut result = Ok(());
        for done in from_workers.iter().cycle() {
            // The first worker without a piece is one behind the last piece.
            let Ok((input, done)) = done.recv() else { break };
            result = each(&inputs[input], done);
            progress.set(read.load(Ordering::Relaxed));
            if result.is_err() {
                break;
            }
        }
        // Workers that still send fail now, end, and so does the reader.
        drop(from_workers);
        progress.finish();
        let reader = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let tasks = tasks
            .into_iter()
            .map(|task| task.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let tasks = tasks.collect();
        result.and(reader).map(|()| tasks)
    })
}

fn read_all(
    inputs: &[Input],
    read: &Arc<AtomicU64>,
    to_workers: &[SyncSender<(usize, Piece)>],
) -> Result<()> {
    let mut turns = to_workers.iter().cycle();
    for (i, input) in inputs.iter().enumerate() {
        input.read(read, &mut |piece| {
            // A cycle over at least one worker does not end: there is one for each core. A worker
            // is gone only if the taker failed.
            let worker = turns.next().ok_or(Failure::Stopped)?;
            worker.send((i, piece)).map_err(|_| Failure::Stopped)
        })?;
    }
    Ok(())
}

struct Worker<T> {
    task: T,
    records: Minter,
}

impl<T: Task> Worker<T> {
    fn work(
        mut self,
        inputs: &[Input],
        pieces: &Receiver<(usize, Piece)>,
        to_taker: &SyncSender<(usize, Done<T::Made>)>,
    ) -> T {
        while let Ok((input, piece)) = pieces.recv() {
            let done = self.work_on(inputs[input].format, piece);
            if to_taker.send((input, done)).is_err() {
                break;
            }
        }
        self.task
    }

    fn work_on(&mut self, format: Format, piece: Piece) -> Done<T::Made> {
        let made = self.task.begin();
        let mut done = Done { rows: 0, accepted: Vec::new(), rejects: Vec::new(), made };
        match piece {
            Piece::Columns(batch) => self.take_columns(&batch, &mut done),
            Piece::Lines(text) => self.take_lines(format, &text, &mut done),
            Piece::Rows(rows) => self.take_rows(rows, &mut done),
        }
        self.settle(&mut done);
        done
    }

    fn take_columns(&mut self, batch: &RecordBatch, done: &mut Done<T::Made>) {
        let schema = batch.schema();
        let rows = Rows::new(schema.fields(), batch.columns());
        for i in 0..batch.num_rows() {
            let pushed = match &rows {
                Ok(rows) => self.records.push_row(|row| rows.write(i, row)),
                // The file's columns were looked at before; this is for what changed since.
                Err(error) => Err(error.clone()),
            };
            self.end_row(|| show_row(batch, i), pushed, MemberSource::Record, done);
        }
    }

    fn take_lines(&mut self, format: Format, text: &[u8], done: &mut Done<T::Made>) {
        let mut start = 0;
        while start < text.len() {
            let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |len| start + len);
            let line = &text[start..end];
            start = end + 1;
            if format != Format::Cells && self.task.take_plain(line, &mut done.made) {
                done.accepted.push(done.rows);
                done.rows += 1;
            } else if !line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
                let pushed = match format {
                    Format::Cells => self.records.push_cells(line),
                    _ => self.records.push(line),
                };
                self.end_row(|| line.into(), pushed, MemberSource::Record, done);
            }
        }
    }

    fn take_rows(&mut self, mut rows: input::Rows, done: &mut Done<T::Made>) {
        for i in 0..rows.list.len() {
            let member = rows.take_member(i);
            let row = &mut rows.list[i];
            let raw = &rows.raw[row.raw.clone()];
            let pushed = match (row.fault.take(), &rows.cells) {
                (Some(fault), _) => Err(fault),
                (None, Some(cells)) => self.records.push_text_row(&cells.columns, cells.of(i)),
                (None, None) => self.records.push(raw),
            };
            self.end_row(|| raw.into(), pushed, member, done);
        }
    }

    fn end_row(
        &mut self,
        raw: impl FnOnce() -> Vec<u8>,
        pushed: precise_core::Result<()>,
        member: MemberSource,
        done: &mut Done<T::Made>,
    ) {
        let row = done.rows;
        done.rows += 1;
        let taken = pushed.and_then(|()| {
            let taken = self.task.take(&self.records, member, &mut done.made);
            if taken.is_err() {
                self.records.pop();
            }
            taken
        });
        match taken {
            Ok(()) => done.accepted.push(row),
            Err(error) => done.rejects.push(Reject { row, error, raw: raw() }),
        }
        if self.records.is_full() {
            self.settle(done);
        }
    }

    fn settle(&mut self, done: &mut Done<T::Made>) {
        self.task.settle(&self.records, &mut done.made);
        self.records.clear();
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
