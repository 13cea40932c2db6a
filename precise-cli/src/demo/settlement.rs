//! What the demo's contributors are due, and the statement that pays it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use precise_core::attribution::contributions::{Policy, contributions};
use precise_core::canonical::canonicalize;
use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::merkle::Batch;
use precise_core::money::MinorDigits;
use precise_core::royalty::{
    Accrual, Balances, Logged, Period, Rate, Royalty, Settlement, Statement, StatementKey,
    StatementLine, StatementLines, entry_id,
};
use precise_core::{Error, Hash, proof};
use precise_log::commit::{Placed, Writer};
use precise_log::log::Log;

use crate::failure::{Failure, Result};
use crate::fields::{Field, find};
use crate::log::now;

/// 15 % of each price.
pub(super) const RATE_PPM: i64 = 150_000;

/// The sampled events are of this month, and those that name no currency are in this one.
const PERIOD: &str = "2025-01";
const CURRENCY: &str = "USD";

/// What is due for all events, and the ids of the ledger entries that say so.
pub(super) struct Due {
    accruals: Vec<Accrual>,
    entries: Vec<Hash>,
}

/// A statement, committed, and what shows one contributor its line.
pub(super) struct Settled {
    pub(super) settlement: Settlement,
    pub(super) statement: String,
    pub(super) line: StatementLine,
}

fn refused(error: Error) -> Failure {
    Failure::refused("cannot settle the sample", error)
}

/// Sums what each contributor is due in dollars.
pub(super) fn accrue(events: &Path) -> Result<Due> {
    let failed = |error: std::io::Error| Failure::io("read", events, &error);
    let rate = Rate::from_ppm(RATE_PPM).map_err(refused)?;
    let policy = Policy::parse(&format!("split({CURRENCY})")).map_err(refused)?;
    let kind = [Field::parse("event_type").map_err(refused)?];
    let mut royalty = Royalty::default();
    let mut entries = Vec::new();
    for line in BufReader::new(File::open(events).map_err(failed)?).lines() {
        let event = canonicalize(line.map_err(failed)?.as_bytes()).map_err(refused)?;
        royalty.push(&event, rate, &policy).map_err(refused)?;
        if find(&kind, &event) != [Some(&b"\"impression\""[..])] {
            continue;
        }
        let proof_hash = proof::hash(&event, None);
        for due in contributions(&event, &policy).map_err(refused)? {
            if due.currency.as_deref() == Some(CURRENCY) {
                let id = entry_id(&proof_hash, &due.contributor, &due.signal_type);
                entries.push(id.map_err(refused)?);
            }
        }
    }
    let mut accruals = royalty.accruals();
    accruals.retain(|accrual| accrual.currency.as_str() == CURRENCY);
    Ok(Due { accruals, entries })
}

impl Due {
    /// How many entries the ledger would have; without any there is nothing to settle.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Settles it, commits the statement to the log, and gives the first contributor its line.
    pub(super) async fn settle(self, writer: &mut Writer) -> Result<Settled> {
        let mut balances = Balances::default();
        for Accrual { accrued, contributor, currency, .. } in self.accruals {
            balances.add(contributor, currency, accrued).map_err(refused)?;
        }
        let minor_digits = MinorDigits::new(2).map_err(refused)?;
        let settlement = balances.settle(minor_digits).map_err(refused)?;
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Failure::Io(format!("cannot make a key: {error}")))?;
        let key = StatementKey::from_bytes(&key).map_err(refused)?;
        let period = Period::parse(PERIOD).map_err(refused)?;
        let statement = Statement::new(settlement.clone(), period, &key).map_err(refused)?;

        let batch = Batch::new(self.entries).map_err(refused)?;
        let entry = Entry::Batch(BatchEntry {
            kind: BatchKind::Settlement { statement_hash: statement.head().hash() },
            batch_root: batch.root(),
            closed_at: now()?,
            count: batch.hashes().len() as u64,
            label: Some("demo".into()),
            part: None,
        });
        let text = statement.to_json();
        let tree = StatementLines::new(statement, key).map_err(refused)?;
        // A settlement has one line at least.
        let first = settlement.lines().first().map(|line| line.contributor.as_str());
        let mut line = tree.line(first.unwrap_or_default()).map_err(refused)?;
        writer
            .commit(&[entry], async |log: &Log, placed: &[Placed]| {
                for Placed { index, entry, .. } in placed {
                    let tlog_proof = log.prove(*index).await?.to_text();
                    line.logged = Some(Logged { entry: entry.clone(), tlog_proof });
                }
                Ok(())
            })
            .await?;
        Ok(Settled { settlement, statement: text, line })
    }
}
