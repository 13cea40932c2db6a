//! One test body for every engine: the vectors, run through the engine's own surface.
//!
//! ```text
//!  tests/vectors/*.json ──▶ vector.rs ──▶ run ──▶ Tally
//!                                          │
//!                           engine.rs      └──▶ Engine: core, and whatever else is mounted
//!                           coverage.rs         how often each function is called, by outcome
//!
//!  audience.json ──▶ audience.rs ──▶ those who prove audiences, which no function does
//!  log.json ───────▶ log.rs ───────▶ the core alone: what a log is made of is no function either
//! ```
//!
//! To mount an engine: implement [`Engine`] in a file of its own under `tests/`, and there write
//! one test per family that calls [`run`] and then [`Tally::demand_passed`].

mod audience;
mod coverage;
mod engine;
mod log;
mod tally;
mod vector;

pub use audience::{AUDIENCE, Audience, AudienceVector, audiences, audiences_to_text};
pub use coverage::{Counts, Kind, coverage};
pub use engine::{Argument, CORE, Core, DATAFUSION, Engine, Outcome, POSTGRES, SURFACES, Surface};
pub use log::{LOG, LogVector, log_vectors, log_vectors_to_text, operate};
pub use tally::{Mismatch, Skip, Tally, run};
pub use vector::{Expected, Family, Form, Input, Vector, families, family, folder, without_detail};
