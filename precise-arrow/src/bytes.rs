//! A column of text or bytes, whatever its layout.

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray,
    StringArray, StringViewArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

/// The cells of a column of text or bytes.
///
/// ```
/// use arrow_array::StringViewArray;
/// let array = StringViewArray::from(vec![Some("{}"), None]);
/// let column = precise_arrow::ByteColumn::of(&array).ok_or("a column of numbers")?;
/// assert_eq!(column.get(0), Some(&b"{}"[..]));
/// assert_eq!(column.get(1), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug)]
pub enum ByteColumn<'a> {
    /// 32-bit offsets.
    Binary(&'a BinaryArray),
    /// Views.
    BinaryView(&'a BinaryViewArray),
    /// Keys into a column of values.
    Dictionary(Dictionary<'a>),
    /// Cells of one length.
    FixedSizeBinary(&'a FixedSizeBinaryArray),
    /// 64-bit offsets.
    LargeBinary(&'a LargeBinaryArray),
    /// 64-bit offsets.
    LargeUtf8(&'a LargeStringArray),
    /// No cell has a value.
    Null,
    /// 32-bit offsets.
    Utf8(&'a StringArray),
    /// Views.
    Utf8View(&'a StringViewArray),
}

/// What a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// Bytes.
    Bytes,
    /// Nothing: all are NULL.
    Null,
    /// Text in UTF-8.
    Text,
}

/// A dictionary's keys and values.
#[derive(Debug)]
pub struct Dictionary<'a> {
    keys: Vec<usize>,
    nulls: Option<NullBuffer>,
    values: Box<ByteColumn<'a>>,
}

impl<'a> ByteColumn<'a> {
    /// Looks at a column; none if it holds neither text nor bytes.
    pub fn of(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Binary => Self::Binary(array.as_binary()),
            DataType::BinaryView => Self::BinaryView(array.as_binary_view()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                Self::Dictionary(Dictionary {
                    // Of no values there are no keys, and none may be asked for.
                    keys: if dictionary.values().is_empty() {
                        vec![0; array.len()]
                    } else {
                        dictionary.normalized_keys()
                    },
                    nulls: dictionary.keys().nulls().cloned(),
                    values: Box::new(Self::of(dictionary.values().as_ref())?),
                })
            }
            DataType::FixedSizeBinary(_) => Self::FixedSizeBinary(array.as_fixed_size_binary()),
            DataType::LargeBinary => Self::LargeBinary(array.as_binary()),
            DataType::LargeUtf8 => Self::LargeUtf8(array.as_string()),
            DataType::Null => Self::Null,
            DataType::Utf8 => Self::Utf8(array.as_string()),
            DataType::Utf8View => Self::Utf8View(array.as_string_view()),
            _ => return None,
        })
    }

    /// What columns of this type hold; none if it is neither text nor bytes.
    pub fn cell_type(data_type: &DataType) -> Option<CellType> {
        match data_type {
            DataType::Binary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
            | DataType::LargeBinary => Some(CellType::Bytes),
            DataType::Dictionary(_, values) => Self::cell_type(values),
            DataType::LargeUtf8 | DataType::Utf8 | DataType::Utf8View => Some(CellType::Text),
            DataType::Null => Some(CellType::Null),
            _ => None,
        }
    }

    /// The cell of row `row`; none if it is NULL.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'a [u8]> {
        fn valid(array: &dyn Array, row: usize) -> Option<()> {
            array.is_valid(row).then_some(())
        }
        match self {
            Self::Binary(array) => valid(*array, row).map(|()| array.value(row)),
            Self::BinaryView(array) => valid(*array, row).map(|()| array.value(row)),
            Self::Dictionary(Dictionary { keys, nulls, values }) => {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    None
                } else {
                    values.get(keys[row])
                }
            }
            Self::FixedSizeBinary(array) => valid(*array, row).map(|()| array.value(row)),
            Self::LargeBinary(array) => valid(*array, row).map(|()| array.value(row)),
            Self::LargeUtf8(array) => valid(*array, row).map(|()| array.value(row).as_bytes()),
            Self::Null => None,
            Self::Utf8(array) => valid(*array, row).map(|()| array.value(row).as_bytes()),
            Self::Utf8View(array) => valid(*array, row).map(|()| array.value(row).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int8Type;
    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, NullArray};

    use super::*;

    #[test]
    fn every_layout_gives_the_same_cells() {
        let texts = [Some("a"), None, Some("")];
        let bytes: [Option<&[u8]>; 3] = [Some(b"a"), None, Some(b"")];
        let layouts: [ArrayRef; 7] = [
            Arc::new(StringArray::from_iter(texts)),
            Arc::new(LargeStringArray::from_iter(texts)),
            Arc::new(StringViewArray::from_iter(texts)),
            Arc::new(BinaryArray::from_iter(bytes)),
            Arc::new(LargeBinaryArray::from_iter(bytes)),
            Arc::new(BinaryViewArray::from_iter(bytes)),
            Arc::new(texts.into_iter().collect::<DictionaryArray<Int8Type>>()),
        ];
        for layout in &layouts {
            assert!(ByteColumn::cell_type(layout.data_type()).is_some());
            let column = ByteColumn::of(layout).unwrap();
            let found: Vec<_> = (0..3).map(|row| column.get(row)).collect();
            assert_eq!(found, bytes, "{}", layout.data_type());
        }
        assert_eq!(ByteColumn::of(&NullArray::new(1)).unwrap().get(0), None);
        assert!(ByteColumn::of(&Int32Array::from(vec![1])).is_none());
        assert_eq!(ByteColumn::cell_type(&DataType::Int32), None);
    }

    #[test]
    fn a_dictionary_without_values_holds_nothing() {
        let nulls: DictionaryArray<Int8Type> = [None::<&str>, None].into_iter().collect();
        let column = ByteColumn::of(&nulls).unwrap();
        assert_eq!((column.get(0), column.get(1)), (None, None));
    }
}
