//! The functions of Precise for PostgreSQL: driven by the catalogue of `precise-core`.
//!
//! ```text
//!  lib.rs         what the server calls: one symbol for all scalar functions, five for aggregates
//!  call.rs        which function it is, and its arguments as the core takes them
//!  row.rs         a record's columns ──▶ the core's row encoder (SPEC.md section 1.4)
//!  aggregate.rs   states in the server's memory, merged over parallel workers
//!  runs.rs        states that outgrew it, in the server's temporary files
//!  secrets.rs     subjects' secrets, sealed for another database and opened again
//!  written.rs     a written row's record and its id, by the names of their columns
//!  audience.rs    what minting an audience asks of the core: seats, and who may be named
//!  fault.rs       errors under their own SQLSTATE, out of Rust before they jump
//!  ../jsonb/      jsonb and NUMERIC in their own binary forms: a crate that needs no server
//! ```
//!
//! Functions are declared in the extension's script, generated from the catalogue; each finds
//! its row there by its name. Tables and procedures are SQL, in the other files of `sql/`, and so
//! are the declarations of what only they call.
//!
//! # What this crate does not do
//!
//! It decides nothing about bytes of proofs. It opens no connection, no file but that of a key and
//! the server's temporary ones, and starts no worker.

// The server speaks C. Each block says why it is sound.
#![allow(unsafe_code, reason = "the functions of the server are unsafe to call")]

mod aggregate;
mod audience;
mod call;
mod fault;
mod row;
mod runs;
mod secrets;
mod written;

use pgrx::pg_guard;
use pgrx::pg_sys::{Datum, FunctionCallInfo, Pg_finfo_record};

use crate::fault::Fault;

pgrx::pg_module_magic!();

/// What a function of ours comes to.
type Outcome = Result<Option<Datum>, Fault>;

/// A function in the server's calling convention, version 1: `$body` is run under pgrx's guard, so
/// that neither a panic nor a jump crosses it, and what it refused is raised behind the guard.
macro_rules! server_function {
    ($(#[doc = $doc:literal])+ $symbol:ident, $info:ident, $body:path) => {
        $(#[doc = $doc])+
        ///
        /// # Safety
        ///
        /// For the server to call.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol(info: FunctionCallInfo) -> Datum {
            #[pg_guard]
            unsafe extern "C-unwind" fn guarded(
                info: FunctionCallInfo,
                fault: *mut Option<Fault>,
            ) -> Datum {
                // SAFETY: the server's call is as it says, and `fault` is our caller's.
                unsafe {
                    match $body(info) {
                        Ok(Some(datum)) => return datum,
                        Ok(None) => (*info).isnull = true,
                        Err(refused) => *fault = Some(refused),
                    }
                }
                Datum::from(0)
            }
            let mut fault = None;
            // SAFETY: as above; behind the guard this frame holds nothing to drop.
            unsafe {
                let datum = guarded(info, &raw mut fault);
                match fault {
                    None => datum,
                    Some(fault) => fault::raise(fault),
                }
            }
        }

        /// Says that the calling convention is version 1.
        #[unsafe(no_mangle)]
        pub extern "C" fn $info() -> &'static Pg_finfo_record {
            &Pg_finfo_record { api_version: 1 }
        }
    };
}

server_function!(
    /// A scalar function of the catalogue, whichever has this name in SQL.
    precise_call, pg_finfo_precise_call, call::call);
server_function!(
    /// The cohorts of a record, as an array.
    precise_cohort_id_array, pg_finfo_precise_cohort_id_array, call::call_for_ids);
server_function!(
    /// Takes a row into an aggregate's state.
    precise_update, pg_finfo_precise_update, aggregate::update);
server_function!(
    /// Takes another state into an aggregate's.
    precise_combine, pg_finfo_precise_combine, aggregate::combine);
server_function!(
    /// A state as bytes, for another process.
    precise_serialize, pg_finfo_precise_serialize, aggregate::serialize);
server_function!(
    /// A state from another process.
    precise_deserialize, pg_finfo_precise_deserialize, aggregate::deserialize);
server_function!(
    /// What an aggregate gives for its state.
    precise_finish, pg_finfo_precise_finish, aggregate::finish);
server_function!(
    /// Seals a chunk of subjects' secrets.
    precise_seal, pg_finfo_precise_seal, secrets::seal);
server_function!(
    /// Opens one.
    precise_unseal, pg_finfo_precise_unseal, secrets::unseal);
server_function!(
    /// The proof hash of the record in a column of a row.
    precise_written_hash, pg_finfo_precise_written_hash, written::hash);
server_function!(
    /// The record id of a row.
    precise_written_id, pg_finfo_precise_written_id, written::id);
server_function!(
    /// The canonical form of a row.
    precise_row_document, pg_finfo_precise_row_document, audience::row_document);
server_function!(
    /// Whose a record is, and in which cohorts.
    precise_seat, pg_finfo_precise_seat, audience::seat);
server_function!(
    /// Takes a record's seat into the census of an audience.
    precise_take_seat, pg_finfo_precise_take_seat, audience::take_seat);
server_function!(
    /// What an audience may say.
    precise_finish_census, pg_finfo_precise_finish_census, audience::finish_census);
server_function!(
    /// How many members of two releases differ.
    precise_differing, pg_finfo_precise_differing, audience::differing);
