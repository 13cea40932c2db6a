//! `precise cohorts`: records in, which cohorts of a rule set they are in, how large these are, and
//! how they did (SPEC.md sections 8.5, 8.6 and 8.9).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use precise_core::cohort::Member;
use precise_core::hex;
use precise_core::performance::{Facts, FactsReader};
use precise_core::proof::Minter;
use precise_core::ruleset::{Matcher, Ruleset};
use precise_core::{Code, Error};
use serde_json::json;

use crate::audience::print_ruleset;
use crate::failure::{Failure, Result};
use crate::fields::{Field, find, json_of, scalar_of};
use crate::input::{Input, MemberSource};
use crate::mint::write_failure;
use crate::output::Output;
use crate::rejects::{Rejected, Rejects, thousands};
use crate::workers::{Done, Task, work_all};

mod membership;
mod performance;

use membership::MembershipWriter;
use performance::Performances;

/// The members a cohort must have to be shown by itself, unless told otherwise.
pub(crate) const K: u64 = 50;

/// What to read, and what to say of it.
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) ruleset: Ruleset,
    pub(crate) k: u64,
    /// Whose a record is, and the facts about them.
    pub(crate) fields: [Field; 2],
    pub(crate) performance: bool,
    /// Where to write the cohorts of each record.
    pub(crate) output: Option<PathBuf>,
    /// None: beside the output, if there are any.
    pub(crate) rejects: Option<PathBuf>,
}

/// What it came to.
pub(crate) struct Summary {
    records: u64,
    rejected: Rejected,
    ruleset: Ruleset,
    k: u64,
    /// Sorted by id.
    cohorts: Vec<Cohort>,
    /// Those with fewer than k members, and how many members they have together; none where these
    /// are fewer than k.
    small: u64,
    small_members: Option<u64>,
    /// Records that say neither, so that a field's name that was mistaken is seen.
    without_cohort: u64,
    without_member: u64,
    /// Records with facts, if they were asked for.
    with_facts: Option<u64>,
    /// Fields that were asked for and that no record has.
    missing: Vec<String>,
    seconds: f64,
    output: Option<PathBuf>,
}

/// A cohort that is shown by itself.
struct Cohort {
    id: String,
    members: u64,
    /// As the SQL function writes it.
    performance: Option<String>,
}

/// Reads the records, and counts.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let mut output = job.output.as_deref().map(Output::create).transpose()?;
    let outputs = job.output.as_deref().as_slice().to_vec();
    let mut rejects = Rejects::create(&job.inputs, &outputs, job.rejects.as_deref())?;
    let mut writer = match (&mut output, &job.output) {
        (Some(output), Some(path)) => Some((MembershipWriter::new(output, path)?, path)),
        _ => None,
    };
    let mut roll = Roll::default();
    let mut performances = Performances::default();
    let mut users = Vec::new();
    let (mut records, mut without_cohort, mut without_member, mut with_facts) = (0, 0, 0, 0);
    let tasks =
        work_all(&job.inputs, || Matching::new(job), &mut |input, done: Done<Vec<Matched>>| {
            let first_row = records;
            records += u64::from(done.rows);
            for reject in &done.rejects {
                rejects.write(input, first_row, reject)?;
            }
            for (row, matched) in done.accepted.iter().zip(&done.made) {
                let row = first_row + u64::from(*row);
                without_cohort += u64::from(matched.ids.is_empty());
                without_member += u64::from(matched.member.is_none());
                with_facts += u64::from(matched.facts.is_some());
                let numbers = roll.push(&matched.ids, matched.member.as_deref());
                if let Some(facts) = &matched.facts {
                    users.extend(matched.member.as_deref().and_then(Member::of));
                    performances
                        .push(numbers, facts)
                        .map_err(|error| Failure::refused("cannot say how cohorts did", error))?;
                }
                if let Some((writer, _)) = &mut writer {
                    writer.push(row, matched.member.as_deref(), &matched.ids);
                }
            }
            match &mut writer {
                Some((writer, path)) => writer.flush().map_err(|error| write_failure(path, &error)),
                None => Ok(()),
            }
        })?;
    writer.map_or(Ok(()), |(writer, path)| {
        writer.finish().map_err(|error| write_failure(path, &error))
    })?;
    demand_one_record_each(users)?;
    let rejected = rejects.finish()?;
    let missing = missing_fields(job, &tasks, records > rejected.total());
    let Counted { large, small, small_members } = roll.count(job.k);
    let performance = |number| -> Result<Option<String>> {
        if !job.performance {
            return Ok(None);
        }
        let json = performances.report(number);
        json.map(Some).map_err(|error| Failure::refused("cannot say how cohorts did", error))
    };
    let cohorts = large
        .into_iter()
        .map(|(id, number, members)| Ok(Cohort { id, members, performance: performance(number)? }))
        .collect::<Result<_>>()?;
    output.map_or(Ok(()), Output::finish)?;
    Ok(Summary {
        records,
        rejected,
        ruleset: job.ruleset.clone(),
        k: job.k,
        cohorts,
        small,
        small_members,
        without_cohort,
        without_member,
        with_facts: job.performance.then_some(with_facts),
        missing,
        seconds: started.elapsed().as_secs_f64(),
        output: job.output.clone(),
    })
}

