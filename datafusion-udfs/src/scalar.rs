//! Every scalar function of the catalogue as one `ScalarUDFImpl`: driven.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};
use precise_core::catalog::{Function, Kernel};
use precise_core::records::{Record, Records};
use precise_core::value::Type;

use crate::columns::{self, Argument, Results};
use crate::documentation::documentation;
use crate::error::refused;
use crate::row_arguments::{self, RowArguments, RowColumns};
use crate::types;

/// A scalar function of the catalogue.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CatalogScalar {
    function: &'static Function,
    signature: Signature,
    documentation: Documentation,
    /// Of a function of a row: the fields of its arguments, as the plan had them when the call was
    /// written. Later the engine may put a constant in a column's place, and with the column goes
    /// what its field says: a UUID is then sixteen bytes.
    fields: Option<Vec<FieldRef>>,
}

impl CatalogScalar {
    pub(crate) fn new(function: &'static Function) -> Self {
        let signature = if function.args.is_empty() {
            Signature::nullary(Volatility::Immutable)
        } else {
            Signature::user_defined(Volatility::Immutable)
        };
        Self { function, signature, documentation: documentation(function), fields: None }
    }

    /// The same function, for a call with arguments of these fields.
    pub(crate) fn with_fields(&self, fields: Vec<FieldRef>) -> Self {
        Self { fields: Some(fields), ..Self::new(self.function) }
    }

    /// Whether it is for one call.
    pub(crate) fn has_fields(&self) -> bool {
        self.fields.is_some()
    }

    /// The fields of a call's arguments, `given` by the engine.
    fn fields<'f>(&self, given: &'f [FieldRef]) -> Cow<'f, [FieldRef]> {
        match &self.fields {
            Some(fields) if fields.len() == given.len() => {
                let with_metadata = |(given, written): (&FieldRef, &FieldRef)| {
                    let metadata = written.metadata().clone();
                    Arc::new(given.as_ref().clone().with_metadata(metadata))
                };
                given.iter().zip(fields).map(with_metadata).collect()
            }
            _ => Cow::Borrowed(given),
        }
    }

    pub(crate) fn function(&self) -> &'static Function {
        self.function
    }

    pub(crate) fn takes_row(&self) -> bool {
        self.function.args.first().is_some_and(|arg| arg.arg_type == Type::Row)
    }

    /// The type of the result. What is computed of a dictionary's values alone stays a dictionary.
    fn result_type(&self, args: &[DataType]) -> DataType {
        let plain = types::result_type(self.function.returns);
        match args {
            [DataType::Dictionary(keys, _)] if !self.takes_row() => {
                DataType::Dictionary(keys.clone(), Box::new(plain))
            }
            _ => plain,
        }
    }

    /// Calls the function for each row, in arrays of `rows` rows; constants have one.
    fn call(&self, args: &[(ArrayRef, bool)], rows: usize) -> Result<ArrayRef> {
        let function = self.function;
        let arrays = args.iter().map(|(array, _)| array.clone()).collect();
        let arrays = columns::with_documents(function, arrays)?;
        let arguments: Vec<Argument<'_>> = arrays
            .iter()
            .zip(args)
            .zip(function.args)
            .map(|((array, (_, is_constant)), arg)| {
                Argument::new(arg.arg_type, array, *is_constant)
            })
            .collect::<Result<_>>()?;
        let mut values = Vec::with_capacity(arguments.len());
        if let Kernel::Record(record) = function.kernel {
            return self.call_records(record, rows, |row, records| {
                values.clear();
                values.extend(arguments.iter().map(|argument| argument.value(row)));
                records.push(&values)
            });
        }
        let mut callee = function.callee().map_err(|error| refused(function, error))?;
        let mut results = Results::new(function.returns, rows);
        for row in 0..rows {
            values.clear();
            values.extend(arguments.iter().map(|argument| argument.value(row)));
            let value = callee.call(&values).map_err(|error| refused(function, error))?;
            results.push(&value)?;
        }
        Ok(results.finish())
    }

    /// Calls the function once for each value of a dictionary that some row has.
    fn call_dictionary(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        let mut used = vec![false; values.len()];
        if !values.is_empty() {
            for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
                used[key] |= dictionary.keys().is_valid(row);
            }
        }
        // A value that no row has, left over from a filter, may be one that is refused.
        let unused: BooleanArray = used.into_iter().map(|used| Some(!used)).collect();
        let values = nullif(values, &unused)?;
        let results = self.call(&[(values.clone(), false)], values.len())?;
        Ok(dictionary.with_values(results))
    }

    /// Calls the function for each row of some columns.
    fn call_row(
        &self,
        args: &[ColumnarValue],
        fields: &[FieldRef],
        rows: usize,
    ) -> Result<ArrayRef> {
        let columns = RowColumns::new(self.function, args, fields, rows)?;
        let arguments = RowArguments::new(self.function, &columns)?;
        let Kernel::Record(record) = self.function.kernel else {
            return internal_err!("{} takes a row and makes no record of it", self.function.name);
        };
        self.call_records(record, rows, |row, records| arguments.push(row, records))
    }

    /// Calls a function of one record for each row, many at a time.
    fn call_records(
        &self,
        record: Record,
        rows: usize,
        mut push: impl FnMut(usize, &mut Records) -> precise_core::Result<()>,
    ) -> Result<ArrayRef> {
        let mut records = Records::new(record);
        let mut results = Results::new(self.function.returns, rows);
        for row in 0..rows {
            push(row, &mut records).map_err(|error| refused(self.function, error))?;
            if records.is_full() {
                records.drain(|value| results.push(&value))?;
            }
        }
        records.drain(|value| results.push(&value))?;
        Ok(results.finish())
    }
}

/// `array` with null where `mask` is true.
fn nullif(array: &ArrayRef, mask: &BooleanArray) -> Result<ArrayRef> {
    let kept = arrow_buffer::NullBuffer::new(!mask.values());
    let nulls = arrow_buffer::NullBuffer::union(array.nulls(), Some(&kept));
    let data = array.to_data().into_builder().nulls(nulls).build()?;
    Ok(arrow_array::make_array(data))
}

impl ScalarUDFImpl for CatalogScalar {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.result_type(arg_types))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        if self.takes_row() {
            row_arguments::check(self.function, &args)?;
        }
        let types: Vec<DataType> =
            args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.result_type(&types), true)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if self.takes_row() {
            row_arguments::coerce(self.function, arg_types)
        } else {
            types::coerce(self.function, arg_types)
        }
    }

    fn is_strict(&self) -> bool {
        // A row's columns may be NULL; the row is not.
        !self.takes_row()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let result = if self.takes_row() {
            self.call_row(&args.args, &self.fields(&args.arg_fields), rows)?
        } else {
            let arrays: Vec<(ArrayRef, bool)> = args
                .args
                .iter()
                .map(|arg| match arg {
                    ColumnarValue::Array(array) => Ok((array.clone(), false)),
                    ColumnarValue::Scalar(scalar) => Ok((scalar.to_array()?, true)),
                })
                .collect::<Result<_>>()?;
            match (arrays.as_slice(), args.return_field.data_type()) {
                ([(array, _)], DataType::Dictionary(..)) => self.call_dictionary(array)?,
                _ => self.call(&arrays, rows)?,
            }
        };
        if is_constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
