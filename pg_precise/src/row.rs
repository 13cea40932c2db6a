//! A record, column by column, as what its types say (SPEC.md section 1.4).

use std::collections::HashMap;
use std::ffi::CStr;
use std::ptr;
use std::rc::Rc;
use std::slice;

use pgrx::PgTupleDesc;
use pgrx::pg_sys::{self, Datum, Oid};
use precise_core::row::{Columns, RowEncoder, TimeUnit};
use precise_core::{Code, Error, Result};
use precise_jsonb::Reader;
use precise_jsonb::numeric::{self, Decimal, Numeric};

use crate::call::{Varlena, printed};
use crate::fault::Fault;

/// The server counts days and microseconds from 2000-01-01, 10,957 days after 1970-01-01.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS * 24 * 60 * 60 * 1_000_000;

/// Reads rows; what it finds out about their types is kept.
#[derive(Default)]
pub(crate) struct RowReader {
    types: HashMap<(Oid, i32), Rc<RowType>>,
    jsonb: Reader,
    digits: Vec<u8>,
    /// What went wrong that is no refusal.
    fault: Option<Fault>,
}

/// The columns of a composite type.
struct RowType {
    /// The server's mark for what the type is at present: it changes when the type is altered.
    identifier: u64,
    /// In the order in which they are written, without those that were dropped.
    columns: Vec<Column>,
}

struct Column {
    /// Its number in the descriptor.
    index: usize,
    /// Folded.
    name: String,
    kind: Kind,
}

/// What a type's values are.
#[derive(Clone, Debug)]
enum Kind {
    Array(Rc<Element>),
    Boolean,
    Bytes,
    Char,
    Composite,
    Date,
    Enum,
    Float4,
    Float8,
    Int2,
    Int4,
    Int8,
    Json,
    Jsonb,
    Numeric,
    /// Not minted; its name.
    Other(String),
    Text,
    Time,
    Timestamp,
    Timestamptz,
    /// What a literal in `ROW(…)` has that nothing gave a type: ended by a NUL, and text.
    Unknown,
    Uuid,
}

/// The elements of an array type, as the server stores them.
#[derive(Debug)]
struct Element {
    oid: Oid,
    kind: Kind,
    len: i16,
    by_value: bool,
    align: i8,
}

/// A row whose columns were taken apart.
pub(crate) struct Row<'r> {
    reader: &'r mut RowReader,
    composite: Rc<RowType>,
    values: Vec<Datum>,
    nulls: Vec<bool>,
}

