//! The log: where it is kept, how it grows and never forks, and where the batches come from.

pub mod commit;
pub mod daemon;
pub mod error;
pub mod fsck;
mod identities;
pub mod key;
pub mod leaves;
pub mod lock;
pub mod log;
pub mod monitor;
pub mod serve;
pub mod source;
mod stage;
pub mod state;
pub mod status;
pub mod store;
pub mod tiles;

pub use commit::{Placed, Writer};
pub use error::{Error, Result};
pub use log::{Log, SignedCheckpoint};
pub use state::{Guard, State};
pub use store::Store;
