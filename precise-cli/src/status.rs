//! `precise status`: what the status log says of a proof; and what a verifier asks of one.

use std::path::Path;
use std::process::ExitCode;

use precise_core::entry::{Entry, StatusEntry};
use precise_core::policy::Policy;
use precise_core::proof::format_id;
use precise_core::receipt::{Receipt, StatusReceipt};
use precise_core::status::{Standing, StatusMap};
use precise_core::verify::status_origin;
use precise_core::{Code, Error};
use precise_log::log::Log;
use precise_log::state::State;
use precise_log::status::{self, Voids};
use precise_log::store::Store;

use crate::args::Status;
use crate::failure::{Failure, Result};
use crate::log::{Ours, block_on, now, origin, state_folder, write};

pub(crate) fn run(command: &Status) -> Result<ExitCode> {
    block_on(status(command))
}

async fn status(command: &Status) -> Result<ExitCode> {
    let ours = Ours::open(&command.place).await?;
    if command.publish {
        let mut status_log = ours.status_log(&command.unlock).await?;
        let entry = *status_log.publish(now()?).await?.entry();
        eprintln!("published that {} are void, as of {}", entry.count, entry.at);
    }
    let Some(proof) = &command.proof else { return Ok(ExitCode::SUCCESS) };
    let log = Log::open(ours.store.sub(status::BELOW), &ours.status_key()?).await?;
    let published = published(&log, &ours.state()?).await?;
    let receipt = published.receipt(proof);
    let entry = published.entry();
    match receipt.proof.standing(proof, &entry.map_root) {
        Some(Standing::Good) => eprintln!("{} is not void, as of {}", format_id(proof), entry.at),
        _ => eprintln!("{} is void, as of {}", format_id(proof), entry.at),
    }
    let json = receipt.to_json();
    write(&command.output, &format!("{json}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The last entry of our status log, and the map that it is of.
async fn published(log: &Log, state: &State) -> Result<status::Status> {
    let published = status::Status::read(log, &Voids::open(state)?).await?;
    published.ok_or_else(|| empty(log))
}

/// The status receipt under the last entry that the status log has now. The place in the map comes
/// from the receipt that is given, or from the state if the log is ours; of an empty map everybody
/// knows it. What does not fit together the verdict finds.
///
/// What is refused is no failure but leaves an empty receipt, with which the step `status` fails.
pub(crate) fn latest(
    location: &str,
    state: Option<&Path>,
    receipt: &[u8],
    given: Option<&[u8]>,
    policy: &[u8],
) -> Result<Vec<u8>> {
    match block_on(read_latest(location, state, receipt, given, policy)) {
        Err(failure @ Failure::Refused { .. }) => {
            eprintln!("warning: {failure}");
            Ok(Vec::new())
        }
        read => read,
    }
}

async fn read_latest(
    location: &str,
    state: Option<&Path>,
    receipt: &[u8],
    given: Option<&[u8]>,
    policy: &[u8],
) -> Result<Vec<u8>> {
    let refused = |what: &str| {
        let what = format!("cannot read {what}");
        move |error| Failure::refused(what, error)
    };
    let policy = str::from_utf8(policy)
        .map_err(|_| Error::new(Code::Policy))
        .and_then(Policy::parse)
        .map_err(refused("the policy"))?;
    let proof_hash = Receipt::parse(receipt).map_err(refused("the receipt"))?.proof_hash;
    let given =
        given.map(StatusReceipt::parse).transpose().map_err(refused("the status receipt"))?;
    let store = Store::open(location)?;
    let named = origin(&store).await?;
    let (store, named) = match named.strip_suffix(&status_origin("")) {
        Some(log) => (store, log.to_owned()),
        None => (store.sub(status::BELOW), named),
    };
    let log = Log::open_with(store, &policy).await?;
    let last = log.size().checked_sub(1).ok_or_else(|| empty(&log))?;
    let entry = log.entry(last).await?;
    let is_empty = Entry::parse(entry.as_bytes())
        .is_ok_and(|entry| matches!(entry, Entry::Status(StatusEntry { count: 0, .. })));
    let proof = match given {
        Some(given) => {
            if given.entry != entry {
                eprintln!("warning: the status receipt is older than the status log's last entry");
            }
            given.proof
        }
        None if is_empty => StatusMap::default().prove(&proof_hash),
        None => {
            let folder = state_folder(state, &named)?;
            if !folder.join(status::VOIDS).exists() {
                return Err(Failure::Usage(
                    "which proofs are void only the publisher can show; pass --status with the \
                     status receipt that they gave, or --state"
                        .into(),
                ));
            }
            let state = State::open(folder)?;
            return Ok(published(&log, &state).await?.receipt(&proof_hash).to_json().into());
        }
    };
    let tlog_proof = log.prove(last).await?.to_text();
    Ok(StatusReceipt { entry, proof, tlog_proof }.to_json().into())
}

fn empty(log: &Log) -> Failure {
    let origin = log.origin();
    Failure::Usage(format!("{origin} is empty; precise status --publish begins it"))
}
