//! CSV as SPEC.md section 1.6 reads it: text cells that stay text, whatever ends their lines.

use std::io::Read;
use std::sync::Arc;

use csv_core::ReadRecordResult;
use precise_core::row::Columns;
use precise_core::{Code, Error};

use super::backslash::BackslashReader;
use super::{Cells, Input, MAX_RECORD_LEN, PIECE_LEN, Piece, Rows, SHOWN_LEN, fill, too_long};
use crate::failure::{Failure, Result};

/// With a column of records, its cells are JSON texts; without one, each line is a record of text
/// cells.
pub(super) fn read(
    input: &Input,
    source: &mut dyn Read,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let mut splitter = Splitter::new(source, input);
    let refused = |error| Failure::refused(format!("cannot read {}", input.path.display()), error);
    let columns = match splitter.next(input)? {
        None if input.backslashes => {
            let path = input.path.display();
            let message = format!("{path} is empty; a log begins with the names of its columns");
            return Err(Failure::Usage(message));
        }
        None => return Ok(()),
        Some(Record { fault: Some(error), .. }) => return Err(refused(error)),
        Some(Record { fault: None, .. }) => {
            Arc::new(Columns::new(splitter.cells()).map_err(refused)?)
        }
    };
    let layout = Layout::of(input, columns)?;
    let mut rows = layout.begin();
    while let Some(record) = splitter.next(input)? {
        layout.push(&mut rows, &splitter, record);
        if rows.is_full() {
            each(Piece::Rows(std::mem::replace(&mut rows, layout.begin())))?;
        }
    }
    if rows.list.is_empty() { Ok(()) } else { each(Piece::Rows(rows)) }
}

/// Which columns of the file count.
struct Layout {
    columns: Arc<Columns>,
    /// The one of JSON texts; None: the line is the record.
    record: Option<usize>,
    /// Beside it, the one that says whose the record is.
    member: Option<usize>,
}

impl Layout {
    fn of(input: &Input, columns: Arc<Columns>) -> Result<Self> {
        let record = match input.record_column(columns.names()) {
            None => {
                input.demand_columns(columns.names())?;
                return Ok(Self { columns, record: None, member: None });
            }
            Some(name) => column_index(input, &columns, name)?,
        };
        let member = input.member_column().and_then(|name| position(&columns, name));
        Ok(Self { columns, record: Some(record), member })
    }

    fn begin(&self) -> Rows {
        let cells = || Cells {
            columns: self.columns.clone(),
            text: Vec::new(),
            ends: Vec::new(),
            row_ends: Vec::new(),
        };
        Rows {
            cells: self.record.is_none().then(cells),
            members: self.member.map(|_| Vec::new()),
            ..Rows::default()
        }
    }

    fn push(&self, rows: &mut Rows, splitter: &Splitter<'_>, record: Record) {
        if let Some(cells) = &mut rows.cells {
            for cell in splitter.cells() {
                cells.text.extend_from_slice(cell);
                cells.ends.push(cells.text.len());
            }
            cells.row_ends.push(cells.ends.len());
            rows.push(&splitter.raw, record.fault);
            return;
        }
        let count = splitter.cells().len();
        let mut fault = record.fault.or_else(|| {
            let detail = format!("{count} instead of {}", self.columns.names().len());
            let error = Error::new(Code::CellCount).at_path("$".into()).because(detail);
            (count != self.columns.names().len()).then_some(error)
        });
        if let (Some(members), Some(index)) = (&mut rows.members, self.member) {
            let cell = splitter.cells().nth(index).unwrap_or_default();
            let text = str::from_utf8(cell).ok().filter(|text| !text.is_empty());
            members.push(text.map(Into::into));
            if str::from_utf8(cell).is_err() && fault.is_none() {
                fault = Some(Error::new(Code::InvalidUtf8).at_path("$".into()));
            }
        }
        match splitter.cells().nth(self.record.unwrap_or_default()) {
            Some(cell) if fault.is_none() => rows.push(cell, None),
            _ => rows.push(&splitter.raw, fault),
        }
    }
}

fn column_index(input: &Input, columns: &Columns, name: &str) -> Result<usize> {
    position(columns, name).ok_or_else(|| input.no_column(name, columns.names()))
}

fn position(columns: &Columns, name: &str) -> Option<usize> {
    let folded = name.to_ascii_lowercase();
    columns.names().iter().position(|column| *column == folded)
}

/// A record that was split; its cells and its raw bytes are in the splitter.
struct Record {
    fault: Option<Error>,
}

struct Splitter<'s> {
    source: &'s mut dyn Read,
    reader: Reader,
    delimiter: u8,
    buffer: Vec<u8>,
    /// What of `buffer` was split already.
    used: usize,
    ended: bool,
    /// The record as it stands in the file, without its line end, or its beginning.
    raw: Vec<u8>,
    raw_len: u64,
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
}

/// What finds the ends of cells.
enum Reader {
    Plain(Box<csv_core::Reader>),
    Backslash(BackslashReader),
}

impl Reader {
    fn of(input: &Input) -> Self {
        if input.backslashes {
            return Self::Backslash(BackslashReader::new(input.delimiter));
        }
        // Without a terminator of its own choice it takes CR, LF and CRLF.
        let reader = csv_core::ReaderBuilder::new().delimiter(input.delimiter).build();
        Self::Plain(Box::new(reader))
    }

