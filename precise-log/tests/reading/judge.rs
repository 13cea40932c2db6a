//! Programs by others read our logs, and we read theirs. The judge is `tests/judges/go`, which is
//! built before these tests run, and named by `PRECISE_JUDGE`.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use precise_core::Code;
use precise_core::entry::Entry;
use precise_core::merkle::Inclusion;
use precise_core::note::VerifierKey;
use precise_core::policy::Policy;
use precise_core::receipt::Receipt;
use precise_core::tlog::{LogProof, leaf};
use precise_log::fsck::{Expected, fsck};
use precise_log::monitor::Monitor;
use precise_log::{Log, Store};

use crate::fixture::{Kept, Tested, batches, key, refusal};

/// Asks the judge; its output, or what it says is wrong.
fn judge<A: AsRef<OsStr>>(arguments: &[A]) -> Result<String, Box<dyn Error>> {
    let program = std::env::var_os("PRECISE_JUDGE").ok_or("there is no judge")?;
    let output = Command::new(program).args(arguments).output()?;
    let printed = String::from_utf8(output.stdout)?;
    if output.status.success() {
        Ok(printed)
    } else {
        Err(format!("{printed}{}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn has_judge() -> Result<bool, std::io::Error> {
    let found = std::env::var_os("PRECISE_JUDGE").is_some_and(|path| Path::new(&path).is_file());
    if !found {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        writeln!(std::io::stderr().lock(), "SKIPPED: the judge of logs: make test builds it")?;
    }
    Ok(found)
}

fn store(folder: &Path) -> precise_log::Result<Store> {
    Store::open(&folder.display().to_string())
}

/// What the judge makes with Tessera, and its key.
fn made(folder: &Path, size: u64, variant: &str) -> Result<VerifierKey, Box<dyn Error>> {
    let size = size.to_string();
    let folder = folder.display().to_string();
    Ok(VerifierKey::parse(judge(&["make", &folder, &size, variant])?.trim_end())?)
}

#[tokio::test]
async fn our_logs_are_verified_by_others() -> Tested {
    if !has_judge()? {
        return Ok(());
    }
    let key = key()?.to_text();
    for size in [0, 1, 2, 255, 256, 257, 1000] {
        // In three steps, with the checkpoints of each.
        let mut log = Kept::of(0..0).await?;
        let folder = log.path().display().to_string();
        let mut asked = vec!["verify".to_string(), folder, key.clone()];
        for (begin, end) in [(0, size / 3), (size / 3, size / 2), (size / 2, size)] {
            let older = log.beside(&format!("{end}.checkpoint"));
            fs::copy(log.path().join("checkpoint"), &older)?;
            asked.push(older.display().to_string());
            log.grow(begin..end).await?;
        }
        let printed = judge(&asked)?;
        let (passed, failed) = printed.split_once(" passed, ").ok_or("it counts nothing")?;
        assert_eq!(failed, "0 failed\n");
        assert!(passed.parse::<u64>()? > size, "{passed} of {size}");
    }
    Ok(())
}

/// More than the 65,536 entries of one tile of level 1.
#[tokio::test]
async fn a_log_of_three_levels_is_verified_by_others() -> Tested {
    if !has_judge()? {
        return Ok(());
    }
    let mut log = Kept::of(0..60_000).await?;
    log.grow(60_000..65_537).await?;
    judge(&["verify", &log.path().display().to_string(), &key()?.to_text()])?;
    assert_eq!(log.check().await?.bundles, 257);
    Ok(())
}

#[tokio::test]
async fn our_receipts_are_verified_by_others() -> Tested {
    if !has_judge()? {
        return Ok(());
    }
    let mut log = Kept::of(0..100).await?;
    // The batch of one proof hash is of its leaf alone.
    let proof_hash = [9; 32];
    let Entry::Batch(mut batch) = batches(0..1)?.remove(0) else {
        return Err("it is no batch".into());
    };
    batch.batch_root = leaf(&proof_hash);
    let placed = log.writer.commit(&[Entry::Batch(batch)], async |_, _| Ok(())).await?;
    let placed = placed.first().ok_or("nothing was placed")?;
    let receipt = Receipt {
        batch: Inclusion::parse(br#"{"count":1,"index":0,"path":[]}"#)?,
        blinded: false,
        entry: placed.entry.clone(),
        proof_hash,
        tlog_proof: log.writer.log().prove(placed.index).await?.to_text(),
    };
    let policy = log.beside("policy");
    fs::write(&policy, format!("log {}\nquorum none\n", key()?.to_text()))?;
    let file = log.beside("receipt.json");
    let ask = |receipt: &Receipt| -> Result<String, Box<dyn Error>> {
        fs::write(&file, receipt.to_json())?;
        judge(&[OsStr::new("receipts"), policy.as_os_str(), file.as_os_str()])
    };
    assert_eq!(ask(&receipt)?, "2 passed, 0 failed\n");
    for changed in [
        Receipt { proof_hash: [8; 32], ..receipt.clone() },
        Receipt { entry: receipt.entry.replace("1970", "1971"), ..receipt.clone() },
        Receipt { tlog_proof: log.writer.log().prove(3).await?.to_text(), ..receipt.clone() },
        Receipt { tlog_proof: receipt.tlog_proof.replace("\n101\n", "\n102\n"), ..receipt.clone() },
    ] {
        assert!(ask(&changed).is_err_and(|error| error.to_string().contains("1 failed")));
    }
    Ok(())
}

#[tokio::test]
async fn logs_of_others_are_whole() -> Tested {
    if !has_judge()? {
        return Ok(());
    }
    for size in [0, 1, 2, 255, 256, 257, 700, 65_537] {
        let folder = tempfile::tempdir()?;
        let key = made(folder.path(), size, "main")?;
        let store = store(folder.path())?;
        let report = fsck(&store, &key, Expected::Any, |_, _| ()).await?;
        assert_eq!(report.signed.checkpoint.size, size);
        if size > 0 {
            let checked = fsck(&store, &key, Expected::Precise, |_, _| ()).await;
            assert_eq!(refusal(checked)?.0, Code::Entry);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_log_of_others_is_followed_and_its_fork_refused() -> Tested {
    if !has_judge()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (main, fork) = (folder.path().join("main"), folder.path().join("fork"));
    let memory = folder.path().join("seen");
    let mut before = None;
    for size in [0, 3, 255, 256, 600] {
        let key = made(&main, size, "main")?;
        let monitor = Monitor::new(store(&main)?, key, memory.clone(), Expected::Any);
        assert_eq!(monitor.look().await?.before, before);
        before = Some(size);
    }
    // What is left over of the smaller trees is the beginning of the larger ones.
    let key = made(&fork, 700, "fork")?;
    let report = fsck(&store(&main)?, &key, Expected::Any, |_, _| ()).await?;
    assert!(report.notes.iter().any(|note| note.contains("smaller")), "{:?}", report.notes);
    let monitor = Monitor::new(store(&fork)?, key, memory, Expected::Any);
    assert_eq!(refusal(monitor.look().await)?.0, Code::LogDiverged);
    assert_eq!(fs::read_dir(folder.path().join("seen.evidence"))?.count(), 2);
    Ok(())
}

#[tokio::test]
async fn proofs_and_cosignatures_of_others_hold() -> Tested {
    if !has_judge()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    let key = made(folder.path(), 300, "main")?;
    let witness = judge(&["cosign", &path])?;
    let policy = |quorum: &str| {
        let text = format!("log {}\nwitness w {witness}quorum {quorum}\n", key.to_text());
        Policy::parse(&text)
    };
    let log = Log::open_with(store(folder.path())?, &policy("w")?).await?;
    for index in [0, 5, 255, 256, 299] {
        let text = judge(&["prove", &path, &index.to_string()])?;
        let proof = LogProof::parse(&text)?;
        assert_eq!(proof.to_text(), text);
        let vouched = policy("w")?.open(&proof.checkpoint)?;
        assert!(vouched.seen.is_some());
        let entries = log.entries(index..index + 1).await?;
        let entry = entries.first().ok_or("there is no entry")?;
        let checkpoint = vouched.checkpoint;
        assert!(proof.leads_to(entry, checkpoint.size, &checkpoint.root));
        assert!(!proof.leads_to(b"another", checkpoint.size, &checkpoint.root));
        assert_eq!(log.prove(index).await?, proof);
    }
    let changed = log.checkpoint().note.replace("\n300\n", "\n301\n");
    assert!(policy("none")?.open(&changed).is_err());
    Ok(())
}
