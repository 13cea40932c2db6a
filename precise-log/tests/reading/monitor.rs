//! A log that grows, and one that does something else.

use std::fs;
use std::time::Duration;

use precise_core::Code;
use precise_log::Log;
use precise_log::fsck::Expected;
use precise_log::monitor::Monitor;

use crate::fixture::{Kept, Tested, copy, files, key, refusal};

fn monitor(log: &Kept) -> Tested<Monitor> {
    let memory = log.beside("seen.checkpoint");
    Ok(Monitor::new(log.store.clone(), key()?, memory, Expected::Precise))
}

/// The notes that were kept as evidence.
fn evidence(log: &Kept) -> Tested<Vec<String>> {
    let paths = files(&log.beside("seen.checkpoint.evidence"))?;
    Ok(paths.iter().map(fs::read_to_string).collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn growth_is_followed() -> Tested {
    let mut log = Kept::of(0..0).await?;
    let monitor = monitor(&log)?;
    assert_eq!(monitor.look().await?.before, None);
    let mut before = 0;
    for size in [1, 3, 3, 256, 257, 700] {
        log.grow(before..size).await?;
        let sight = monitor.look().await?;
        assert_eq!(sight.before, Some(before));
        assert_eq!(sight.signed, *log.writer.log().checkpoint());
        assert_eq!(fs::read_to_string(log.beside("seen.checkpoint"))?, sight.signed.note);
        before = size;
    }
    assert!(evidence(&log).is_err(), "there is none");
    Ok(())
}

#[tokio::test]
async fn a_log_that_was_rolled_back_is_refused_until_it_is_whole() -> Tested {
    let mut log = Kept::of(0..5).await?;
    let monitor = monitor(&log)?;
    let old = log.beside("old");
    copy(&log.path(), &old)?;
    log.grow(5..9).await?;
    let nine = monitor.look().await?.signed.note;
    let now = log.beside("now");
    copy(&log.path(), &now)?;
    fs::remove_dir_all(log.path())?;
    copy(&old, &log.path())?;
    let five = fs::read_to_string(old.join("checkpoint"))?;
    for _ in 0..2 {
        let (code, message) = refusal(monitor.look().await)?;
        assert_eq!(code, Code::LogDiverged);
        assert!(message.contains("it had 9 entries and has 5 now"), "{message}");
        assert_eq!(evidence(&log)?, [five.as_str(), nine.as_str()]);
        assert_eq!(fs::read_to_string(log.beside("seen.checkpoint"))?, nine);
    }
    copy(&now, &log.path())?;
    assert_eq!(monitor.look().await?.before, Some(9));
    Ok(())
}

#[tokio::test]
async fn a_fork_is_refused_and_both_checkpoints_are_kept() -> Tested {
    for size in [9, 10, 300] {
        let log = Kept::of(0..9).await?;
        let monitor = monitor(&log)?;
        let known = monitor.look().await?.signed.note;
        let fork = Kept::of(1..1 + size).await?;
        fs::remove_dir_all(log.path())?;
        copy(&fork.path(), &log.path())?;
        let (code, message) = refusal(monitor.look().await)?;
        assert_eq!(code, Code::LogDiverged, "{message}");
        let kept = evidence(&log)?;
        assert_eq!(kept.len(), 2);
        assert!(kept.contains(&known) && kept.contains(&fork.writer.log().checkpoint().note));
    }
    Ok(())
}

#[tokio::test]
async fn another_key_and_broken_files_are_refused_and_nothing_is_remembered() -> Tested {
    let mut log = Kept::of(0..5).await?;
    let monitor = monitor(&log)?;
    let known = monitor.look().await?.signed.note;
    log.grow(5..300).await?;
    let good = fs::read_to_string(log.path().join("checkpoint"))?;
    log.sign(2, |_| ())?;
    assert_eq!(refusal(monitor.look().await)?.0, Code::Unsigned);
    fs::write(log.path().join("checkpoint"), "garbage")?;
    assert_eq!(refusal(monitor.look().await)?.0, Code::Note);
    fs::write(log.path().join("checkpoint"), good)?;
    for path in ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"] {
        let path = log.path().join(path);
        let good = fs::read(&path)?;
        let mut bad = good.clone();
        bad[20] ^= 1;
        fs::write(&path, bad)?;
        assert_eq!(refusal(monitor.look().await)?.0, Code::LogCorrupt, "{}", path.display());
        fs::write(path, good)?;
    }
    assert_eq!(fs::read_to_string(log.beside("seen.checkpoint"))?, known);
    assert_eq!(monitor.look().await?.before, Some(5));
    fs::write(log.beside("seen.checkpoint"), "garbage")?;
    assert_eq!(refusal(monitor.look().await)?.0, Code::Note);
    Ok(())
}

#[tokio::test]
async fn a_log_is_followed_until_it_was_seen_enough() -> Tested {
    let log = Kept::of(0..5).await?;
    let monitor = monitor(&log)?;
    let mut seen = Vec::new();
    let never = std::future::pending();
    monitor
        .follow(Duration::ZERO, never, |sight| {
            seen.push(sight.map(|sight| sight.before));
            seen.len() < 3
        })
        .await;
    let seen: Vec<_> = seen.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(seen, [None, Some(5), Some(5)]);
    let stopped = std::future::ready(());
    monitor.follow(Duration::MAX, stopped, |_| true).await;
    let reopened = Log::open(log.store.clone(), &key()?).await?;
    assert_eq!(reopened.size(), 5);
    Ok(())
}
