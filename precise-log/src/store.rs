//! Where a log is kept: a directory, or an object store behind a URL.
//!
//! A path ends at the last segment of an object's name, and is relative to the log. Whatever is
//! written here is durable when the call comes back: in a directory, file and directory are synced.

use std::fmt;
use std::fs;
use std::path::{self, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    GetOptions, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutOptions, PutPayload,
    UpdateVersion,
};
use url::Url;

use crate::error::{Error, Result};
use crate::lock::Lock;

/// Objects that are written at once.
const PARALLEL: usize = 32;

/// The file that committers of one directory lock.
const LOCK: &str = ".lock";

/// The objects of a log. Clones are of the same.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The directory, if it is one.
    directory: Option<PathBuf>,
    url: String,
}

/// An object, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(UpdateVersion);

impl Store {
    /// The store at a path or a URL: `file:`, `s3:`, `gs:`, `az:`, `http:` and `https:` (to read
    /// only), `memory:`. What those ask for beside, such as credentials, comes from the usual
    /// variables of the environment. A directory need not be there.
    pub fn open(location: &str) -> Result<Self> {
        let attempted = || format!("open the log {location}");
        if location == "memory:" {
            return Ok(Self::new(Arc::new(InMemory::new()), ""));
        }
        if !location.contains("://") {
            return Self::in_directory(path::Path::new(location));
        }
        let url = Url::parse(location).map_err(|error| Error::failed(attempted(), error))?;
        if url.scheme() == "file" {
            let directory = url
                .to_file_path()
                .map_err(|()| Error::failed(attempted(), "the URL is of another machine"))?;
            return Self::in_directory(&directory);
        }
        if !url.has_host() {
            return Err(Error::failed(attempted(), "the URL has no host"));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&url)
            .map_err(|error| Error::failed(attempted(), root_cause(&error)))?;
        // The clients have no choice of their own. Where one was made before, it stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options: Vec<(String, String)> = match scheme {
            // What is read is verified, so that it need not come over TLS.
            ObjectStoreScheme::Http => vec![("allow_http".to_string(), "true".to_string())],
            _ => std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        };
        let (objects, _) = object_store::parse_url_opts(&url, options)
            .map_err(|error| Error::failed(attempted(), root_cause(&error)))?;
        let url = url.as_str().trim_end_matches('/').to_string();
        Ok(Self { objects: objects.into(), prefix, directory: None, url })
    }

    fn in_directory(directory: &path::Path) -> Result<Self> {
        let attempted = || format!("open the log {}", directory.display());
        let directory =
            path::absolute(directory).map_err(|error| Error::failed(attempted(), error))?;
        let files = LocalFileSystem::new().with_fsync(true);
        let prefix = Path::from_absolute_path(&directory)
            .map_err(|error| Error::failed(attempted(), root_cause(&error)))?;
        let url = directory.display().to_string();
        Ok(Self { objects: Arc::new(files), prefix, directory: Some(directory), url })
    }

    /// What is below `prefix` in an object store, which can compare and swap.
    pub fn new(objects: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        let url = format!("{objects}/{prefix}");
        Self { objects, prefix: Path::from(prefix), directory: None, url }
    }

    /// The log below this one.
    #[must_use]
    pub fn sub(&self, name: &str) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            prefix: self.prefix.clone().join(name),
            directory: self.directory.as_ref().map(|directory| directory.join(name)),
            url: format!("{}/{name}", self.url),
        }
    }

    /// An object, if there is one.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>> {
        Ok(self.get_version(path).await?.map(|(bytes, _)| bytes))
    }

    /// An object, and which version of it that is.
    pub async fn get_version(&self, path: &str) -> Result<Option<(Bytes, Version)>> {
        let failed = |error: &object_store::Error| self.failed("read", path, error);
        let found = match self.objects.get_opts(&self.path(path), GetOptions::default()).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| failed(&error))?,
        };
        let object_store::ObjectMeta { e_tag, version, .. } = found.meta.clone();
        let version = UpdateVersion { e_tag, version };
        let bytes = found.bytes().await.map_err(|error| failed(&error))?;
        Ok(Some((bytes, Version(version))))
    }

    /// Writes an object, whether or not there is one.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.write(path, bytes, PutMode::Overwrite)
            .await
            .map_err(|error| self.failed("write", path, &error))
    }

    /// Writes many objects, in any order. After an error, some of them.
    pub async fn put_all(&self, objects: Vec<(String, Bytes)>) -> Result<()> {
        stream::iter(objects)
            .map(|(path, bytes)| async move { self.put(&path, bytes).await })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }

    /// Writes an object unless there is one. Whether it was written: `false` if there is one.
    pub async fn create(&self, path: &str, bytes: Bytes) -> Result<bool> {
        match self.write(path, bytes, PutMode::Create).await {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.failed("create", path, &error)),
            Ok(()) => Ok(true),
        }
    }

    /// Writes an object over the version that was read. Whether it was written: `false` if it was
    /// changed since. A directory cannot compare: there this takes the lock, and always writes.
    pub async fn replace(
        &self,
        path: &str,
        bytes: Bytes,
        version: Version,
        lock: Option<&Lock>,
    ) -> Result<bool> {
        let written = match lock {
            None => self.write(path, bytes, PutMode::Update(version.0)).await,
            // A thread of its own writes files, and goes on if who waits for it is gone. So the
            // lock goes with it: nothing old is written once somebody else has the lock.
            Some(lock) => {
                let (store, path, lock) = (self.clone(), path.to_string(), lock.clone());
                let write = async move {
                    let written = store.write(&path, bytes, PutMode::Overwrite).await;
                    drop(lock);
                    written
                };
                tokio::spawn(write).await.unwrap_or_else(|error| Err(error.into()))
            }
        };
        match written {
            Err(object_store::Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed("replace", path, &error)),
            Ok(()) => Ok(true),
        }
    }

    /// What is below a folder, in order.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let mut paths: Vec<String> = self.walk(folder).try_collect().await?;
        paths.sort_unstable();
        Ok(paths)
    }

    /// What is below a folder, in any order, as it is found.
    pub fn walk<'a>(&'a self, folder: &'a str) -> impl Stream<Item = Result<String>> + 'a {
        let found = self.objects.list(Some(&self.path(folder)));
        found.map_err(move |error| self.failed("list", folder, &error)).try_filter_map(
            async move |found| {
                let path = found.location.prefix_match(&self.prefix).map(|parts| {
                    parts.map(|part| part.as_ref().to_string()).collect::<Vec<_>>().join("/")
                });
                Ok(path.filter(|path| path.rsplit('/').next() != Some(LOCK)))
            },
        )
    }

    /// The directory, if it is one.
    pub(crate) fn directory(&self) -> Option<&path::Path> {
        self.directory.as_deref()
    }

    /// Removes an object, if there is one.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.objects.delete(&self.path(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove", path, &error)),
        }
    }

    /// Waits until nobody else holds the lock. Only a directory has one; others compare and swap.
    pub async fn lock(&self) -> Result<Option<Lock>> {
        let Some(directory) = &self.directory else { return Ok(None) };
        fs::create_dir_all(directory).map_err(|error| {
            Error::failed(format!("make the directory {}", directory.display()), error)
        })?;
        Lock::wait(&directory.join(LOCK)).await.map(Some)
    }

    async fn write(&self, path: &str, bytes: Bytes, mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions::from(mode);
        self.objects.put_opts(&self.path(path), PutPayload::from_bytes(bytes), options).await?;
        Ok(())
    }

    fn path(&self, path: &str) -> Path {
        self.prefix.parts().chain(Path::from(path).parts()).collect()
    }

    fn failed(&self, verb: &str, path: &str, error: &object_store::Error) -> Error {
        Error::failed(format!("{verb} {}/{path}", self.url), root_cause(error))
    }
}

