//! A log's files over HTTP: the checkpoint, tiles and bundles of it and of the status log below it.
//! Nothing else of a store is to be had, whatever it is called.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::fsck::TilePath;
use crate::log::CHECKPOINT;
use crate::store::Store;

/// How long answers that are on their way are waited for, once no others are begun.
const GRACE: Duration = Duration::from_secs(10);

/// The log below a log.
const STATUS: &str = "status/";

/// Serves a log until `stop`.
pub async fn serve(
    store: Store,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let stopped = Arc::new(Notify::new());
    let stopping = Arc::clone(&stopped);
    let serving = axum::serve(listener, router(store)).with_graceful_shutdown(async move {
        stop.await;
        stopping.notify_one();
    });
    let late = async {
        stopped.notified().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => served.map_err(|error| Error::failed("serve a log", error)),
        () = late => Ok(()),
    }
}

/// What answers for a log's files.
pub fn router(store: Store) -> Router {
    Router::new().fallback_service(get(answer).with_state(store))
}

async fn answer(State(store): State<Store>, uri: Uri, headers: HeaderMap) -> Response {
    // What is not spelled as the paths of a log are, with a percent or two points for instance, is
    // not looked for.
    let path = uri.path().trim_start_matches('/');
    let Some(kind) = Kind::of(path).filter(|_| uri.path().len() == path.len() + 1) else {
        return not_found();
    };
    match read(&store, path).await {
        Ok(Some(bytes)) => kind.answer(&headers, bytes),
        Ok(None) => not_found(),
        Err(error) => {
            tracing::error!(%error, path, "a file of the log cannot be read");
            (StatusCode::INTERNAL_SERVER_ERROR, "it cannot be read\n").into_response()
        }
    }
}

async fn read(store: &Store, path: &str) -> Result<Option<bytes::Bytes>> {
    if store.directory().is_some_and(|directory| !is_inside(directory, path)) {
        return Ok(None);
    }
    store.get(path).await
}

/// Whether a path leads to a file in the directory: not through a link to elsewhere.
fn is_inside(directory: &Path, path: &str) -> bool {
    let inside = || {
        let file = directory.join(path).canonicalize().ok()?;
        Some(file.starts_with(directory.canonicalize().ok()?) && file.is_file())
    };
    inside().unwrap_or(false)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "no such file of the log\n").into_response()
}

/// A file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Checkpoint,
    /// A tile or bundle, also one that is not full: it is not written twice.
    Tile,
}

impl Kind {
    fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix(STATUS).unwrap_or(path);
        if path == CHECKPOINT {
            return Some(Self::Checkpoint);
        }
        TilePath::parse(path).map(|_| Self::Tile)
    }

    fn answer(self, asked: &HeaderMap, bytes: bytes::Bytes) -> Response {
        let (content_type, cache) = match self {
            Self::Checkpoint => ("text/plain; charset=utf-8", "no-cache"),
            Self::Tile => ("application/octet-stream", "public, max-age=31536000, immutable"),
        };
        let tag = tag_of(&bytes);
        let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            let tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
            tags.map(|known| known.strip_prefix("W/").unwrap_or(known))
                .any(|known| known == "*" || known == tag)
        });
        let mut answer = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, content_type)], bytes).into_response()
        };
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        answer
    }
}

/// Names the bytes: the first 16 digits of their SHA-256.
fn tag_of(bytes: &[u8]) -> String {
    let hash = precise_core::hex::format_hash(&Sha256::digest(bytes).into());
    format!("\"{}\"", &hash[2..18])
}
