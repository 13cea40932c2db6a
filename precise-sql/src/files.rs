//! A path in place of a table's name: `FROM 'events.parquet'`.
//!
//! DataFusion has this too, and calls a file that is missing, empty or torn a table that is not
//! found. Here it says what is wrong with it.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, absolute};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use datafusion::catalog::{DynamicFileCatalog, Session, TableProvider, UrlTableFactory};
use datafusion::common::{GetExt, plan_datafusion_err};
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::file_format::json::JsonFormatFactory;
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory};
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableConfigExt, ListingTableUrl,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionContext;

use crate::failure::{self, Unreadable};

/// A session in which paths are tables, and files may also end in .ndjson, .jsonl and .tsv.
pub(crate) fn enable(mut state: SessionState) -> Result<SessionContext> {
    for (extension, meaning) in [("ndjson", "json"), ("jsonl", "json"), ("tsv", "csv")] {
        state.register_file_format(Arc::new(Alias { extension, meaning }), true)?;
    }
    let paths = Arc::new(Paths { state: OnceLock::new() });
    let factory = Arc::clone(&paths) as Arc<dyn UrlTableFactory>;
    let catalogs = DynamicFileCatalog::new(Arc::clone(state.catalog_list()), factory);
    let state = SessionStateBuilder::from(state).with_catalog_list(Arc::new(catalogs)).build();
    let context = SessionContext::new_with_state(state);
    // Weak, as the session holds the catalogues.
    let weak = context.state_weak_ref();
    let current = move || weak.upgrade().map(|state| state.read().clone());
    // It was made above and is still empty.
    let _ = paths.state.set(Box::new(current));
    Ok(context)
}

/// Another extension for a format.
#[derive(Debug)]
struct Alias {
    extension: &'static str,
    meaning: &'static str,
}

impl Alias {
    fn factory(&self) -> Box<dyn FileFormatFactory> {
        match self.meaning {
            "csv" => Box::new(CsvFormatFactory::new()),
            _ => Box::new(JsonFormatFactory::new()),
        }
    }
}

impl GetExt for Alias {
    fn get_ext(&self) -> String {
        self.extension.into()
    }
}

impl FileFormatFactory for Alias {
    fn create(
        &self,
        state: &dyn Session,
        options: &HashMap<String, String>,
    ) -> Result<Arc<dyn FileFormat>> {
        let mut options = options.clone();
        if self.extension == "tsv" {
            options.entry("format.delimiter".into()).or_insert_with(|| "\t".into());
        }
        self.factory().create(state, &options)
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        self.factory().default()
    }
}

/// Makes tables of paths.
struct Paths {
    /// The session's state at the moment, as settings change.
    state: OnceLock<Box<dyn Fn() -> Option<SessionState> + Send + Sync>>,
}

impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paths").finish_non_exhaustive()
    }
}

/// What `async fn` in a trait is once the macro has been at it.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl UrlTableFactory for Paths {
    fn try_new<'a, 'b, 'c>(
        &'a self,
        name: &'b str,
    ) -> Boxed<'c, Result<Option<Arc<dyn TableProvider>>>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            if !is_path(name) {
                return Ok(None);
            }
            let state = self.state.get().and_then(|state| state());
            let state = state.ok_or_else(|| plan_datafusion_err!("the session is over"))?;
            let table: Arc<dyn TableProvider> = Arc::new(open(&state, name).await?);
            Ok(Some(table))
        })
    }
}

/// Tables have plain names, so that a missing one is never looked for among the files.
fn is_path(name: &str) -> bool {
    name.contains(['/', '.', '*', '?', '['])
}

/// Whether a name that is not in quotes means a file.
pub(crate) fn is_there(name: &str) -> bool {
    is_path(name) && Path::new(name).exists()
}

async fn open(state: &SessionState, name: &str) -> Result<ListingTable> {
    let (url, listing) = match file_url(name).map_err(|error| unreadable(name, &error))? {
        Some(url) if !url.ends_with('/') => {
            let options = file_options(state, name)?;
            (ListingTableUrl::parse(url)?, Some(options))
        }
        Some(url) => (ListingTableUrl::parse(url)?, None),
        None => (ListingTableUrl::parse(name)?, None),
    };
    if url.scheme() != "file" {
        return Err(refused(format!("cannot read {name}: only local files are read")));
    }
    let config = ListingTableConfig::new(url);
    let config = match listing {
        Some(options) => config.with_listing_options(options),
        None => config.infer_options(state).await.map_err(|error| match error {
            DataFusionError::Internal(_) => refused(format!("cannot read {name}: no such files")),
            error => error.context(format!("cannot read {name}")),
        })?,
    };
    let inferred = async {
        let config = config.infer_partitions_from_path(state).await?.infer_schema(state).await?;
        ListingTable::try_new(config)
    };
    inferred.await.map_err(|error| error.context(format!("cannot read {name}")))
}

/// The URL of a file or directory that is there. None if it is a pattern, or a URL already.
fn file_url(name: &str) -> io::Result<Option<String>> {
    let path = Path::new(name);
    let metadata = match fs::metadata(path) {
        Err(_) if name.contains("://") || name.contains(['*', '?', '[']) => return Ok(None),
        metadata => metadata?,
    };
    let mut url = url(path)?;
    if metadata.is_dir() {
        if !url.ends_with('/') {
            url.push('/');
        }
    } else if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    } else if metadata.len() == 0 {
        return Err(io::Error::other("it is empty"));
    }
    Ok(Some(url))
}

/// The URL of a path, which may hold what is special in a URL or a pattern.
pub(crate) fn url(path: &Path) -> io::Result<String> {
    let mut url = String::from("file://");
    for byte in absolute(path)?.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'=' => {
                url.push(byte.into());
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(url)
}

/// The format of one file, by its name.
fn file_options(state: &SessionState, name: &str) -> Result<ListingOptions> {
    let (extension, compression) =
        ListingTableConfig::infer_file_extension_and_compression_type(name)?;
    let Some(factory) = state.get_file_format_factory(&extension) else {
        return Err(refused(format!(
            "cannot read {name}: its name ends in none of .parquet, .csv, .tsv, .ndjson, .jsonl, \
             .json, .arrow; CREATE EXTERNAL TABLE can name a format"
        )));
    };
    let mut options = HashMap::new();
    if let Some(compression) = compression {
        options.insert("format.compression".into(), compression);
    } else if extension.eq_ignore_ascii_case("json") {
        let lines = !is_array(Path::new(name)).map_err(|error| unreadable(name, &error))?;
        options.insert("format.newline_delimited".into(), lines.to_string());
    }
    let format = factory.create(state, &options)?;
    // The path names the one file that counts.
    Ok(ListingOptions::new(format).with_file_extension(""))
}

/// Whether a JSON file begins as one array and not as a line for each object.
fn is_array(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut start)?;
    Ok(start.trim_ascii_start().starts_with(b"["))
}

fn unreadable(name: &str, error: &io::Error) -> DataFusionError {
    refused(format!("cannot read {name}: {}", failure::describe(error)))
}

fn refused(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(Unreadable(message)))
}
