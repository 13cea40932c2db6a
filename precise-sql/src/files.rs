//! A path in place of a table's name: `FROM 'events.parquet'`.
//!
//! DataFusion has this too, and calls a file that is missing, empty or torn a table that is not
//! found. Here it says what is wrong with it.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, absolute};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::csv;
use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::{DynamicFileCatalog, Session, TableProvider, UrlTableFactory};
use datafusion::common::{GetExt, plan_datafusion_err};
use datafusion::datasource::file_format::csv::CsvFormatFactory;
use datafusion::datasource::file_format::json::JsonFormatFactory;
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory};
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

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
    let url = match file_url(name).map_err(|error| unreadable(name, &error))? {
        Some(url) => ListingTableUrl::parse(url)?,
        None => ListingTableUrl::parse(name)?,
    };
    if url.scheme() != "file" {
        return Err(refused(format!("cannot read {name}: only local files are read")));
    }
    let opened = async {
        let store = state.runtime_env().object_store(&url)?;
        let mut files: Vec<ObjectMeta> =
            url.list_all_files(state, store.as_ref(), "").await?.try_collect().await?;
        files.sort_by(|a, b| a.location.cmp(&b.location));
        let options = options(state, name, &store, &files).await?;
        let mut config = ListingTableConfig::new(url).with_listing_options(options);
        if let [file] = &files[..]
            && let Some(schema) = csv_schema(state, name, file)?
        {
            config = config.with_schema(Arc::new(schema));
        }
        let config = config.infer_partitions_from_path(state).await?.infer_schema(state).await?;
        ListingTable::try_new(config)
    };
    opened.await.map_err(|error| match error {
        error @ DataFusionError::External(_) => error,
        error => error.context(format!("cannot read {name}")),
    })
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

/// How the files that `name` means are read: all of them, and all alike. DataFusion takes the kind
/// of one of them and passes over the others, and half a directory has a root as well.
async fn options(
    state: &SessionState,
    name: &str,
    store: &Arc<dyn ObjectStore>,
    files: &[ObjectMeta],
) -> Result<ListingOptions> {
    // Writers keep their notes in files of such names, `_SUCCESS` and `.part.crc`.
    let (notes, data): (Vec<&ObjectMeta>, Vec<&ObjectMeta>) =
        files.iter().partition(|file| files.len() > 1 && file_name(file).starts_with(['.', '_']));
    let Some(first) = data.first() else {
        return Err(refused(format!("cannot read {name}: no such files")));
    };
    let kind = kind(file_name(first))?;
    for file in &data {
        let other = file_name(file);
        if self::kind(other)? != kind {
            return Err(refused(format!(
                "cannot read {name}: {} and {other} are not of one kind; a pattern such as \
                 '*.parquet' can tell which are meant",
                file_name(first),
            )));
        }
        if file.size == 0 {
            return Err(refused(format!("cannot read {name}: {other} is empty")));
        }
    }
    for file in notes {
        let other = file_name(file);
        if self::kind(other)? == kind {
            return Err(refused(format!(
                "cannot read {name}: is {other} one of the files? Its name says no, its ending yes",
            )));
        }
    }
    let (extension, compression) = &kind;
    let Some(factory) = state.get_file_format_factory(extension) else {
        return Err(refused(format!(
            "cannot read {name}: its name ends in none of .parquet, .csv, .tsv, .ndjson, .jsonl, \
             .json, .arrow; CREATE EXTERNAL TABLE can name a format"
        )));
    };
    let mut options = HashMap::new();
    if let Some(compression) = compression {
        options.insert("format.compression".into(), compression.clone());
    } else if extension.eq_ignore_ascii_case("json") {
        let lines = !is_array(store, first).await?;
        options.insert("format.newline_delimited".into(), lines.to_string());
    }
    if ["json", "jsonl", "ndjson"].iter().any(|json| extension.eq_ignore_ascii_case(json)) {
        // Of a column that the first thousand rows say is of integers, DataFusion would cut the
        // fractions that follow, and leave out members that come later.
        options.insert("format.schema_infer_max_rec".into(), i64::MAX.to_string());
    }
    if extension.eq_ignore_ascii_case("parquet") {
        for file in data {
            refuse_equal_columns(name, file)?;
        }
    }
    // A path to one file names it in full.
    let ending = match (files.len(), compression) {
        (1, _) => String::new(),
        (_, None) => format!(".{extension}"),
        (_, Some(compression)) => format!(".{extension}.{compression}"),
    };
    let format = factory.create(state, &options)?;
    Ok(ListingOptions::new(format).with_file_extension(ending))
}

/// Rows from which the types of a CSV file's columns are guessed. What follows and does not fit is
/// an error.
const GUESSED_ROWS: usize = 10_000;

/// The columns of one CSV file; none if it is of another kind, or compressed. DataFusion would cut
/// the file at each line end to guess them, be it inside of quotes.
fn csv_schema(state: &SessionState, name: &str, file: &ObjectMeta) -> Result<Option<Schema>> {
    let delimiter = match kind(file_name(file))? {
        (extension, None) if extension.eq_ignore_ascii_case("csv") => b',',
        (extension, None) if extension.eq_ignore_ascii_case("tsv") => b'\t',
        _ => return Ok(None),
    };
    let path = LocalFileSystem::new().path_to_filesystem(&file.location)?;
    let opened = File::open(path).map_err(|error| unreadable(name, &error))?;
    let has_header = state.config_options().catalog.has_header;
    let format = csv::reader::Format::default().with_header(has_header).with_delimiter(delimiter);
    let (schema, _) = format.infer_schema(BufReader::new(opened), Some(GUESSED_ROWS))?;
    Ok(Some(schema))
}

fn file_name(file: &ObjectMeta) -> &str {
    file.location.filename().unwrap_or_default()
}

/// Extension and compression.
fn kind(file_name: &str) -> Result<(String, Option<String>)> {
    ListingTableConfig::infer_file_extension_and_compression_type(file_name)
}

/// Whether a JSON file begins as one array and not as a line for each object.
async fn is_array(store: &Arc<dyn ObjectStore>, file: &ObjectMeta) -> Result<bool> {
    let start = store.get_range(&file.location, 0..file.size.min(4096)).await?;
    Ok(start.trim_ascii_start().starts_with(b"["))
}

/// Of two columns of one name DataFusion would drop one without a word.
fn refuse_equal_columns(name: &str, file: &ObjectMeta) -> Result<()> {
    let path = LocalFileSystem::new().path_to_filesystem(&file.location)?;
    let opened = File::open(path).map_err(|error| unreadable(name, &error))?;
    let metadata = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new())?;
    let mut names: Vec<&str> =
        metadata.schema().fields().iter().map(|field| field.name().as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(refused(format!(
            "cannot read {name}: {} has two columns named {:?}",
            file_name(file),
            pair[0]
        ))),
    }
}

fn unreadable(name: &str, error: &io::Error) -> DataFusionError {
    refused(format!("cannot read {name}: {}", failure::describe(error)))
}

fn refused(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(Unreadable(message)))
}
