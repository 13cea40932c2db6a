//! One call of a scalar function: which it is, its arguments as the core takes them, its result.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::ptr;
use std::slice;

use pgrx::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, FmgrInfo, FunctionCallInfo, NullableDatum, Oid};
use precise_core::Code;
use precise_core::canonical::Canonicalizer;
use precise_core::catalog::{Function, Kernel};
use precise_core::records::{Records, Spelling};
use precise_core::value::{Callee, Type, Value};
use precise_jsonb::Reader;

use crate::Outcome;
use crate::fault::Fault;
use crate::row::RowReader;

/// How an argument comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Boolean,
    Bytes,
    Decimal,
    Float,
    Integer,
    Json,
    Jsonb,
    Record,
    Text,
}

/// A place in a statement from which a function is called, once for each row: what is found out
/// once, and buffers.
pub(crate) struct CallSite {
    pub(crate) function: &'static Function,
    forms: Vec<Form>,
    /// None for a function of something else.
    records: Option<RecordCall>,
    /// None for an aggregate, and until the first call.
    callee: Option<Box<dyn Callee>>,
    jsonb: Reader,
    canonicalizer: Canonicalizer,
}

/// What a function of records keeps.
pub(crate) struct RecordCall {
    name: &'static str,
    form: Form,
    spelling: Spelling,
    records: Records,
    jsonb: Reader,
    rows: RowReader,
}

/// Calls the function of the catalogue that has this function's name.
///
/// # Safety
///
/// `info` is a call by the server.
pub(crate) unsafe fn call(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call has a function, and as many arguments as it says.
    let (site, args) = unsafe { (CallSite::of((*info).flinfo, "")?, arguments(info)) };
    if args.iter().any(|arg| arg.isnull) {
        return Ok(None);
    }
    // SAFETY: no argument is NULL.
    unsafe { site.call(args) }
}

/// Calls `precise_cohort_ids`: its array of JSON as one of texts.
///
/// # Safety
///
/// As [`call`].
pub(crate) unsafe fn call_for_ids(info: FunctionCallInfo) -> Outcome {
    // SAFETY: as in `call`.
    let (site, args) =
        unsafe { (CallSite::named((*info).flinfo, "precise_cohort_ids")?, arguments(info)) };
    if args.iter().any(|arg| arg.isnull) {
        return Ok(None);
    }
    // SAFETY: no argument is NULL.
    match unsafe { site.value_of(args)? } {
        // There is nothing to unescape in an id: every other piece between quotes is one.
        Value::Json(ids) => {
            let ids = ids.split(|&byte| byte == b'"').skip(1).step_by(2);
            // SAFETY: an array of text.
            Ok(Some(unsafe { array_of(pg_sys::TEXTOID, ids.map(Some)) }))
        }
        _ => Ok(None),
    }
}

/// # Safety
///
/// `info` is a call by the server, and outlives the result.
pub(crate) unsafe fn arguments<'a>(info: FunctionCallInfo) -> &'a [NullableDatum] {
    // SAFETY: so the server lays out a call.
    unsafe { (*info).args.as_slice((*info).nargs as usize) }
}

