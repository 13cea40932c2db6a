//! Rows of columns instead of documents: `precise-row-1` (SPEC.md section 1.4).

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};
use crate::json::{Sink, Text};

/// The names of a row's columns, with A–Z lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<String>);

impl Columns {
    /// Takes the names in column order.
    ///
    /// Errors: PR101 or PR108 for a name that is no text, PR112 for one that is empty or, after
    /// folding, equal to another.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Result<Self> {
        let mut folded: Vec<String> = Vec::new();
        for name in names {
            check_text(name)?;
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if name.is_empty() {
                let detail = alloc::format!("column {} has no name", folded.len() + 1);
                return Err(Error::new(Code::ColumnNames).because(detail));
            }
            folded.push(name);
        }
        let mut sorted: Vec<&String> = folded.iter().collect();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                Err(Error::new(Code::ColumnNames).because(alloc::format!("{:?}", pair[0])))
            }
            None => Ok(Self(folded)),
        }
    }

    /// The names, in column order.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Feeds a row of text cells to `sink` as an object.
    ///
    /// Errors: PR110 for another number of cells, PR101 and PR108 for a cell that is no text, and
    /// what the sink refuses.
    pub(crate) fn write_text_row<'c, S: Sink>(
        &self,
        cells: impl ExactSizeIterator<Item = &'c [u8]>,
        sink: &mut S,
    ) -> Result<()> {
        if cells.len() != self.0.len() {
            return Err(Error::new(Code::CellCount).at_path("$".into()).because(alloc::format!(
                "{} instead of {}",
                cells.len(),
                self.0.len()
            )));
        }
        sink.begin_object()?;
        for (name, cell) in self.0.iter().zip(cells) {
            sink.key(Text::Unescaped(name.as_bytes()))?;
            check_text(cell).and_then(|()| sink.string(Text::Unescaped(cell))).map_err(
                |error| {
                    if error.path().is_some() {
                        error
                    } else {
                        let path = sink.path(crate::json::Place::Value);
                        error.at_path(path)
                    }
                },
            )?;
        }
        sink.end_object()
    }
}

/// Errors: PR101, PR108.
fn check_text(text: &[u8]) -> Result<()> {
    if core::str::from_utf8(text).is_err() {
        return Err(Error::new(Code::InvalidUtf8));
    }
    if text.contains(&0) {
        return Err(Error::new(Code::NullCharacter));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Canonicalizer;

    fn columns(names: &[&str]) -> Result<Columns> {
        Columns::new(names.iter().map(|name| name.as_bytes()))
    }

    fn row(names: &[&str], cells: &[&[u8]]) -> Result<String> {
        let mut out = Vec::new();
        let columns = columns(names)?;
        Canonicalizer::default().append_text_row(&columns, cells.iter().copied(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn names_fold_and_cells_stay_text() {
        let canonical = row(&["Zip", "ÄÖ", "a"], &[b"007", b"", b"say \"hi\"\\,\n"]).unwrap();
        assert_eq!(canonical, r#"{"a":"say \"hi\"\\,\n","zip":"007","ÄÖ":""}"#);
    }

    #[test]
    fn names_that_are_empty_or_equal_are_refused() {
        for names in [&["a", ""][..], &["a", "b", "A"]] {
            assert_eq!(columns(names).unwrap_err().code(), Code::ColumnNames, "{names:?}");
        }
    }

    #[test]
    fn rows_that_are_no_rows_are_refused_with_their_place() {
        let error = |cells: &[&[u8]]| row(&["a", "b c"], cells).unwrap_err();
        assert_eq!(error(&[b"1"]).code_and_path(), "PR110 $");
        assert_eq!(error(&[b"1", b"2", b"3"]).code_and_path(), "PR110 $");
        assert_eq!(error(&[b"1", b"\xFF"]).code_and_path(), "PR101 $[\"b c\"]");
        assert_eq!(error(&[b"\0", b"2"]).code_and_path(), "PR108 $.a");
    }
}
