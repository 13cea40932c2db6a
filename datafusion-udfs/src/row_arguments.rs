//! How columns become the row of `precise_mint_row`, in four ways of calling it:
//!
//! ```sql
//! precise_mint_row(s [, blind])       -- a struct is the row
//! precise_mint_row('a', x, 'b', y)    -- names and values
//! precise_mint_row(a, b)              -- columns have names already
//! precise_mint_row(*)                 -- all of them; t.* those of one table
//! ```
//!
//! The last two are rewritten to names and values while the plan still knows which argument is a
//! column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, FieldRef, Fields};
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::Transformed;
use datafusion_common::{Column, DFSchema, Result, ScalarValue};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::expr_rewriter::FunctionRewrite;
use datafusion_expr::{ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarUDF, lit};
use precise_arrow::{ByteColumn, Rows, check_fields};
use precise_core::catalog::Function;
use precise_core::records::Records;

use crate::error::refused;
use crate::scalar::CatalogScalar;
use crate::types;

const ADVICE: &str = "pass a struct (and a blind), columns, or 'name', value, …";

/// The types stay as they are: each is minted as what it is.
pub(crate) fn coerce(function: &Function, given: &[DataType]) -> Result<Vec<DataType>> {
    if given.is_empty() {
        return types::refuse(function, &format!("no column was given; {ADVICE}"));
    }
    Ok(given.to_vec())
}

/// Whether the columns can be minted, found out before anything runs.
///
/// Errors: PR191, PR112, PR116.
pub(crate) fn check(function: &Function, args: &ReturnFieldArgs<'_>) -> Result<()> {
    let fields = args.arg_fields;
    let checked = match form(&types_of(fields)) {
        Form::Nothing => Ok(()),
        Form::Struct => match fields[0].data_type() {
            DataType::Struct(fields) => check_fields(fields),
            _ => Ok(()),
        },
        Form::Columns if args.scalar_arguments[0].is_some() => {
            let names: Vec<Option<&str>> =
                args.scalar_arguments.iter().map(|scalar| scalar.and_then(name_of)).collect();
            check_fields(&named_fields(function, &names, fields)?)
        }
        // They are columns, or the rewrite will refuse them.
        Form::Columns => check_fields(&fields.iter().cloned().collect()),
    };
    checked.map_err(|error| refused(function, error))
}

fn types_of(fields: &[FieldRef]) -> Vec<&DataType> {
    fields.iter().map(|field| field.data_type()).collect()
}

/// What the types of the arguments say.
enum Form {
    /// Columns, or names and values.
    Columns,
    /// NULL, whatever the blind.
    Nothing,
    /// A struct, and perhaps a blind.
    Struct,
}

fn form(types: &[&DataType]) -> Form {
    match types {
        [DataType::Struct(_)] => Form::Struct,
        [DataType::Struct(_), blind] if types::is_bytes(blind) => Form::Struct,
        [DataType::Null] => Form::Nothing,
        [DataType::Null, blind] if types::is_bytes(blind) => Form::Nothing,
        _ => Form::Columns,
    }
}

fn name_of(scalar: &ScalarValue) -> Option<&str> {
    scalar.try_as_str().flatten()
}

/// The fields that every second argument is, named by the one before.
fn named_fields(
    function: &Function,
    names: &[Option<&str>],
    fields: &[FieldRef],
) -> Result<Fields> {
    if !names.len().is_multiple_of(2) {
        let why = format!("{} arguments are no pairs; {ADVICE}", names.len());
        return types::refuse(function, &why);
    }
    names
        .chunks(2)
        .zip(fields.chunks(2))
        .enumerate()
        .map(|(i, (names, fields))| {
            if let Some(name) = names[0] {
                return Ok(Arc::new(fields[1].as_ref().clone().with_name(name)));
            }
            let why = format!("argument {} is not a name in quotes; {ADVICE}", 2 * i + 1);
            types::refuse(function, &why)
        })
        .collect()
}

/// The row, taken out of the arguments.
pub(crate) struct RowColumns {
    fields: Fields,
    columns: Vec<ArrayRef>,
    /// Where the row as a whole is NULL.
    nulls: Option<NullBuffer>,
    is_null: bool,
    blind: Option<ArrayRef>,
}

