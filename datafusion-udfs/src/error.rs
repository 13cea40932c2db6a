//! A refusal on its way through DataFusion: as text for people, as a type for programs.

use std::fmt;

use datafusion_common::DataFusionError;
use precise_core::Error;
use precise_core::catalog::Function;

/// A refusal and the function that gave it. It travels as [`DataFusionError::External`].
#[derive(Debug)]
pub struct FunctionError {
    function: &'static str,
    error: Error,
}

impl FunctionError {
    /// Looks for a refusal of ours inside an error of DataFusion's.
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref(),
            _ => None,
        }
    }

    /// The function's name.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The refusal: code, path, offset.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// `PR106 an object has the same key twice, at $.a (byte 12), in precise_mint_proof. Readers …`
impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, error } = self;
        write!(f, "{} {error}, in {function}. {}", error.code(), error.hint())
    }
}

impl std::error::Error for FunctionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Wraps what `function` refused.
#[cold]
pub(crate) fn refused(function: &Function, error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(FunctionError { function: function.name, error }))
}
