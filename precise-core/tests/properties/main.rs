//! Laws that hold for every input, tried on random ones.
//!
//! Trees and their spellings are made in `spelling`; the other modules go in the order of the
//! crate: canonical form, numbers, rows, proofs, batches, logs, rule sets, cohorts, performance,
//! attribution, royalties, documents, verdicts, voids, receipts.

mod attribution;
mod batches;
mod canonical;
mod cohorts;
mod documents;
mod hostile;
mod logs;
mod numbers;
mod performance;
mod proofs;
mod receipts;
mod rows;
mod royalties;
mod rulesets;
mod spelling;
mod verdicts;
mod voids;