    fn read_record(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        ends: &mut [usize],
    ) -> (ReadRecordResult, usize, usize, usize) {
        match self {
            Self::Plain(reader) => reader.read_record(input, output, ends),
            Self::Backslash(reader) => reader.read_record(input, output, ends),
        }
    }

    fn is_escape(&self, byte: u8) -> bool {
        byte == b'\\' && matches!(self, Self::Backslash(_))
    }
}

impl<'s> Splitter<'s> {
    fn new(source: &'s mut dyn Read, input: &Input) -> Self {
        Self {
            source,
            reader: Reader::of(input),
            delimiter: input.delimiter,
            buffer: Vec::new(),
            used: 0,
            ended: false,
            raw: Vec::new(),
            raw_len: 0,
            text: vec![0; 1 << 12],
            text_len: 0,
            ends: vec![0; 1 << 8],
            ends_len: 0,
        }
    }

    fn cells(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends_len).map(|i| {
            let start = if i == 0 { 0 } else { self.ends[i - 1] };
            &self.text[start..self.ends[i]]
        })
    }

    fn next(&mut self, input: &Input) -> Result<Option<Record>> {
        self.raw.clear();
        self.raw_len = 0;
        self.text_len = 0;
        self.ends_len = 0;
        let mut open_quote = false;
        loop {
            if self.used == self.buffer.len() && !self.ended {
                self.buffer.clear();
                self.used = 0;
                self.ended = fill(self.source, &mut self.buffer, PIECE_LEN)
                    .map_err(|error| input.failed(&error))?;
                if self.ended && !matches!(self.buffer.last(), Some(b'\n')) {
                    // A last line without its end gets one. If it does not end the line, it went
                    // into a quote that is still open.
                    self.buffer.push(b'\n');
                }
            }
            let (result, read, written, ends) = self.reader.read_record(
                &self.buffer[self.used..],
                &mut self.text[self.text_len..],
                &mut self.ends[self.ends_len..],
            );
            self.keep_raw(read);
            self.text_len += written;
            self.ends_len += ends;
            match result {
                ReadRecordResult::InputEmpty => open_quote = self.ended,
                ReadRecordResult::OutputFull if self.text.len() > 2 * MAX_RECORD_LEN => {
                    // The record is refused: its text is no longer needed.
                    self.text_len = 0;
                    self.ends_len = 0;
                }
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => return Ok(Some(self.record(open_quote))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Copies the bytes just split, as far as they are kept.
    fn keep_raw(&mut self, read: usize) {
        let raw = &self.buffer[self.used..self.used + read];
        self.used += read;
        self.raw_len += read as u64;
        let room = (MAX_RECORD_LEN + 2).saturating_sub(self.raw.len());
        self.raw.extend_from_slice(&raw[..raw.len().min(room)]);
    }

    fn record(&mut self, open_quote: bool) -> Record {
        while let Some(b'\r' | b'\n') = self.raw.last() {
            self.raw.pop();
        }
        // Blank lines in front were passed over with it.
        let blank = self.raw.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
        self.raw.drain(..blank);
        let fault = if self.raw_len > MAX_RECORD_LEN as u64 {
            self.raw.truncate(SHOWN_LEN);
            self.ends_len = 0;
            Some(too_long(self.raw_len))
        } else if open_quote {
            Some(Error::new(Code::OpenQuote).at_path("$".into()))
        } else if !quotes_close(&self.raw, self.delimiter, &|byte| self.reader.is_escape(byte)) {
            Some(Error::new(Code::ClosingQuote).at_path("$".into()))
        } else {
            None
        };
        Record { fault }
    }
}

/// Whether each quoted cell of a line ends at its closing quote. The splitter would let it go on,
/// and so give two lines the same cells.
fn quotes_close(line: &[u8], delimiter: u8, is_escape: &dyn Fn(u8) -> bool) -> bool {
    let mut rest = line;
    while !rest.is_empty() {
        let len = if rest[0] == b'"' {
            // A quote in the cell stands twice: the first that stands once closes it.
            let mut end = 1;
            loop {
                match (rest.get(end), rest.get(end + 1)) {
                    (Some(b'"'), Some(b'"')) => end += 2,
                    (Some(b'"') | None, _) => break end + 1,
                    _ => end += 1,
                }
            }
        } else {
            let separates =
                |at: &usize| rest[*at] == delimiter && (*at == 0 || !is_escape(rest[at - 1]));
            (0..rest.len()).find(separates).unwrap_or(rest.len())
        };
        match rest.get(len) {
            None => return true,
            Some(&byte) if byte == delimiter => rest = &rest[len + 1..],
            Some(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_cell_ends_at_its_closing_quote() {
        for line in ["", "a,b", r#""a","b""#, r#""a""b",c"#, r#""","","","#, r#"x"y,z"#, r#""a,"#] {
            assert!(quotes_close(line.as_bytes(), b',', &|_| false), "{line}");
        }
        for line in [r#""a"b,c"#, r#"a,"b" "#, r#"""a,b"#, r#""a";"b""#] {
            assert!(!quotes_close(line.as_bytes(), b',', &|_| false), "{line}");
        }
    }
}
