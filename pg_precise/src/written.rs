//! A written row's record and record id, by the names of their columns: what the triggers of
//! tracked tables ask for in a statement that is the same for every table, and so is planned once.

use std::ffi::CStr;

use pgrx::pg_sys::{self, AttrNumber, Datum, FunctionCallInfo, HeapTupleHeader, Oid};
use pgrx::{FromDatum, PgTupleDesc};
use precise_core::canonical::Canonicalizer;
use precise_core::json::{Sink, Text};
use precise_core::value::Value;
use precise_core::{Code, Error};

use crate::Outcome;
use crate::call::{Form, RecordCall, arguments, datum_of, kept};
use crate::fault::Fault;

/// What hashes records, kept from row to row.
struct Hasher {
    jsonb: RecordCall,
    text: RecordCall,
}

/// `precise.written_hash(row, payload)`: the proof hash of the record in that column; NULL if there
/// is none.
///
/// # Safety
///
/// `info` is a call by the server of a function that is declared with these arguments.
pub(crate) unsafe fn hash(info: FunctionCallInfo) -> Outcome {
    const HASH: &str = "precise_proof_hash";
    // SAFETY: the server's call.
    unsafe {
        let args = arguments(info);
        if args.iter().any(|arg| arg.isnull) {
            return Ok(None);
        }
        let hasher = kept((*info).flinfo, || {
            Ok(Hasher {
                jsonb: RecordCall::new(HASH, Form::Jsonb)?,
                text: RecordCall::new(HASH, Form::Text)?,
            })
        })?;
        let payload = String::from_datum(args[1].value, false).unwrap_or_default();
        let cell = Row::of(args[0].value).cell(&payload)?;
        let Some(datum) = cell.datum else { return Ok(None) };
        let hashed_as = match pg_sys::getBaseType(cell.type_oid) {
            pg_sys::JSONBOID => &mut hasher.jsonb,
            pg_sys::JSONOID | pg_sys::TEXTOID | pg_sys::VARCHAROID => &mut hasher.text,
            _ => return Err(Fault::new("42804", "no record is of this column's type", "", "")),
        };
        hashed_as.call(&[pg_sys::NullableDatum { value: datum, isnull: false }])
    }
}

/// `precise.written_id(row, columns)`: what `precise.key_expression` gives for the row, NULL for no
/// columns.
///
/// # Safety
///
/// As [`hash`].
pub(crate) unsafe fn id(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call.
    unsafe {
        let args = arguments(info);
        if args.iter().any(|arg| arg.isnull) {
            return Ok(None);
        }
        let columns = Vec::<Option<String>>::from_datum(args[1].value, false).unwrap_or_default();
        let row = Row::of(args[0].value);
        let mut texts = Vec::with_capacity(columns.len());
        for column in columns.iter().flatten() {
            texts.push(row.cell(column)?.text());
        }
        match texts.as_slice() {
            [] | [b""] => Ok(None),
            [text] => Ok(datum_of(&Value::Json((*text).into()))),
            texts => {
                let mut array = Vec::new();
                let written = Canonicalizer::default().append_document(&mut array, |encoder| {
                    encoder.begin_array()?;
                    for text in texts {
                        let characters = Text::from_characters(text);
                        encoder.string(characters.ok_or_else(|| Error::new(Code::InvalidUtf8))?)?;
                    }
                    encoder.end_array()
                });
                written.map_err(|error| Fault::refused("precise_canonical", &error))?;
                Ok(datum_of(&Value::Json(array.into())))
            }
        }
    }
}

/// A row, as a value of a composite type.
struct Row {
    header: HeapTupleHeader,
    descriptor: PgTupleDesc<'static>,
}

/// What stands in a column.
struct Cell {
    type_oid: Oid,
    /// None for NULL.
    datum: Option<Datum>,
}

impl Row {
    /// # Safety
    ///
    /// `datum` is a value of a composite type. What is made of the row does not outlive it.
    unsafe fn of(datum: Datum) -> Self {
        // SAFETY: as the caller says. If a copy has to be made, it is freed with the row's memory.
        unsafe {
            let header: HeapTupleHeader = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            let fields = (*header).t_choice.t_datum;
            let descriptor = PgTupleDesc::from_pg(pg_sys::lookup_rowtype_tupdesc(
                fields.datum_typeid,
                fields.datum_typmod,
            ));
            Self { header, descriptor }
        }
    }

    fn cell(&self, name: &str) -> Result<Cell, Fault> {
        let index = self
            .descriptor
            .iter()
            .position(|column| !column.is_dropped() && column.name() == name)
            .ok_or_else(|| {
                Fault::new("42703", &format!("there is no column \"{name}\""), "", "")
            })?;
        let type_oid = self.descriptor.get(index).map_or(Oid::INVALID, |column| column.atttypid);
        let mut is_null = false;
        // SAFETY: the row has a column of this number, counted from 1.
        let datum = unsafe {
            pg_sys::GetAttributeByNum(self.header, index as AttrNumber + 1, &raw mut is_null)
        };
        Ok(Cell { type_oid, datum: (!is_null).then_some(datum) })
    }
}

impl Cell {
    /// As the type's output function prints it, in the memory of the row; nothing for NULL.
    fn text(&self) -> &'static [u8] {
        let Some(datum) = self.datum else { return b"" };
        let (mut output, mut is_varlena) = (Oid::INVALID, false);
        // SAFETY: the datum is of this type, whose output function gives a text ended by a NUL.
        unsafe {
            pg_sys::getTypeOutputInfo(self.type_oid, &raw mut output, &raw mut is_varlena);
            CStr::from_ptr(pg_sys::OidOutputFunctionCall(output, datum)).to_bytes()
        }
    }
}
