//! `precise reconcile`: what a bidder's win log charges against what the exchange took, row by row,
//! and both against our own events.
//!
//! A row is reconciled if its two amounts are the same, explained if a rate that the row names
//! leads from one to the other, and else it is shown: nothing is made to fit.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

use precise_core::proof::Minter;

use crate::failure::Result;
use crate::fields::Field;
use crate::input::{Input, MemberSource};
use crate::rejects::Rejects;
use crate::workers::{Done, Task, work_all};

mod event;
mod report;
pub(crate) mod win;

use event::{Bought, Seen};
use report::{Finding, Summary};
use win::{Outcome, Win};

/// What to read.
pub(crate) struct Job {
    pub(crate) logs: Vec<Input>,
    /// Key, clearing price, cost, fee rate, reduction rate, currency.
    pub(crate) log_fields: [Field; 6],
    /// None: the log is by itself.
    pub(crate) events: Vec<Input>,
    /// Key, price, currency, kind.
    pub(crate) event_fields: [Field; 4],
    pub(crate) strict: bool,
    /// None: where the command runs, if there are any.
    pub(crate) rejects: Option<PathBuf>,
}

/// What rows of the same kind come to.
#[derive(Clone, Copy, Default)]
struct Sum {
    rows: u64,
    /// In 10^-6 micros. Rows are far fewer than 2^56, and amounts below 10^21.
    clearing: i128,
    cost: i128,
}

impl Sum {
    fn add(&mut self, win: &Win) {
        self.rows += 1;
        self.clearing += win.clearing;
        self.cost += win.cost;
    }
}

/// Rows by their currency and by how they agree.
type Sums = BTreeMap<(String, Outcome), Sum>;

/// Reads the logs, then the events.
pub(crate) fn run(job: &Job) -> Result<Summary> {
    let started = Instant::now();
    let inputs: Vec<Input> = job.logs.iter().chain(&job.events).cloned().collect();
    let mut rejects = Rejects::create(&inputs, &[Path::new("-")], job.rejects.as_deref())?;
    let mut reconciliation =
        Reconciliation { joined: !job.events.is_empty(), ..Default::default() };

    let mut rows = 0;
    let begin = || Reading { read: |record: &[u8]| Win::read(&job.log_fields, record) };
    work_all(&job.logs, begin, &mut |input, done: Done<Vec<Win>>| {
        let first_row = rows;
        rows += u64::from(done.rows);
        keep(job, &mut rejects, input, first_row, done, &mut |row, win| {
            reconciliation.take_win(row, win);
        })
    })?;
    let mut events = 0;
    let begin = || Reading { read: |record: &[u8]| Bought::read(&job.event_fields, record) };
    work_all(&job.events, begin, &mut |input, done: Done<Vec<Option<Bought>>>| {
        let first_row = events;
        events += u64::from(done.rows);
        keep(job, &mut rejects, input, first_row, done, &mut |row, event| {
            reconciliation.take_event(row, event);
        })
    })?;
    let rejected = rejects.finish()?;
    Ok(reconciliation.finish(rows, events, rejected, started.elapsed().as_secs_f64()))
}

/// Takes what was read of a piece, and keeps what was refused.
fn keep<T>(
    job: &Job,
    rejects: &mut Rejects,
    input: &Input,
    first_row: u64,
    done: Done<Vec<T>>,
    take: &mut dyn FnMut(u64, T),
) -> Result<()> {
    for reject in done.rejects {
        if job.strict {
            return Err(reject.into_failure(input, first_row));
        }
        rejects.write(input, first_row, &reject)?;
    }
    for (row, read) in done.accepted.into_iter().zip(done.made) {
        take(first_row + u64::from(row), read);
    }
    Ok(())
}

/// Reads each record into what counts of it.
struct Reading<F> {
    read: F,
}

impl<T: Send, F: Fn(&[u8]) -> precise_core::Result<T> + Send> Task for Reading<F> {
    type Made = Vec<T>;

    fn begin(&self) -> Self::Made {
        Vec::new()
    }

    fn take(
        &mut self,
        records: &Minter,
        _: MemberSource,
        made: &mut Self::Made,
    ) -> precise_core::Result<()> {
        made.push((self.read)(records.canonical(records.len() - 1))?);
        Ok(())
    }

    fn settle(&mut self, _: &Minter, _: &mut Self::Made) {}
}

/// What was read so far.
#[derive(Default)]
struct Reconciliation {
    /// With events.
    joined: bool,
    sums: Sums,
    /// By their keys, which of `wins` it is; of a key that stands twice the first.
    by_key: HashMap<[u8; KEY_LEN], usize>,
    wins: Vec<Kept>,
    repeated: u64,
    findings: Vec<Finding>,
    seen: Seen,
}

/// Bytes of a key's hash, which stands for it: that two of 2^32 keys have the same is less likely
/// than 2^-64.
const KEY_LEN: usize = 16;

/// A row of the log that events may be of.
struct Kept {
    row: u64,
    /// With events, else nothing.
    win: Option<Win>,
    /// The row of the event.
    event: Option<u64>,
}

fn hashed(key: &str) -> [u8; KEY_LEN] {
    let mut hash = [0; KEY_LEN];
    hash.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..KEY_LEN]);
    hash
}

impl Reconciliation {
    fn take_win(&mut self, row: u64, win: Win) {
        let key = hashed(&win.key);
        if let Some(&first) = self.by_key.get(&key) {
            self.repeated += 1;
            let first_row = self.wins[first].row;
            self.findings.push(Finding::Repeated { row, first_row, key: win.key });
            return;
        }
        self.by_key.insert(key, self.wins.len());
        let outcome = win.outcome();
        let currency = win.currency.clone().unwrap_or_default();
        self.sums.entry((currency, outcome)).or_default().add(&win);
        if outcome == Outcome::Unexplained {
            self.findings.push(Finding::Unexplained { row, win: win.clone() });
        }
        let win = self.joined.then_some(win);
        self.wins.push(Kept { row, win, event: None });
    }

    fn take_event(&mut self, row: u64, event: Option<Bought>) {
        let Some(event) = event else {
            self.seen.others += 1;
            return;
        };
        self.seen.impressions += 1;
        let kept = self.by_key.get(&hashed(&event.key)).and_then(|&win| self.wins.get_mut(win));
        let Some(Kept { row: win_row, win: Some(win), event: of }) = kept else {
            self.seen.without_win += 1;
            self.findings.push(Finding::EventWithoutWin { row, key: event.key });
            return;
        };
        if let Some(first_row) = *of {
            self.seen.repeated += 1;
            let key = event.key;
            self.findings.push(Finding::RepeatedEvent { row, first_row, key });
            return;
        }
        *of = Some(row);
        let differs =
            event.currency.is_some() && win.currency.is_some() && event.currency != win.currency;
        if !differs && event.price == win.clearing {
            self.seen.of_clearing += 1;
        } else if !differs && event.price == win.cost {
            self.seen.of_cost += 1;
        } else {
            self.seen.differing += 1;
            let win = win.clone();
            self.findings.push(Finding::Price { row, win_row: *win_row, win, event });
        }
    }
}
