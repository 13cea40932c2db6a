//! Several committers and sources, and a store that delays, drops, reorders and fails. All of it
//! follows from a seed, which a failure names; `PRECISE_SIMULATION_SEEDS` says how many are tried,
//! `PRECISE_SIMULATION_SEED` tries one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use object_store::memory::InMemory;
use precise_core::canonical::canonicalize;
use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::merkle::{Batch, Inclusion};
use precise_core::note::{Checkpoint, Note};
use precise_core::receipt::Receipt;
use precise_core::row::UtcSecond;
use precise_core::verify::{ReceiptRequest, verify_receipt};
use precise_core::{Hash, proof};
use precise_log::{Error, Log, Placed, Store, Writer};

use crate::faulty::{Answer, Effect, FINE, Faulty, Outcome, Signed, pause};
use crate::fixture::{Machine, Tested, check_log, commit, signer};

const SEEDS: u64 = 200;

/// Batches of one world. They pass the end of the first bundle only with many commits of few.
const BATCHES: u64 = 24;

type Failure = Box<dyn std::error::Error>;

/// SplitMix64, by Sebastiano Vigna: one number decides a whole run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A source: batches that wait, and may be in another source as well.
struct Source {
    batches: Vec<Waiting>,
}

struct Waiting {
    record: String,
    entry: Entry,
    taken: bool,
    marked: bool,
}

struct World {
    objects: Arc<InMemory>,
    signed: Signed,
    machines: Vec<Machine>,
    sources: Vec<Mutex<Source>>,
    /// Records and their receipts.
    receipts: Mutex<Vec<(String, String)>>,
    random: Arc<Mutex<Random>>,
    /// Of a hundred requests, how many go wrong.
    trouble: u64,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The proof of a record that is alone in its batch.
fn hash(record: &str) -> Result<Hash, Failure> {
    Ok(proof::hash(&canonicalize(record.as_bytes())?, None))
}

fn waiting(number: u64, closed_at: i64) -> Result<Waiting, Failure> {
    let record = format!("{{\"number\":{number}}}");
    let entry = Entry::Batch(BatchEntry {
        kind: BatchKind::Records,
        batch_root: Batch::new(vec![hash(&record)?])?.root(),
        closed_at: UtcSecond::from_posix(closed_at).ok_or("no such time")?,
        count: 1,
        label: None,
        part: None,
    });
    Ok(Waiting { record, entry, taken: false, marked: false })
}

impl World {
    fn new(seed: u64) -> Result<Self, Failure> {
        let mut random = Random(seed);
        let machines = (0..=random.below(3)).map(|_| Machine::new()).collect::<Result<_, _>>()?;
        let mut sources = Vec::new();
        for source in 0..=random.below(3) {
            let mut batches = Vec::new();
            for number in 0..BATCHES {
                // Most batches wait in one source, some in several, with other times.
                if random.below(4) == 0 || number % 3 == source {
                    batches.push(waiting(number, random.below(1000) as i64)?);
                }
            }
            sources.push(Mutex::new(Source { batches }));
        }
        let trouble = random.below(30);
        Ok(Self {
            objects: Arc::new(InMemory::new()),
            signed: Signed::default(),
            machines,
            sources,
            receipts: Mutex::default(),
            random: Arc::new(Mutex::new(random)),
            trouble,
        })
    }

    fn below(&self, bound: u64) -> u64 {
        held(&self.random).below(bound)
    }

    fn faulty(&self, trouble: u64) -> Faulty {
        let random = Arc::clone(&self.random);
        let decide = move |_: &str| {
            let mut random = held(&random);
            let delay = random.below(6) as u32;
            if random.below(100) >= trouble {
                return Outcome { delay, ..FINE };
            }
            let late = Effect::Late(random.below(60) as u32);
            let effect = [Effect::Lost, Effect::Done, late][random.below(3) as usize];
            let answer = [Answer::Error, Answer::Error, Answer::Killed][random.below(3) as usize];
            Outcome { delay, effect, answer }
        };
        Faulty::new(Arc::clone(&self.objects), Arc::clone(&self.signed), Box::new(decide))
    }

    fn store(&self) -> Store {
        Store::new(Arc::new(self.faulty(0)), "log")
    }

    /// One committer, killed and begun again, until all is marked.
    async fn run(&self, machine: &Machine) -> Result<(), Failure> {
        for _ in 0..60 {
            let faulty = self.faulty(self.trouble);
            let killed = faulty.killed();
            let store = Store::new(Arc::new(faulty), "log");
            let taken = Mutex::new(None);
            tokio::select! {
                done = self.live(machine, store, &taken) => match done {
                    Ok(()) => return Ok(()),
                    // What the store did wrong. No code may come of it.
                    Err(Error::Failed(_)) => {}
                    Err(refused) => return Err(refused.into()),
                },
                () = killed.notified() => {}
            }
            // The database gives back what a dead client took.
            if let Some((source, chosen)) = held(&taken).take() {
                self.release(source, &chosen);
            }
            pause(self.below(20) as u32).await;
        }
        Ok(())
    }

