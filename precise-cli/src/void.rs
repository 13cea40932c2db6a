//! `precise void`: declares proofs void, and publishes the map of what is.

use std::process::ExitCode;

use precise_core::proof::format_id;
use serde_json::json;

use crate::args::Void;
use crate::failure::Result;
use crate::leaves::Leaves;
use crate::log::{Ours, block_on, now, print};

pub(crate) fn run(command: &Void, json: bool) -> Result<ExitCode> {
    block_on(void(command, json))
}

async fn void(command: &Void, json: bool) -> Result<ExitCode> {
    let ours = Ours::open(&command.place).await?;
    // A key that cannot be opened ends it before anything is void.
    let mut status_log = ours.status_log(&command.unlock).await?;
    let at = now()?;
    let leaves = Leaves::open(&ours.leaves(None))?;
    for proof in &command.proof {
        if leaves.find(proof)?.kept.is_empty() {
            eprintln!("warning: no batch that was kept here has {}", format_id(proof));
        }
    }
    let mut added = 0;
    for proof in &command.proof {
        let (document, is_new) = status_log.voids().void(*proof, command.reason, at)?;
        added += u64::from(is_new);
        if !is_new {
            eprintln!(
                "{} is void already: {}, at {}",
                format_id(proof),
                document.reason.name(),
                document.at
            );
        }
    }
    // Published even if none is new: an earlier run may have been killed in between.
    let entry = *status_log.publish(at).await?.entry();
    let checkpoint = &status_log.log().checkpoint().checkpoint;
    print(&if json {
        let done = json!({
            "added": added,
            "at": at.to_string(),
            "count": entry.count,
            "origin": checkpoint.origin,
            "size": checkpoint.size,
        });
        format!("{done}\n")
    } else {
        format!(
            "{added} void, {} in all; {} has {} entries\n",
            entry.count, checkpoint.origin, checkpoint.size
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
