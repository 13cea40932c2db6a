//! Every step of a commit × {lost, done anyway} × {error returned, killed}, and then the same code
//! once more: on the same machine, and on another.
//!
//! The guard is a file outside of the store. Killed before it is written is killed while the last
//! tile is, done anyway; killed behind it is killed while the checkpoint is replaced, lost. That it
//! cannot be written is a test of its own.

use std::sync::{Arc, Mutex, PoisonError};

use object_store::memory::InMemory;
use precise_core::entry::Entry;
use precise_core::note::{Checkpoint, Note};
use precise_log::{Error, Log, Placed, Store, Writer};

use crate::faulty::{Answer, Decide, Effect, FINE, Faulty, Outcome, Signed};
use crate::fixture::{Machine, Tested, batches, check_log, commit};

/// The commit from here to there ends a tile and a bundle, and does away with their partial ones.
const FROM: u64 = 250;
const TO: u64 = 260;

/// A world in which one log was begun.
struct World {
    objects: Arc<InMemory>,
    signed: Signed,
    machine: Machine,
}

impl World {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let world = Self {
            objects: Arc::new(InMemory::new()),
            signed: Signed::default(),
            machine: Machine::new()?,
        };
        let mut writer = world.machine.create(&world.store()).await?;
        commit(&mut writer, &batches(0..FROM)?).await?;
        Ok(world)
    }

    /// Another world that begins as this one is.
    fn fork(&self) -> Result<Self, Box<dyn std::error::Error>> {
        let machine = Machine::new()?;
        let guard = self.machine.state()?.guard()?.ok_or("there is no guard")?;
        machine.state()?.set_guard(&guard)?;
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let signed = Arc::new(Mutex::new(signed));
        Ok(Self { objects: Arc::new(self.objects.fork()), signed, machine })
    }

    /// The store on a good day.
    fn store(&self) -> Store {
        self.faulty(Box::new(|_| FINE)).0
    }

    fn faulty(&self, decide: Decide) -> (Store, Arc<tokio::sync::Notify>) {
        let faulty = Faulty::new(Arc::clone(&self.objects), Arc::clone(&self.signed), decide);
        let killed = faulty.killed();
        (Store::new(Arc::new(faulty), "log"), killed)
    }

    /// Every checkpoint that somebody tried to publish.
    fn signed(&self) -> precise_core::Result<Vec<Checkpoint>> {
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |note: &String| Checkpoint::parse(Note::parse(note.as_bytes())?.text());
        signed.iter().map(read).collect()
    }

    /// The log has each entry once, whatever was signed is a beginning of it, and so was whatever
    /// somebody was told.
    async fn check(&self, log: &Log, entries: &[Entry], told: &[Placed]) -> Tested {
        assert_eq!(log.size(), entries.len() as u64);
        check_log(log).await?;
        for placed in told {
            assert_eq!(log.entry(placed.index).await?, placed.entry);
        }
        for checkpoint in self.signed()? {
            assert_eq!(log.root(checkpoint.size).await?, checkpoint.root);
        }
        Ok(())
    }
}

/// Names the requests of an opening and a commit, and lets them happen but for one.
fn all_but(number: usize, outcome: Outcome) -> (Decide, Arc<Mutex<Vec<String>>>) {
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&names);
    let decide = move |name: &str| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(name.to_string());
        if seen.len() - 1 == number { outcome } else { FINE }
    };
    (Box::new(decide), names)
}

const FAULTS: [Outcome; 4] = [
    Outcome { delay: 0, effect: Effect::Lost, answer: Answer::Error },
    Outcome { delay: 0, effect: Effect::Done, answer: Answer::Error },
    Outcome { delay: 0, effect: Effect::Lost, answer: Answer::Killed },
    Outcome { delay: 0, effect: Effect::Done, answer: Answer::Killed },
];