/// How a cohort did is said of users, each of whom counts once: facts of one user in two records
/// have to be brought together by who knows how.
///
/// Error: PR514.
fn demand_one_record_each(mut users: Vec<Member>) -> Result<()> {
    let count = users.len();
    users.sort_unstable();
    users.dedup();
    if users.len() == count {
        return Ok(());
    }
    let [records, members] = [count, users.len()].map(|count| thousands(count as u64));
    let detail = format!(
        "{records} records have facts about {members} members; bring those about one into one first"
    );
    let error = Error::new(Code::Facts).because(detail);
    Err(Failure::refused("cannot say how cohorts did", error))
}

/// The fields that no record has, although options or rules look for them there. Of no records
/// nothing can be said.
fn missing_fields(job: &Job, tasks: &[Matching<'_>], has_records: bool) -> Vec<String> {
    if !has_records {
        return Vec::new();
    }
    let mut missing = Vec::new();
    let [_, facts] = &job.fields;
    if job.performance && !tasks.iter().any(|task| task.has_facts) {
        missing.push(format!("the field {}", facts.text()));
    }
    let unseen =
        |task: &Matching| -> BTreeSet<&str> { task.matcher.unseen(&job.ruleset).collect() };
    let unseen = tasks.iter().map(unseen).reduce(|some, others| &some & &others);
    missing.extend(unseen.into_iter().flatten().map(|signal| format!("the signal {signal}")));
    missing
}

/// One record.
struct Matched {
    ids: Vec<String>,
    member: Option<String>,
    facts: Option<Facts>,
}

/// Reads which cohorts records are in.
struct Matching<'j> {
    job: &'j Job,
    matcher: Matcher,
    facts: FactsReader,
    /// Whether any record had the field, be it null.
    has_facts: bool,
}

impl<'j> Matching<'j> {
    fn new(job: &'j Job) -> Self {
        Self { job, matcher: Matcher::default(), facts: FactsReader::default(), has_facts: false }
    }
}

impl Task for Matching<'_> {
    type Made = Vec<Matched>;

    fn begin(&self) -> Vec<Matched> {
        Vec::new()
    }

    fn take(
        &mut self,
        records: &Minter,
        member: MemberSource,
        made: &mut Vec<Matched>,
    ) -> precise_core::Result<()> {
        let record = records.canonical(records.len() - 1);
        let [_, facts_field] = &self.job.fields;
        let is_value = |value: &&[u8]| *value != b"null";
        let found = find(&self.job.fields, record);
        self.has_facts |= found[1].is_some();
        let [member_found, facts_found] = found.map(|found| found.filter(is_value));
        let member = match member {
            MemberSource::Column(member) => member,
            MemberSource::Record => member_found.and_then(scalar_of),
        };
        let facts = match facts_found.filter(|_| self.job.performance) {
            None => None,
            Some(facts) => {
                let facts = self.facts.read(&json_of(facts));
                Some(facts.map_err(|error| facts_field.locate(error))?)
            }
        };
        let ids = self.matcher.ids(&self.job.ruleset, record)?.map(Into::into).collect();
        made.push(Matched { ids, member, facts });
        Ok(())
    }

    fn settle(&mut self, _: &Minter, _: &mut Vec<Matched>) {}
}

/// Who is in which cohort.
#[derive(Default)]
struct Roll {
    numbers: BTreeMap<String, u32>,
    /// By number: records in one cohort that name no member.
    alone: Vec<u64>,
    /// Repeats go when the list is settled.
    seats: Vec<(u32, Who)>,
    settled: usize,
    rows: u64,
    /// The numbers of the last record's cohorts.
    last: Vec<u32>,
}

/// A member, or the record that is one of its own, by its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Member(Member),
    Record(u64),
}

/// Cohorts with k members and more, and what is to be said of the others.
struct Counted {
    /// Id, number, members.
    large: Vec<(String, u32, u64)>,
    small: u64,
    small_members: Option<u64>,
}

/// Repeats may not pile up: a roll settles whenever it has doubled, and not before it has this many
/// seats, 2 MB.
const SETTLE_LEN: usize = 1 << 16;

impl Roll {
    /// Counts a record, and gives the numbers of its cohorts.
    fn push(&mut self, ids: &[String], member: Option<&str>) -> &[u32] {
        self.rows += 1;
        self.last.clear();
        for id in ids {
            let number = if let Some(number) = self.numbers.get(id) {
                *number
            } else {
                let number = self.alone.len() as u32;
                self.alone.push(0);
                self.numbers.insert(id.clone(), number);
                number
            };
            self.last.push(number);
        }
        let who = match (member.and_then(Member::of), &self.last[..]) {
            (Some(member), _) => Who::Member(member),
            // It is in no other cohort with which it could meet in one row.
            (None, &[number]) => {
                self.alone[number as usize] += 1;
                return &self.last;
            }
            (None, _) => Who::Record(self.rows),
        };
        if self.seats.len() >= (2 * self.settled).max(SETTLE_LEN) {
            self.settle();
        }
        self.seats.extend(self.last.iter().map(|number| (*number, who)));
        &self.last
    }

