//! An object store in memory on which everything can go wrong that goes wrong with real ones.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::Notify;

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// How often others run first.
    pub(crate) delay: u32,
    /// What it does to the store.
    pub(crate) effect: Effect,
    /// What the committer learns.
    pub(crate) answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// None.
    Lost,
    /// What was asked for.
    Done,
    /// What was asked for, but so much later than the answer.
    Late(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What happened.
    True,
    /// An error.
    Error,
    /// Nothing any more: it is killed.
    Killed,
}

pub(crate) const FINE: Outcome = Outcome { delay: 0, effect: Effect::Done, answer: Answer::True };

/// Decides what becomes of a request, such as `create stage/5`.
pub(crate) type Decide = Box<dyn FnMut(&str) -> Outcome + Send>;

/// What was signed: every checkpoint that somebody tried to write.
pub(crate) type Signed = Arc<Mutex<Vec<String>>>;

/// One committer's way to the store.
pub(crate) struct Faulty {
    objects: Arc<InMemory>,
    decide: Mutex<Decide>,
    signed: Signed,
    /// Somebody waits for the committer's end.
    killed: Arc<Notify>,
}

impl Faulty {
    pub(crate) fn new(objects: Arc<InMemory>, signed: Signed, decide: Decide) -> Self {
        Self { objects, decide: Mutex::new(decide), signed, killed: Arc::default() }
    }

    /// Comes when the committer is killed.
    pub(crate) fn killed(&self) -> Arc<Notify> {
        Arc::clone(&self.killed)
    }

    async fn request<T: Send + 'static>(
        &self,
        name: String,
        request: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let outcome = self.decide.lock().unwrap_or_else(PoisonError::into_inner)(&name);
        pause(outcome.delay).await;
        let done = match outcome.effect {
            Effect::Lost => None,
            Effect::Done => Some(request.await),
            Effect::Late(delay) => {
                tokio::spawn(async move {
                    pause(delay).await;
                    request.await.map(drop)
                });
                None
            }
        };
        match (outcome.answer, done) {
            (Answer::True, Some(done)) => done,
            (Answer::Killed, _) => {
                self.killed.notify_one();
                std::future::pending().await
            }
            _ => Err(object_store::Error::Generic { store: "Faulty", source: name.into() }),
        }
    }
}

/// Lets others run.
pub(crate) async fn pause(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty:")
    }
}

fn unsupported(operation: &str) -> object_store::Error {
    let operation = operation.to_string();
    object_store::Error::NotImplemented { operation, implementer: "Faulty".into() }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let verb = match options.mode {
            PutMode::Overwrite => "put",
            PutMode::Create => "create",
            PutMode::Update(_) => "replace",
        };
        if location.filename() == Some("checkpoint") {
            let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
            let note = String::from_utf8_lossy(&bytes).into_owned();
            self.signed.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        }
        let (objects, path) = (Arc::clone(&self.objects), location.clone());
        self.request(format!("{verb} {location}"), async move {
            objects.put_opts(&path, payload, options).await
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("put_multipart"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (objects, path) = (Arc::clone(&self.objects), location.clone());
        self.request(
            format!("get {location}"),
            async move { objects.get_opts(&path, options).await },
        )
        .await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        // The trait wants a stream that owns all it needs; a committer removes one at a time.
        let objects = Arc::clone(&self.objects);
        let decided = {
            let mut decide = self.decide.lock().unwrap_or_else(PoisonError::into_inner);
            decide("delete")
        };
        let killed = Arc::clone(&self.killed);
        locations
            .and_then(move |path| {
                let (objects, killed) = (Arc::clone(&objects), Arc::clone(&killed));
                async move {
                    use object_store::ObjectStoreExt;
                    let one = Self {
                        objects: Arc::clone(&objects),
                        decide: Mutex::new(Box::new(move |_| decided)),
                        signed: Signed::default(),
                        killed,
                    };
                    let location = path.clone();
                    let request = async move { objects.delete(&location).await };
                    one.request(format!("delete {path}"), request).await?;
                    Ok(path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let name = format!("list {}", prefix.cloned().unwrap_or_default());
        let outcome = self.decide.lock().unwrap_or_else(PoisonError::into_inner)(&name);
        let listed = self.objects.list(prefix);
        let killed = Arc::clone(&self.killed);
        async move {
            pause(outcome.delay).await;
            match outcome.answer {
                Answer::True => listed,
                Answer::Error => {
                    let error =
                        object_store::Error::Generic { store: "Faulty", source: name.into() };
                    futures::stream::iter([Err(error)]).boxed()
                }
                Answer::Killed => {
                    killed.notify_one();
                    std::future::pending().await
                }
            }
        }
        .flatten_stream()
        .boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(unsupported("list_with_delimiter"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(unsupported("copy"))
    }
}
