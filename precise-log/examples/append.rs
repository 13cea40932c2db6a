//! How many entries a second a log in a directory takes: `append DIR COUNT BATCH`.
//!
//! Each batch is one commit, synced and with a checkpoint. A line says at every power of ten how
//! many the log has, and how fast the last ones were.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::note::{Algorithm, Signer};
use precise_core::row::UtcSecond;
use precise_log::{State, Store, Writer};
use sha2::{Digest, Sha256};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, count, batch] = &arguments[..] else {
        return Err("usage: append DIR COUNT BATCH".into());
    };
    let (count, batch): (u64, u64) = (count.parse()?, batch.parse()?);
    let directory = PathBuf::from(directory);
    let store = Store::open(&directory.join("log").display().to_string())?;
    let state = State::open(directory.join("state"))?;
    let signer = || Signer::from_seed("example.com/log", Algorithm::Ed25519, &[7; 32]);
    let mut writer = Writer::create(store.clone(), signer()?, state.clone()).await?;
    let (mut since, mut from, mut mark, mut slowest) = (Instant::now(), 0, 10_000, 0.0_f64);
    while writer.log().size() < count {
        let begin = writer.log().size();
        let entries =
            (begin..count.min(begin + batch)).map(entry).collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        writer.commit(&entries, async |_, _| Ok(())).await?;
        slowest = slowest.max(started.elapsed().as_secs_f64());
        let size = writer.log().size();
        if size >= mark || size == count {
            let rate = (size - from) as f64 / since.elapsed().as_secs_f64();
            println!("{size:>9} entries: {rate:>7.0} a second, slowest commit {slowest:.3} s");
            (since, from, mark, slowest) = (Instant::now(), size, size * 10, 0.0);
        }
    }
    drop(writer);
    let started = Instant::now();
    Writer::open(store, signer()?, state, false).await?;
    println!("opened again in {:.3} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn entry(number: u64) -> Result<Entry, Box<dyn Error>> {
    Ok(Entry::Batch(BatchEntry {
        kind: BatchKind::Records,
        batch_root: Sha256::digest(number.to_be_bytes()).into(),
        closed_at: UtcSecond::from_posix(1_800_000_000).ok_or("no such time")?,
        count: 1000,
        label: None,
        part: None,
    }))
}
