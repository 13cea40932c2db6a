//! A log over HTTP: what it is for others, and what they do not get.

use std::fs;
use std::net::SocketAddr;

use precise_core::Code;
use precise_log::fsck::{Expected, fsck};
use precise_log::monitor::Monitor;
use precise_log::{Log, Store, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fixture::{Kept, Tested, copy, key, refusal};

/// A server, until it is stopped.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<precise_log::Result<()>>,
}

impl Served {
    async fn of(store: &Store) -> Tested<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            // A sender that is gone stops it as well.
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve::serve(store.clone(), listener, stopped));
        Ok(Self { address, stop, serving })
    }

    fn store(&self) -> precise_log::Result<Store> {
        Store::open(&format!("http://{}", self.address))
    }

    /// Status, head in lower case, and body of the answer to a request as it is written.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> Tested<(u16, String, Vec<u8>)> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no head")?;
        let head = String::from_utf8(answer[..end].to_vec())?.to_lowercase();
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        Ok((status, head, answer[end + 4..].to_vec()))
    }

    async fn stop(self) -> Tested {
        self.stop.send(()).map_err(|()| "it has stopped already")?;
        Ok(self.serving.await??)
    }
}

#[tokio::test]
async fn a_log_is_the_same_over_http() -> Tested {
    let mut log = Kept::of(0..300).await?;
    let served = Served::of(&log.store).await?;
    let store = served.store()?;
    let report = fsck(&store, &key()?, Expected::Precise, |_, _| ()).await?;
    assert_eq!((report.bundles, report.tiles), (2, 3));
    assert!(report.notes.iter().all(|note| note.contains("not looked for")), "{:?}", report.notes);
    let read = Log::open(store.clone(), &key()?).await?;
    let proof = read.prove(299).await?;
    assert_eq!(proof, log.writer.log().prove(299).await?);
    let monitor =
        Monitor::new(store.clone(), key()?, log.beside("seen.checkpoint"), Expected::Precise);
    assert_eq!(monitor.look().await?.before, None);
    log.grow(300..600).await?;
    assert_eq!(monitor.look().await?.before, Some(300));
    fs::write(log.path().join("tile/0/001"), [0; 8192])?;
    let checked = fsck(&store, &key()?, Expected::Precise, |_, _| ()).await;
    let (code, message) = refusal(checked)?;
    assert_eq!(code, Code::LogCorrupt);
    assert!(message.contains("http://127.0.0.1") && message.contains("/tile/0/001"), "{message}");
    served.stop().await
}

#[tokio::test]
async fn files_have_types_and_tags() -> Tested {
    let log = Kept::of(0..300).await?;
    let served = Served::of(&log.store).await?;
    let note = fs::read(log.path().join("checkpoint"))?;
    let (status, head, body) = served.ask("GET", "/checkpoint", "").await?;
    assert_eq!((status, &body), (200, &note));
    assert!(head.contains("content-type: text/plain; charset=utf-8"), "{head}");
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let (status, head, body) = served.ask("HEAD", "/checkpoint", "").await?;
    assert_eq!((status, body.len()), (200, 0));
    assert!(head.contains(&format!("content-length: {}", note.len())), "{head}");
    for path in ["tile/0/000", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"] {
        let (status, head, body) = served.ask("GET", &format!("/{path}"), "").await?;
        assert_eq!((status, body), (200, fs::read(log.path().join(path))?), "{path}");
        assert!(head.contains("content-type: application/octet-stream"), "{head}");
        assert!(head.contains("immutable"), "{head}");
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).ok_or("no tag")?;
        for known in [tag, "*", &format!("\"a\", W/{tag}")] {
            let known = format!("if-none-match: {known}\r\n");
            let (status, _, body) = served.ask("GET", &format!("/{path}"), &known).await?;
            assert_eq!((status, body.len()), (304, 0));
        }
        let (status, ..) =
            served.ask("GET", &format!("/{path}"), "if-none-match: \"a\"\r\n").await?;
        assert_eq!(status, 200);
    }
    served.stop().await
}

#[tokio::test]
async fn the_status_log_below_a_log_is_served() -> Tested {
    let log = Kept::of(0..3).await?;
    let below = Kept::of(3..7).await?;
    copy(&below.path(), &log.path().join("status"))?;
    let served = Served::of(&log.store).await?;
    let store = served.store()?;
    for (store, kept) in [(store.clone(), &log), (store.sub("status"), &below)] {
        let read = Log::open(store, &key()?).await?;
        assert_eq!(read.entry(2).await?, kept.writer.log().entry(2).await?);
    }
    served.stop().await
}

#[tokio::test]
async fn nothing_but_the_logs_files_is_served() -> Tested {
    let log = Kept::of(0..300).await?;
    fs::write(log.beside("secret"), "secret")?;
    fs::create_dir_all(log.path().join("stage"))?;
    for name in [".lock", ".hidden", "key", "stage/300", "tile/0/key", "tile/000"] {
        fs::write(log.path().join(name), "secret")?;
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(log.beside("secret"), log.path().join("tile/0/005"))?;
        std::os::unix::fs::symlink(log.beside("."), log.path().join("tile/7"))?;
        fs::write(log.beside("000"), "secret")?;
    }
    let served = Served::of(&log.store).await?;
    for path in [
        "/",
        "//",
        "/.",
        "/..",
        "/.lock",
        "/.hidden",
        "/key",
        "/stage/300",
        "/stage/",
        "/tile",
        "/tile/",
        "/tile/0",
        "/tile/0/",
        "/tile/000",
        "/tile/0/key",
        "/tile/0/005",
        "/tile/7/000",
        "/tile/0/999",
        "/tile/0/0",
        "/tile/0/0000",
        "/tile/0/x000/000",
        "/tile/00/000",
        "/tile/-1/000",
        "/tile/+0/000",
        "/tile/64/000",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/01",
        "/tile/0/000.p",
        "/tile/entries/000/",
        "//checkpoint",
        "/checkpoint/",
        "/checkpoint/.",
        "/./checkpoint",
        "/x/../checkpoint",
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/tile/../../secret",
        "/tile/0/..%2f..%2f..%2fsecret",
        "/tile/0/%2e%2e/0/000",
        "/tile/0/%30%30%30",
        "/tile\\0\\000",
        "/status/.lock",
        "/status/status/checkpoint",
        "/status/../checkpoint",
        "/status/checkpoint",
        "/checkpoint%00",
        "/tile/0/000%00.png",
        "/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        let (status, head, body) = served.ask("GET", path, "").await?;
        assert_eq!(status, 404, "{path}: {head}");
        assert_eq!(body, b"no such file of the log\n", "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"] {
        let (status, ..) = served.ask(method, "/checkpoint", "content-length: 0\r\n").await?;
        assert_eq!(status, 405, "{method}");
    }
    let (status, ..) = served.ask("GET", "/checkpoint?a=/../b", "").await?;
    assert_eq!(status, 200);
    served.stop().await
}
