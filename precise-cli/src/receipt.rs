//! `precise receipt`: the way of a proof into the log, for its record's holder; and the receipts of
//! whole batches.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use precise_core::entry::{BatchEntry, Entry};
use precise_core::merkle::{Batch, Inclusion, Membership};
use precise_core::{Hash, hex, proof};
use precise_log::leaves::Kept;
use precise_log::log::Log;
use precise_log::source::CommittedBatch;

use crate::args::Receipt;
use crate::failure::{Failure, Result};
use crate::leaves::Leaves;
use crate::log::{Ours, block_on, read_vkey, write};
use crate::output::Output;
use crate::proofs::{is_blinded, read_hashes};
use crate::runs::{SortedRuns, empty_batch};

pub(crate) fn run(command: &Receipt) -> Result<ExitCode> {
    let receipt = block_on(receipt(command))?;
    let json = receipt.to_json();
    write(&command.output, &format!("{json}\n"))?;
    Ok(ExitCode::SUCCESS)
}

async fn receipt(command: &Receipt) -> Result<precise_core::receipt::Receipt> {
    let ours = Ours::open(&command.place).await?;
    let log = match &command.vkey {
        Some(key) => Log::open(ours.store.clone(), &read_vkey(key)?).await?,
        None => ours.log().await?,
    };
    let found = if command.batch.is_empty() {
        in_store(&ours, &log, command).await?
    } else {
        in_files(&log, command).await?
    };
    let (batch, blinded, index) = found;
    if command.blinded && blinded == Some(false) {
        return Err(Failure::Usage("the proofs of this batch are not blinded".into()));
    }
    if !command.blinded && blinded.is_none() {
        eprintln!(
            "warning: whether the proof is blinded is not known; the receipt says that it is not. \
             Pass --blinded if it is"
        );
    }
    Ok(precise_core::receipt::Receipt {
        batch,
        blinded: command.blinded || blinded == Some(true),
        entry: log.entry(index).await?,
        proof_hash: command.proof,
        tlog_proof: log.prove(index).await?.to_text(),
    })
}

/// Where a proof is: in its batch, whether it is blinded if that is known, and the number of the
/// batch's entry.
type Found = (Inclusion, Option<bool>, u64);

/// Looks in the leaves that were kept.
async fn in_store(ours: &Ours, log: &Log, command: &Receipt) -> Result<Found> {
    let leaves = Leaves::open(&ours.leaves(command.store.as_deref()))?;
    if let Some(found) = from_leaves(&leaves, log, &command.proof).await? {
        return Ok(found);
    }
    let id = proof::format_id(&command.proof);
    Err(Failure::Usage(format!(
        "no batch that was kept and is in {} has {id}; pass --batch with the files of its batch",
        log.origin()
    )))
}

/// Where a proof is, in the batch with it that was committed first.
pub(crate) async fn from_leaves(leaves: &Leaves, log: &Log, proof: &Hash) -> Result<Option<Found>> {
    let found = leaves.find(proof)?;
    for unreadable in &found.unreadable {
        eprintln!("warning: {unreadable}");
    }
    // A batch that was kept and never committed is passed over.
    let mut first: Option<Found> = None;
    for kept in &found.kept {
        let note = leaves.noted(kept.identity());
        if let Some(index) = find_kept(log, kept, note.index).await?
            && first.as_ref().is_none_or(|(.., first)| index < *first)
            && let Some(inclusion) = kept.prove(proof)?
        {
            first = Some((inclusion, note.blinded, index));
        }
    }
    Ok(first)
}

/// Looks in the files of a batch.
async fn in_files(log: &Log, command: &Receipt) -> Result<Found> {
    let mut runs = SortedRuns::new(&std::env::temp_dir());
    read_hashes(&command.batch, &command.column, None, &mut runs)?;
    let set = runs.finish(command.part_limit)?;
    let (hashes, part) = set.part_of(&command.proof)?;
    if hashes.is_empty() {
        return Err(empty_batch("cannot make a receipt"));
    }
    let batch =
        Batch::new(hashes).map_err(|error| Failure::refused("cannot make a receipt", error))?;
    let Membership::Included(inclusion) = batch.prove(&command.proof) else {
        let id = proof::format_id(&command.proof);
        return Err(Failure::Usage(format!("{id} is not among the proofs of these files")));
    };
    let root = batch.root();
    let is_it = |entry: &BatchEntry| {
        entry.batch_root == root && entry.count == inclusion.count() && entry.part == part
    };
    let index = find_entry(log, is_it).await?.ok_or_else(|| {
        Failure::Usage(format!(
            "{} has no entry of the batch {}; is it committed?",
            log.origin(),
            hex::format_hash(&root)
        ))
    })?;
    Ok((inclusion, is_blinded(&command.batch)?, index))
}

