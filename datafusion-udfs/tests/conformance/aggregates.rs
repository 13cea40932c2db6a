//! The shapes of an aggregate's call.

use std::sync::Arc;

use conformance::{Argument, Outcome};
use datafusion::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::Result;
use datafusion::logical_expr::lit;
use datafusion::scalar::ScalarValue;
use datafusion_udfs::functions;
use precise_core::catalog::{Example, Function, call_rows};
use precise_core::value::{Type, Value};

use crate::layouts::{self, LAYOUTS, Layout};
use crate::sessions::{Found, Mode, RESULT, Sessions, Table, answers, only, refusal, same};

/// Groups of more rows are run in few shapes.
const LARGE: usize = 200;

/// Groups of more rows are not run as a growing window, whose work is quadratic.
const LONGEST_WINDOW: usize = 40;

/// A row of the table, and whose it is.
struct Row<'a> {
    /// The group; the vector's rows are `"ours"`.
    who: &'static str,
    /// Whether a filter keeps it.
    keep: Option<bool>,
    /// None: NULLs.
    arguments: Option<&'a [Argument]>,
}

/// One shape: a query, and the rows it reads.
struct Shape<'a> {
    name: &'static str,
    mode: Mode,
    sql: String,
    rows: &'a [Row<'a>],
    /// How many arguments the call has: those at the end may be left out.
    arity: usize,
    /// How many rows a batch has, and how many partitions there are.
    cut: (usize, usize),
}

pub(crate) fn call(
    sessions: &mut Sessions,
    function: &Function,
    group: &[Vec<Argument>],
    found: &mut Found,
) {
    let arity = group.first().map_or(function.args.len(), Vec::len);
    let others = other_rows(function, arity);
    let junk = junk(function, arity);
    let (ours, reversed) = (ours(group), reversed(group));
    let (mixed, filtered) = (mixed(group, &others), filtered(group, &junk));
    let arguments = names(arity);
    let call = format!("{}({arguments})", function.name);
    let plain = format!("SELECT {call} AS {RESULT} FROM t");
    let grouped = format!("SELECT who, {call} AS {RESULT} FROM t GROUP BY who");
    let kept = format!("SELECT {call} FILTER (WHERE keep) AS {RESULT} FROM t");
    let kept_grouped =
        format!("SELECT who, {call} FILTER (WHERE keep) AS {RESULT} FROM t GROUP BY who");
    let shape = |name, mode, sql: &String, rows, cut| Shape {
        name,
        mode,
        sql: sql.clone(),
        rows,
        arity,
        cut,
    };
    let len = group.len().max(1);

    let mut shapes = if group.len() > LARGE {
        vec![
            shape("in one batch", Mode::Single, &plain, &ours, (len, 1)),
            shape("reversed, in partitions", Mode::Parallel, &plain, &reversed, (8192, 4)),
            shape("amid groups", Mode::Parallel, &grouped, &mixed, (8192, 3)),
        ]
    } else {
        vec![
            shape("in one batch", Mode::Single, &plain, &ours, (len, 1)),
            shape("in partitions", Mode::Small, &plain, &ours, (2, 4)),
            shape("reversed", Mode::Single, &plain, &reversed, (3, 1)),
            shape("reversed, in partitions", Mode::Parallel, &plain, &reversed, (1, 3)),
            shape("filtered", Mode::Single, &kept, &filtered, (5, 1)),
            shape("filtered, in partitions", Mode::Small, &kept, &filtered, (2, 4)),
            shape("amid groups", Mode::Single, &grouped, &mixed, (4, 1)),
            shape("amid groups, in partitions", Mode::Small, &grouped, &mixed, (2, 4)),
            shape("amid groups, as raw states", Mode::RawStates, &grouped, &mixed, (2, 4)),
            shape("filtered amid groups", Mode::Small, &kept_grouped, &filtered, (3, 4)),
            shape("filtered, as raw states", Mode::RawStates, &kept_grouped, &filtered, (2, 3)),
        ]
    };
    let window = format!("SELECT {call} OVER () AS {RESULT} FROM t");
    let parts = format!("SELECT who, {call} OVER (PARTITION BY who) AS {RESULT} FROM t");
    let growing =
        format!("SELECT nr, {call} OVER (ORDER BY nr ROWS UNBOUNDED PRECEDING) AS {RESULT} FROM t");
    if !group.is_empty() && group.len() <= LARGE {
        shapes.push(shape("window", Mode::Single, &window, &ours, (len, 1)));
        shapes.push(shape("window amid parts", Mode::Small, &parts, &mixed, (2, 4)));
    }
    for shape in &shapes {
        let table = table(&LAYOUTS[0], function, shape).expect("the plainest layout holds bytes");
        run(sessions, function, shape, &table, shape.name, found);
    }
    if !group.is_empty() && group.len() <= LONGEST_WINDOW {
        let shape = shape("growing window", Mode::Single, &growing, &ours, (7, 1));
        let table = table(&LAYOUTS[0], function, &shape).expect("the plainest layout holds bytes");
        found.add(shape.name, last(function, sessions.query(shape.mode, &shape.sql, &table)));
    }
    layouts(sessions, function, &shapes, found);
    constants(sessions, function, group, &ours, found);
}

