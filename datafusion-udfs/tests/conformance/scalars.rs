//! The shapes of a scalar function's call.

use conformance::{Argument, Outcome};
use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;
use datafusion::logical_expr::lit;
use datafusion::scalar::ScalarValue;
use datafusion_udfs::functions;
use precise_core::catalog::Function;
use precise_core::value::Value;

use crate::layouts::{self, LAYOUTS, Layout};
use crate::sessions::{Found, Mode, RESULT, Sessions, Table, answers, only, refusal, same};

/// The rows of a table that has the vector's row in several places: whether each is it, and how
/// they are cut into batches and partitions. The others are NULL.
pub(crate) const AMID: &[bool] =
    &[true, false, true, false, false, true, true, true, false, false, true];
pub(crate) const CUT: &[&[usize]] = &[&[1, 3], &[1], &[], &[3, 1, 2]];

/// The places of the layouts that are run in several partitions too: what these do to the others
/// is the same.
const PARTED: &[usize] = &[0, 2, 3];

pub(crate) fn call(
    sessions: &mut Sessions,
    function: &Function,
    row: &[Argument],
    found: &mut Found,
) {
    if layouts::is_large(row) {
        return large(sessions, function, row, found);
    }
    let constants: Vec<String> = row.iter().map(layouts::literal).collect();
    let sql = select(function, &constants);
    found.add("literals", one(function, sessions.constants(&sql)));

    let mut tried = Vec::new();
    for (place, layout) in LAYOUTS.iter().enumerate() {
        let kinds = layout.kinds(function)[..row.len()].to_vec();
        if tried.contains(&kinds) {
            continue;
        }
        if run(sessions, function, row, (place, layout), found) {
            tried.push(kinds);
        }
    }
    if row.len() > 1 {
        some_constant(sessions, function, row, &constants, found);
    }
}

/// Runs the row in columns of one layout; gives whether it can hold it.
fn run(
    sessions: &mut Sessions,
    function: &Function,
    row: &[Argument],
    (place, layout): (usize, &Layout),
    found: &mut Found,
) -> bool {
    let alone = [Some(row)];
    let Some(columns) = layout.columns(function, row.len(), &alone) else { return false };
    let name = layout.name(function, row.len());
    let call =
        functions::call(function.name, layouts::scalars(&columns).into_iter().map(lit).collect());
    found.add(
        format!("constants of {name}"),
        one(function, call.and_then(|call| sessions.expression(call))),
    );
    let sql = select_from_t(function, &names(row.len()));
    let table = Table::of(layouts::batch(&alone, columns));
    found.add(
        format!("{name} alone"),
        amid(function, Others::Null, sessions.query(Mode::Single, &sql, &table)),
    );

    let amid_rows: Vec<Option<&[Argument]>> =
        AMID.iter().map(|&is_row| (is_row || row.is_empty()).then_some(row)).collect();
    let columns = layout.columns(function, row.len(), &amid_rows);
    let columns = columns.expect("it holds one row, and so some that are equal");
    let batch = layouts::batch(&amid_rows, columns);
    found.add(
        format!("{name} amid others"),
        amid(function, Others::Null, sessions.query(Mode::Single, &sql, &Table::of(batch.clone()))),
    );
    if PARTED.contains(&place) {
        let table = Table::cut(&batch, CUT);
        found.add(
            format!("{name} amid others, in partitions"),
            amid(function, Others::Null, sessions.query(Mode::Small, &sql, &table)),
        );
    }
    true
}

/// Runs the row with one argument as a constant at a time.
fn some_constant(
    sessions: &Sessions,
    function: &Function,
    row: &[Argument],
    constants: &[String],
    found: &mut Found,
) {
    let rows = [Some(row), Some(row)];
    let plain = |layout: &&Layout| layout.columns(function, row.len(), &rows).is_some();
    let layout = LAYOUTS.iter().find(plain).expect("some layout holds any row");
    let columns = layout.columns(function, row.len(), &rows).expect("it was asked before");
    let table = Table::of(layouts::batch(&rows, columns));
    for (i, constant) in constants.iter().enumerate() {
        let mut arguments = names(row.len());
        arguments[i].clone_from(constant);
        let sql = select_from_t(function, &arguments);
        found.add(
            format!("argument {} as a literal", i + 1),
            amid(function, Others::Null, sessions.query_once(&sql, &table)),
        );
    }
}

fn large(sessions: &mut Sessions, function: &Function, row: &[Argument], found: &mut Found) {
    let alone = [Some(row)];
    let sql = select_from_t(function, &names(row.len()));
    // Utf8View, and JSON as binary.
    for layout in [&LAYOUTS[2], &LAYOUTS[6]] {
        let Some(columns) = layout.columns(function, row.len(), &alone) else { continue };
        let table = Table::of(layouts::batch(&alone, columns));
        found.add(
            format!("{} alone", layout.name(function, row.len())),
            amid(function, Others::Null, sessions.query(Mode::Single, &sql, &table)),
        );
    }
}

/// What the rows must give that are not the vector's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Any,
    Null,
}

/// The outcome of a query whose first column says whether a row is the vector's: all of these must
/// be the same.
pub(crate) fn amid(
    function: &Function,
    expected: Others,
    result: Result<Vec<RecordBatch>>,
) -> Outcome {
    let batches = match result {
        Ok(batches) => batches,
        Err(error) => return refusal(function, &error),
    };
    let (rows, others): (Vec<_>, Vec<_>) = answers(function, &batches)
        .into_iter()
        .partition(|answer| answer.marks[0] == ScalarValue::Boolean(Some(true)));
    let wrong = others.into_iter().find(|other| other.value != Value::Null);
    if let Some(other) = wrong.filter(|_| expected == Others::Null) {
        return Outcome::Broken(format!("a row of NULLs gives {:?}", other.value));
    }
    same(rows.into_iter().map(|answer| answer.value))
        .unwrap_or_else(|| Outcome::Broken("the row was lost".into()))
}

/// The outcome of a query with one row.
pub(crate) fn one(function: &Function, result: Result<Vec<RecordBatch>>) -> Outcome {
    only(function, result).unwrap_or_else(|| Outcome::Broken("no row came back".into()))
}

fn select(function: &Function, arguments: &[String]) -> String {
    format!("SELECT {}({}) AS {RESULT}", function.name, arguments.join(", "))
}

fn select_from_t(function: &Function, arguments: &[String]) -> String {
    format!("SELECT is_row, {}({}) AS {RESULT} FROM t", function.name, arguments.join(", "))
}

fn names(arity: usize) -> Vec<String> {
    (0..arity).map(|i| format!("a{i}")).collect()
}