    async fn live(
        &self,
        machine: &Machine,
        store: Store,
        taken: &Mutex<Option<(usize, Vec<usize>)>>,
    ) -> Result<(), Error> {
        let mut writer = machine.open(&store).await?;
        loop {
            let Some((source, chosen)) = self.take() else { return Ok(()) };
            *held(taken) = Some((source, chosen.clone()));
            let entries: Vec<Entry> = {
                let source = held(&self.sources[source]);
                chosen.iter().map(|&batch| source.batches[batch].entry.clone()).collect()
            };
            let mark =
                async |log: &Log, placed: &[Placed]| self.mark(source, &chosen, log, placed).await;
            let done = writer.commit(&entries, mark).await;
            *held(taken) = None;
            self.release(source, &chosen);
            match done {
                Ok(_) => {}
                // Sometimes the same writer goes on after an error, sometimes a new one.
                Err(Error::Failed(_)) if self.below(2) == 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Some batches of a source that nobody else has taken.
    fn take(&self) -> Option<(usize, Vec<usize>)> {
        let first = self.below(self.sources.len() as u64) as usize;
        for source in (first..self.sources.len()).chain(0..first) {
            let most = 1 + self.below(8) as usize;
            let batches = &mut held(&self.sources[source]).batches;
            let chosen: Vec<usize> = (0..batches.len())
                .filter(|&batch| !batches[batch].taken && !batches[batch].marked)
                .take(most)
                .collect();
            for &batch in &chosen {
                batches[batch].taken = true;
            }
            if !chosen.is_empty() {
                return Some((source, chosen));
            }
        }
        None
    }

    fn release(&self, source: usize, chosen: &[usize]) {
        for &batch in chosen {
            held(&self.sources[source]).batches[batch].taken = false;
        }
    }

    /// Gives out receipts, and fails now and then, before or behind that.
    async fn mark(
        &self,
        source: usize,
        chosen: &[usize],
        log: &Log,
        placed: &[Placed],
    ) -> Result<(), Error> {
        let away = || Error::failed("mark batches", "the database is away");
        pause(self.below(6) as u32).await;
        if self.below(100) < self.trouble {
            return Err(away());
        }
        for (&batch, placed) in chosen.iter().zip(placed) {
            let tlog_proof = log.prove(placed.index).await?.to_text();
            let record = held(&self.sources[source]).batches[batch].record.clone();
            let receipt = receipt(&record, placed, tlog_proof)
                .map_err(|error| Error::failed("make a receipt", error))?;
            held(&self.receipts).push((record, receipt));
            held(&self.sources[source]).batches[batch].marked = true;
        }
        if self.below(100) < self.trouble { Err(away()) } else { Ok(()) }
    }
}

fn receipt(record: &str, placed: &Placed, tlog_proof: String) -> Result<String, Failure> {
    let receipt = Receipt {
        batch: Inclusion::parse(b"{\"count\":1,\"index\":0,\"path\":[]}")?,
        blinded: false,
        entry: placed.entry.clone(),
        proof_hash: hash(record)?,
        tlog_proof,
    };
    Ok(receipt.to_json())
}

async fn simulate(seed: u64) -> Tested {
    let world = World::new(seed)?;
    // Machines begin with the empty log, each with its own state.
    for machine in &world.machines {
        if world.store().get("checkpoint").await?.is_none() {
            machine.create(&world.store()).await?;
        } else {
            machine.adopt(&world.store()).await?;
        }
    }
    let committers = 2 + world.below(3) as usize;
    // Where there are more committers than machines, some share a state.
    let machines = world.machines.iter().cycle().take(committers);
    for done in join_all(machines.map(|machine| world.run(machine))).await {
        done?;
    }
    // The store recovers, and what still waits is committed.
    pause(100).await;
    let mut writers = Vec::new();
    for machine in &world.machines {
        let mut writer: Writer = machine.open(&world.store()).await?;
        for source in &world.sources {
            let entries: Vec<Entry> =
                held(source).batches.iter().map(|batch| batch.entry.clone()).collect();
            commit(&mut writer, &entries).await?;
        }
        writers.push(writer);
    }
    let log = Log::open(world.store(), signer()?.verifier_key()).await?;
    let expected: HashSet<Hash> = world
        .sources
        .iter()
        .flat_map(|source| {
            held(source).batches.iter().map(|batch| batch.entry.identity()).collect::<Vec<_>>()
        })
        .collect::<Result<_, _>>()?;
    assert_eq!(log.size(), expected.len() as u64, "every batch exactly once");
    check_log(&log).await?;
    let signed = held(&world.signed).clone();
    for note in signed {
        let checkpoint = Checkpoint::parse(Note::parse(note.as_bytes())?.text())?;
        assert_eq!(log.root(checkpoint.size).await?, checkpoint.root, "two logs were signed");
    }
    let policy = format!("log {}\nquorum none\n", signer()?.verifier_key().to_text());
    for (record, receipt) in held(&world.receipts).iter() {
        let verdict = verify_receipt(&ReceiptRequest {
            record: record.as_bytes(),
            blind: None,
            receipt: receipt.as_bytes(),
            policy: policy.as_bytes(),
            kind: None,
            status: None,
        });
        assert!(verdict.holds(), "{}", verdict.to_json());
    }
    Ok(())
}

#[test]
fn nothing_is_lost_doubled_or_forked_whatever_the_store_does() -> Tested {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>()).transpose();
    let seeds = match number("PRECISE_SIMULATION_SEED")? {
        Some(seed) => seed..seed + 1,
        None => 0..number("PRECISE_SIMULATION_SEEDS")?.unwrap_or(SEEDS),
    };
    for seed in seeds {
        // One thread and no clock: who runs when follows from the seed as well.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        // What panics below is a failed assertion; it is printed before the seed is.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(simulate(seed))
        }));
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(format!("seed {seed}: {error}").into()),
            Err(_) => return Err(format!("seed {seed}: see above").into()),
        }
    }
    Ok(())
}
