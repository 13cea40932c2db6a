//! `precise audience`: records in, one proof out, of their batches and of the cohorts among them
//! that are large enough to be named (SPEC.md section 8).
//!
//! Hashes go to disk where they are many, as everywhere; of each member of a cohort 20 bytes stay
//! in memory, since who is in two small cohorts counts once in what they become.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use precise_core::cohort::{Census, Release, Seat, SeatReader};
use precise_core::proof::{self, Minter, format_id};
use precise_core::{Hash, hex};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::input::{Input, MemberSource};
use crate::output::Output;
use crate::rejects::{Rejected, Rejects, refused_row, thousands};
use crate::runs::{BatchRoot, SortedRuns, describe_part};
use crate::workers::{Task, work_all};

/// Of which records, and what may be said of them.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    /// The members a cohort needs.
    pub(crate) k: u64,
    /// Reads which cohorts a record is in, and whose it is.
    pub(crate) seats: SeatReader,
    pub(crate) output: Option<PathBuf>,
    /// None: beside the output, if there are any.
    pub(crate) rejects: Option<PathBuf>,
    pub(crate) part_limit: usize,
}

/// What an audience came to.
pub(crate) struct Summary {
    release: Release,
    document: String,
    proof_id: String,
    k: u64,
    records: u64,
    rejected: Rejected,
    duplicates: u64,
    distinct: u64,
    roots: Vec<BatchRoot>,
    /// Records that say neither, so that a field's name that was mistaken is seen.
    without_cohort: u64,
    without_member: u64,
    seconds: f64,
    output: Option<PathBuf>,
}

/// Mints the records, counts the members, and writes the document.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let mut written = job.output.as_deref().map(Output::create).transpose()?;
    let outputs = job.output.as_deref().as_slice().to_vec();
    let mut rejects = Rejects::create(&job.inputs, &outputs, job.rejects.as_deref())?;
    let mut runs = SortedRuns::new(&std::env::temp_dir());
    let mut census = Census::default();
    let (mut records, mut without_cohort, mut without_member) = (0, 0, 0);
    let begin = || Seating { seats: job.seats.clone() };
    work_all(&job.inputs, begin, &mut |input, done| {
        let first_row = records;
        records += u64::from(done.rows);
        for reject in &done.rejects {
            rejects.write(input, first_row, reject)?;
        }
        let seats = done.made.seats.iter().zip(&done.made.hashes);
        for (row, (seat, proof_hash)) in done.accepted.iter().zip(seats) {
            without_cohort += u64::from(seat.cohorts.is_empty());
            without_member += u64::from(seat.member.is_none());
            census
                .push(seat, proof_hash)
                .map_err(|error| refused_row(input, first_row + u64::from(*row), error))?;
        }
        runs.extend(&done.made.hashes)
    })?;
    // Rejects are kept also where they are why nothing can be released.
    let rejected = rejects.finish()?;
    let release = census
        .release(job.k)
        .map_err(|error| Failure::refused("cannot prove the audience", error))?;

    let set = runs.finish(job.part_limit)?;
    let roots = set.batch_roots()?;
    let hashes: Vec<Hash> = roots.iter().map(|root| root.root).collect();
    let document = release.document(&hashes, set.distinct(), None);
    if let (Some(mut written), Some(path)) = (written.take(), &job.output) {
        written
            .write_all(document.as_bytes())
            .map_err(|error| Failure::io("write", path, &error))?;
        written.finish()?;
    }
    Ok(Summary {
        proof_id: format_id(&proof::hash(document.as_bytes(), None)),
        release,
        document,
        k: job.k,
        records,
        rejected,
        duplicates: set.duplicates(),
        distinct: set.distinct(),
        roots,
        without_cohort,
        without_member,
        seconds: started.elapsed().as_secs_f64(),
        output: job.output.clone(),
    })
}

/// The records of a piece.
#[derive(Default)]
struct Seated {
    hashes: Vec<Hash>,
    seats: Vec<Seat>,
}

/// Reads where records belong.
struct Seating {
    seats: SeatReader,
}

impl Task for Seating {
    type Made = Seated;

    fn begin(&self) -> Seated {
        Seated::default()
    }

    fn take(
        &mut self,
        records: &Minter,
        member: MemberSource,
        made: &mut Seated,
    ) -> precise_core::Result<()> {
        let seat = self.seats.read(records.canonical(records.len() - 1))?;
        let member = match member {
            MemberSource::Column(member) => member,
            MemberSource::Record => seat.member,
        };
        made.seats.push(Seat { member, ..seat });
        Ok(())
    }

    fn settle(&mut self, records: &Minter, made: &mut Seated) {
        records.hash_into(&mut made.hashes);
    }
}

impl Summary {
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let cohorts = self.release.cohorts().iter();
        let ids: Vec<&str> = cohorts.clone().map(|cohort| cohort.id.as_str()).collect();
        let counted: Vec<_> = cohorts
            .map(|cohort| json!({ "id": cohort.id.as_str(), "n": cohort.members }))
            .collect();
        json!({
            "proof_id": self.proof_id,
            "cohort_ids": ids,
            "cohorts": counted,
            "k": self.k,
            "document": self.document,
            "records": self.records,
            "rejected": self.rejected.counts,
            "duplicates": self.duplicates,
            "distinct": self.distinct,
            "batches": self.roots.iter().map(|root| root.to_json()).collect::<Vec<_>>(),
            "output": self.output.as_ref().map(|path| path.display().to_string()),
            "rejects": self.rejected.file_name(),
            "without_cohort": self.without_cohort,
            "without_member": self.without_member,
            "seconds": self.seconds,
        })
    }

    /// For people: a line a figure, a line a cohort.
    pub(crate) fn print(&self, to: &mut dyn Write) -> std::io::Result<()> {
        writeln!(to, "{:>12}  records", thousands(self.records))?;
        self.rejected.print(to)?;
        writeln!(to, "{:>12}  duplicates", thousands(self.duplicates))?;
        writeln!(to, "{:>12}  distinct proofs", thousands(self.distinct))?;
        for (count, what) in [
            (self.without_cohort, "records in no cohort"),
            (self.without_member, "records that name no member, each a member of its own"),
        ] {
            if count > 0 {
                writeln!(to, "{:>12}  {what}", thousands(count))?;
            }
        }
        for root in &self.roots {
            let hash = hex::format_hash(&root.root);
            match root.part {
                None => writeln!(to, "  batch root  {hash}")?,
                Some(part) => writeln!(to, "  batch root  {hash}  {}", describe_part(part))?,
            }
        }
        writeln!(to, "    proof id  {}", self.proof_id)?;
        for cohort in self.release.cohorts() {
            writeln!(to, "{:>12}  {}", thousands(cohort.members), cohort.id)?;
        }
        Ok(())
    }
}