/// Opens and commits, until it is done or killed. What `mark` was told.
async fn attempt(
    machine: &Machine,
    store: Store,
    killed: Arc<tokio::sync::Notify>,
    entries: &[Entry],
) -> (Result<Option<Writer>, Error>, Vec<Placed>) {
    let told: Mutex<Vec<Placed>> = Mutex::default();
    let work = async {
        let mut writer = machine.open(&store).await?;
        let mark = async |_: &Log, placed: &[Placed]| {
            told.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(placed);
            Ok(())
        };
        writer.commit(entries, mark).await?;
        Ok(Some(writer))
    };
    let ended = tokio::select! {
        done = work => done,
        () = killed.notified() => Ok(None),
    };
    (ended, told.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[tokio::test]
async fn whatever_happens_at_any_step_the_same_code_completes_it() -> Tested {
    let entries = batches(0..TO)?;
    let new = &entries[FROM as usize..];
    let begun = World::new().await?;
    let mut steps = usize::MAX;
    let mut number = 0;
    while number < steps {
        for outcome in FAULTS {
            let world = begun.fork()?;
            let (decide, names) = all_but(number, outcome);
            let (store, killed) = world.faulty(decide);
            let (ended, told) = attempt(&world.machine, store, killed, new).await;
            let names = names.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let step = names.get(number).cloned().unwrap_or_default();
            // Nothing but what a commit leaves behind may fail without anybody being told.
            let tidying = ["delete", "list log/tile/"].iter().any(|verb| step.starts_with(verb));
            if outcome.answer == Answer::Killed {
                assert!(matches!(ended, Ok(None)), "{step} {outcome:?}: {ended:?}");
            } else if !tidying {
                assert!(ended.is_err(), "{step} {outcome:?}");
            }
            // What was signed, or might have been published, is guarded.
            let guard = world.machine.state()?.guard()?.ok_or("there is no guard")?;
            for checkpoint in world.signed()? {
                assert!(checkpoint.size <= guard.size, "after {step} {outcome:?}");
            }
            // On another machine, on the one where it happened, and there with what is told twice.
            let other = Machine::new()?;
            let mut adopted = other.adopt(&world.store()).await?;
            if number % 2 == 0 {
                commit(&mut adopted, new).await?;
            }
            let mut writer = world
                .machine
                .open(&world.store())
                .await
                .map_err(|error| format!("after {step} {outcome:?}: {error}"))?;
            let placed = commit(&mut writer, new).await?;
            world.check(writer.log(), &entries, &[told, placed].concat()).await?;
            // The stage is gone, and so is every partial tile of the full one.
            let left = world.store().list("").await?;
            assert!(!left.iter().any(|path| path.starts_with("stage/")), "{step}: {left:?}");
            if number == 0 {
                let (decide, names) = all_but(usize::MAX, FINE);
                let world = begun.fork()?;
                let (store, killed) = world.faulty(decide);
                let (ended, _) = attempt(&world.machine, store, killed, new).await;
                assert!(matches!(ended, Ok(Some(_))));
                steps = names.lock().unwrap_or_else(PoisonError::into_inner).len();
            }
        }
        number += 1;
    }
    // The checkpoint is read, the edge, a stage looked for, one created, five objects written, the
    // checkpoint replaced, three removed.
    assert!(steps > 15, "{steps}");
    Ok(())
}

#[tokio::test]
async fn a_committer_that_got_an_error_goes_on() -> Tested {
    let entries = batches(0..TO)?;
    let new = &entries[FROM as usize..];
    let begun = World::new().await?;
    let mut number = 0;
    loop {
        for outcome in &FAULTS[..2] {
            let world = begun.fork()?;
            let armed = Arc::new(Mutex::new(None::<usize>));
            let (trigger, outcome) = (Arc::clone(&armed), *outcome);
            let (store, _) = world.faulty(Box::new(move |_| {
                let mut armed = trigger.lock().unwrap_or_else(PoisonError::into_inner);
                match armed.as_mut() {
                    Some(0) => {
                        *armed = None;
                        outcome
                    }
                    Some(left) => {
                        *left -= 1;
                        FINE
                    }
                    None => FINE,
                }
            }));
            let mut writer = world.machine.open(&store).await?;
            *armed.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
            let first = commit(&mut writer, new).await;
            let fired = armed.lock().unwrap_or_else(PoisonError::into_inner).is_none();
            if !fired {
                // There is no such step: all were tried.
                assert!(number > 10, "{number}");
                return Ok(());
            }
            let placed = commit(&mut writer, new).await?;
            let told = [first.unwrap_or_default(), placed].concat();
            world.check(writer.log(), &entries, &told).await?;
        }
        number += 1;
    }
}

#[tokio::test]
async fn marking_fails_and_is_done_again() -> Tested {
    let world = World::new().await?;
    let entries = batches(0..TO)?;
    let new = &entries[FROM as usize..];
    let mut writer = world.machine.open(&world.store()).await?;
    let failed =
        writer.commit(new, async |_, _| Err(Error::failed("mark", "the database is away"))).await;
    assert!(matches!(failed, Err(Error::Failed(_))));
    let mut told = Vec::new();
    writer
        .commit(new, async |log, placed| {
            assert_eq!(log.size(), TO);
            told = placed.to_vec();
            Ok(())
        })
        .await?;
    assert!(told.iter().all(|placed| placed.known));
    world.check(writer.log(), &entries, &told).await
}

#[tokio::test]
async fn a_guard_that_cannot_be_written_prevents_a_signature() -> Tested {
    let world = World::new().await?;
    let entries = batches(0..TO)?;
    let new = &entries[FROM as usize..];
    let mut writer = world.machine.open(&world.store()).await?;
    let before = writer.log().checkpoint().note.clone();
    // The new guard is written beside the old one, where now a folder is.
    let beside = world.machine.state()?.folder().join("guard.new");
    std::fs::create_dir(&beside)?;
    assert!(matches!(commit(&mut writer, new).await, Err(Error::Failed(_))));
    let published = world.store().get("checkpoint").await?;
    assert_eq!(published.as_deref(), Some(before.as_bytes()));
    std::fs::remove_dir(&beside)?;
    let placed = commit(&mut writer, new).await?;
    world.check(writer.log(), &entries, &placed).await
}
