//! CSV in which a separator behind a backslash is part of its cell, quoted or not, as Beeswax
//! writes its logs. The backslash is taken away there, and stays everywhere else.

use csv_core::ReadRecordResult;

/// Reads records as [`csv_core::Reader`] does, with the same steps and results.
pub(super) struct BackslashReader {
    delimiter: u8,
    state: State,
    /// A backslash was read, and not yet written.
    pending: bool,
    /// Nothing was read yet.
    fresh: bool,
    /// Bytes of the record's cells that were written.
    written: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a record, where line ends are passed over.
    Record,
    /// At the start of a cell.
    Cell,
    /// In a cell without quotes, or behind its closing one.
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: its end, or the first half of a quote.
    Quote,
}

/// What UTF-8 files of some programs begin with.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl BackslashReader {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Record, pending: false, fresh: true, written: 0 }
    }

    /// Reads on, and says why it stopped, and how many bytes it read, how many it wrote, and how
    /// many cells ended. No input is the end of it. A byte order mark is passed over if the first
    /// input has all of it.
    pub(super) fn read_record(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        ends: &mut [usize],
    ) -> (ReadRecordResult, usize, usize, usize) {
        let (mut read, mut wrote, mut ended) = (0, 0, 0);
        if std::mem::take(&mut self.fresh) && input.starts_with(&BYTE_ORDER_MARK) {
            read = BYTE_ORDER_MARK.len();
        }
        loop {
            let byte = input.get(read).copied();
            if byte.is_none() && !input.is_empty() {
                return (ReadRecordResult::InputEmpty, read, wrote, ended);
            }
            let step = self.step(byte);
            if let Some(byte) = step.write {
                let Some(place) = output.get_mut(wrote) else {
                    return (ReadRecordResult::OutputFull, read, wrote, ended);
                };
                *place = byte;
                wrote += 1;
                self.written += 1;
            }
            if step.ends_cell {
                let Some(place) = ends.get_mut(ended) else {
                    return (ReadRecordResult::OutputEndsFull, read, wrote, ended);
                };
                *place = self.written;
                ended += 1;
            }
            (self.state, self.pending) = (step.state, step.pending);
            read += usize::from(step.consumes && byte.is_some());
            if step.state == State::Record && step.ends_cell {
                self.written = 0;
                return (ReadRecordResult::Record, read, wrote, ended);
            }
            if byte.is_none() && self.state == State::Record {
                return (ReadRecordResult::End, read, wrote, ended);
            }
        }
    }

    /// What a byte, or the end of the input, does.
    fn step(&self, byte: Option<u8>) -> Step {
        let stays = Step {
            state: self.state,
            pending: false,
            write: None,
            ends_cell: false,
            consumes: true,
        };
        if self.pending {
            return match byte {
                Some(byte) if byte == self.delimiter => Step { write: Some(byte), ..stays },
                _ => Step { write: Some(b'\\'), consumes: false, ..stays },
            };
        }
        let ends_record = Step { state: State::Record, ends_cell: true, ..stays };
        let Some(byte) = byte else {
            return if self.state == State::Record { stays } else { ends_record };
        };
        let writes = |state| Step { state, write: Some(byte), ..stays };
        match (self.state, byte) {
            (State::Record, b'\r' | b'\n') => stays,
            (State::Record, _) => Step { state: State::Cell, consumes: false, ..stays },
            (State::Cell, b'"') => Step { state: State::Quoted, ..stays },
            (State::Cell | State::Plain, b'\\') => {
                Step { state: State::Plain, pending: true, ..stays }
            }
            (State::Quoted, b'\\') => Step { pending: true, ..stays },
            (State::Quoted, b'"') => Step { state: State::Quote, ..stays },
            (State::Quoted, _) | (State::Quote, b'"') => writes(State::Quoted),
            (_, b'\r' | b'\n') => ends_record,
            (_, byte) if byte == self.delimiter => {
                Step { state: State::Cell, ends_cell: true, ..stays }
            }
            _ => writes(State::Plain),
        }
    }
}

struct Step {
    state: State,
    pending: bool,
    write: Option<u8>,
    ends_cell: bool,
    /// The byte is done with.
    consumes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (ReadRecordResult, usize, usize, usize);

    /// The records of a text that comes in pieces of `piece` bytes, with little room for results.
    fn records(
        mut read_record: impl FnMut(&[u8], &mut [u8], &mut [usize]) -> Read,
        text: &str,
        piece: usize,
    ) -> Vec<Vec<String>> {
        let mut input = text.as_bytes().chunks(piece).chain([&b""[..]]);
        let mut rest = &b""[..];
        let (mut records, mut output, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            if rest.is_empty() {
                rest = input.next().unwrap_or_default();
            }
            let (mut bytes, mut places) = ([0; 2], [0; 1]);
            let (result, read, wrote, ended) = read_record(rest, &mut bytes, &mut places);
            rest = &rest[read..];
            output.extend_from_slice(&bytes[..wrote]);
            ends.extend_from_slice(&places[..ended]);
            match result {
                ReadRecordResult::Record => {
                    let starts = [0].into_iter().chain(ends.iter().copied());
                    let cell = |(start, &end): (usize, &usize)| {
                        String::from_utf8_lossy(&output[start..end]).into_owned()
                    };
                    records.push(starts.zip(&ends).map(cell).collect());
                    output.clear();
                    ends.clear();
                }
                ReadRecordResult::End => return records,
                _ => {}
            }
        }
    }

    fn ours(text: &str, piece: usize) -> Vec<Vec<String>> {
        let mut reader = BackslashReader::new(b',');
        records(|input, output, ends| reader.read_record(input, output, ends), text, piece)
    }

    #[test]
    fn a_separator_behind_a_backslash_separates_nothing() {
        for (text, expected) in [
            ("a\\,b,c\n", vec![vec!["a,b", "c"]]),
            ("\"a\\,b\",c\n", vec![vec!["a,b", "c"]]),
            ("\\,\\,,\\,\n", vec![vec![",,", ","]]),
            ("a\\b,c\\\\,d\n", vec![vec!["a\\b", "c\\,d"]]),
            ("\"a\\\",b\\\n", vec![vec!["a\\", "b\\"]]),
            ("\"a\\", vec![vec!["a\\"]]),
        ] {
            for piece in [1, 2, 3, 64] {
                assert_eq!(ours(text, piece), expected, "{text:?} by {piece}");
            }
        }
    }

    #[test]
    fn without_backslashes_it_reads_as_the_other_reader_does() {
        for text in [
            "",
            "\n\r\n\r",
            "a,b\n",
            "a,\"b,\"\"\n\",c\r\n\r\n,,\n\"x\"y,\"z\r\"\"1,2\",3,\"\"\re",
            ",\n",
            "\"open,\n",
            "\u{feff}a,\u{feff}b\r\n",
            "x\u{feff}",
        ] {
            for piece in [1, 2, 3, 64] {
                let mut reader = csv_core::Reader::new();
                let theirs = records(
                    |input, output, ends| reader.read_record(input, output, ends),
                    text,
                    64,
                );
                if piece < 3 && text.starts_with('\u{feff}') {
                    continue;
                }
                assert_eq!(ours(text, piece), theirs, "{text:?} by {piece}");
            }
        }
    }
}