impl RowColumns {
    pub(crate) fn new(
        function: &Function,
        args: &[ColumnarValue],
        fields: &[FieldRef],
        rows: usize,
    ) -> Result<Self> {
        let blind = || args.get(1).map(|blind| blind.to_array(rows)).transpose();
        match form(&types_of(fields)) {
            Form::Nothing => Ok(Self {
                fields: Fields::empty(),
                columns: Vec::new(),
                nulls: None,
                is_null: true,
                blind: blind()?,
            }),
            Form::Struct => {
                let row = args[0].to_array(rows)?;
                let row = row.as_struct();
                Ok(Self {
                    fields: row.fields().clone(),
                    columns: row.columns().to_vec(),
                    nulls: row.nulls().cloned(),
                    is_null: false,
                    blind: blind()?,
                })
            }
            Form::Columns => {
                let names: Vec<Option<&str>> = args
                    .iter()
                    .map(|arg| match arg {
                        ColumnarValue::Scalar(scalar) => name_of(scalar),
                        ColumnarValue::Array(_) => None,
                    })
                    .collect();
                let fields = named_fields(function, &names, fields)?;
                let values = args.iter().skip(1).step_by(2);
                let columns = values.map(|value| value.to_array(rows)).collect::<Result<_>>()?;
                Ok(Self { fields, columns, nulls: None, is_null: false, blind: None })
            }
        }
    }
}

/// The arguments, row by row.
pub(crate) struct RowArguments<'a> {
    source: &'a RowColumns,
    rows: Rows<'a>,
    blind: Option<ByteColumn<'a>>,
}

impl<'a> RowArguments<'a> {
    pub(crate) fn new(function: &Function, source: &'a RowColumns) -> Result<Self> {
        let rows =
            Rows::new(&source.fields, &source.columns).map_err(|error| refused(function, error))?;
        let blind = source.blind.as_ref().and_then(|blind| ByteColumn::of(blind.as_ref()));
        Ok(Self { source, rows, blind })
    }

    /// Adds row `row` to the records.
    pub(crate) fn push(&self, row: usize, records: &mut Records) -> precise_core::Result<()> {
        let is_null = self.source.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let blind = self.blind.as_ref().map(|blind| blind.get(row));
        if self.source.is_null || is_null || blind == Some(None) {
            records.push_null();
            return Ok(());
        }
        records.push_row(blind.flatten(), |encoder| self.rows.write(row, encoder))
    }
}

/// Rewrites `precise_mint_row(a, b)` to `precise_mint_row('a', a, 'b', b)`.
#[derive(Debug)]
pub(crate) struct NameColumns;

impl FunctionRewrite for NameColumns {
    fn name(&self) -> &'static str {
        "precise_name_columns"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let Expr::ScalarFunction(ScalarFunction { func, args }) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let scalar = match func.inner().downcast_ref::<CatalogScalar>() {
            Some(scalar) if scalar.takes_row() && !scalar.has_fields() => scalar,
            _ => return Ok(Transformed::no(expr)),
        };
        let function = scalar.function();
        // A struct that `*` stands for is a column like others, not the row.
        let has_star = args.iter().any(is_star);
        let args: Vec<Expr> = args.iter().flat_map(|arg| expand(arg, schema)).collect();
        let types = args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?;
        let form = form(&types.iter().collect::<Vec<_>>());
        let has_names = matches!(args.first(), Some(Expr::Literal(..)));
        let call = |args: Vec<Expr>| {
            let fields = args.iter().map(|arg| Ok(arg.to_field(schema)?.1));
            let fields = fields.collect::<Result<_>>()?;
            let function = ScalarUDF::new_from_impl(scalar.with_fields(fields));
            Ok(Transformed::yes(function.call(args)))
        };
        if !has_star && (has_names || !matches!(form, Form::Columns)) {
            return call(args);
        }
        let mut named = Vec::with_capacity(2 * args.len());
        for (i, arg) in args.iter().enumerate() {
            match arg {
                Expr::Column(column) if is_named(column) => {
                    named.extend([lit(column.name.as_str()), arg.clone()]);
                }
                _ => {
                    let why = format!("argument {} has no name; {ADVICE}", i + 1);
                    return types::refuse(function, &why);
                }
            }
        }
        call(named)
    }
}

/// Whether somebody named the column. Above a GROUP BY or a window the planner has put columns in
/// the place of expressions, of no table and named by their text: `upper(orders.name)`.
fn is_named(column: &Column) -> bool {
    column.relation.is_some() || column.name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[expect(deprecated, reason = "the planner still makes one of `*` in a call")]
fn is_star(arg: &Expr) -> bool {
    matches!(arg, Expr::Wildcard { .. })
}

/// The columns that `*` or `t.*` stands for; any other argument as it is.
#[expect(deprecated, reason = "the planner still makes one of `*` in a call")]
fn expand(arg: &Expr, schema: &DFSchema) -> Vec<Expr> {
    let Expr::Wildcard { qualifier, .. } = arg else { return vec![arg.clone()] };
    schema
        .iter()
        .filter(|(table, _)| qualifier.is_none() || *table == qualifier.as_ref())
        .map(Expr::from)
        .collect()
}
