//! Fields of a record by their dotted paths, such as `metadata.geo.zip`: one of them, or many in
//! one pass.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

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

    /// The path of one member of the document.
    pub(crate) fn of_member(name: &str) -> Self {
        Self(alloc::vec![name.into()])
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

/// Fields that are found in one pass, however many there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    /// The first is the document, the others are what their names lead to.
    steps: Vec<Step>,
    len: usize,
}

#[derive(Clone, Debug, Default)]
struct Step {
    names: BTreeMap<Box<[u8]>, usize>,
    /// Which of the fields is here.
    field: Option<usize>,
}

impl Fields {
    /// Adds a field, and numbers it; one that is there has its number.
    pub(crate) fn add(&mut self, path: &FieldPath) -> usize {
        if self.steps.is_empty() {
            self.steps.push(Step::default());
        }
        let mut at = 0;
        for name in &path.0 {
            let known = self.steps[at].names.get(name.as_bytes()).copied();
            at = known.unwrap_or_else(|| {
                let step = self.steps.len();
                self.steps.push(Step::default());
                self.steps[at].names.insert(name.as_bytes().into(), step);
                step
            });
        }
        let Self { steps, len } = self;
        *steps[at].field.get_or_insert_with(|| {
            *len += 1;
            *len - 1
        })
    }
}

/// What stands in the fields of one record after the other. Buffers are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    found: Vec<Option<Stored>>,
    characters: Vec<u8>,
    /// The steps of the containers that are open, of those that lie on a path.
    open: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Stored {
    Boolean(bool),
    /// Its ordinal, and where its canonical spelling is.
    Number(i128, Range<usize>),
    Other,
    /// Where its characters are.
    String(Range<usize>),
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal<'s> {
    Boolean(bool),
    Number {
        /// As [`number::ordinal`].
        ordinal: i128,
        /// As the canonical form writes it.
        canonical: &'s [u8],
    },
    /// Null, an array or an object.
    Other,
    String(&'s [u8]),
}

impl Signals {
    /// Finds the fields in a canonical form.
    ///
    /// Errors: as [`Reader::read`], for what is no canonical form.
    pub(crate) fn read(
        &mut self,
        reader: &mut Reader,
        fields: &Fields,
        canonical: &[u8],
    ) -> Result<()> {
        self.found.clear();
        self.found.resize(fields.len, None);
        self.characters.clear();
        self.open.clear();
        reader.read(canonical, &mut Finder { fields, signals: self, next: Some(0), beside: 0 })
    }

    /// What stands in the field of this number; none if it is missing.
    pub(crate) fn get(&self, field: usize) -> Option<Signal<'_>> {
        Some(match self.found.get(field)?.as_ref()? {
            Stored::Boolean(boolean) => Signal::Boolean(*boolean),
            Stored::Number(ordinal, range) => {
                let canonical = &self.characters[range.clone()];
                Signal::Number { ordinal: *ordinal, canonical }
            }
            Stored::Other => Signal::Other,
            Stored::String(range) => Signal::String(&self.characters[range.clone()]),
        })
    }

    /// Notes by number which fields the record has.
    pub(crate) fn note(&self, seen: &mut Vec<bool>) {
        seen.resize(self.found.len().max(seen.len()), false);
        for (seen, found) in seen.iter_mut().zip(&self.found) {
            *seen |= found.is_some();
        }
    }

    /// The characters of a string there.
    pub(crate) fn string(&self, field: usize) -> Option<&str> {
        match self.get(field)? {
            Signal::String(characters) => core::str::from_utf8(characters).ok(),
            Signal::Boolean(_) | Signal::Number { .. } | Signal::Other => None,
        }
    }

    /// The characters of a string there, or the canonical spelling of a number.
    pub(crate) fn text(&self, field: usize) -> Option<&str> {
        match self.get(field)? {
            Signal::Number { canonical: text, .. } | Signal::String(text) => {
                core::str::from_utf8(text).ok()
            }
            Signal::Boolean(_) | Signal::Other => None,
        }
    }

    fn store(&mut self, characters: &[u8]) -> Range<usize> {
        let start = self.characters.len();
        self.characters.extend_from_slice(characters);
        start..self.characters.len()
    }
}

