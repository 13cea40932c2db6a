//! What ends a statement early, as a message for people and an exit code for scripts.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::panic;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_udfs::FunctionError;

use crate::script::Place;
use crate::unpoisoned;

/// Why a statement or the program ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or a command asks for something that cannot be.
    Usage(String),
    /// A file could not be read or written.
    Io(String),
    /// DataFusion, or a function of ours in it, refuses.
    Refused(Box<DataFusionError>),
    /// DataFusion or this program is wrong.
    Bug(String),
    /// The reader of our output has gone, as `head` does. Nothing to say about it.
    ReaderGone,
    /// Ctrl-C, or a polite kill.
    Interrupted,
    /// Any of these, in a known statement.
    At(Box<Failure>, Place),
}

/// Results of statements.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A file that cannot be a table, and why, on its way through DataFusion.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl Failure {
    /// A file that could not be read, written, and so on: `what` is such a verb.
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::Io(format!("cannot {what} {}: {}", path.display(), describe(error)))
    }

    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let said = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned());
        let held = unpoisoned(PANIC.lock()).take();
        Self::Bug(held.or(said).unwrap_or_else(|| "no more is known".into()))
    }

    /// The same, in a statement at `place`.
    pub(crate) fn at(self, place: Place) -> Self {
        match self {
            Self::ReaderGone | Self::Interrupted | Self::At(..) => self,
            failure => Self::At(Box::new(failure), place),
        }
    }

    /// The same without its place, where there is only one that it can be.
    pub(crate) fn anywhere(self) -> Self {
        match self {
            Self::At(failure, _) => *failure,
            failure => failure,
        }
    }

    /// 1: a statement or its data. 2: usage, files. 130: interrupted.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Refused(error) if is_io(error) => 2,
            Self::Refused(_) | Self::Bug(_) => 1,
            Self::Usage(_) | Self::Io(_) | Self::ReaderGone => 2,
            Self::Interrupted => 130,
            Self::At(failure, _) => failure.code(),
        }
    }

    /// Prints to standard error: a line, where it was, and a hint if there is one; or one JSON
    /// object.
    pub(crate) fn print(&self, json: bool) {
        let text = match self.parts() {
            (Self::ReaderGone, _) => return,
            (Self::Interrupted, _) => "interrupted\n".into(),
            (failure, place) if json => format!("{}\n", failure.to_json(place)),
            (failure, place) => failure.to_text(place),
        };
        // There is nobody left to tell that even this cannot be written.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    fn parts(&self) -> (&Self, Option<&Place>) {
        match self {
            Self::At(failure, place) => (failure, Some(place)),
            failure => (failure, None),
        }
    }

    fn to_text(&self, place: Option<&Place>) -> String {
        let mut text = format!("error: {self}\n");
        if let Some(place) = place {
            text.push_str(&format!("at: {place}\n"));
        }
        if let Some(refusal) = self.refusal() {
            text.push_str(&format!("hint: {}\n", refusal.error().hint()));
        }
        text
    }

    fn to_json(&self, place: Option<&Place>) -> serde_json::Value {
        let mut object = serde_json::json!({ "message": self.to_string() });
        if let Some(refusal) = self.refusal() {
            let error = refusal.error();
            object["code"] = error.code().name().into();
            object["path"] = error.path().into();
            object["offset"] = error.offset().into();
            object["hint"] = error.hint().into();
            object["function"] = refusal.function().into();
        }
        if let Self::Refused(error) = self
            && self.refusal().is_none()
            && let Some((code, _)) = coded(&words(error))
        {
            object["code"] = code.into();
        }
        if let Some(place) = place {
            object["source"] = place.source.as_ref().into();
            object["line"] = place.line.into();
        }
        serde_json::json!({ "error": object })
    }

    fn refusal(&self) -> Option<&FunctionError> {
        match self {
            Self::Refused(error) => FunctionError::find(error),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Io(message) => f.write_str(message),
            Self::Refused(error) => {
                if let Some(refusal) = FunctionError::find(error) {
                    let error = refusal.error();
                    return write!(f, "{} {error}, in {}", error.code(), refusal.function());
                }
                let words = words(error);
                f.write_str(coded(&words).map_or(words.trim_end(), |(_, refusal)| refusal))
            }
            Self::Bug(message) => write!(f, "a bug, please report it: {message}"),
            Self::ReaderGone => f.write_str("the reader of the output has gone"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::At(failure, _) => failure.fmt(f),
        }
    }
}

/// DataFusion's words, without the names of the types that an error was wrapped in.
pub(crate) fn words(error: &DataFusionError) -> String {
    match error {
        DataFusionError::SQL(error, _) => match error.as_ref() {
            ParserError::TokenizerError(said) | ParserError::ParserError(said) => {
                format!("SQL error: {said}")
            }
            ParserError::RecursionLimitExceeded => {
                "SQL error: the statement is nested too deep; the limit is \
                 datafusion.sql_parser.recursion_limit"
                    .into()
            }
        },
        DataFusionError::Context(what, error) => format!("{what}: {}", words(error)),
        DataFusionError::Diagnostic(_, error) => words(error),
        DataFusionError::Shared(error) => words(error),
        DataFusionError::Collection(errors) => {
            errors.iter().map(words).collect::<Vec<_>>().join("\n")
        }
        DataFusionError::External(error) => match error.downcast_ref() {
            Some(error) => words(error),
            None => error.to_string(),
        },
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::ExternalError(error) => match error.downcast_ref() {
                Some(error) => words(error),
                None => error.to_string(),
            },
            error => error.to_string(),
        },
        DataFusionError::ParquetError(error) => error.to_string(),
        DataFusionError::ObjectStore(error) => error.to_string(),
        DataFusionError::IoError(error) => describe(error),
        error => error.strip_backtrace(),
    }
}

/// A refusal of ours in a planner's words, which tell it as text among what the planner tried: its
/// code, and itself.
fn coded(words: &str) -> Option<(&str, &str)> {
    let begins = |at: &usize| {
        let code = words.as_bytes().get(at + 2..at + 6);
        code.is_some_and(|code| code[..3].iter().all(u8::is_ascii_digit) && code[3] == b' ')
    };
    let begin = words.match_indices("PR").map(|(at, _)| at).find(begins)?;
    let refusal = &words[begin..];
    let end = refusal.find(". No function matches").unwrap_or(refusal.len());
    Some((&refusal[..5], refusal[..end].trim_end()))
}

/// Whether a file is at fault: missing, unreadable, not what its name says.
fn is_io(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::IoError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::ParquetError(_) => true,
        DataFusionError::ArrowError(error, _) => matches!(**error, ArrowError::IoError(..)),
        // Of CREATE EXTERNAL TABLE, in the planner's words.
        DataFusionError::Plan(said) => said.starts_with("No files found at "),
        DataFusionError::External(error) => {
            error.is::<Unreadable>()
                || error.is::<io::Error>()
                || error.is::<datafusion::object_store::Error>()
                || error.is::<datafusion::parquet::errors::ParquetError>()
        }
        _ => false,
    }
}

/// The operating system's words without its number.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

/// What the last panic said, and where.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic says nothing by itself; it becomes a [`Failure::Bug`] where it is caught.
pub(crate) fn hold_panics() {
    panic::set_hook(Box::new(|panic| *unpoisoned(PANIC.lock()) = Some(panic.to_string())));
}
