//! The vectors on DataFusion, through SQL.
//!
//! Each vector is run in several shapes, which differ in what DataFusion makes of the call: the
//! layout of the columns, constants, the other rows, batches and partitions, the phases of an
//! aggregate. All must come to the same.
//!
//! ```text
//!  sessions.rs    SQL in, outcomes out
//!  layouts.rs     arguments as columns and constants, in every layout there is
//!  scalars.rs     the shapes of a scalar function's call
//!  aggregates.rs  the shapes of an aggregate's
//!  rows.rs        the shapes of precise_mint_row's, whose columns typed.rs makes of cells
//! ```

mod aggregates;
mod layouts;
mod rows;
mod scalars;
mod sessions;
mod typed;

use conformance::{Argument, DATAFUSION, Engine, Outcome, Surface, families, run};
use precise_core::catalog::Function;
use precise_core::value::Type;

use crate::sessions::{Found, Sessions};

/// DataFusion, with every function registered.
struct DataFusion {
    sessions: Sessions,
}

impl Engine for DataFusion {
    fn surface(&self) -> &Surface {
        &DATAFUSION
    }

    fn call(&mut self, function: &str, rows: &[Vec<Argument>]) -> Outcome {
        let function = match Function::find(function) {
            Ok(function) => function,
            Err(error) => return Outcome::Refused(error.code()),
        };
        let mut found = Found::default();
        if function.is_aggregate() {
            aggregates::call(&mut self.sessions, function, rows, &mut found);
        } else if function.args.first().is_some_and(|arg| arg.arg_type == Type::Row) {
            rows::call(&mut self.sessions, function, &rows[0], &mut found);
        } else {
            scalars::call(&mut self.sessions, function, &rows[0], &mut found);
        }
        found.outcome()
    }
}

fn demand_passed(family: &str) {
    run(&mut DataFusion { sessions: Sessions::new() }, family).demand_passed();
}

#[test]
fn about() {
    demand_passed("about");
}

#[test]
fn attribution() {
    demand_passed("attribution");
}

#[test]
fn canonical() {
    demand_passed("canonical");
}

#[test]
fn cohorts() {
    demand_passed("cohorts");
}

#[test]
fn merkle() {
    demand_passed("merkle");
}

#[test]
fn proof() {
    demand_passed("proof");
}

#[test]
fn performance() {
    demand_passed("performance");
}

#[test]
fn receipts() {
    demand_passed("receipts");
}

#[test]
fn rows() {
    demand_passed("rows");
}

#[test]
fn royalty() {
    demand_passed("royalty");
}

#[test]
fn every_family_is_run() {
    let names: Vec<String> = families().unwrap().into_iter().map(|family| family.name).collect();
    let run = [
        "about",
        "attribution",
        "canonical",
        "cohorts",
        "merkle",
        "performance",
        "proof",
        "receipts",
        "rows",
        "royalty",
    ];
    assert_eq!(names, run, "each file has its test above");
}
