//! A log in a bucket: moto stands in for S3, and speaks its protocol. It is named by
//! `PRECISE_S3_SERVER`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use precise_core::Code;
use precise_log::fsck::{Expected, fsck};
use precise_log::{Log, State, Store, Writer};

use crate::fixture::{Tested, batches, key, refusal, signer};

/// Tells the test that it is the one that has the server, and where the log is to be.
const LOG: &str = "PRECISE_S3_LOG";

/// The server, until it goes.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself is gone as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server on a port that the system chooses. Gives its URL.
fn start(program: &Path) -> Tested<(Server, String)> {
    let mut server = Server(
        Command::new(program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let told = server.0.stderr.take().ok_or("the server tells nothing")?;
    let mut lines = BufReader::new(told).lines();
    let url = loop {
        let line = lines.next().ok_or("the server has ended")??;
        if let Some((_, url)) = line.split_once("Running on ") {
            break url.trim().to_string();
        }
    };
    // It goes on telling, and would wait if nobody listened.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((server, url))
}

fn create_bucket(url: &str) -> Tested {
    let address = url.strip_prefix("http://").ok_or("it is not on HTTP")?;
    let mut stream = TcpStream::connect(address)?;
    let request = format!(
        "PUT /logs HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.contains(" 200 ") { Ok(()) } else { Err(answer.into()) }
}

/// A store has its options from the environment, which a test cannot change: it runs again, as a
/// process of its own.
#[tokio::test]
async fn a_log_is_kept_in_a_bucket() -> Tested {
    if let Ok(location) = std::env::var(LOG) {
        return keep_in_bucket(&location).await;
    }
    let program = std::env::var_os("PRECISE_S3_SERVER").filter(|path| Path::new(path).is_file());
    let Some(program) = program else {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        writeln!(std::io::stderr().lock(), "SKIPPED: S3: there is no moto_server; make setup")?;
        return Ok(());
    };
    let (_server, url) = start(Path::new(&program))?;
    create_bucket(&url)?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "s3::a_log_is_kept_in_a_bucket", "--nocapture"])
        .env(LOG, "s3://logs/a/log")
        .env("AWS_ENDPOINT", url)
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn keep_in_bucket(location: &str) -> Tested {
    let folder = tempfile::tempdir()?;
    let state = || State::open(folder.path().join("state"));
    let store = Store::open(location)?;
    let mut writer = Writer::create(store.clone(), signer(1)?, state()?).await?;
    let again = Writer::create(store.clone(), signer(1)?, state()?).await;
    assert!(again.is_err_and(|error| error.to_string().contains("there is one")));
    let first = writer.commit(&batches(0..5)?, async |_, _| Ok(())).await?;
    writer.commit(&batches(5..300)?, async |_, _| Ok(())).await?;
    // Another committer, which learns what the first wrote, and the first what this one did.
    let mut other = Writer::open(store.clone(), signer(1)?, state()?, false).await?;
    let placed = other.commit(&batches(298..310)?, async |_, _| Ok(())).await?;
    assert_eq!(placed.iter().filter(|placed| placed.known).count(), 2);
    let placed = writer.commit(&batches(0..311)?, async |_, _| Ok(())).await?;
    assert_eq!(placed.iter().filter(|placed| !placed.known).count(), 1);
    assert_eq!(
        placed[..5].iter().map(|placed| &placed.entry).collect::<Vec<_>>(),
        first.iter().map(|placed| &placed.entry).collect::<Vec<_>>()
    );
    let report = fsck(&store, &key()?, Expected::Precise, |_, _| ()).await?;
    assert_eq!((report.signed.checkpoint.size, report.bundles), (311, 2));
    // Those of 300 and 310 entries, while their tile is not full.
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].starts_with("4 partial"), "{:?}", report.notes);
    let log = Log::open(store.clone(), &key()?).await?;
    let proof = log.prove(310).await?;
    let checkpoint = &log.checkpoint().checkpoint;
    let entry = log.entry(310).await?;
    assert!(proof.leads_to(entry.as_bytes(), checkpoint.size, &checkpoint.root));
    assert_eq!(store.list("stage").await?, [""; 0]);
    store.put("tile/0/000", vec![0; 8192].into()).await?;
    let checked = fsck(&store, &key()?, Expected::Precise, |_, _| ()).await;
    let (code, message) = refusal(checked)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains(&format!("{location}/tile/0/000")), "{message}");
    let nowhere = Log::open(Store::open("s3://logs/another")?, &key()?).await;
    assert!(nowhere.is_err_and(|error| error.to_string().contains("there is none")));
    Ok(())
}
