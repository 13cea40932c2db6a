//! The log: where it is kept, how it grows and never forks, and where the batches come from.

pub mod error;
pub mod key;
pub mod source;

pub use error::{Error, Result};
