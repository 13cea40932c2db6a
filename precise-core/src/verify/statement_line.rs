//! The verdict on a statement line: SPEC.md section 10.4.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::entry::{BatchEntry, BatchKind};
use crate::error::Result;
use crate::hex;
use crate::policy::Policy;
use crate::royalty::StatementLine;

use super::vouched;
use super::{
    Found, Verdict, batch_entry, check_logged, conclude, describe, describe_entry, failure,
};

/// The steps, in the order they are taken.
pub const STATEMENT_LINE_STEPS: [&str; 5] = ["line", "sum", "entry", "log", "checkpoint"];

/// Verifies a statement line, and says at each step what was found. Without a policy the log is not
/// asked about; one that could not be read vouches for nothing.
pub fn verify_statement_line(line: &[u8], policy: Option<&Result<Policy>>) -> Verdict {
    conclude(&STATEMENT_LINE_STEPS, judge(line, policy))
}

fn judge(line: &[u8], policy: Option<&Result<Policy>>) -> Vec<Found> {
    let line = match StatementLine::parse(line) {
        Err(error) => return alloc::vec![Err(failure(&error))],
        Ok(line) => line,
    };
    let read = alloc::format!("line {} of {}", line.index, line.head.count());
    let mut found: Vec<Found> = alloc::vec![Ok(Some(read)), check_sum(&line).map(Some)];
    let Some(policy) = policy else { return found };
    let Some(logged) = &line.logged else {
        found.push(Err("the line has no entry of a log".to_string()));
        return found;
    };
    found.push(check_entry(&logged.entry, &line).map(Some));
    found.push(check_logged(&logged.entry, &logged.tlog_proof));
    found.push(vouched(&logged.tlog_proof, policy).map(|vouched| Some(describe(&vouched))));
    found
}

fn check_sum(line: &StatementLine) -> core::result::Result<String, String> {
    let leaf = line.leaf();
    let described = alloc::format!(
        "leaf {} of {}, SHA-256(0x10 \u{2016} SHA-256(salt \u{2016} line) \u{2016} amount) = {}, \
         amount {}; the path, of length {},",
        line.index,
        line.head.count(),
        hex::format_hash(&leaf.hash),
        line.format(leaf.sum),
        line.path.len()
    );
    let (root, total) = (hex::format_hash(line.head.sum_root()), line.head.total());
    let Some(reached) = line.reach() else {
        return Err(alloc::format!(
            "{described} has another length than those from there, or a sum of 2^120 or more"
        ));
    };
    let (hash, sum) = (hex::format_hash(&reached.hash), line.format(reached.sum));
    let described = alloc::format!("{described} leads to {hash} of sum {sum}");
    if hash == root && sum == total {
        Ok(alloc::format!("{described}, the head's sum_root and total"))
    } else {
        Err(alloc::format!("{described}, but the head's sum_root is {root} and its total {total}"))
    }
}

fn check_entry(text: &str, line: &StatementLine) -> core::result::Result<String, String> {
    let entry = batch_entry(text, Some("settlement"))?;
    let BatchEntry { kind: BatchKind::Settlement { statement_hash }, .. } = &entry else {
        return Err("the entry is of no settlement".to_string());
    };
    let (computed, claimed) =
        (hex::format_hash(&line.head.hash()), hex::format_hash(statement_hash));
    if computed != claimed {
        return Err(alloc::format!(
            "BLAKE3 of the head is {computed}, the entry's statement_hash is {claimed}"
        ));
    }
    let described = describe_entry(text, &entry);
    Ok(alloc::format!("{described}; BLAKE3 of the head is {computed}, its statement_hash"))
}
