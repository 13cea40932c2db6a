//! What ends the work on a log early.

use std::fmt;

/// Why something could not be done.
#[derive(Debug)]
pub enum Error {
    /// A store, a database, a file did not do what it was asked for.
    Failed(String),
    /// What was read is refused, under a code.
    Refused {
        /// Names it.
        what: String,
        /// The code, and what is known beside it.
        error: precise_core::Error,
    },
}

/// Results here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Data that is refused; `what` names it.
    pub fn refused(what: impl Into<String>, error: precise_core::Error) -> Self {
        Self::Refused { what: what.into(), error }
    }

    /// Something that failed: `attempted` completes "cannot".
    pub fn failed(attempted: impl fmt::Display, why: impl fmt::Display) -> Self {
        let mut message = format!("cannot {attempted}: {why}");
        // The operating system's words without its number.
        if let Some(at) = message.find(" (os error ")
            && let Some(len) = message[at..].find(')')
        {
            message.replace_range(at..=at + len, "");
        }
        Self::Failed(message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) => f.write_str(message),
            Self::Refused { what, error } => write!(f, "{what}: {} {error}", error.code()),
        }
    }
}

impl std::error::Error for Error {}
