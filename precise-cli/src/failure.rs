//! What ends a command early, as a message for people and an exit code for scripts.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use precise_core::Error;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file could not be read or written.
    Io(String),
    /// The data was read, and is refused.
    Refused { what: String, error: Error },
    /// The reader of our output has gone, as `head` does. Nothing to say about it.
    ReaderGone,
    /// Another thread failed, and says why.
    Stopped,
    /// The command line asks for something that cannot be.
    Usage(String),
}

/// Results of commands.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A file that could not be read, written, and so on: `what` is such a verb.
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::Io(format!("cannot {what} {}: {}", path.display(), describe(error)))
    }

    /// Data that is refused; `what` names it.
    pub(crate) fn refused(what: impl Into<String>, error: Error) -> Self {
        Self::Refused { what: what.into(), error }
    }

    /// 1: the data's fault. 2: usage, files.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused { .. } => 1,
            Self::Io(_) | Self::ReaderGone | Self::Stopped | Self::Usage(_) => 2,
        })
    }

    /// Prints to standard error: a line, and a hint where there is one; or one JSON object.
    pub(crate) fn print(&self, json: bool) {
        if matches!(self, Self::ReaderGone) {
            return;
        }
        if json {
            eprintln!("{}", self.to_json());
            return;
        }
        eprintln!("error: {self}");
        if let Self::Refused { error, .. } = self {
            eprintln!("hint: {}", error.hint());
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::json!({ "message": self.to_string() });
        if let Self::Refused { error, .. } = self {
            object["code"] = error.code().name().into();
            object["path"] = error.path().into();
            object["offset"] = error.offset().into();
            object["hint"] = error.hint().into();
        }
        serde_json::json!({ "error": object })
    }
}

impl From<precise_log::Error> for Failure {
    fn from(error: precise_log::Error) -> Self {
        match error {
            precise_log::Error::Failed(message) => Self::Io(message),
            precise_log::Error::Refused { what, error } => Self::Refused { what, error },
        }
    }
}

impl From<Failure> for precise_log::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { what, error } => Self::Refused { what, error },
            other => Self::Failed(other.to_string()),
        }
    }
}

/// The operating system's words without its number.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(message) | Self::Usage(message) => f.write_str(message),
            Self::ReaderGone => f.write_str("the reader of the output has gone"),
            Self::Stopped => f.write_str("another thread failed"),
            Self::Refused { what, error } => write!(f, "{what}: {} {error}", error.code()),
        }
    }
}
