//! `precise prove`: where in its batch a proof is, or would be.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::hex;
use precise_core::merkle::{Batch, Membership, Part};
use precise_core::proof;
use serde_json::json;

use crate::args::Prove;
use crate::failure::{Failure, Result};
use crate::proofs::{read_hashes, warn_of_nulls};
use crate::runs::{SortedRuns, describe_part, empty_batch};

pub(crate) fn run(command: &Prove, json: bool) -> Result<ExitCode> {
    let mut runs = SortedRuns::new(&std::env::temp_dir());
    let nulls = read_hashes(&command.proofs, &command.column, command.batch.as_deref(), &mut runs)?;
    warn_of_nulls(nulls);
    let set = runs.finish(command.part_limit)?;
    let (hashes, part) = set.part_of(&command.proof)?;
    if set.distinct() == 0 {
        return Err(empty_batch("cannot prove anything"));
    }
    let batch = Batch::new(hashes).map_err(|error| {
        let what = "the proof's cell is empty: no part has it, as the list of parts shows";
        Failure::refused(what, error)
    })?;
    let (root, membership) = (batch.root(), batch.prove(&command.proof));
    let mut stdout = io::stdout().lock();
    let printed = if json {
        writeln!(stdout, "{}", to_json(command, &root, part, &membership))
    } else {
        eprintln!("{}", describe(&root, part, &membership));
        writeln!(stdout, "{}", membership.to_json())
    };
    printed.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(root: &precise_core::Hash, part: Option<Part>, membership: &Membership) -> String {
    let root = hex::format_hash(root);
    let part = part.map_or(String::new(), |part| format!(" ({})", describe_part(part)));
    match membership {
        Membership::Absent(absence) => {
            format!("absent if sorted, among {} under root {root}{part}", absence.count())
        }
        Membership::Included(inclusion) => format!(
            "included as leaf {} of {} under root {root}{part}",
            inclusion.index(),
            inclusion.count()
        ),
    }
}

fn to_json(
    command: &Prove,
    root: &precise_core::Hash,
    part: Option<Part>,
    membership: &Membership,
) -> serde_json::Value {
    let document: serde_json::Value =
        serde_json::from_str(&membership.to_json()).expect("the core writes JSON");
    let (name, included) = match membership {
        Membership::Absent(_) => ("absence", false),
        Membership::Included(_) => ("inclusion", true),
    };
    json!({
        "batch_root": hex::format_hash(root),
        "included": included,
        name: document,
        "part": part.map(|part| json!({
            "bits": part.bits, "index": part.index, "parts": part.parts,
        })),
        "proof_hash": hex::format_hash(&command.proof),
        "proof_id": proof::format_id(&command.proof),
    })
}