    fn settle(&mut self) {
        self.seats.sort_unstable();
        self.seats.dedup();
        self.settled = self.seats.len();
    }

    fn count(mut self, k: u64) -> Counted {
        self.settle();
        let (mut large, mut small) = (Vec::new(), 0);
        let (mut rest, mut rest_alone) = (Vec::new(), 0);
        for (id, number) in self.numbers {
            let start = self.seats.partition_point(|seat| seat.0 < number);
            let len = self.seats[start..].partition_point(|seat| seat.0 == number);
            let (seats, alone) = (&self.seats[start..start + len], self.alone[number as usize]);
            let members = len as u64 + alone;
            if members >= k {
                large.push((id, number, members));
            } else {
                small += 1;
                rest.extend(seats.iter().map(|seat| seat.1));
                rest_alone += alone;
            }
        }
        rest.sort_unstable();
        rest.dedup();
        let members = rest.len() as u64 + rest_alone;
        Counted { large, small, small_members: (members >= k).then_some(members) }
    }
}

impl Summary {
    /// Tells, on standard error, of what was asked for and is nowhere: a name that was misspelled
    /// gives the same counts as a cohort without members.
    pub(crate) fn warn(&self) {
        for missing in &self.missing {
            eprintln!("warning: no record has {missing}");
        }
    }

    /// Whether there were rows, and none of them could be used.
    pub(crate) fn is_empty(&self) -> bool {
        self.records > 0 && self.records == self.rejected.total()
    }

    pub(crate) fn to_json(&self) -> String {
        let ids = self.cohorts.iter().map(|cohort| {
            let id = json!(cohort.id);
            let performance = cohort.performance.as_ref();
            let performance =
                performance.map_or_else(String::new, |json| format!(",\"performance\":{json}"));
            format!("{{\"id\":{id},\"n\":{}{performance}}}", cohort.members)
        });
        let cohorts: Vec<String> = ids.collect();
        let rest = json!({
            "records": self.records,
            "rejected": self.rejected.counts,
            "rejects": self.rejected.file_name(),
            "ruleset_hash": hex::format_hash(self.ruleset.hash()),
            "ruleset_version": self.ruleset.version(),
            "k": self.k,
            "remainder": { "cohorts": self.small, "n": self.small_members },
            "without_cohort": self.without_cohort,
            "without_member": self.without_member,
            "with_facts": self.with_facts,
            "missing": self.missing,
            "output": self.output.as_ref().map(|path| path.display().to_string()),
            "seconds": self.seconds,
        });
        // It is an object with members. What the core wrote is not printed a second time.
        let rest = rest.to_string();
        format!("{{\"cohorts\":[{}],{}", cohorts.join(","), rest.trim_start_matches('{'))
    }

    /// For people: a line a figure, a line a cohort.
    pub(crate) fn print(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "{:>12}  records", thousands(self.records))?;
        self.rejected.print(to)?;
        for (count, what) in [
            (self.without_cohort, "records in no cohort"),
            (self.without_member, "records that name no member, each a member of its own"),
        ] {
            if count > 0 {
                writeln!(to, "{:>12}  {what}", thousands(count))?;
            }
        }
        if let Some(path) = &self.output {
            writeln!(to, "     cohorts  {}", path.display())?;
        }
        print_ruleset(&self.ruleset, to)?;
        writeln!(to, "     members")?;
        for cohort in &self.cohorts {
            writeln!(to, "{:>12}  {}", thousands(cohort.members), cohort.id)?;
        }
        if self.small > 0 {
            let (k, count) = (thousands(self.k), thousands(self.small));
            let members = self.small_members.map_or_else(|| format!("< {k}"), thousands);
            writeln!(to, "{members:>12}  in {count} cohorts of fewer than {k}")?;
        }
        let Some(with_facts) = self.with_facts else { return Ok(()) };
        writeln!(to, "{:>12}  records with facts\n", thousands(with_facts))?;
        let reports = self.cohorts.iter().filter_map(|cohort| {
            Some((cohort.id.as_str(), serde_json::from_str(cohort.performance.as_ref()?).ok()?))
        });
        performance::print(&reports.collect::<Vec<_>>(), to)
    }
}

/// What is said of a rule set by itself.
pub(crate) fn print_checked(ruleset: &Ruleset, json: bool, to: &mut dyn Write) -> io::Result<()> {
    if json {
        let checked = json!({
            "ruleset_hash": hex::format_hash(ruleset.hash()),
            "ruleset_version": ruleset.version(),
            "cohorts": ruleset.names().collect::<Vec<_>>(),
        });
        return writeln!(to, "{checked}");
    }
    print_ruleset(ruleset, to)?;
    writeln!(to, "{:>12}  cohorts", thousands(ruleset.names().len() as u64))
}
