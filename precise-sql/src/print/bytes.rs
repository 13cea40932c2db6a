//! What Arrow would write in another way: bytes, which are `0x` and hex digits, on their own and
//! inside of lists, structures and maps; and in JSON, dates that are out of range, which are
//! errors.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use arrow::array::{AnyDictionaryArray, Array, ArrayAccessor, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder};
use arrow::util::display::{
    ArrayFormatter, ArrayFormatterFactory, DisplayIndex, FormatOptions, FormatResult,
};

use crate::unpoisoned;

/// What Arrow asks how bytes are to be written.
#[derive(Debug)]
pub(super) struct HexBytes;

/// Options under which bytes are hex digits.
pub(super) fn options(options: FormatOptions<'_>) -> FormatOptions<'_> {
    options.with_formatter_factory(Some(&HexBytes))
}

/// What Arrow asks how values are to be written as JSON. It does not ask whether they can be: the
/// first that cannot be is kept here.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoders(Arc<Mutex<Option<ArrowError>>>);

impl Encoders {
    /// Fails if something could not be written.
    pub(super) fn check(&self) -> Result<(), ArrowError> {
        unpoisoned(self.0.lock()).take().map_or(Ok(()), Err)
    }
}

/// What writes the cells of a column. Arrow asks the factory for what is inside of a cell only.
pub(super) fn formatter<'a>(
    array: &'a dyn Array,
    options: &FormatOptions<'a>,
) -> Result<ArrayFormatter<'a>, ArrowError> {
    match HexBytes.create_array_formatter(array, options, None)? {
        Some(formatter) => Ok(formatter),
        None => ArrayFormatter::try_new(array, options),
    }
}

/// Calls `$with` on an array of bytes, whichever of Arrow's it is.
macro_rules! on_bytes {
    ($array:expr, $with:expr) => {
        match $array.data_type() {
            DataType::Binary => Some($with($array.as_binary::<i32>())),
            DataType::LargeBinary => Some($with($array.as_binary::<i64>())),
            DataType::BinaryView => Some($with($array.as_binary_view())),
            DataType::FixedSizeBinary(_) => Some($with($array.as_fixed_size_binary())),
            _ => None,
        }
    };
}

impl ArrayFormatterFactory for HexBytes {
    fn create_array_formatter<'a>(
        &self,
        array: &'a dyn Array,
        options: &FormatOptions<'a>,
        _: Option<&'a Field>,
    ) -> Result<Option<ArrayFormatter<'a>>, ArrowError> {
        let null = options.null();
        let cells = match array.as_any_dictionary_opt() {
            // Arrow does not ask again for the values.
            Some(dictionary) => {
                let values = self.create_array_formatter(dictionary.values(), options, None)?;
                values.map(|values| boxed_entries(dictionary, values, null))
            }
            None => on_bytes!(array, |array| boxed_cells(array, null)),
        };
        Ok(cells.map(|cells| ArrayFormatter::new(cells, options.safe())))
    }
}

impl EncoderFactory for Encoders {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder = if array.data_type().is_temporal() {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::new())?;
            Some(Box::new(Moments(formatter, self.clone())) as Box<dyn Encoder>)
        } else {
            on_bytes!(array, boxed_encoder)
        };
        Ok(encoder.map(|encoder| NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

/// An array of bytes, and what stands for null in it.
struct Cells<'a, A>(A, &'a str);

fn boxed_cells<'a, A>(array: A, null: &'a str) -> Box<dyn DisplayIndex + 'a>
where
    A: ArrayAccessor<Item = &'a [u8]> + 'a,
{
    Box::new(Cells(array, null))
}

fn boxed_encoder<'a, A>(array: A) -> Box<dyn Encoder + 'a>
where
    A: ArrayAccessor<Item = &'a [u8]> + 'a,
{
    Box::new(Cells(array, ""))
}

impl<'a, A: ArrayAccessor<Item = &'a [u8]>> DisplayIndex for Cells<'a, A> {
    fn write(&self, index: usize, to: &mut dyn Write) -> FormatResult {
        if self.0.is_null(index) {
            to.write_str(self.1)?;
            return Ok(());
        }
        to.write_str("0x")?;
        for byte in self.0.value(index) {
            for digit in digits(*byte) {
                to.write_char(digit.into())?;
            }
        }
        Ok(())
    }
}

impl<'a, A: ArrayAccessor<Item = &'a [u8]>> Encoder for Cells<'a, A> {
    fn encode(&mut self, index: usize, to: &mut Vec<u8>) {
        to.extend_from_slice(b"\"0x");
        for byte in self.0.value(index) {
            to.extend(digits(*byte));
        }
        to.push(b'"');
    }
}

/// Dates, times and spans, in which there is nothing to escape.
struct Moments<'a>(ArrayFormatter<'a>, Encoders);

impl Encoder for Moments<'_> {
    fn encode(&mut self, index: usize, to: &mut Vec<u8>) {
        let mut text = String::new();
        if let Err(error) = self.0.value(index).write(&mut text) {
            unpoisoned(self.1.0.lock()).get_or_insert(error);
        }
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    }
}

/// A dictionary: where each cell's value is, the values, and what stands for null.
struct Entries<'a> {
    keys: Vec<usize>,
    nulls: Option<NullBuffer>,
    values: ArrayFormatter<'a>,
    null: &'a str,
}

fn boxed_entries<'a>(
    dictionary: &'a dyn AnyDictionaryArray,
    values: ArrayFormatter<'a>,
    null: &'a str,
) -> Box<dyn DisplayIndex + 'a> {
    // Without values every cell is null, and Arrow would not have it.
    let keys = if dictionary.values().is_empty() { vec![] } else { dictionary.normalized_keys() };
    Box::new(Entries { keys, nulls: dictionary.nulls().cloned(), values, null })
}

impl DisplayIndex for Entries<'_> {
    fn write(&self, index: usize, to: &mut dyn Write) -> FormatResult {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(index)) {
            to.write_str(self.null)?;
            return Ok(());
        }
        Ok(self.values.value(self.keys[index]).write(to)?)
    }
}

fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}