/// The first shape, and the first amid groups, in all layouts.
fn layouts(sessions: &mut Sessions, function: &Function, shapes: &[Shape<'_>], found: &mut Found) {
    let amid =
        shapes.iter().find(|shape| shape.name == "amid groups").expect("it is in both lists");
    let both = [&shapes[0], amid];
    let mut tried = vec![LAYOUTS[0].kinds(function)];
    let is_large = shapes[0].rows.len() > LARGE;
    // Views, for a large group.
    let layouts = if is_large { &LAYOUTS[2..3] } else { &LAYOUTS[1..] };
    for layout in layouts {
        let kinds = layout.kinds(function);
        if tried.contains(&kinds) {
            continue;
        }
        for shape in &both[..if is_large { 1 } else { 2 }] {
            let Some(table) = table(layout, function, shape) else { continue };
            let name = format!("{} {}", layout.name(function, shape.arity), shape.name);
            run(sessions, function, shape, &table, &name, found);
        }
        tried.push(kinds);
    }
}

/// An argument that is the same in every row, as a constant.
fn constants(
    sessions: &Sessions,
    function: &Function,
    group: &[Vec<Argument>],
    ours: &[Row<'_>],
    found: &mut Found,
) {
    let Some(first) = group.first() else { return };
    let arity = first.len();
    for i in 0..arity {
        if group.iter().any(|row| row[i] != first[i]) {
            continue;
        }
        let mut arguments: Vec<String> = (0..arity).map(|i| format!("a{i}")).collect();
        arguments[i] = layouts::literal(&first[i]);
        let arguments = arguments.join(", ");
        let sql = format!("SELECT {}({arguments}) AS {RESULT} FROM t", function.name);
        let cut = (group.len(), 1);
        let shape = Shape { name: "", mode: Mode::Single, sql, rows: ours, arity, cut };
        let table = table(&LAYOUTS[0], function, &shape).expect("the plainest layout holds bytes");
        let outcome = only(function, sessions.query_once(&shape.sql, &table));
        let lost = || Outcome::Broken("no row came back".into());
        found.add(format!("argument {} as a literal", i + 1), outcome.unwrap_or_else(lost));
    }
    // One row of nothing but constants, as a program calls it.
    if let [row] = group {
        let columns = LAYOUTS[0].columns(function, row.len(), &[Some(row.as_slice())]);
        let scalars = layouts::scalars(&columns.expect("the plainest layout holds bytes"));
        let call = functions::call(function.name, scalars.into_iter().map(lit).collect());
        let outcome = only(function, call.and_then(|call| sessions.aggregate(call)));
        let lost = || Outcome::Broken("no row came back".into());
        found.add("constants", outcome.unwrap_or_else(lost));
    }
}

fn run(
    sessions: &mut Sessions,
    function: &Function,
    shape: &Shape<'_>,
    table: &Table,
    name: &str,
    found: &mut Found,
) {
    let result = sessions.query(shape.mode, &shape.sql, table);
    let outcome = if shape.sql.starts_with("SELECT who") {
        ours_of(function, shape, result)
    } else {
        only(function, result)
    };
    if let Some(outcome) = outcome {
        found.add(name, outcome);
    }
}

/// The outcome of our group, if it has a row, once the other groups have theirs.
fn ours_of(
    function: &Function,
    shape: &Shape<'_>,
    result: Result<Vec<RecordBatch>>,
) -> Option<Outcome> {
    let batches = match result {
        Ok(batches) => batches,
        Err(error) => return Some(refusal(function, &error)),
    };
    let mut ours = Vec::new();
    for answer in answers(function, &batches) {
        let who = answer.marks[0].to_string();
        if who == "ours" {
            ours.push(answer.value);
            continue;
        }
        let arguments = shape
            .rows
            .iter()
            .filter(|row| row.who == who && row.keep == Some(true))
            .filter_map(|row| row.arguments.map(<[Argument]>::to_vec));
        let expected = call_rows(function_of(function), &arguments.collect::<Vec<_>>());
        if expected.as_ref() != Ok(&answer.value) {
            return Some(Outcome::Broken(format!("the group {who} gives {:?}", answer.value)));
        }
    }
    let is_window = shape.sql.contains("OVER");
    if !is_window && ours.len() > 1 {
        return Some(Outcome::Broken("one group came back twice".into()));
    }
    same(ours)
}

fn function_of(function: &Function) -> &'static Function {
    Function::find(function.name).expect("it is in the catalogue")
}

/// The outcome in the last row of a growing window.
fn last(function: &Function, result: Result<Vec<RecordBatch>>) -> Outcome {
    let batches = match result {
        Ok(batches) => batches,
        Err(error) => return refusal(function, &error),
    };
    let nr = |scalar: &ScalarValue| match scalar {
        ScalarValue::Int64(nr) => *nr,
        _ => None,
    };
    let answers = answers(function, &batches).into_iter();
    match answers.max_by_key(|answer| nr(&answer.marks[0])) {
        Some(answer) => Outcome::Returned(answer.value),
        None => Outcome::Broken("no row came back".into()),
    }
}

fn ours(group: &[Vec<Argument>]) -> Vec<Row<'_>> {
    let row = |row| Row { who: "ours", keep: Some(true), arguments: Some(row) };
    group.iter().map(Vec::as_slice).map(row).collect()
}

