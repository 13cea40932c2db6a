//! One field of a record by its dotted path, such as `metadata.geo.zip`.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};
use crate::json::{Place, Reader, Sink, Text};
use crate::number::{self, Gate, Literal};

/// A dotted path of member names. A name that contains a dot cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Cuts `path` at its dots.
    ///
    /// Error: PR113 if a name is empty.
    pub fn parse(path: &str) -> Result<Self> {
        let names: Vec<String> = path.split('.').map(Into::into).collect();
        if names.iter().any(String::is_empty) {
            return Err(Error::new(Code::RecordId).because("a name in the field's path is empty"));
        }
        Ok(Self(names))
    }

    /// The record id that stands here in `canonical`: a string's characters, or a number as the
    /// canonical form writes it.
    ///
    /// Error: PR113 if the field is missing, empty, or neither string nor number.
    pub fn record_id(&self, reader: &mut Reader, canonical: &[u8]) -> Result<String> {
        let fault = |detail: &'static str| {
            Error::new(Code::RecordId).at_path(self.json_path()).because(detail)
        };
        match self.find(reader, canonical)? {
            None => Err(fault("the field is missing")),
            Some(Found::Other) => Err(fault("the field is neither a string nor a number")),
            Some(Found::Scalar(Scalar::Number(id) | Scalar::String(id))) if !id.is_empty() => {
                Ok(id)
            }
            Some(Found::Scalar(_)) => Err(fault("the field is empty")),
        }
    }

    /// The string or number that stands here in `canonical`; None for anything else, or nothing.
    ///
    /// Errors: as [`Reader::read`], for what is no canonical form.
    pub fn scalar(&self, reader: &mut Reader, canonical: &[u8]) -> Result<Option<Scalar>> {
        Ok(match self.find(reader, canonical)? {
            Some(Found::Scalar(scalar)) => Some(scalar),
            Some(Found::Other) | None => None,
        })
    }

    fn find(&self, reader: &mut Reader, canonical: &[u8]) -> Result<Option<Found>> {
        let mut search = Search { path: &self.0, depth: 0, matched: 0, here: false, found: None };
        reader.read(canonical, &mut search)?;
        Ok(search.found)
    }

    fn json_path(&self) -> String {
        let mut path = String::from("$");
        for name in &self.0 {
            crate::canonical::append_name(name.as_bytes(), &mut path);
        }
        path
    }
}

/// The value of a field that can name something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// As the canonical form writes it.
    Number(String),
    /// Its characters.
    String(String),
}

impl Scalar {
    /// The text of either.
    pub fn as_str(&self) -> &str {
        let (Self::Number(text) | Self::String(text)) = self;
        text
    }
}

enum Found {
    Scalar(Scalar),
    Other,
}

struct Search<'p> {
    path: &'p [String],
    /// Containers that are open.
    depth: usize,
    /// How many of them, from the outside, lie on the path (the document itself not counted).
    matched: usize,
    /// Whether the value that comes next is the next step of the path.
    here: bool,
    found: Option<Found>,
}

impl Search<'_> {
    fn last_step(&mut self) -> bool {
        core::mem::take(&mut self.here) && self.matched + 1 == self.path.len()
    }

    fn scalar(&mut self, value: impl FnOnce() -> Found) {
        if self.last_step() {
            self.found = Some(value());
        }
    }

    fn open(&mut self, object: bool) {
        let here = self.here;
        if self.last_step() {
            self.found = Some(Found::Other);
        } else if here && object {
            self.matched += 1;
        }
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.matched = self.matched.min(self.depth.saturating_sub(1));
    }
}

impl Sink for Search<'_> {
    fn begin_object(&mut self) -> Result<()> {
        self.open(true);
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        // An object on the path, at depth d, has matched d − 1 names; any other one fewer.
        self.here = self.depth == self.matched + 1
            && key.characters() == self.path[self.matched].as_bytes();
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn begin_array(&mut self) -> Result<()> {
        self.open(false);
        Ok(())
    }

    fn end_array(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.scalar(|| {
            let characters = String::from_utf8_lossy(string.characters()).into_owned();
            Found::Scalar(Scalar::String(characters))
        });
        Ok(())
    }

    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        let mut canonical = Vec::new();
        number::append(number, Gate::Exact, &mut canonical)?;
        self.scalar(|| {
            Found::Scalar(Scalar::Number(String::from_utf8_lossy(&canonical).into_owned()))
        });
        Ok(())
    }

    fn boolean(&mut self, _: bool) -> Result<()> {
        self.scalar(|| Found::Other);
        Ok(())
    }

    fn null(&mut self) -> Result<()> {
        self.scalar(|| Found::Other);
        Ok(())
    }

    fn path(&self, _: Place) -> String {
        "$".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_id(path: &str, canonical: &str) -> Result<String> {
        FieldPath::parse(path)?.record_id(&mut Reader::default(), canonical.as_bytes())
    }

    #[test]
    fn finds_strings_and_numbers_at_any_depth() {
        let record = r#"{"a":{"a":{"id":7.5},"id":"x\"y"},"b":[{"id":1}],"id":"top"}"#;
        assert_eq!(record_id("id", record).unwrap(), "top");
        assert_eq!(record_id("a.id", record).unwrap(), "x\"y");
        assert_eq!(record_id("a.a.id", record).unwrap(), "7.5");
    }

    #[test]
    fn refuses_what_is_no_id() {
        let record = r#"{"a":{"id":""},"b":[{"id":1}],"n":null,"o":{"p":{}},"t":true}"#;
        for path in ["id", "a.id", "b.id", "b", "n", "o", "o.p", "t", "a.id.x", "o.p.q", "p", "p.q"]
        {
            let error = record_id(path, record).unwrap_err();
            assert_eq!(error.code(), Code::RecordId, "{path}");
        }
        assert_eq!(record_id("id", "[1]").unwrap_err().path(), Some("$.id"));
        for path in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(FieldPath::parse(path).unwrap_err().code(), Code::RecordId, "{path}");
        }
    }
}
