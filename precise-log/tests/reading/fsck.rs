//! Logs that are whole, and every way in which they are not.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use precise_core::Code;
use precise_log::fsck::{Expected, fsck};

use crate::fixture::{Kept, Tested, files, key, refusal, signer};

#[tokio::test]
async fn a_whole_log_is_found_whole() -> Tested {
    for (size, bundles, tiles) in
        [(0, 0, 0), (1, 1, 1), (255, 1, 1), (256, 1, 2), (257, 2, 3), (600, 3, 4)]
    {
        let log = Kept::of(0..size).await?;
        let mut seen = Vec::new();
        let key = key()?;
        let report = fsck(&log.store, &key, Expected::Precise, |at, of| seen.push((at, of)));
        let report = report.await?;
        assert_eq!((report.bundles, report.tiles), (bundles, tiles), "{size}");
        assert_eq!(report.signed, *log.writer.log().checkpoint());
        assert!(report.notes.is_empty(), "{:?}", report.notes);
        let told: Vec<_> = (1..=bundles).map(|n| ((n * 256).min(size), size)).collect();
        assert_eq!(seen, told);
    }
    Ok(())
}

/// Of a log of five entries each byte; of one that is higher, each 100th of each file.
#[tokio::test]
async fn a_flipped_bit_is_found_where_it_is() -> Tested {
    for (size, step) in [(5, 1), (300, 101)] {
        let log = Kept::of(0..size).await?;
        let mut flipped = 0;
        for path in files(&log.path())? {
            let good = fs::read(&path)?;
            for at in (0..good.len()).step_by(step) {
                let mut bad = good.clone();
                bad[at] ^= 1;
                fs::write(&path, bad)?;
                let (code, message) = refusal(log.check().await)?;
                assert!(message.contains(&path.display().to_string()), "{at}: {message}");
                let is_checkpoint = path.ends_with("checkpoint");
                assert_eq!(code == Code::LogCorrupt, !is_checkpoint, "{at}: {message}");
                flipped += 1;
            }
            fs::write(&path, good)?;
        }
        assert!(flipped > 300, "{flipped}");
        log.check().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_place_of_a_fault_is_named() -> Tested {
    let log = Kept::of(0..600).await?;
    // An entry is behind its length: 2 bytes.
    let entry = 2 + log.writer.log().entry(0).await?.len();
    for (path, at, place) in [
        ("tile/entries/001", 3 * entry + 30, "entry 259 is not the one that was signed"),
        ("tile/0/001", 7 * 32, "hash 7 is not"),
        ("tile/1/000.p/2", 40, "hash 1 is not"),
    ] {
        let file = log.path().join(path);
        let good = fs::read(&file)?;
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, bad)?;
        // The root says that the other tiles are right, so this one is not.
        let (_, message) = refusal(fsck(&log.store, &key()?, Expected::Any, |_, _| ()).await)?;
        assert!(message.contains(path) && message.contains(place), "{message}");
        fs::write(&file, good)?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_cut_or_too_long_is_found() -> Tested {
    let log = Kept::of(0..300).await?;
    let paths = files(&log.path())?;
    assert_eq!(paths.len(), 6, "{paths:?}");
    for path in paths.iter().filter(|path| !path.ends_with("checkpoint")) {
        let good = fs::read(path)?;
        fs::remove_file(path)?;
        let (code, message) = refusal(log.check().await)?;
        assert_eq!(code, Code::LogCorrupt, "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
        let (mut longer, mut shorter) = (good.clone(), good.clone());
        longer.extend_from_slice(&[0; 32]);
        shorter.truncate(good.len() - 32);
        for bad in [&longer[..], &shorter, &good[..good.len() - 1], &[]] {
            fs::write(path, bad)?;
            let (code, message) = refusal(log.check().await)?;
            assert_eq!(code, Code::LogCorrupt, "{message}");
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
        fs::write(path, good)?;
    }
    log.check().await?;
    Ok(())
}

/// A bundle and its tile that were changed together agree; the tile above does not.
#[tokio::test]
async fn a_forged_entry_is_found_with_its_tile() -> Tested {
    let log = Kept::of(0..300).await?;
    let other = Kept::of(1..301).await?;
    for path in ["tile/entries/000", "tile/0/000"] {
        fs::copy(other.path().join(path), log.path().join(path))?;
    }
    let (code, message) = refusal(log.check().await)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains("tile/1/000.p/1") && message.contains("hash 0"), "{message}");
    fs::copy(other.path().join("tile/1/000.p/1"), log.path().join("tile/1/000.p/1"))?;
    let (code, message) = refusal(log.check().await)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains("checkpoint"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_checkpoint_of_another_key_log_size_or_root_is_refused() -> Tested {
    let log = Kept::of(0..5).await?;
    log.sign(2, |_| ())?;
    assert_eq!(refusal(log.check().await)?.0, Code::Unsigned);
    log.sign(1, |checkpoint| checkpoint.origin.push('s'))?;
    assert_eq!(refusal(log.check().await)?.0, Code::Unsigned);
    log.sign(1, |checkpoint| {
        checkpoint.origin.pop();
        checkpoint.size = 6;
    })?;
    assert_eq!(refusal(log.check().await)?.0, Code::LogCorrupt);
    log.sign(1, |checkpoint| checkpoint.size = 4)?;
    assert_eq!(refusal(log.check().await)?.0, Code::LogCorrupt);
    log.sign(1, |checkpoint| {
        checkpoint.size = 5;
        checkpoint.root[0] ^= 1;
    })?;
    let (code, message) = refusal(log.check().await)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains("root"), "{message}");
    log.sign(1, |checkpoint| checkpoint.root[0] ^= 1)?;
    log.check().await?;
    fs::remove_file(log.path().join("checkpoint"))?;
    assert!(log.check().await.is_err_and(|error| error.to_string().contains("there is none")));
    Ok(())
}

#[tokio::test]
async fn what_is_left_over_is_told_and_checked() -> Tested {
    let mut log = Kept::of(0..5).await?;
    let small = log.path().join("tile/entries/000.p/5");
    let five = fs::read(&small)?;
    log.grow(5..300).await?;
    assert!(log.check().await?.notes.is_empty());
    fs::create_dir_all(log.path().join("stage"))?;
    fs::write(log.path().join("stage/299"), "")?;
    fs::create_dir_all(log.path().join("tile/entries/000.p"))?;
    fs::write(&small, &five)?;
    fs::create_dir_all(log.path().join("tile/0/002.p"))?;
    fs::write(log.path().join("tile/0/002.p/1"), [0; 32])?;
    fs::write(log.path().join("tile/readme"), "hello")?;
    let notes = log.check().await?.notes;
    for (note, told) in notes.iter().zip(["stage/299", "1 partial", "1 tiles", "1 files"]) {
        assert!(note.starts_with(told), "{note}");
    }
    assert_eq!(notes.len(), 4);
    // It would keep everybody from committing, and the log's key did not sign it.
    fs::write(log.path().join("stage/300"), "")?;
    let (code, message) = refusal(log.check().await)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains("stage/300") && message.contains("remove it"), "{message}");
    fs::remove_file(log.path().join("stage/300"))?;
    let mut other = five;
    other[40] ^= 1;
    fs::write(&small, other)?;
    let (code, message) = refusal(log.check().await)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains("tile/entries/000.p/5"), "{message}");
    Ok(())
}

#[tokio::test]
async fn bundles_may_be_compressed() -> Tested {
    let log = Kept::of(0..300).await?;
    let gzip = |bytes: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(bytes)?;
        gzip.finish()
    };
    for path in ["tile/entries/000", "tile/entries/001.p/44"] {
        let path = log.path().join(path);
        fs::write(&path, gzip(&fs::read(&path)?)?)?;
    }
    assert_eq!(log.check().await?.bundles, 2);
    let reopened = precise_log::Log::open(log.store.clone(), &key()?).await?;
    assert_eq!(reopened.entry(299).await?, log.writer.log().entry(299).await?);
    // 64 MiB of zeros in 64 KiB: entries of no bytes, more than a bundle can have.
    let path = log.path().join("tile/entries/000");
    fs::write(&path, gzip(&vec![0; 64 << 20])?)?;
    let (code, message) = refusal(log.check().await)?;
    assert_eq!(code, Code::LogCorrupt, "{message}");
    Ok(())
}

#[tokio::test]
async fn another_key_than_the_logs_reads_nothing() -> Tested {
    let log = Kept::of(0..5).await?;
    let other = signer(2)?;
    let checked = fsck(&log.store, other.verifier_key(), Expected::Any, |_, _| ()).await;
    assert_eq!(refusal(checked)?.0, Code::Unsigned);
    Ok(())
}