fn reversed(group: &[Vec<Argument>]) -> Vec<Row<'_>> {
    let mut rows = ours(group);
    rows.reverse();
    rows
}

/// Rows for other groups, of as many arguments: those of the first example, but for NULLs.
fn other_rows(function: &Function, arity: usize) -> Vec<Vec<Argument>> {
    let mut rows = function.examples.first().map(Example::arguments).unwrap_or_default();
    rows.retain(|row| row.len() >= arity && !row.contains(&Value::Null));
    for row in &mut rows {
        row.truncate(arity);
    }
    rows
}

/// A row that no aggregate takes.
fn junk(function: &Function, arity: usize) -> Vec<Argument> {
    let junk = |of| match of {
        Type::Boolean => Value::Boolean(true),
        Type::Bytes => Value::Bytes(vec![0xEE].into()),
        Type::Decimal => Value::Decimal("junk".into()),
        Type::Float => Value::Float(f64::MIN),
        Type::Integer => Value::Integer(i64::MIN),
        Type::Json | Type::Row => Value::Json(b"{".into()),
        Type::Text => Value::Text("junk".into()),
    };
    function.args[..arity].iter().map(|arg| junk(arg.arg_type)).collect()
}

/// The group's rows, and between them those of other groups: one with hashes, one with NULLs only.
fn mixed<'a>(group: &'a [Vec<Argument>], others: &'a [Vec<Argument>]) -> Vec<Row<'a>> {
    let other = |i: usize| {
        let arguments = others.get(i).map(Vec::as_slice);
        let who = if arguments.is_some() { "theirs" } else { "nobody" };
        Row { who, keep: Some(true), arguments }
    };
    let mut rows: Vec<Row<'_>> = vec![other(0), other(9)];
    for (i, row) in group.iter().enumerate() {
        rows.push(Row { who: "ours", keep: Some(true), arguments: Some(row) });
        if i < 3 {
            rows.push(other(i + 1));
        }
    }
    rows
}

/// The group's rows, and between them rows that no aggregate takes and no filter keeps.
fn filtered<'a>(group: &'a [Vec<Argument>], junk: &'a [Argument]) -> Vec<Row<'a>> {
    let dropped = |keep| Row { who: "ours", keep, arguments: Some(junk) };
    let mut rows = vec![dropped(Some(false))];
    for row in group {
        rows.push(Row { who: "ours", keep: Some(true), arguments: Some(row) });
        rows.push(dropped(if rows.len() % 4 == 0 { None } else { Some(false) }));
    }
    rows
}

fn table(layout: &Layout, function: &Function, shape: &Shape<'_>) -> Option<Table> {
    let rows = shape.rows;
    let arguments: Vec<Option<&[Argument]>> = rows.iter().map(|row| row.arguments).collect();
    let columns = layout.columns(function, shape.arity, &arguments)?;
    let who: StringArray = rows.iter().map(|row| Some(row.who)).collect();
    let keep: BooleanArray = rows.iter().map(|row| row.keep).collect();
    let nr: Int64Array = (0..rows.len() as i64).map(Some).collect();
    let mut fields = vec![
        Field::new("who", DataType::Utf8, false),
        Field::new("keep", DataType::Boolean, true),
        Field::new("nr", DataType::Int64, false),
    ];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(who), Arc::new(keep), Arc::new(nr)];
    for (i, column) in columns.into_iter().enumerate() {
        fields.push(Field::new(format!("a{i}"), column.data_type().clone(), true));
        arrays.push(column);
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), arrays).unwrap();
    let (batch_len, partition_count) = shape.cut;
    let mut partitions = vec![Vec::new(); partition_count];
    let mut from = 0;
    while from < rows.len() {
        let len = batch_len.min(rows.len() - from);
        partitions[(from / batch_len) % partition_count].push(batch.slice(from, len));
        from += len;
    }
    Some(Table { schema, partitions })
}

fn names(arity: usize) -> String {
    let names: Vec<String> = (0..arity).map(|i| format!("a{i}")).collect();
    names.join(", ")
}