struct Finder<'f, 's> {
    fields: &'f Fields,
    signals: &'s mut Signals,
    /// The step of the value that comes next; none if no path goes through it.
    next: Option<usize>,
    /// Containers that are open and lie on no path.
    beside: usize,
}

impl Finder<'_, '_> {
    /// Takes the value that stands here, if it is one that is looked for.
    fn take(&mut self, stored: impl FnOnce(&mut Signals) -> Result<Stored>) -> Result<()> {
        let field = self.next.take().and_then(|step| self.fields.steps.get(step)?.field);
        if let Some(field) = field {
            let stored = stored(self.signals)?;
            self.signals.found[field] = Some(stored);
        }
        Ok(())
    }

    fn close(&mut self) {
        if self.beside > 0 {
            self.beside -= 1;
        } else {
            self.signals.open.pop();
        }
    }
}

impl Sink for Finder<'_, '_> {
    fn begin_object(&mut self) -> Result<()> {
        match self.next {
            Some(step) => self.signals.open.push(step),
            None => self.beside += 1,
        }
        self.take(|_| Ok(Stored::Other))
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if self.beside == 0 {
            let step = self.signals.open.last().and_then(|step| self.fields.steps.get(*step));
            self.next = step.and_then(|step| step.names.get(key.characters())).copied();
        }
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn begin_array(&mut self) -> Result<()> {
        self.beside += 1;
        self.take(|_| Ok(Stored::Other))
    }

    fn end_array(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn string(&mut self, string: Text<'_>) -> Result<()> {
        self.take(|signals| Ok(Stored::String(signals.store(string.characters()))))
    }

    fn number(&mut self, number: Literal<'_>) -> Result<()> {
        self.take(|signals| {
            Ok(Stored::Number(number::ordinal(number)?, signals.store(number.text)))
        })
    }

    fn boolean(&mut self, boolean: bool) -> Result<()> {
        self.take(|_| Ok(Stored::Boolean(boolean)))
    }

    fn null(&mut self) -> Result<()> {
        self.take(|_| Ok(Stored::Other))
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

    #[test]
    fn many_fields_are_found_in_one_pass() -> Result<()> {
        let canonical =
            br#"{"a":{"a":{"id":7.5},"id":"x\"y"},"b":[{"id":1},2],"c":null,"id":true}"#;
        let mut fields = Fields::default();
        let paths = ["id", "a.id", "a", "a.a.id", "b", "b.id", "c", "c.id", "id.id", "d", "a.b"];
        let paths: Vec<FieldPath> =
            paths.into_iter().map(FieldPath::parse).collect::<Result<_>>()?;
        let numbers: Vec<usize> = paths.iter().map(|path| fields.add(path)).collect();
        assert_eq!(numbers, (0..paths.len()).collect::<Vec<_>>());
        assert_eq!(fields.add(&paths[3]), 3);
        let (mut reader, mut signals) = (Reader::default(), Signals::default());
        for _ in 0..2 {
            signals.read(&mut reader, &fields, canonical)?;
            assert_eq!(signals.get(0), Some(Signal::Boolean(true)));
            assert_eq!((signals.string(1), signals.text(1)), (Some("x\"y"), Some("x\"y")));
            assert_eq!((signals.string(3), signals.text(3)), (None, Some("7.5")));
            for other in [2, 4, 6] {
                assert_eq!(signals.get(other), Some(Signal::Other), "{:?}", paths[other]);
            }
            for missing in [5, 7, 8, 9, 10, 11] {
                assert_eq!(signals.get(missing), None, "{missing}");
            }
            for scalar in ["[]", "\"a\"", "1", "null", "[{\"id\":1}]", "{}"] {
                signals.read(&mut reader, &fields, scalar.as_bytes())?;
                assert!((0..paths.len()).all(|field| signals.get(field).is_none()), "{scalar}");
            }
        }
        Ok(())
    }
}
