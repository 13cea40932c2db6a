//! What is refused, and what only fails: logs that were rolled back, changed, or written with
//! another key; stores that are full or cannot be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use precise_core::Code;
use precise_core::note::{Algorithm, Signer};
use precise_log::{Error, Guard, Log, State, Store, Writer};

use crate::faulty::{Answer, Effect, FINE, Faulty, Outcome, Signed};
use crate::fixture::{Machine, ORIGIN, Tested, batches, check_log, commit, signer};

#[track_caller]
fn assert_code<T>(result: Result<T, Error>, expected: Code) {
    match result {
        Err(Error::Refused { error, .. }) => assert_eq!(error.code(), expected, "{error}"),
        Err(Error::Failed(message)) => panic!("{message}"),
        Ok(_) => panic!("{expected} was expected"),
    }
}

#[track_caller]
fn assert_fails<T>(result: Result<T, Error>, expected: &str) {
    match result {
        Err(Error::Failed(message)) => assert!(message.contains(expected), "{message}"),
        Err(refused) => panic!("{refused}"),
        Ok(_) => panic!("{expected} was expected"),
    }
}

/// A log in a directory.
struct Directory {
    folder: tempfile::TempDir,
    machine: Machine,
}

impl Directory {
    async fn of(entries: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let directory = Self { folder: tempfile::tempdir()?, machine: Machine::new()? };
        let mut writer = directory.machine.create(&directory.store()?).await?;
        commit(&mut writer, &batches(0..entries)?).await?;
        Ok(directory)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn store(&self) -> Result<Store, Error> {
        Store::open(&self.path().display().to_string())
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A log in memory, of which a copy was made when a commit was about to be published: the copy, and
/// the store.
async fn copy_amid_commit(
    machine: &Machine,
    signed: &Signed,
) -> Result<(Store, Store), Box<dyn std::error::Error>> {
    let objects = Arc::new(InMemory::new());
    let open = |objects: &Arc<InMemory>, decide| {
        let faulty = Faulty::new(Arc::clone(objects), Arc::clone(signed), decide);
        Store::new(Arc::new(faulty), "log")
    };
    let mut writer = machine.create(&open(&objects, Box::new(|_| FINE))).await?;
    commit(&mut writer, &batches(0..10)?).await?;
    let lost = Outcome { delay: 0, effect: Effect::Lost, answer: Answer::Error };
    let decide = move |name: &str| if name.starts_with("replace") { lost } else { FINE };
    let mut writer = machine.open(&open(&objects, Box::new(decide))).await?;
    assert!(commit(&mut writer, &batches(10..15)?).await.is_err());
    let copied = Arc::new(objects.fork());
    Ok((open(&copied, Box::new(|_| FINE)), open(&objects, Box::new(|_| FINE))))
}

#[tokio::test]
async fn a_copy_that_is_rolled_back_is_refused() -> Tested {
    let log = Directory::of(10).await?;
    let copied = log.folder.path().join("copy");
    copy(&log.path(), &copied)?;
    let mut writer = log.machine.open(&log.store()?).await?;
    commit(&mut writer, &batches(10..20)?).await?;
    fs::remove_dir_all(log.path())?;
    fs::rename(&copied, log.path())?;
    // By the writer that is open, by a new one, and by one that would adopt it.
    assert_code(commit(&mut writer, &batches(20..21)?).await, Code::LogDiverged);
    assert_code(log.machine.open(&log.store()?).await, Code::LogDiverged);
    let again = Writer::open(log.store()?, signer()?, log.machine.state()?, true).await;
    assert_code(again, Code::LogDiverged);
    Ok(())
}

#[tokio::test]
async fn a_copy_from_amid_a_commit_is_completed_or_refused() -> Tested {
    let (machine, signed) = (Machine::new()?, Signed::default());
    let (copied, store) = copy_amid_commit(&machine, &signed).await?;
    let mut writer = machine.open(&store).await?;
    let published = writer.log().checkpoint().clone();
    assert_eq!(published.checkpoint.size, 15);
    // The copy leads to the same checkpoint, and may be completed as long as that is the last.
    assert_eq!(machine.open(&copied).await?.log().checkpoint(), &published);
    let (machine, signed) = (Machine::new()?, Signed::default());
    let (copied, store) = copy_amid_commit(&machine, &signed).await?;
    writer = machine.open(&store).await?;
    commit(&mut writer, &batches(15..16)?).await?;
    let before = signed.lock().map_err(|_| "poisoned")?.len();
    assert_code(machine.open(&copied).await, Code::LogDiverged);
    assert_eq!(signed.lock().map_err(|_| "poisoned")?.len(), before, "nothing more was signed");
    Ok(())
}

#[tokio::test]
async fn a_checkpoint_put_back_is_refused_by_whoever_has_no_guard() -> Tested {
    let log = Directory::of(300).await?;
    let old = fs::read(log.path().join("checkpoint"))?;
    let mut writer = log.machine.open(&log.store()?).await?;
    for (from, to) in [(300, 301), (301, 1000)] {
        commit(&mut writer, &batches(from..to)?).await?;
        let new = fs::read(log.path().join("checkpoint"))?;
        // Partial tiles stay until the full one is there, so the old log is there as well.
        fs::write(log.path().join("checkpoint"), &old)?;
        let other = Machine::new()?;
        let opened = Writer::open(log.store()?, signer()?, other.state()?, true).await;
        assert_code(opened, Code::LogDiverged);
        fs::write(log.path().join("checkpoint"), new)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stage_that_is_none_is_refused() -> Tested {
    let (machine, signed) = (Machine::new()?, Signed::default());
    let (store, _) = copy_amid_commit(&machine, &signed).await?;
    let stage = store.get("stage/10").await?.ok_or("there is no stage")?;
    // Each entry is shorter than 256 bytes: a zero begins its length.
    let split = stage.windows(2).position(|two| two == b"\n\0").ok_or("no entries")? + 1;
    let (head, entries) = stage.split_at(split);
    let with_head = |head: &str| Bytes::from([head.as_bytes(), entries].concat());
    let head = std::str::from_utf8(head)?;
    let note = &head[..=head.find("\n\n").ok_or("no note")?];
    let another = Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[8; 32])?;
    let signed_by_another = format!("{note}\n{}\n", another.sign(note, 0)?.to_line());
    let mut changed = stage.to_vec();
    let last = changed.len() - 30;
    changed[last] ^= 1;
    let checkpoint = store.get("checkpoint").await?.ok_or("there is no checkpoint")?;
    for garbage in [
        Bytes::new(),
        Bytes::from_static(b"garbage"),
        Bytes::from_static(b"\n\n\n"),
        checkpoint,
        stage.slice(..stage.len() - 1),
        stage.slice(..40),
        Bytes::from(head.to_string()),
        Bytes::from([&stage[..], b"\0\x01x"].concat()),
        with_head(&head.replacen("stage-1", "stage-2", 1)),
        with_head(&head.replacen("\n10\n", "\n11\n", 1)),
        Bytes::from(changed),
        with_head(&signed_by_another),
    ] {
        store.put("stage/10", garbage.clone()).await?;
        assert_code(machine.open(&store).await, Code::LogCorrupt);
        // Nothing was done with it.
        assert!(store.get("stage/10").await?.is_some_and(|left| left == garbage));
    }
    store.put("stage/10", stage).await?;
    assert_eq!(machine.open(&store).await?.log().size(), 15);
    Ok(())
}

#[tokio::test]
async fn a_stage_of_another_tree_is_refused() -> Tested {
    let (machine, signed) = (Machine::new()?, Signed::default());
    let (store, _) = copy_amid_commit(&machine, &signed).await?;
    let stage = store.get("stage/10").await?.ok_or("there is no stage")?;
    // Ten entries as well, but others.
    let other = Machine::new()?;
    let memory = Store::open("memory:")?;
    let mut writer = other.create(&memory).await?;
    commit(&mut writer, &batches(100..110)?).await?;
    memory.put("stage/10", stage.clone()).await?;
    assert_code(commit(&mut writer, &batches(110..111)?).await, Code::LogDiverged);
    assert_code(other.open(&memory).await, Code::LogDiverged);
    memory.delete("stage/10").await?;
    // Beyond the checkpoint.
    memory.put("stage/12", stage).await?;
    assert_code(other.open(&memory).await, Code::LogDiverged);
    Ok(())
}

#[tokio::test]
async fn another_key_is_refused() -> Tested {
    let log = Directory::of(5).await?;
    for (name, algorithm, seed) in [
        (ORIGIN, Algorithm::Ed25519, 8),
        ("example.com/other", Algorithm::Ed25519, 7),
        (ORIGIN, Algorithm::Cosignature, 7),
    ] {
        let state = State::open(log.folder.path().join("another"))?;
        let wrong = || Signer::from_seed(name, algorithm, &[seed; 32]);
        let opened = Writer::open(log.store()?, wrong()?, state, true).await;
        assert_code(opened, Code::LogKey);
        let read = Log::open(log.store()?, wrong()?.verifier_key()).await;
        assert_code(read, Code::Unsigned);
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_changed_is_named() -> Tested {
    let log = Directory::of(300).await?;
    let key = signer()?.verifier_key().clone();
    // At the edge: it does not even open.
    for name in ["tile/0/001.p/44", "tile/1/000.p/1"] {
        let path = log.path().join(name);
        let whole = fs::read(&path)?;
        let mut flipped = whole.clone();
        flipped[5] ^= 1;
        for changed in [&flipped[..], &whole[..31], &[], &whole.repeat(300)] {
            fs::write(&path, changed)?;
            assert_code(Log::open(log.store()?, &key).await, Code::LogCorrupt);
            assert_code(log.machine.open(&log.store()?).await, Code::LogCorrupt);
        }
        fs::remove_file(&path)?;
        assert_code(Log::open(log.store()?, &key).await, Code::LogCorrupt);
        fs::write(&path, whole)?;
    }
    // Inside: what needs it is refused, and names it.
    for (name, index) in
        [("tile/0/000", 3), ("tile/entries/000", 3), ("tile/entries/001.p/44", 299)]
    {
        let path = log.path().join(name);
        let whole = fs::read(&path)?;
        let mut flipped = whole.clone();
        // In entry 3, or its hash; in entry 256 + 43 it is the last byte.
        let at = if index == 3 { 3 * whole.len() / 256 + 20 } else { whole.len() - 1 };
        flipped[at] ^= 1;
        for changed in [&flipped[..], &whole[..whole.len() - 1], &[], &[&whole[..], &[0]].concat()]
        {
            fs::write(&path, changed)?;
            let read = Log::open(log.store()?, &key).await?;
            let found = read.entry(index).await;
            assert!(found.as_ref().is_err_and(|error| error.to_string().contains(name)));
            assert_code(found, Code::LogCorrupt);
        }
        fs::remove_file(&path)?;
        let read = Log::open(log.store()?, &key).await?;
        assert_code(read.entry(index).await, Code::LogCorrupt);
        fs::write(&path, whole)?;
    }
    check_log(&Log::open(log.store()?, &key).await?).await
}

#[tokio::test]
async fn a_partial_tile_may_be_gone_when_the_full_one_is_there() -> Tested {
    let log = Directory::of(100).await?;
    let key = signer()?.verifier_key().clone();
    let then = Log::open(log.store()?, &key).await?;
    let mut writer = log.machine.open(&log.store()?).await?;
    commit(&mut writer, &batches(100..256)?).await?;
    assert!(log.store()?.get("tile/0/000.p/100").await?.is_none());
    let again = Log::at(log.store()?, then.checkpoint().clone()).await?;
    assert_eq!(again.entry(99).await?, then.entry(99).await?);
    assert!(again.entry(100).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_state_without_a_guard_or_of_another_log_is_not_used() -> Tested {
    let log = Directory::of(5).await?;
    let other = Machine::new()?;
    assert_fails(other.open(&log.store()?).await, "adopt");
    assert_eq!(other.adopt(&log.store()?).await?.log().size(), 5);
    assert_eq!(other.open(&log.store()?).await?.log().size(), 5);
    let state = other.state()?;
    let guard = state.guard()?.ok_or("there is no guard")?;
    state.set_guard(&Guard { origin: "example.com/other".into(), ..guard.clone() })?;
    assert_fails(other.open(&log.store()?).await, "it guards example.com/other");
    state.set_guard(&Guard { root: [0; 32], ..guard })?;
    assert_code(other.open(&log.store()?).await, Code::LogDiverged);
    fs::write(state.folder().join("guard"), "torn")?;
    assert_code(other.open(&log.store()?).await, Code::Checkpoint);
    Ok(())
}

#[tokio::test]
async fn a_log_begins_once() -> Tested {
    let log = Directory::of(5).await?;
    let other = Machine::new()?;
    let again = Writer::create(log.store()?, signer()?, other.state()?).await;
    assert_fails(again, "there is one");
    let elsewhere = Store::open("memory:")?;
    let again = Writer::create(elsewhere.clone(), signer()?, log.machine.state()?).await;
    assert_code(again, Code::LogDiverged);
    assert!(elsewhere.get("checkpoint").await?.is_none());
    assert_fails(log.machine.open(&elsewhere).await, "there is none");
    // A beginning that was cut short is begun again.
    let third = Machine::new()?;
    third.state()?.set_guard(&Guard {
        origin: ORIGIN.into(),
        size: 0,
        root: precise_core::tlog::empty_root(),
    })?;
    assert_eq!(third.create(&elsewhere).await?.log().size(), 0);
    Ok(())
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_left_as_it_is() -> Tested {
    let log = Directory::of(5).await?;
    let mut writer = log.machine.open(&log.store()?).await?;
    let before = fs::read(log.path().join("checkpoint"))?;
    // Where a folder must be there is a file, which stops root as well.
    for name in ["stage", "tile/1"] {
        let path = log.path().join(name);
        let away = log.folder.path().join("away");
        let was_there = fs::rename(&path, &away).is_ok();
        fs::write(&path, "in the way")?;
        assert_fails(commit(&mut writer, &batches(5..300)?).await, "cannot ");
        assert_eq!(fs::read(log.path().join("checkpoint"))?, before);
        assert_eq!(log.machine.state()?.guard()?.map(|guard| guard.size), Some(5));
        fs::remove_file(&path)?;
        if was_there {
            fs::rename(&away, &path)?;
        }
    }
    commit(&mut writer, &batches(5..300)?).await?;
    assert_eq!(writer.log().size(), 300);
    check_log(writer.log()).await
}

/// A file system of a few blocks, until it goes.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(options: &str, at: &Path) -> bool {
        let options = ["-t", "tmpfs", "-o", options, "tmpfs"];
        let done = Command::new("mount").args(options).arg(at).output();
        done.is_ok_and(|output| output.status.success())
    }

    fn new() -> Result<Option<Self>, std::io::Error> {
        let folder = tempfile::tempdir()?;
        Ok(Self::mount("size=400k", folder.path()).then_some(Self(folder)))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = Command::new("umount").arg(self.0.path()).output() {
            eprintln!("cannot unmount {}: {error}", self.0.path().display());
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_and_survived() -> Tested {
    let Some(disk) = SmallDisk::new()? else {
        eprintln!("skipped: no small file system can be mounted here");
        return Ok(());
    };
    let machine = Machine::new()?;
    let store = Store::open(&disk.0.path().join("log").display().to_string())?;
    let mut writer = machine.create(&store).await?;
    let mut size = 0;
    let error = loop {
        match commit(&mut writer, &batches(size..size + 100)?).await {
            Ok(_) => size += 100,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(size > 0, "{error}");
    assert!(commit(&mut writer, &batches(size..size + 100)?).await.is_err());
    assert!(SmallDisk::mount("remount,size=10m", disk.0.path()), "it cannot be enlarged");
    commit(&mut writer, &batches(size..size + 100)?).await?;
    let log = machine.open(&store).await?.log().clone();
    assert_eq!(log.size(), size + 100);
    check_log(&log).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn committers_of_one_directory_take_turns() -> Tested {
    let log = Directory::of(0).await?;
    let other = Machine::new()?;
    other.adopt(&log.store()?).await?;
    let mut tasks = Vec::new();
    for (number, machine) in (0..4_u64).zip([&log.machine, &log.machine, &other, &other]) {
        let (store, state, signer) = (log.store()?, machine.state()?, signer()?);
        // Each batch is committed by two.
        let work: Vec<_> =
            (0..20).map(|round| batches(round * 4 + number..round * 4 + number + 2)).collect();
        let work = work.into_iter().collect::<Result<Vec<_>, _>>()?;
        tasks.push(tokio::spawn(async move {
            let mut writer = Writer::open(store, signer, state, false).await?;
            for entries in work {
                writer.commit(&entries, async |_, _| Ok(())).await?;
            }
            Ok::<_, Error>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let found = log.machine.open(&log.store()?).await?.log().clone();
    // 0 to 80: the last one of the last round is 4 × 19 + 3 + 1.
    assert_eq!(found.size(), 81);
    check_log(&found).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_nobody_waits_for_any_more_is_completed_by_the_next() -> Tested {
    let log = Directory::of(0).await?;
    for round in 0..40_u32 {
        let mut writer = log.machine.open(&log.store()?).await?;
        let from = u64::from(round) * 5;
        let entries = batches(from..from + 10)?;
        // Later and later, so that it is cut off at one step after the other.
        tokio::select! {
            biased;
            _ = commit(&mut writer, &entries) => {}
            () = tokio::time::sleep(std::time::Duration::from_micros(u64::from(round) * 300)) => {}
        }
        commit(&mut log.machine.open(&log.store()?).await?, &entries).await?;
    }
    let found = log.machine.open(&log.store()?).await?.log().clone();
    assert_eq!(found.size(), 40 * 5 + 5);
    check_log(&found).await
}
