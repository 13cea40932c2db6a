//! The core's loops beside their peers, in one run, on one core.
//!
//! Figures are seconds on the CPU, the least of some rounds in which all take turns; what counts is
//! their ratio.
//! Run by `make bench`, which adds the whole-process rows. With a second argument only rows whose
//! name contains it run: for a profiler.

use std::hint::black_box;
use std::process::ExitCode;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use precise_core::Hash;
use precise_core::canonical::Canonicalizer;
use precise_core::merkle::{Batch, RootBuilder};
use precise_core::proof::Minter;
use sha2::Sha256;

/// Rounds; the least of each row is shown.
const ROUNDS: usize = 5;

/// Leaves of the Merkle rows.
const LEAVES: usize = 1_000_000;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: precise-bench EVENTS.ndjson [ROW]");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("error: cannot read {path}: {error}");
            return ExitCode::from(2);
        }
    };
    let events: Vec<&str> = text.lines().collect();
    let bytes: usize = events.iter().map(|event| event.len()).sum();
    println!("{} events of {} bytes on average", events.len(), bytes / events.len().max(1));
    records(&events);
    let hashes: Vec<Hash> =
        (0..LEAVES as u64).map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).collect();
    batches(&hashes);
    ExitCode::SUCCESS
}

fn records(events: &[&str]) {
    let mut canonicalizer = Canonicalizer::default();
    let mut canonical = Vec::new();
    let mut ends = Vec::new();
    for event in events {
        canonicalizer.append(event.as_bytes(), &mut canonical).expect("a sample event is minted");
        ends.push(canonical.len());
    }
    let start = |i: usize| if i == 0 { 0 } else { ends[i - 1] };
    let mut rows = [
        Row::new("precise: canonicalise + hash", || {
            let mut minter = Minter::default();
            let mut hashes = Vec::new();
            for event in events {
                black_box(minter.push(event.as_bytes())).expect("it was accepted before");
                if minter.is_full() {
                    minter.hash_into(&mut hashes);
                    minter.clear();
                }
            }
            minter.hash_into(&mut hashes);
            black_box(hashes);
        }),
        Row::new("precise: canonicalise only", || {
            let mut canonicalizer = Canonicalizer::default();
            let mut canonical = Vec::new();
            for event in events {
                canonical.clear();
                black_box(canonicalizer.append(event.as_bytes(), &mut canonical))
                    .expect("it was accepted before");
            }
        }),
        Row::new("blake3 of the canonical bytes", || {
            for (i, end) in ends.iter().enumerate() {
                black_box(blake3::hash(&canonical[start(i)..*end]));
            }
        }),
        Row::new("serde_json + serde_json_canonicalizer + blake3", || {
            for event in events {
                let value: serde_json::Value =
                    serde_json::from_str(event).expect("a sample event is JSON");
                let canonical = serde_json_canonicalizer::to_vec(&value).expect("it has a form");
                black_box(blake3::hash(&canonical));
            }
        }),
    ];
    measure(&mut rows, events.len());
}

fn batches(hashes: &[Hash]) {
    let sorted = Batch::new(hashes.to_vec()).expect("it is not empty");
    let sorted = sorted.hashes();
    let mut rows = [
        Row::new("precise: sort + root", || {
            black_box(Batch::new(hashes.to_vec()).expect("it is not empty").root());
        }),
        Row::new("precise: root of sorted hashes", || {
            let mut builder = RootBuilder::default();
            for hash in sorted {
                builder.push(hash);
            }
            black_box(builder.finish());
        }),
        Row::new("ct-merkle: root of sorted hashes", || {
            let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
            for hash in sorted {
                tree.push(hash.to_vec());
            }
            black_box(tree.root());
        }),
    ];
    measure(&mut rows, hashes.len());
}

struct Row<'f> {
    name: &'static str,
    work: Box<dyn FnMut() + 'f>,
    seconds: f64,
}

impl<'f> Row<'f> {
    fn new(name: &'static str, work: impl FnMut() + 'f) -> Self {
        Self { name, work: Box::new(work), seconds: f64::INFINITY }
    }
}

/// Runs the rows in turn, so that a noisy moment hits none of them alone.
fn measure(rows: &mut [Row<'_>], count: usize) {
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for _ in 0..ROUNDS {
        for row in rows.iter_mut().filter(|row| row.name.contains(&wanted)) {
            let before = cpu_seconds();
            (row.work)();
            row.seconds = row.seconds.min(cpu_seconds() - before);
        }
    }
    println!("\n{:<50} {:>8} {:>12} {:>10}", "", "CPU s", "per second", "× first");
    let first = rows[0].seconds;
    for row in rows {
        let rate = count as f64 / row.seconds;
        println!(
            "{:<50} {:>8.3} {rate:>12.0} {:>10.2}",
            row.name,
            row.seconds,
            row.seconds / first
        );
    }
}

/// Time this thread has been on a CPU: the first figure of Linux's schedstat, in nanoseconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|figure| figure.parse::<f64>().ok());
    nanoseconds.expect("the kernel keeps schedstat") / 1e9
}