impl CallSite {
    /// That of `function`, whose name in SQL is one of the catalogue with `suffix` behind it.
    ///
    /// # Safety
    ///
    /// `function` is of a call by the server, and outlives the result.
    pub(crate) unsafe fn of<'a>(
        function: *mut FmgrInfo,
        suffix: &str,
    ) -> Result<&'a mut Self, Fault> {
        // SAFETY: as the caller says.
        unsafe {
            kept(function, || {
                let name = name_of((*function).fn_oid);
                let in_catalogue = name.strip_suffix(suffix).unwrap_or_default();
                Self::new((*function).fn_oid, in_catalogue)
            })
        }
    }

    /// That of `function`, which takes what the catalogue's `name` takes.
    ///
    /// # Safety
    ///
    /// As [`of`](Self::of).
    unsafe fn named<'a>(function: *mut FmgrInfo, name: &str) -> Result<&'a mut Self, Fault> {
        // SAFETY: as the caller says.
        unsafe { kept(function, || Self::new((*function).fn_oid, name)) }
    }

    fn new(oid: Oid, name: &str) -> Result<Self, Fault> {
        // SAFETY: a call into the server, which knows its encoding.
        let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
        if encoding != pg_sys::pg_enc::PG_UTF8 as i32 {
            return Err(Fault::new(
                "0A000",
                "this database does not hold its text as UTF-8",
                "Proofs are made of UTF-8, and text that was converted may not be what was sent.",
                "Use a database with ENCODING 'UTF8'.",
            ));
        }
        let function = Function::find(name).map_err(|_| (name, Code::UnknownFunction))?;
        let forms = forms_of(oid).ok_or((function.name, Code::Arguments))?;
        let records = match (function.kernel, forms.first()) {
            (Kernel::Record(_), Some(&form)) => Some(RecordCall::new(function.name, form)?),
            _ => None,
        };
        Ok(Self {
            function,
            forms,
            records,
            callee: None,
            jsonb: Reader::default(),
            canonicalizer: Canonicalizer::default(),
        })
    }

    /// # Safety
    ///
    /// `args` are what the function is declared to take, and not NULL.
    unsafe fn call(&mut self, args: &[NullableDatum]) -> Outcome {
        if let Some(records) = &mut self.records {
            // SAFETY: as the caller says.
            return unsafe { records.call(args) };
        }
        // SAFETY: as the caller says.
        unsafe { self.value_of(args) }.map(|value| datum_of(&value))
    }

    /// What a function of something else than a record gives.
    ///
    /// # Safety
    ///
    /// As [`call`](Self::call).
    unsafe fn value_of(&mut self, args: &[NullableDatum]) -> Result<Value<'static>, Fault> {
        let mut values = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            // SAFETY: as the caller says.
            values.push(unsafe { self.value(i, arg.value)? });
        }
        let refused = |error| Fault::refused(self.function.name, &error);
        let callee = match &mut self.callee {
            Some(callee) => callee,
            empty => empty.insert(self.function.callee().map_err(refused)?),
        };
        callee.call(&values).map_err(refused)
    }

    /// Argument `i` as the core takes it.
    ///
    /// # Safety
    ///
    /// `datum` is one of the type that argument is declared to have, and not NULL.
    pub(crate) unsafe fn value(&mut self, i: usize, datum: Datum) -> Result<Value<'static>, Fault> {
        let function = self.function;
        Ok(match self.forms[i] {
            Form::Boolean => Value::Boolean(datum.value() != 0),
            Form::Decimal => {
                // SAFETY: this argument is a numeric.
                let text = unsafe { printed(datum, pg_sys::numeric_out) };
                Value::Decimal(Cow::Owned(text.to_string_lossy().into_owned()))
            }
            Form::Float => Value::Float(f64::from_bits(datum.value() as u64)),
            Form::Integer => Value::Integer(datum.value() as i64),
            form => {
                // SAFETY: all others are of variable length.
                let varlena = unsafe { Varlena::of(datum) };
                match form {
                    Form::Bytes => Value::Bytes(Cow::Owned(varlena.bytes().into())),
                    Form::Jsonb => {
                        let mut text = Vec::new();
                        let reader = &mut self.jsonb;
                        let written = self.canonicalizer.append_document(&mut text, |encoder| {
                            reader.read(varlena.bytes(), encoder)
                        });
                        if reader.take_damage() {
                            return Err(Fault::damaged("jsonb"));
                        }
                        if written.is_err() {
                            // What it is then, the core says: no proof, perhaps.
                            // SAFETY: this argument is a jsonb.
                            text = unsafe { printed(datum, pg_sys::jsonb_out) }.to_bytes().into();
                        }
                        Value::Json(Cow::Owned(text))
                    }
                    _ if function.args[i].arg_type == Type::Text => {
                        let text = String::from_utf8_lossy(varlena.bytes()).into_owned();
                        Value::Text(Cow::Owned(text))
                    }
                    _ => Value::Json(Cow::Owned(varlena.bytes().into())),
                }
            }
        })
    }
}

impl RecordCall {
    /// Of a function of one record, which comes in this form.
    pub(crate) fn new(name: &'static str, form: Form) -> Result<Self, Fault> {
        let function = Function::find(name).map_err(|error| Fault::refused(name, &error))?;
        let Kernel::Record(record) = function.kernel else {
            return Err((name, Code::Arguments).into());
        };
        Ok(Self {
            name,
            form,
            spelling: record.spelling,
            records: Records::new(record),
            jsonb: Reader::default(),
            rows: RowReader::default(),
        })
    }

