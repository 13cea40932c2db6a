//! What the engines pass in and get back: the vocabulary all bindings share.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::error::Result;

/// The type of an argument or a result. Each engine has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// BOOLEAN
    Boolean,
    /// BYTEA, BINARY, BYTES
    Bytes,
    /// NUMERIC, DECIMAL: an exact number of any length.
    Decimal,
    /// DOUBLE PRECISION
    Float,
    /// BIGINT
    Integer,
    /// JSON text, or the engine's own JSON type. As a result: text in JCS form.
    Json,
    /// A row of columns, or a struct. As a value it is the JSON text of its cells; an engine that
    /// has rows writes them with a [`RowEncoder`](crate::row::RowEncoder) instead.
    Row,
    /// TEXT, VARCHAR, STRING
    Text,
}

impl Type {
    /// The name the catalogue shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Bytes => "bytes",
            Self::Decimal => "numeric",
            Self::Float => "double",
            Self::Integer => "bigint",
            Self::Json => "json",
            Self::Row => "row",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value. It borrows, so that arguments come in without a copy.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A truth value.
    Boolean(bool),
    /// Raw bytes.
    Bytes(Cow<'a, [u8]>),
    /// An exact number, as text: perhaps a sign, digits, and perhaps a point and more digits. An
    /// argument is not yet checked for that.
    Decimal(Cow<'a, str>),
    /// A binary64, finite in a result.
    Float(f64),
    /// A 64-bit integer.
    Integer(i64),
    /// JSON text, not yet checked, not even for UTF-8. As a result: in JCS form.
    Json(Cow<'a, [u8]>),
    /// SQL NULL. (JSON null is a JSON text.)
    Null,
    /// Text.
    Text(Cow<'a, str>),
}

/// No function takes a NaN, or gives one.
impl Eq for Value<'_> {}

impl Value<'_> {
    /// The type; NULL has all of them.
    pub fn type_of(&self) -> Option<Type> {
        match self {
            Self::Boolean(_) => Some(Type::Boolean),
            Self::Bytes(_) => Some(Type::Bytes),
            Self::Decimal(_) => Some(Type::Decimal),
            Self::Float(_) => Some(Type::Float),
            Self::Integer(_) => Some(Type::Integer),
            Self::Json(_) => Some(Type::Json),
            Self::Null => None,
            Self::Text(_) => Some(Type::Text),
        }
    }

    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Decimal(text) => Value::Decimal(Cow::Owned(text.into_owned())),
            Self::Float(float) => Value::Float(float),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Json(json) => Value::Json(Cow::Owned(json.into_owned())),
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

/// A hash as bytes.
impl From<[u8; 32]> for Value<'_> {
    fn from(hash: [u8; 32]) -> Self {
        Self::Bytes(Cow::Owned(hash.into()))
    }
}

/// A scalar function at one place from which it is called, row after row.
///
/// What comes of a call depends on its arguments alone. What it keeps from one call for the next is
/// what it has read out of them: where one stays the same, it is not read again.
pub trait Callee: fmt::Debug + Send + Sync {
    /// Takes one row's arguments.
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>>;
}

/// What an argument was read as, for as long as it stays the same.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    source: Vec<u8>,
    read: Option<T>,
}

impl<T> Kept<T> {
    /// What `source` is read as; if it is the one of the last call, `read` is not called.
    ///
    /// Errors: those of `read`. Nothing is kept of what is refused.
    pub(crate) fn get(
        &mut self,
        source: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<&T> {
        if self.source != source {
            self.read = None;
        }
        match &mut self.read {
            Some(read) => Ok(read),
            empty => {
                let read = read(source)?;
                self.source.clear();
                self.source.extend_from_slice(source);
                Ok(empty.insert(read))
            }
        }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { source: Vec::new(), read: None }
    }
}

/// The state of an aggregate: fed in any order, in any number of places, and merged.
pub trait Accumulator: fmt::Debug + Send + Sync {
    /// Takes one row's arguments; a NULL among them skips the row.
    fn update(&mut self, args: &[Value<'_>]) -> Result<()>;
    /// Takes another accumulator's [`state`](Accumulator::state).
    fn merge(&mut self, state: &[u8]) -> Result<()>;
    /// The state as bytes; SPEC.md says which. It is handed out, not copied: what stays behind is
    /// empty.
    fn state(&mut self) -> Vec<u8>;
    /// The state that stored ones and this one come to together, given to `write` in pieces.
    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()>;
    /// The result so far; NULL if no row came. More rows may follow, as in a window.
    fn finish(&mut self) -> Result<Value<'static>> {
        self.finish_over(&mut [])
    }
    /// As [`finish`](Accumulator::finish), over states that were stored as well.
    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>>;
    /// Bytes of memory held.
    fn size(&self) -> usize;
}

/// A [`state`](Accumulator::state) that an engine has put away, for want of memory, and reads from
/// its beginning.
pub trait StoredState {
    /// Fills `bytes` with what comes next: with how many, fewer than there is room for at the end
    /// alone.
    fn read(&mut self, bytes: &mut [u8]) -> usize;
}

/// Bytes in memory.
impl StoredState for &[u8] {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let len = bytes.len().min(self.len());
        let (now, later) = self.split_at(len);
        bytes[..len].copy_from_slice(now);
        *self = later;
        len
    }
}

/// Shorthand for a JSON result.
pub(crate) fn json(text: String) -> Value<'static> {
    Value::Json(Cow::Owned(text.into_bytes()))
}

/// Shorthand for a text result.
pub(crate) fn text(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    #[test]
    fn what_stays_the_same_is_read_once() -> Result<()> {
        let mut kept = Kept::default();
        let mut reads = 0;
        for source in ["", "", "a", "a", "b", "a"] {
            let read = kept.get(source.as_bytes(), |source| {
                reads += 1;
                Ok(source.len())
            })?;
            assert_eq!(*read, source.len(), "{source:?}");
        }
        assert_eq!(reads, 4);
        Ok(())
    }

    #[test]
    fn what_is_refused_is_not_kept() -> Result<()> {
        let mut kept = Kept::default();
        let refuse = |_: &[u8]| Err(Error::new(Code::Policy));
        assert_eq!(kept.get(b"a", |_| Ok(1))?, &1);
        assert!(kept.get(b"b", refuse).is_err());
        assert!(kept.get(b"a", refuse).is_err());
        assert_eq!(kept.get(b"b", |_| Ok(2))?, &2);
        Ok(())
    }
}
