//! `precise mint`: records in, proofs and rejects out, and the batch roots over them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use precise_core::field::FieldPath;
use precise_core::json::Reader;
use precise_core::proof::{Blind, Minter, write_id};
use precise_core::{Hash, proof};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::input::{Input, MemberSource};
use crate::output::{Output, is_stream, parent};
use crate::proofs::{ID_LEN, Proofs, ProofsWriter, WriteError};
use crate::rejects::{Rejected, Rejects, thousands};
use crate::runs::{BatchRoot, SortedRuns, describe_part};
use crate::workers::{Task, work_all};

/// What to mint and where to.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) output: PathBuf,
    /// None: beside the output, if there are any.
    pub(crate) rejects: Option<PathBuf>,
    pub(crate) with_record: bool,
    pub(crate) strict: bool,
    pub(crate) blinding: Option<Blinding>,
    pub(crate) part_limit: usize,
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
    pub(crate) rejected: Rejected,
    pub(crate) duplicates: u64,
    pub(crate) distinct: u64,
    pub(crate) roots: Vec<BatchRoot>,
    pub(crate) seconds: f64,
    pub(crate) output: PathBuf,
}

/// Mints.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let mut output = Output::create(&job.output)?;
    let outputs = [job.output.as_path()];
    let mut rejects = Rejects::create(&job.inputs, &outputs, job.rejects.as_deref())?;
    let directory =
        if is_stream(&job.output) { std::env::temp_dir() } else { parent(output.path()).into() };
    let mut runs = SortedRuns::new(&directory);
    let write_failed = |error: &WriteError| write_failure(&job.output, error);
    let mut writer =
        ProofsWriter::new(&mut output, job.with_record).map_err(|error| write_failed(&error))?;

    let (mut records, mut minted) = (0, 0);
    let begin = || Minting { job, reader: Reader::default() };
    work_all(&job.inputs, begin, &mut |input, done| {
        let first_row = records;
        records += u64::from(done.rows);
        for reject in done.rejects {
            if job.strict {
                return Err(reject.into_failure(input, first_row));
            }
            rejects.write(input, first_row, &reject)?;
        }
        runs.extend(&done.made.hashes)?;
        minted += done.accepted.len() as u64;
        let proofs = done.made.into_proofs(first_row, &done.accepted);
        writer.write(proofs).map_err(|error| write_failed(&error))
    })?;

    writer.finish().map_err(|error| write_failed(&error))?;
    let set = runs.finish(job.part_limit)?;
    let roots = set.batch_roots()?;
    let rejected = rejects.finish()?;
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
    })
}

/// What the Parquet writer said.
pub(crate) fn write_failure(path: &Path, error: &WriteError) -> Failure {
    // The Parquet writer hands on what the file said.
    if let WriteError::External(source) = error
        && let Some(error) = source.downcast_ref()
    {
        return Failure::io("write", path, error);
    }
    Failure::Io(format!("cannot write {}: {error}", path.display()))
}

/// One piece, minted.
#[derive(Default)]
struct Minted {
    hashes: Vec<Hash>,
    ids: Vec<u8>,
    sizes: Vec<u32>,
    records: Option<(Vec<u8>, Vec<usize>)>,
}

impl Minted {
    /// The proofs of the rows `accepted` of a piece whose first row is `first_row`.
    fn into_proofs(self, first_row: u64, accepted: &[u32]) -> Proofs {
        Proofs {
            rows: accepted.iter().map(|row| first_row + u64::from(*row)).collect(),
            hashes: self.hashes,
            ids: self.ids,
            sizes: self.sizes,
            records: self.records,
        }
    }
}

/// Mints records.
struct Minting<'j> {
    job: &'j Job,
    reader: Reader,
}

impl Task for Minting<'_> {
    type Made = Minted;

    fn begin(&self) -> Minted {
        Minted { records: self.job.with_record.then(Default::default), ..Minted::default() }
    }

    /// With a secret, hashes the record, since each has a key of its own.
    fn take(
        &mut self,
        records: &Minter,
        _: MemberSource,
        minted: &mut Minted,
    ) -> precise_core::Result<()> {
        let Some(blinding) = &self.job.blinding else { return Ok(()) };
        let canonical = records.canonical(records.len() - 1);
        let id = blinding.record_id.record_id(&mut self.reader, canonical)?;
        let blind = Blind::derive(&blinding.secret, &id)?;
        minted.hashes.push(proof::hash(canonical, Some(&blind)));
        Ok(())
    }

    fn settle(&mut self, records: &Minter, minted: &mut Minted) {
        let blinded = self.job.blinding.is_some();
        if !blinded {
            records.hash_into(&mut minted.hashes);
        }
        for i in 0..records.len() {
            let canonical = records.canonical(i);
            if !blinded {
                minted.sizes.push(canonical.len() as u32);
            }
            if let Some((text, ends)) = &mut minted.records {
                text.extend_from_slice(canonical);
                ends.push(text.len());
            }
        }
        let mut id = [0; ID_LEN];
        for hash in &minted.hashes[minted.ids.len() / ID_LEN..] {
            write_id(hash, &mut id);
            minted.ids.extend_from_slice(&id);
        }
    }
}

impl Summary {
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "records": self.records,
            "minted": self.minted,
            "rejected": self.rejected.counts,
            "duplicates": self.duplicates,
            "distinct": self.distinct,
            "batches": self.roots.iter().map(|root| root.to_json()).collect::<Vec<_>>(),
            "output": self.output.display().to_string(),
            "rejects": self.rejected.file_name(),
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
        self.rejected.print(to)?;
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