    /// # Safety
    ///
    /// `args` are of the form that was said, and perhaps a blind, and not NULL.
    pub(crate) unsafe fn call(&mut self, args: &[NullableDatum]) -> Outcome {
        // The server may have raised an error in the midst of the last call.
        self.records.clear();
        // SAFETY: as the caller says.
        unsafe { self.push(args)? };
        let mut result = None;
        self.records.drain(|value| {
            result = datum_of(&value);
            Ok::<(), Fault>(())
        })?;
        Ok(result)
    }

    /// # Safety
    ///
    /// As [`CallSite::call`].
    unsafe fn push(&mut self, args: &[NullableDatum]) -> Result<(), Fault> {
        let Self { name, records, jsonb, rows, .. } = self;
        let refused = |error| Fault::refused(name, &error);
        // SAFETY: as the caller says: the second argument is a blind.
        let blind = args.get(1).map(|blind| unsafe { Varlena::of(blind.value) });
        let blind = blind.as_ref().map(Varlena::bytes);
        let push_text = |records: &mut Records, record: &[u8]| {
            let record = Value::Json(record.into());
            match blind {
                None => records.push(&[record]),
                Some(blind) => records.push(&[record, Value::Bytes(blind.into())]),
            }
            .map_err(refused)
        };
        match (self.form, self.spelling) {
            // The core reads cells as text alone, and this is the text that they are.
            (Form::Jsonb, Spelling::Cells) => {
                // SAFETY: the first argument is a jsonb.
                let cells = unsafe { printed(args[0].value, pg_sys::jsonb_out) };
                push_text(records, cells.to_bytes())
            }
            (Form::Jsonb, Spelling::Json) => {
                // SAFETY: the first argument is a jsonb.
                let document = unsafe { Varlena::of(args[0].value) };
                let pushed =
                    records.push_document(blind, |encoder| jsonb.read(document.bytes(), encoder));
                if jsonb.take_damage() {
                    return Err(Fault::damaged("jsonb"));
                }
                pushed.map_err(refused)
            }
            (Form::Record, _) => {
                // SAFETY: the first argument is a record.
                let mut row = unsafe { rows.open(name, args[0].value)? };
                let pushed = records.push_row(blind, |encoder| row.write(encoder));
                match row.fault() {
                    Some(fault) => Err(fault),
                    None => pushed.map_err(refused),
                }
            }
            _ => {
                // SAFETY: the first argument is a text of some kind.
                let record = unsafe { Varlena::of(args[0].value) };
                push_text(records, record.bytes())
            }
        }
    }
}

/// The name of a function in SQL; empty if it was dropped meanwhile.
fn name_of(oid: Oid) -> String {
    // SAFETY: the server gives a copy of the name, or null.
    unsafe {
        let name = pg_sys::get_func_name(oid);
        if name.is_null() {
            return String::new();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// How each argument comes, as the function is declared; none if one is of no type of ours. The
/// state in front of an aggregate's arguments is none of them.
fn forms_of(oid: Oid) -> Option<Vec<Form>> {
    let mut types = ptr::null_mut();
    let mut count = 0;
    // SAFETY: the server fills in how many types there are, and where.
    let types = unsafe {
        pg_sys::get_func_signature(oid, &raw mut types, &raw mut count);
        slice::from_raw_parts(types, count as usize)
    };
    types
        .iter()
        .filter(|&&oid| oid != pg_sys::INTERNALOID)
        .map(|&oid| match oid {
            pg_sys::BOOLOID => Some(Form::Boolean),
            pg_sys::BYTEAOID => Some(Form::Bytes),
            pg_sys::FLOAT8OID => Some(Form::Float),
            pg_sys::INT8OID => Some(Form::Integer),
            pg_sys::JSONOID => Some(Form::Json),
            pg_sys::JSONBOID => Some(Form::Jsonb),
            pg_sys::NUMERICOID => Some(Form::Decimal),
            pg_sys::RECORDOID => Some(Form::Record),
            pg_sys::TEXTOID => Some(Form::Text),
            _ => None,
        })
        .collect()
}

/// A value of variable length, in full: fetched and unpacked if it is stored elsewhere or
/// compressed.
pub(crate) struct Varlena {
    given: *mut pg_sys::varlena,
    full: *mut pg_sys::varlena,
}

impl Varlena {
    /// # Safety
    ///
    /// `datum` is a value of variable length.
    pub(crate) unsafe fn of(datum: Datum) -> Self {
        let given: *mut pg_sys::varlena = datum.cast_mut_ptr();
        // SAFETY: as the caller says.
        Self { given, full: unsafe { pg_sys::pg_detoast_datum_packed(given) } }
    }

    /// What stands behind the length word.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the server has made it a value in full, and it lives as long as `self`.
        unsafe { pgrx::varlena::varlena_to_byte_slice(self.full) }
    }
}

impl Drop for Varlena {
    fn drop(&mut self) {
        if self.full != self.given {
            // SAFETY: the copy is ours. Freeing it cannot fail.
            unsafe { pg_sys::pfree(self.full.cast()) };
        }
    }
}

/// What an output function of the server prints, in the memory of the row.
///
/// # Safety
///
/// `output` is of the datum's type.
pub(crate) unsafe fn printed<'a>(
    datum: Datum,
    output: unsafe fn(FunctionCallInfo) -> Datum,
) -> &'a CStr {
    // SAFETY: as the caller says.
    unsafe { pgrx::direct_function_call(output, &[Some(datum)]).unwrap_or_default() }
}

