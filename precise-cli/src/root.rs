//! `precise root`: the batch roots of proofs, one per part.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::hex;

use crate::args::Root;
use crate::failure::{Failure, Result};
use crate::proofs::{read_hashes, warn_of_nulls};
use crate::runs::{SortedRuns, empty_batch};

pub(crate) fn run(command: &Root, json: bool) -> Result<ExitCode> {
    let mut runs = SortedRuns::new(&std::env::temp_dir());
    let nulls = read_hashes(&command.proofs, &command.column, command.batch.as_deref(), &mut runs)?;
    warn_of_nulls(nulls);
    let set = runs.finish(command.part_limit)?;
    let roots = set.batch_roots()?;
    if roots.is_empty() {
        return Err(empty_batch("cannot compute a root"));
    }
    let mut text = String::new();
    if json {
        let batches: Vec<_> = roots.iter().map(|root| root.to_json()).collect();
        let object = serde_json::json!({
            "batches": batches,
            "distinct": set.distinct(),
            "duplicates": set.duplicates(),
        });
        text.push_str(&format!("{object}\n"));
    } else {
        for root in &roots {
            text.push_str(&hex::format_hash(&root.root));
            text.push('\n');
        }
    }
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}
