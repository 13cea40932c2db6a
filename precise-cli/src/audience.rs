//! `precise audience`: records in, one proof out, of their batches and of the cohorts among them
//! that are large enough to be named (SPEC.md section 8).
//!
//! Hashes go to disk where they are many, as everywhere; of each member of a cohort 20 bytes stay
//! in memory, since who is in two small cohorts counts once in what they become.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use precise_core::cohort::{Census, Member, Release, ReleaseKey, Seat, SeatReader};
use precise_core::field::FieldPath;
use precise_core::proof::{self, Minter, format_id};
use precise_core::ruleset::Ruleset;
use precise_core::{Hash, hex};
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::input::{Input, MemberSource};
use crate::output::Output;
use crate::rejects::{Rejected, Rejects, refused_row, thousands};
use crate::releases::Releases;
use crate::runs::{BatchRoot, SortedRuns, describe_part};
use crate::workers::{Task, work_all};

/// Of which records, and what may be said of them.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    /// The members a cohort needs.
    pub(crate) k: u64,
    /// What says which cohorts a record is in; without one its own field does.
    pub(crate) ruleset: Option<Arc<Ruleset>>,
    /// The field of a record that says whose it is.
    pub(crate) member: FieldPath,
    /// Where earlier releases are kept. Without a label there are none to compare with.
    pub(crate) label: Option<Label>,
    pub(crate) output: Option<PathBuf>,
    /// None: beside the output, if there are any.
    pub(crate) rejects: Option<PathBuf>,
    pub(crate) part_limit: usize,
}

/// Under which name audiences are released.
pub(crate) struct Label {
    pub(crate) name: String,
    /// None: where state is by default.
    pub(crate) state: Option<PathBuf>,
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
    ruleset: Option<Arc<Ruleset>>,
    /// The label, and with how many earlier releases under it this one was compared.
    compared: Option<(String, usize)>,
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
    let releases = match &job.label {
        None => None,
        Some(label) => Some(Releases::open(&label.name, label.state.as_deref())?),
    };
    let key = releases.as_ref().map(Releases::key);
    let mut census = key.cloned().map_or_else(Census::default, Census::guarded);
    let (mut records, mut without_cohort, mut without_member) = (0, 0, 0);
    let seats = SeatReader::new(job.ruleset.clone(), &job.member, key.cloned());
    let begin = || Seating { seats: seats.clone(), key };
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
    let ruleset_hash = job.ruleset.as_ref().map(|ruleset| ruleset.hash());
    let document = release.document(&hashes, set.distinct(), ruleset_hash);
    if let (Some(written), Some(path)) = (&mut written, &job.output) {
        written
            .write_all(document.as_bytes())
            .map_err(|error| Failure::io("write", path, &error))?;
    }
    // What others may have seen is kept before they do: a crash in between leaves a release that
    // nobody saw, and none that was seen and is not compared with.
    let compared = match &releases {
        None => None,
        Some(releases) => Some(releases.add(release.members(), job.k)?),
    };
    written.map_or(Ok(()), Output::finish)?;
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
        ruleset: job.ruleset.clone(),
        compared: job.label.as_ref().map(|label| label.name.clone()).zip(compared),
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
struct Seating<'k> {
    seats: SeatReader,
    /// Under which members are kept, if they are.
    key: Option<&'k ReleaseKey>,
}

impl Task for Seating<'_> {
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
            MemberSource::Column(member) => member.and_then(|id| match self.key {
                None => Member::of(&id),
                Some(key) => key.member(&id),
            }),
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
            "ruleset_hash": self.ruleset.as_ref().map(|ruleset| hex::format_hash(ruleset.hash())),
            "ruleset_version": self.ruleset.as_ref().map(|ruleset| ruleset.version()),
            "label": self.compared.as_ref().map(|(label, _)| label),
            "compared": self.compared.as_ref().map(|(_, count)| count),
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
        if let Some(ruleset) = &self.ruleset {
            print_ruleset(ruleset, to)?;
        }
        if let Some((label, count)) = &self.compared {
            let count = thousands(*count as u64);
            writeln!(to, "{count:>12}  earlier releases under {label:?} compared with")?;
        } else {
            writeln!(to, "    compared  with no earlier release: --label says which those are")?;
        }
        writeln!(to, "    proof id  {}", self.proof_id)?;
        for cohort in self.release.cohorts() {
            writeln!(to, "{:>12}  {}", thousands(cohort.members), cohort.id)?;
        }
        Ok(())
    }
}

/// For people: a line for the rule set.
pub(crate) fn print_ruleset(ruleset: &Ruleset, to: &mut dyn Write) -> std::io::Result<()> {
    let hash = hex::format_hash(ruleset.hash());
    writeln!(to, "    rule set  {hash}  version {:?}", ruleset.version())
}