/// A result in the server's memory; none for NULL.
pub(crate) fn datum_of(value: &Value<'_>) -> Option<Datum> {
    let copied = |bytes: &[u8]| Datum::from(pgrx::rust_byte_slice_to_bytea(bytes).into_pg());
    Some(match value {
        Value::Boolean(boolean) => Datum::from(*boolean),
        Value::Bytes(bytes) | Value::Json(bytes) => copied(bytes),
        Value::Decimal(text) => return numeric_of(text),
        Value::Float(float) => Datum::from(float.to_bits()),
        Value::Integer(integer) => Datum::from(*integer),
        Value::Null => return None,
        // Text, json and bytea differ in their type alone.
        Value::Text(text) => copied(text.as_bytes()),
    })
}

/// A number as the server's own type; the server refuses one that is larger than that can hold.
fn numeric_of(text: &str) -> Option<Datum> {
    let text = CString::new(text).ok()?;
    let any_precision = Datum::from(-1_i32);
    let args =
        [Some(Datum::from(text.as_ptr())), Some(Datum::from(Oid::INVALID)), Some(any_precision)];
    // SAFETY: the function reads a text that ends in NUL, a type that it does not use, and a
    // precision and scale, here none.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::numeric_in, &args) }
}

/// What a place in a statement keeps from row to row.
///
/// # Safety
///
/// `function` is of a call by the server, and outlives the result. All that call this for it keep
/// the same type.
pub(crate) unsafe fn kept<'a, T>(
    function: *mut FmgrInfo,
    make: impl FnOnce() -> Result<T, Fault>,
) -> Result<&'a mut T, Fault> {
    // SAFETY: `fn_extra` is ours, null until we set it, and lives as long as its context.
    unsafe {
        if (*function).fn_extra.is_null() {
            let mut context = PgMemoryContexts::For((*function).fn_mcxt);
            (*function).fn_extra = context.leak_and_drop_on_delete(make()?).cast();
        }
        Ok(&mut *(*function).fn_extra.cast())
    }
}

/// An array in the server's memory.
///
/// # Safety
///
/// The elements are values of that type, one of variable length.
pub(crate) unsafe fn array_of<'a>(
    element: pg_sys::Oid,
    values: impl Iterator<Item = Option<&'a [u8]>>,
) -> Datum {
    let (mut datums, mut nulls) = (Vec::new(), Vec::new());
    for value in values {
        nulls.push(value.is_none());
        let datum = value.and_then(|bytes| datum_of(&Value::Bytes(bytes.into())));
        datums.push(datum.unwrap_or(Datum::from(0)));
    }
    let (mut len, mut bound) = (datums.len() as i32, 1);
    // SAFETY: as many values as are said, which the server copies.
    let array = unsafe {
        pg_sys::construct_md_array(
            datums.as_mut_ptr(),
            nulls.as_mut_ptr(),
            1,
            &raw mut len,
            &raw mut bound,
            element,
            -1,
            false,
            b'i' as std::ffi::c_char,
        )
    };
    Datum::from(array)
}