impl RowReader {
    /// Takes a record apart, an argument of `function`.
    ///
    /// # Safety
    ///
    /// `datum` is a record.
    pub(crate) unsafe fn open(
        &mut self,
        function: &str,
        datum: Datum,
    ) -> std::result::Result<Row<'_>, Fault> {
        self.fault = None;
        // SAFETY: as the caller says.
        let opened = unsafe { self.take_apart(datum) };
        let (composite, values, nulls) =
            opened.map_err(|error| Fault::refused(function, &error.at_path("$".into())))?;
        Ok(Row { reader: self, composite, values, nulls })
    }

    /// # Safety
    ///
    /// `datum` is a value of a composite type.
    unsafe fn take_apart(&mut self, datum: Datum) -> Result<(Rc<RowType>, Vec<Datum>, Vec<bool>)> {
        // SAFETY: as the caller says; the server fills in as many values as there are columns. The
        // copy, if one had to be made, is freed with the row's memory: values point into it.
        unsafe {
            let header: pg_sys::HeapTupleHeader =
                pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            let fields = (*header).t_choice.t_datum;
            let oid = fields.datum_typeid;
            // Where the type has a name, newer servers keep something else in this place.
            let typmod = if oid == pg_sys::RECORDOID { fields.datum_typmod } else { -1 };
            let identifier = pg_sys::assign_record_type_identifier(oid, typmod);
            // Not kept: the server lets only the present one take a value apart.
            let descriptor = PgTupleDesc::from_pg(pg_sys::lookup_rowtype_tupdesc(oid, typmod));
            let row_type = match self.types.get(&(oid, typmod)) {
                Some(known) if known.identifier == identifier => Rc::clone(known),
                _ => {
                    let row_type = Rc::new(RowType::new(identifier, &descriptor)?);
                    self.types.insert((oid, typmod), Rc::clone(&row_type));
                    row_type
                }
            };
            let mut tuple = pg_sys::HeapTupleData {
                t_len: pgrx::varsize(header.cast()) as u32,
                t_data: header,
                ..Default::default()
            };
            let count = descriptor.len();
            let (mut values, mut nulls) = (vec![Datum::from(0); count], vec![false; count]);
            pg_sys::heap_deform_tuple(
                &raw mut tuple,
                descriptor.as_ptr(),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            Ok((row_type, values, nulls))
        }
    }

    fn columns(
        &mut self,
        row_type: &RowType,
        values: &[Datum],
        nulls: &[bool],
        row: &mut RowEncoder<'_>,
    ) -> Result<()> {
        for Column { index, name, kind } in &row_type.columns {
            row.name(name)?;
            self.cell(kind, values[*index], nulls[*index], row)?;
        }
        Ok(())
    }

    /// What is not minted is refused even where it is NULL.
    fn cell(
        &mut self,
        kind: &Kind,
        datum: Datum,
        is_null: bool,
        row: &mut RowEncoder<'_>,
    ) -> Result<()> {
        if let Some(type_name) = kind.refused() {
            let detail = format!("it is {type_name}");
            return Err(row.refuse(Error::new(Code::ColumnType).because(detail)));
        }
        if is_null {
            return row.null();
        }
        // SAFETY: the datum is of the type that the kind was made of, and not NULL.
        unsafe { self.value(kind, datum, row) }
    }

    /// # Safety
    ///
    /// `datum` is of a type of this kind, and not NULL.
    unsafe fn value(&mut self, kind: &Kind, datum: Datum, row: &mut RowEncoder<'_>) -> Result<()> {
        // SAFETY: as the caller says, in all arms that read memory.
        let varlena = || unsafe { Varlena::of(datum) };
        let bits = datum.value();
        match kind {
            Kind::Array(element) => unsafe { self.array(element, datum, row) },
            Kind::Boolean => row.boolean(bits & 0xFF != 0),
            Kind::Bytes => row.bytes(varlena().bytes()),
            Kind::Char => row.char(varlena().bytes()),
            Kind::Composite => {
                let (row_type, values, nulls) =
                    unsafe { self.take_apart(datum) }.map_err(|error| row.refuse(error))?;
                row.begin_struct()?;
                self.columns(&row_type, &values, &nulls, row)?;
                row.end()
            }
            // An infinite one is far outside the years that are minted.
            Kind::Date => row.date(i64::from(bits as u32 as i32) + EPOCH_DAYS),
            Kind::Enum => {
                let label = unsafe { printed(datum, pg_sys::enum_out) };
                row.text(label.to_bytes())
            }
            Kind::Float4 => row.float4(f32::from_bits(bits as u32)),
            Kind::Float8 => row.float8(f64::from_bits(bits as u64)),
            Kind::Int2 => row.integer(i64::from(bits as u16 as i16)),
            Kind::Int4 => row.integer(i64::from(bits as u32 as i32)),
            Kind::Int8 => row.integer(bits as i64),
            Kind::Json => row.json(varlena().bytes()),
            Kind::Jsonb => {
                let (reader, document) = (&mut self.jsonb, varlena());
                let written =
                    row.document(|depth, encoder| reader.read_at(depth, document.bytes(), encoder));
                if self.jsonb.take_damage() {
                    self.fault = Some(Fault::damaged("jsonb"));
                }
                written
            }
            Kind::Numeric => match numeric::read(varlena().bytes(), &mut self.digits) {
                Some(Numeric::Decimal(Decimal { negative, digits, exponent })) => {
                    row.numeric_digits(negative, digits, exponent)
                }
                Some(Numeric::NotFinite) => row.numeric_not_finite(),
                None => {
                    self.fault = Some(Fault::damaged("numeric"));
                    Err(Error::new(Code::NumberRange))
                }
            },
            Kind::Other(_) => row.null(),
            Kind::Text => row.text(varlena().bytes()),
            Kind::Time => row.time(bits as i64, TimeUnit::Microsecond),
            Kind::Timestamp | Kind::Timestamptz => {
                let micros = (bits as i64).saturating_add(EPOCH_MICROS);
                let has_zone = matches!(kind, Kind::Timestamptz);
                row.timestamp(micros, TimeUnit::Microsecond, has_zone)
            }
            Kind::Unknown => {
                let text = unsafe { CStr::from_ptr(datum.cast_mut_ptr()) };
                row.text(text.to_bytes())
            }
            Kind::Uuid => row.uuid(unsafe { &*datum.cast_mut_ptr() }),
        }
    }

    /// # Safety
    ///
    /// `datum` is an array of such elements.
    unsafe fn array(
        &mut self,
        element: &Element,
        datum: Datum,
        row: &mut RowEncoder<'_>,
    ) -> Result<()> {
        // SAFETY: as the caller says; behind the array's head stand its dimensions and then its
        // lower bounds. The elements are freed with the row's memory.
        let (dimensions, bounds, values, nulls) = unsafe {
            let array: *mut pg_sys::ArrayType =
                pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            let count = (*array).ndim as usize;
            let head: *const i32 = array.add(1).cast();
            let (mut values, mut nulls) = (ptr::null_mut(), ptr::null_mut());
            let mut len = 0;
            pg_sys::deconstruct_array(
                array,
                element.oid,
                element.len.into(),
                element.by_value,
                element.align,
                &raw mut values,
                &raw mut nulls,
                &raw mut len,
            );
            let len = len as usize;
            (
                slice::from_raw_parts(head, count),
                slice::from_raw_parts(head.add(count), count),
                slice::from_raw_parts(values, len),
                slice::from_raw_parts(nulls, len),
            )
        };
        if dimensions.is_empty() {
            // So an array without elements is stored.
            row.begin_array()?;
            return row.end();
        }
        let dimensions: Vec<(i32, i32)> =
            dimensions.iter().copied().zip(bounds.iter().copied()).collect();
        let mut next = 0;
        self.dimension(element, &dimensions, values, nulls, &mut next, row)
    }

    /// Writes the first of `dimensions`, lengths and lower bounds, and those inside of it.
    fn dimension(
        &mut self,
        element: &Element,
        dimensions: &[(i32, i32)],
        values: &[Datum],
        nulls: &[bool],
        next: &mut usize,
        row: &mut RowEncoder<'_>,
    ) -> Result<()> {
        let Some(((len, lower_bound), inner)) = dimensions.split_first() else { return Ok(()) };
        row.begin_array_at(i64::from(*lower_bound))?;
        for _ in 0..*len {
            if inner.is_empty() {
                self.cell(&element.kind, values[*next], nulls[*next], row)?;
                *next += 1;
            } else {
                self.dimension(element, inner, values, nulls, next, row)?;
            }
        }
        row.end()
    }
}