/// The number of a kept batch's entry: the one that was noted, if it is true, else searched.
async fn find_kept(log: &Log, kept: &Kept, noted: Option<u64>) -> Result<Option<u64>> {
    let is_it = |entry: &Entry| entry.identity().is_ok_and(|found| found == *kept.identity());
    if let Some(index) = noted.filter(|index| *index < log.size())
        && Entry::parse(log.entry(index).await?.as_bytes()).is_ok_and(|entry| is_it(&entry))
    {
        return Ok(Some(index));
    }
    find_entry(log, |entry| is_it(&Entry::Batch(entry.clone()))).await
}

/// The first batch's entry that is the one; every entry is read until it is found.
async fn find_entry(log: &Log, is_it: impl Fn(&BatchEntry) -> bool) -> Result<Option<u64>> {
    /// 64 bundles.
    const AT_ONCE: u64 = 64 * 256;
    let mut begin = 0;
    while begin < log.size() {
        let end = log.size().min(begin + AT_ONCE);
        for (entry, index) in log.entries(begin..end).await?.iter().zip(begin..) {
            if let Ok(Entry::Batch(entry)) = Entry::parse(entry)
                && is_it(&entry)
            {
                return Ok(Some(index));
            }
        }
        begin = end;
    }
    Ok(None)
}

/// Writes the receipts of batches as Parquet.
pub(crate) struct ReceiptsWriter {
    writer: ArrowWriter<Output>,
    schema: SchemaRef,
}

impl ReceiptsWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let schema = Arc::new(Schema::new(vec![
            Field::new("proof_hash", DataType::FixedSizeBinary(32), false),
            Field::new("proof_id", DataType::Utf8, false),
            Field::new("log_index", DataType::UInt64, false),
            Field::new("receipt", DataType::Utf8, false),
        ]));
        // What all receipts of a batch share, and the upper parts of paths, are most of the text.
        let properties = WriterProperties::builder()
            .set_created_by(concat!("precise ", env!("CARGO_PKG_VERSION")).into())
            .set_dictionary_enabled(false)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(Output::create(path)?, schema.clone(), Some(properties))
            .map_err(|error| failed(&error))?;
        Ok(Self { writer, schema })
    }

    /// All receipts of a batch, in the order of its leaves.
    pub(crate) fn write(&mut self, leaves: &Leaves, batch: &CommittedBatch) -> Result<()> {
        let entry = match Entry::parse(batch.entry.as_bytes()) {
            Ok(Entry::Batch(entry)) => entry,
            Ok(Entry::Status(_)) => return Ok(()),
            Err(error) => return Err(Failure::refused("cannot read an entry", error)),
        };
        let root = hex::format_hash(&entry.batch_root);
        let identity = Entry::Batch(entry)
            .identity()
            .map_err(|error| Failure::refused("cannot read an entry", error))?;
        let kept = leaves
            .get(&identity)?
            .ok_or_else(|| Failure::Io(format!("the leaves of {root} are gone")))?;
        let blinded = leaves.noted(&identity).blinded == Some(true);
        let mut rows: Vec<(Hash, String)> = Vec::with_capacity(AT_ONCE);
        for found in kept.inclusions() {
            let (proof_hash, inclusion) = found?;
            let receipt = precise_core::receipt::Receipt {
                batch: inclusion,
                blinded,
                entry: batch.entry.clone(),
                proof_hash,
                tlog_proof: batch.tlog_proof.clone(),
            };
            rows.push((proof_hash, receipt.to_json()));
            if rows.len() == AT_ONCE {
                self.write_rows(&rows, batch.index)?;
                rows.clear();
            }
        }
        self.write_rows(&rows, batch.index)
    }

    fn write_rows(&mut self, rows: &[(Hash, String)], index: u64) -> Result<()> {
        let ids = rows.iter().map(|(hash, _)| proof::format_id(hash));
        let hashes: Vec<u8> = rows.iter().flat_map(|(hash, _)| *hash).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(
                FixedSizeBinaryArray::try_new(32, hashes.into(), None)
                    .map_err(|error| failed(&error))?,
            ),
            Arc::new(StringArray::from_iter_values(ids)),
            Arc::new(UInt64Array::from_value(index, rows.len())),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, receipt)| receipt))),
        ];
        let batch = RecordBatch::try_new(self.schema.clone(), columns);
        self.writer.write(&batch.map_err(|error| failed(&error))?).map_err(|error| failed(&error))
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.writer.into_inner().map_err(|error| failed(&error))?.finish()
    }
}

/// Receipts written at once: 3 KB each.
const AT_ONCE: usize = 1 << 12;

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Io(format!("cannot write the receipts: {error}"))
}