/// Its URL, or the directory.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// The error below all others: `No space left on device`, not who came upon it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

    #[tokio::test]
    async fn a_directory_and_memory_do_the_same() -> Tested {
        let folder = tempfile::tempdir()?;
        let directory = folder.path().join("with a space").display().to_string();
        let url = Url::from_file_path(&directory).map_err(|()| "no URL")?;
        for location in ["memory:", &directory, url.as_str()] {
            let store = Store::open(location)?;
            assert_eq!(store.get("a/b").await?, None);
            assert!(store.list("").await?.is_empty());
            assert!(store.create("a/b", Bytes::from_static(b"1")).await?);
            assert!(!store.create("a/b", Bytes::from_static(b"2")).await?);
            let (bytes, version) = store.get_version("a/b").await?.ok_or("it is gone")?;
            assert_eq!(&bytes[..], b"1");
            let lock = store.lock().await?;
            let lock = lock.as_ref();
            assert!(store.replace("a/b", Bytes::from_static(b"3"), version.clone(), lock).await?);
            // Only a directory's lock holds back who has read an older one.
            let swapped = store.replace("a/b", Bytes::from_static(b"4"), version, lock).await?;
            assert_eq!(swapped, location != "memory:");
            let below = store.sub("a");
            below.put("c.p/5", Bytes::from_static(b"5")).await?;
            assert_eq!(below.list("").await?, ["b", "c.p/5"]);
            assert_eq!(store.list("a/c.p").await?, ["a/c.p/5"]);
            assert_eq!(store.list("").await?, ["a/b", "a/c.p/5"]);
            store.delete("a/b").await?;
            store.delete("a/b").await?;
            assert_eq!(store.list("a").await?, ["a/c.p/5"]);
            store.delete("a/c.p/5").await?;
        }
        Ok(())
    }

    #[test]
    fn what_is_no_place_for_a_log_is_refused() {
        for location in ["ftp://example.com/log", "s3://", "http://", "file://elsewhere/log"] {
            let opened = Store::open(location);
            let refused = opened.as_ref().is_err_and(|error| error.to_string().contains(location));
            assert!(refused, "{location}: {opened:?}");
        }
    }

    #[test]
    fn the_clients_of_object_stores_can_be_built() {
        for location in [
            "s3://bucket/a/log",
            "gs://bucket/log",
            "az://container/log",
            "https://example.com/log/",
        ] {
            match Store::open(location) {
                Ok(store) => assert_eq!(store.to_string(), location.trim_end_matches('/')),
                // Without an account in the environment there is none to guess.
                Err(error) => assert!(location.starts_with("az:"), "{location}: {error}"),
            }
        }
    }
}
