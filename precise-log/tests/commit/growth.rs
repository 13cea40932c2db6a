//! What a log becomes when nothing goes wrong.

use precise_core::tlog;
use precise_log::{Log, Store};

use crate::fixture::{Machine, ORIGIN, Tested, batch, batches, check_log, commit, signer};

#[tokio::test]
async fn a_log_grows_and_proves_it() -> Tested {
    for location in [None, Some(tempfile::tempdir()?)] {
        let store = match &location {
            None => Store::open("memory:")?,
            Some(folder) => Store::open(&folder.path().join("a log").display().to_string())?,
        };
        let machine = Machine::new()?;
        let mut writer = machine.create(&store).await?;
        let mut checkpoints = vec![writer.log().checkpoint().clone()];
        // Sizes on both sides of a full tile.
        for size in [1, 2, 255, 256, 257, 511, 512, 700, 1024] {
            let from = writer.log().size();
            let placed = commit(&mut writer, &batches(from..size)?).await?;
            let indices: Vec<u64> = placed.iter().map(|placed| placed.index).collect();
            assert_eq!(indices, (from..size).collect::<Vec<_>>());
            assert!(placed.iter().all(|placed| !placed.known));
            checkpoints.push(writer.log().checkpoint().clone());
        }
        let key = signer()?.verifier_key().clone();
        let log = Log::open(store.clone(), &key).await?;
        assert_eq!((log.origin(), log.size()), (ORIGIN, 1024));
        let root = log.checkpoint().checkpoint.root;
        for signed in &checkpoints {
            let (size, old) = (signed.checkpoint.size, signed.checkpoint.root);
            assert_eq!(log.root(size).await?, old);
            let path = log.prove_consistency(size).await?;
            assert!(tlog::is_consistent(size, &old, 1024, &root, &path));
            let then = Log::at(store.clone(), signed.clone()).await?;
            if size > 0 {
                assert_eq!(then.entry(size - 1).await?, batch(size - 1, 0)?.to_json()?);
            }
        }
        check_log(&log).await?;
        assert!(log.entry(1024).await.is_err());
        assert!(log.prove(1024).await.is_err());
        assert!(log.root(1025).await.is_err());
        let names = store.list("stage").await?;
        assert!(names.is_empty(), "{names:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_entry_is_committed_once() -> Tested {
    let store = Store::open("memory:")?;
    let machine = Machine::new()?;
    let mut writer = machine.create(&store).await?;
    commit(&mut writer, &batches(0..300)?).await?;
    let again = [batch(299, 5)?, batch(7, 5)?, batch(300, 0)?, batch(300, 5)?];
    for mut writer in [writer, machine.open(&store).await?] {
        let placed = commit(&mut writer, &again).await?;
        let indices: Vec<u64> = placed.iter().map(|placed| placed.index).collect();
        assert_eq!(indices, [299, 7, 300, 300]);
        assert_eq!(placed[0].entry, batch(299, 0)?.to_json()?, "the text that the log has");
        assert_eq!(writer.log().size(), 301);
        assert_eq!(writer.find(&batch(300, 9)?.identity()?).await?, Some(300));
        assert_eq!(writer.find(&batch(301, 0)?.identity()?).await?, None);
    }
    Ok(())
}