impl Row<'_> {
    /// Writes the columns.
    pub(crate) fn write(&mut self, row: &mut RowEncoder<'_>) -> Result<()> {
        let composite = Rc::clone(&self.composite);
        self.reader.columns(&composite, &self.values, &self.nulls, row)
    }

    /// What went wrong that is no refusal.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.reader.fault
    }
}

impl RowType {
    /// Errors: PR112.
    fn new(identifier: u64, descriptor: &PgTupleDesc<'_>) -> Result<Self> {
        let kept: Vec<(usize, Oid, &str)> = descriptor
            .iter()
            .enumerate()
            .filter(|(_, attribute)| !attribute.attisdropped)
            .map(|(i, attribute)| (i, attribute.atttypid, attribute.name()))
            .collect();
        let columns = Columns::new(kept.iter().map(|(_, _, name)| name.as_bytes()))?;
        let columns = columns
            .written_order()
            .into_iter()
            .map(|i| Column {
                index: kept[i].0,
                name: columns.names()[i].clone(),
                kind: Kind::of(kept[i].1),
            })
            .collect();
        Ok(Self { identifier, columns })
    }
}

impl Kind {
    fn of(oid: Oid) -> Self {
        // SAFETY: calls into the server about a type that some column has.
        let base = unsafe { pg_sys::getBaseType(oid) };
        match base {
            pg_sys::BOOLOID => Self::Boolean,
            pg_sys::BPCHAROID => Self::Char,
            pg_sys::BYTEAOID => Self::Bytes,
            pg_sys::DATEOID => Self::Date,
            pg_sys::FLOAT4OID => Self::Float4,
            pg_sys::FLOAT8OID => Self::Float8,
            pg_sys::INT2OID => Self::Int2,
            pg_sys::INT4OID => Self::Int4,
            pg_sys::INT8OID => Self::Int8,
            pg_sys::JSONOID => Self::Json,
            pg_sys::JSONBOID => Self::Jsonb,
            pg_sys::NUMERICOID => Self::Numeric,
            pg_sys::RECORDOID => Self::Composite,
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Self::Text,
            pg_sys::TIMEOID => Self::Time,
            pg_sys::TIMESTAMPOID => Self::Timestamp,
            pg_sys::TIMESTAMPTZOID => Self::Timestamptz,
            pg_sys::UNKNOWNOID => Self::Unknown,
            pg_sys::UUIDOID => Self::Uuid,
            _ => Self::of_other(base),
        }
    }

    fn of_other(base: Oid) -> Self {
        // SAFETY: as above; the server fills in how elements are stored.
        unsafe {
            let element = pg_sys::get_element_type(base);
            if element != pg_sys::InvalidOid {
                let (mut len, mut by_value, mut align) = (0, false, 0);
                pg_sys::get_typlenbyvalalign(
                    element,
                    &raw mut len,
                    &raw mut by_value,
                    &raw mut align,
                );
                let kind = Self::of(element);
                return Self::Array(Rc::new(Element { oid: element, kind, len, by_value, align }));
            }
            match pg_sys::get_typtype(base) as u8 {
                pg_sys::TYPTYPE_COMPOSITE => Self::Composite,
                pg_sys::TYPTYPE_ENUM => Self::Enum,
                _ => {
                    let name = CStr::from_ptr(pg_sys::format_type_be(base));
                    Self::Other(name.to_string_lossy().into_owned())
                }
            }
        }
    }

    /// The name of the type that is not minted, if this is one or holds one.
    fn refused(&self) -> Option<&str> {
        match self {
            Self::Array(element) => element.kind.refused(),
            Self::Other(name) => Some(name),
            _ => None,
        }
    }
}
