//! JSON: one document a line, or one document.

use std::io::Read;

use super::{Input, MAX_RECORD_LEN, PIECE_LEN, Piece, Rows, SHOWN_LEN, fill, too_long};
use crate::failure::Result;

/// Cuts at the last line end of each piece; what is behind it begins the next.
pub(super) fn read(
    input: &Input,
    source: &mut dyn Read,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let mut buffer = Vec::with_capacity(PIECE_LEN);
    let mut want = PIECE_LEN;
    loop {
        let ended = fill(source, &mut buffer, want).map_err(|error| input.failed(&error))?;
        if ended {
            return if buffer.is_empty() { Ok(()) } else { each(Piece::Lines(buffer)) };
        }
        match memchr::memrchr(b'\n', &buffer) {
            Some(end) => {
                let mut rest = Vec::with_capacity(PIECE_LEN);
                rest.extend_from_slice(&buffer[end + 1..]);
                buffer.truncate(end + 1);
                each(Piece::Lines(std::mem::replace(&mut buffer, rest)))?;
                want = PIECE_LEN.max(buffer.len() + 1);
            }
            None if buffer.len() > MAX_RECORD_LEN => {
                let line = skip_line(input, source, buffer)?;
                each(line.piece)?;
                buffer = line.rest;
                want = PIECE_LEN.max(buffer.len() + 1);
            }
            // A long line: twice as much.
            None => want = (2 * buffer.len()).min(MAX_RECORD_LEN + 1),
        }
    }
}

struct SkippedLine {
    piece: Piece,
    rest: Vec<u8>,
}

/// Reads to the end of a line that is too long, keeping only its beginning.
fn skip_line(input: &Input, source: &mut dyn Read, start: Vec<u8>) -> Result<SkippedLine> {
    let mut len = start.len() as u64;
    let mut shown = start;
    shown.truncate(SHOWN_LEN);
    shown.shrink_to_fit();
    let mut buffer = Vec::with_capacity(PIECE_LEN);
    loop {
        buffer.clear();
        let ended = fill(source, &mut buffer, PIECE_LEN).map_err(|error| input.failed(&error))?;
        let end = memchr::memchr(b'\n', &buffer);
        len += end.unwrap_or(buffer.len()) as u64;
        if end.is_some() || ended {
            let mut rows = Rows::default();
            rows.push(&shown, Some(too_long(len)));
            let rest = end.map_or_else(Vec::new, |end| buffer[end + 1..].to_vec());
            return Ok(SkippedLine { piece: Piece::Rows(rows), rest });
        }
    }
}

/// The whole file is one record.
pub(super) fn read_document(
    input: &Input,
    source: &mut dyn Read,
    each: &mut dyn FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let mut text = Vec::new();
    let whole =
        fill(source, &mut text, MAX_RECORD_LEN + 1).map_err(|error| input.failed(&error))?;
    let mut rows = Rows::default();
    if whole {
        rows.push(&text, None);
    } else {
        let rest =
            std::io::copy(source, &mut std::io::sink()).map_err(|error| input.failed(&error))?;
        rows.push(&text[..SHOWN_LEN], Some(too_long(text.len() as u64 + rest)));
    }
    each(Piece::Rows(rows))
}
