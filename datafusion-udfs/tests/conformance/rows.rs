//! The shapes of precise_mint_row's call: the vector's cells become typed columns, and these are
//! passed as a struct, as names and values, and as columns.

use std::sync::Arc;

use conformance::Argument;
use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, RecordBatch, StructArray, new_null_array,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::common::metadata::FieldMetadata;
use datafusion::logical_expr::{Expr, lit};
use datafusion::scalar::ScalarValue;
use datafusion_udfs::functions;
use precise_core::catalog::Function;
use precise_core::value::Value;

use crate::layouts;
use crate::scalars::{AMID, CUT, Others, amid, one};
use crate::sessions::{Found, Mode, RESULT, Sessions, Table};
use crate::typed::{self, CHOICES, Cell};

/// The column that says whether a row is the vector's, and others that no cell is named like.
const MARK: &str = "is this the row?";
const ROW: &str = "the row";
const BLIND: &str = "the blind";

/// Some typed columns, and the vector's blind.
struct Typed<'a> {
    fields: Fields,
    arrays: Vec<ArrayRef>,
    /// Which rows are the vector's.
    rows: &'a [bool],
    blind: Option<&'a Argument>,
}

/// A way of calling with columns.
struct Form {
    name: &'static str,
    arguments: String,
    /// What it gives for a row whose columns are all NULL.
    others: Others,
}

pub(crate) fn call(
    sessions: &mut Sessions,
    function: &Function,
    row: &[Argument],
    found: &mut Found,
) {
    let blind = row.get(1);
    let cells = match &row[0] {
        Value::Null => return null_row(sessions, function, row, found),
        Value::Json(cells) => typed::cells(cells),
        _ => None,
    };
    let Some(cells) = cells else { return };
    if layouts::is_large(row) {
        let (fields, arrays) = columns(2, &cells, &[true]).expect("there are views of text");
        let typed = Typed { fields, arrays, rows: &[true], blind };
        return typed.run(sessions, function, found);
    }
    let mut tried: Vec<Fields> = Vec::new();
    for choice in 0..CHOICES {
        for rows in [&[true][..], AMID] {
            let Some((fields, arrays)) = columns(choice, &cells, rows) else { continue };
            // What has no type of its own in this choice was run in another.
            let is_new = !tried.contains(&fields);
            if is_new {
                let typed = Typed { fields: fields.clone(), arrays, rows, blind };
                typed.run(sessions, function, found);
                if rows == [true] {
                    typed.run_constants(sessions, function, found);
                } else {
                    tried.push(fields);
                }
            }
        }
    }
}

/// A row that is NULL, of no type and of one.
fn null_row(sessions: &mut Sessions, function: &Function, row: &[Argument], found: &mut Found) {
    let arguments: Vec<String> = row.iter().map(layouts::literal).collect();
    let sql = format!("SELECT {}({}) AS {RESULT}", function.name, arguments.join(", "));
    found.add("literals", one(function, sessions.constants(&sql)));
    let fields = Fields::from(vec![Field::new("a", DataType::Utf8, true)]);
    let struct_type = DataType::Struct(fields);
    let mut columns = vec![(ROW, new_null_array(&struct_type, 2))];
    if row.len() > 1 {
        columns.push((BLIND, Arc::new(blinds(row.get(1), 2))));
    }
    columns.insert(0, (MARK, Arc::new(BooleanArray::from(vec![true, true]))));
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let table = Table::of(batch.unwrap());
    let sql = select(function, &[&with_blind(&quoted(ROW), row.get(1))]);
    let result = sessions.query(Mode::Single, &sql, &table);
    found.add("a struct", amid(function, Others::Null, result));
}

