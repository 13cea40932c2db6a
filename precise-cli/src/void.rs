//! `precise void`: declares proofs void, and publishes the map of what is.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::args::Void;
use crate::failure::Result;
use crate::log::{Ours, block_on, now, print};

pub(crate) fn run(command: &Void, json: bool) -> Result<ExitCode> {
    block_on(void(command, json))
}

async fn void(command: &Void, json: bool) -> Result<ExitCode> {
    let ours = Ours::open(&command.place).await?;
    // What opens the key is asked for before anything is void.
    let mut status_log = ours.status_log(&command.unlock).await?;
    let at = now()?;
    let mut added = 0;
    for proof in &command.proof {
        added += u64::from(status_log.voids().add(*proof, command.reason, at)?);
    }
    let placed = status_log.publish(at).await?;
    let _ = (placed, Path::new(""), json!({}), json);
    print(&format!("{added} void\n"))?;
    Ok(ExitCode::SUCCESS)
}