impl Typed<'_> {
    /// Every form: together, and where that is refused, one by one.
    fn run(&self, sessions: &mut Sessions, function: &Function, found: &mut Found) {
        let table = self.table();
        let types: Vec<String> =
            self.fields.iter().map(|field| field.data_type().to_string()).collect();
        let place = if self.rows == AMID { "amid others" } else { "alone" };
        let forms = self.forms();
        let all: Vec<&str> = forms.iter().map(|form| form.arguments.as_str()).collect();
        let together = sessions.query(Mode::Small, &select(function, &all), &table);
        for (i, form) in forms.iter().enumerate() {
            let result = match &together {
                Ok(batches) => Ok(batches.iter().map(|batch| one_result(batch, i)).collect()),
                Err(_) => {
                    sessions.query(Mode::Small, &select(function, &[&form.arguments]), &table)
                }
            };
            let name = format!("{} of {}, {place}", form.name, types.join(", "));
            found.add(name, amid(function, form.others, result));
        }
    }

    fn forms(&self) -> Vec<Form> {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name().as_str()).collect();
        let pairs: Vec<String> = names
            .iter()
            .map(|name| format!("'{}', {}", name.replace('\'', "''"), quoted(name)))
            .collect();
        let pairs = pairs.join(", ");
        let columns: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let mut forms = vec![Form {
            name: "a struct",
            arguments: with_blind(&quoted(ROW), self.blind),
            others: Others::Null,
        }];
        // The engine's own function makes structs without the extension types of their fields.
        if !self.fields.iter().any(|field| has_metadata(field)) {
            let arguments = with_blind(&format!("named_struct({pairs})"), self.blind);
            forms.push(Form { name: "named_struct", arguments, others: Others::Any });
        }
        if self.blind.is_none() {
            forms.push(Form { name: "names and values", arguments: pairs, others: Others::Any });
            // A struct on its own is the row, not a column of it.
            let is_row = matches!(self.fields[0].data_type(), DataType::Struct(_));
            if self.fields.len() > 2 || !is_row {
                let arguments = columns.join(", ");
                forms.push(Form { name: "columns", arguments, others: Others::Any });
            }
        }
        forms
    }

    /// The row as a struct, NULL in the other rows, and as columns.
    fn table(&self) -> Table {
        let nulls = NullBuffer::from(self.rows.to_vec());
        let row = StructArray::new(self.fields.clone(), self.arrays.clone(), Some(nulls));
        let mut fields: Vec<Field> =
            self.fields.iter().map(|field| field.as_ref().clone()).collect();
        let mut arrays = self.arrays.clone();
        fields.push(Field::new(MARK, DataType::Boolean, false));
        arrays.push(Arc::new(BooleanArray::from(self.rows.to_vec())));
        fields.push(Field::new(ROW, DataType::Struct(self.fields.clone()), true));
        arrays.push(Arc::new(row));
        fields.push(Field::new(BLIND, DataType::Binary, true));
        arrays.push(Arc::new(blinds(self.blind, self.rows.len())));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        // As many partitions in both places, so that they have one plan.
        let cut: &[&[usize]] = if self.rows == AMID { CUT } else { &[&[1], &[], &[], &[]] };
        Table::cut(&batch, cut)
    }

    /// The row as constants: a struct, and names and values.
    fn run_constants(&self, sessions: &Sessions, function: &Function, found: &mut Found) {
        let mut run = |shape: &str, arguments: Vec<Expr>| {
            let call = functions::call(function.name, arguments);
            let outcome = one(function, call.and_then(|call| sessions.expression(call)));
            let types: Vec<String> =
                self.fields.iter().map(|field| field.data_type().to_string()).collect();
            found.add(format!("constant {shape} of {}", types.join(", ")), outcome);
        };
        let row = StructArray::new(self.fields.clone(), self.arrays.clone(), None);
        let row = lit(ScalarValue::Struct(Arc::new(row)));
        if self.blind.is_some() {
            let blind = ScalarValue::try_from_array(&blinds(self.blind, 1), 0).unwrap();
            return run("struct", vec![row, lit(blind)]);
        }
        run("struct", vec![row]);
        // A list on its own keeps the type of its elements, but not their extension.
        if self.fields.iter().any(|field| has_metadata(field) && field.metadata().is_empty()) {
            return;
        }
        let mut arguments = Vec::new();
        for (field, array) in self.fields.iter().zip(&self.arrays) {
            arguments.push(lit(field.name().as_str()));
            let metadata = FieldMetadata::new_from_field(field);
            let scalar = ScalarValue::try_from_array(array, 0).unwrap();
            arguments.push(Expr::Literal(scalar, Some(metadata).filter(|data| !data.is_empty())));
        }
        run("names and values", arguments);
    }
}

/// Whether the field, or one inside, says more than its type.
fn has_metadata(field: &Field) -> bool {
    !field.metadata().is_empty()
        || match field.data_type() {
            DataType::List(element)
            | DataType::LargeList(element)
            | DataType::ListView(element)
            | DataType::LargeListView(element)
            | DataType::FixedSizeList(element, _) => has_metadata(element),
            _ => false,
        }
}

/// The marks, and the result of one of several calls.
fn one_result(batch: &RecordBatch, i: usize) -> RecordBatch {
    batch.project(&[0, i + 1]).expect("each call has its column")
}

fn columns(choice: usize, cells: &[Cell], rows: &[bool]) -> Option<(Fields, Vec<ArrayRef>)> {
    let column =
        |cell: &Cell| typed::column(choice, cell, rows).or_else(|| typed::column(0, cell, rows));
    let columns: Vec<(Field, ArrayRef)> = cells.iter().map(column).collect::<Option<_>>()?;
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    Some((fields.into(), arrays))
}

fn blinds(blind: Option<&Argument>, len: usize) -> BinaryArray {
    let blind = match blind {
        Some(Value::Bytes(bytes)) => Some(bytes.as_ref()),
        _ => None,
    };
    std::iter::repeat_n(blind, len).collect()
}

fn with_blind(row: &str, blind: Option<&Argument>) -> String {
    match blind {
        Some(_) => format!("{row}, {}", quoted(BLIND)),
        None => row.into(),
    }
}

/// A query for the marks, and for one result for each list of arguments.
fn select(function: &Function, calls: &[&str]) -> String {
    let name = function.name;
    let calls: Vec<String> = calls
        .iter()
        .enumerate()
        .map(|(i, arguments)| format!("{name}({arguments}) AS {RESULT}{i}"))
        .collect();
    format!("SELECT {}, {} FROM t", quoted(MARK), calls.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
