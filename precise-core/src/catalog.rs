//! Every SQL function of Precise, as one table. A function that is not here does not exist.
//!
//! Each engine is *driven by* this table (looks a row up at run time), *generated from* it, or
//! *checked against* it, and says which in its first line. To add a function: its kernel, its row
//! here, its vectors, and its Postgres wrapper.
//!
//! Rules that hold for every row: a NULL argument gives NULL. Where JSON is asked for, text will
//! do; where a row is, its cells will. An aggregate skips rows in which an argument is NULL, gives
//! NULL for no rows, and does not depend on the order or the partitioning of its rows.

mod attribution;
mod cohort;
mod royalty;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::document::Writer;
use crate::error::{Code, Error, Result};
use crate::hex::{self, hash_from_bytes};
use crate::merkle::{self, Absence, Collector, Hash, Inclusion, Prover, RootBuilder, next_hash};
use crate::number;
use crate::policy::Policy;
use crate::proof::{self, Blind};
use crate::records::{Output, Record, Records, Spelling};
use crate::row::UtcSecond;
use crate::status::{Reason, VoidDocument};
use crate::value::{Accumulator, Callee, Kept, StoredState, Type, Value, json, text};
use crate::verify::{self, Evidence, StatusRequest, verify_proof};

/// One function.
///
/// There is one of each name: functions are equal if their names are.
#[derive(Debug)]
pub struct Function {
    /// The name in every engine, in the case the engine likes.
    pub name: &'static str,
    /// Functions of one family stand together: `proof`, `batch`, `receipt`, `cohort`,
    /// `attribution`, `royalty`, `about`.
    pub family: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    /// Its arguments.
    pub args: &'static [Arg],
    /// How many of them must be given; the rest may be left out from the end.
    pub required: usize,
    /// What it returns.
    pub returns: Type,
    /// What it does, in sentences.
    pub doc: &'static str,
    /// Calls with their results; the first is the one to show. All are run by tests and by
    /// `precise_selftest`.
    pub examples: &'static [Example],
    /// The code.
    pub kernel: Kernel,
}

/// One argument.
#[derive(Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub arg_type: Type,
    /// What it is.
    pub doc: &'static str,
}

/// The code behind a row.
#[derive(Clone, Copy, Debug)]
pub enum Kernel {
    /// One result for all rows of a group.
    Aggregate(fn() -> Box<dyn Accumulator>),
    /// One result a row, of arguments some of which are long to read and nearly always the same.
    Prepared(fn() -> Box<dyn Callee>),
    /// One result a record: the first argument, a text or a row; the second is its blind.
    Record(Record),
    /// One result a row. Arguments have the types of the row and are not NULL.
    Scalar(Scalar),
}

/// The code of a function that keeps nothing.
type Scalar = fn(&[Value<'_>]) -> Result<Value<'static>>;

/// A call and what comes of it.
#[derive(Debug)]
pub struct Example {
    /// Arguments row by row; a scalar function has one row.
    pub rows: &'static [&'static [Literal]],
    /// The result.
    pub result: Expected,
}

/// What comes of an example.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// An error.
    Error(Code),
    /// A value.
    Value(Literal),
}

/// A value that can stand in a constant.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// A truth value.
    Boolean(bool),
    /// Bytes, as hex digits.
    Bytes(&'static str),
    /// An exact number.
    Decimal(&'static str),
    /// A binary64.
    Float(f64),
    /// An integer.
    Integer(i64),
    /// JSON text.
    Json(&'static str),
    /// SQL NULL.
    Null,
    /// A row: name, type and value of each column, as in a cell.
    Row(&'static [(&'static str, &'static str, &'static str)]),
    /// Text.
    Text(&'static str),
}

impl Function {
    /// The function `name`, in any case.
    ///
    /// Error: PR190.
    pub fn find(name: &str) -> Result<&'static Self> {
        FUNCTIONS
            .iter()
            .find(|function| function.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::new(Code::UnknownFunction).because(alloc::format!("{name:?}")))
    }

    /// Whether it is an aggregate.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.kernel, Kernel::Aggregate(_))
    }

    /// `precise_mint_proof(record json [, blind bytes]) → json`
    pub fn signature(&self) -> String {
        let mut signature = String::from(self.name);
        signature.push('(');
        for (i, arg) in self.args.iter().enumerate() {
            if i >= self.required {
                signature.push_str(if i == 0 { "[" } else { " [" });
            }
            if i > 0 {
                signature.push_str(", ");
            }
            signature.push_str(&alloc::format!("{} {}", arg.name, arg.arg_type));
        }
        for _ in self.required..self.args.len() {
            signature.push(']');
        }
        signature.push_str(&alloc::format!(") → {}", self.returns));
        signature
    }

    /// Runs a scalar function on one row. For many rows, [`Function::callee`] is faster.
    ///
    /// Errors: PR191 for wrong arguments, or for an aggregate; and the function's own.
    pub fn call(&'static self, args: &[Value<'_>]) -> Result<Value<'static>> {
        self.callee()?.call(args)
    }

    /// Begins calls of a scalar function, row after row.
    ///
    /// Error: PR191 for an aggregate. Of a call: PR191 for wrong arguments, PR202 for a number
    /// that is none, and the function's own.
    pub fn callee(&'static self) -> Result<Box<dyn Callee>> {
        let inner: Box<dyn Callee> = match self.kernel {
            Kernel::Aggregate(_) => return Err(self.wrong_arguments("it is an aggregate")),
            Kernel::Prepared(kernel) => kernel(),
            Kernel::Record(record) => Box::new(record),
            Kernel::Scalar(kernel) => Box::new(kernel),
        };
        Ok(Box::new(Checked { function: self, inner }))
    }

    /// Begins an aggregate.
    ///
    /// Error: PR191 for a scalar function.
    pub fn accumulator(&'static self) -> Result<Box<dyn Accumulator>> {
        let Kernel::Aggregate(kernel) = self.kernel else {
            return Err(self.wrong_arguments("it is not an aggregate"));
        };
        Ok(Box::new(Checked { function: self, inner: kernel() }))
    }

    /// Whether as many arguments are taken, and each has exactly its type.
    fn takes(&self, args: &[Value<'_>]) -> bool {
        let fits = |(value, arg): (&Value<'_>, &Arg)| {
            value.type_of() == Some(arg.arg_type) && check_number(value).is_ok()
        };
        (self.required..=self.args.len()).contains(&args.len())
            && args.iter().zip(self.args).all(fits)
    }

    /// Whether as many arguments, of these types, are taken; text and bytes are read as JSON, and
    /// text as an exact number.
    fn check<'a>(&self, args: &'a [Value<'_>]) -> Result<Vec<Value<'a>>> {
        if args.len() < self.required || args.len() > self.args.len() {
            return Err(self.wrong_arguments(&alloc::format!("{} were given", args.len())));
        }
        let typed = args.iter().zip(self.args).map(|(value, arg)| match (arg.arg_type, value) {
            (_, Value::Null) => Ok(Value::Null),
            (Type::Json | Type::Row, Value::Text(text)) => {
                Ok(Value::Json(Cow::Borrowed(text.as_bytes())))
            }
            (Type::Json | Type::Row, Value::Bytes(bytes)) => Ok(Value::Json(Cow::Borrowed(bytes))),
            (Type::Row, Value::Json(cells)) => Ok(Value::Json(Cow::Borrowed(cells))),
            (Type::Decimal, Value::Text(text)) => {
                self.number(arg, Value::Decimal(Cow::Borrowed(text)))
            }
            (expected, value) if value.type_of() == Some(expected) => {
                self.number(arg, borrow(value))
            }
            (expected, _) => {
                Err(self.wrong_arguments(&alloc::format!("{} is {expected}", arg.name)))
            }
        });
        typed.collect()
    }

    /// The value, if it is a number where it is to be one.
    fn number<'a>(&self, arg: &Arg, value: Value<'a>) -> Result<Value<'a>> {
        match check_number(&value) {
            Ok(()) => Ok(value),
            Err(Code::Arguments) => {
                let why = alloc::format!("{} is no exact number in plain notation", arg.name);
                Err(self.wrong_arguments(&why))
            }
            Err(code) => {
                let why = alloc::format!("{} is NaN or an infinity", arg.name);
                Err(Error::new(code).because(why))
            }
        }
    }

    fn wrong_arguments(&self, why: &str) -> Error {
        Error::new(Code::Arguments).because(alloc::format!("{}: {why}", self.signature()))
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl core::hash::Hash for Function {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

fn borrow<'a>(value: &'a Value<'_>) -> Value<'a> {
    match value {
        Value::Boolean(boolean) => Value::Boolean(*boolean),
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Decimal(text) => Value::Decimal(Cow::Borrowed(text)),
        Value::Float(float) => Value::Float(*float),
        Value::Integer(integer) => Value::Integer(*integer),
        Value::Json(json) => Value::Json(Cow::Borrowed(json)),
        Value::Null => Value::Null,
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
    }
}

/// Whether a value that is to be a number is one: a finite binary64, or the digits of an exact one.
/// All others may be.
fn check_number(value: &Value<'_>) -> core::result::Result<(), Code> {
    match value {
        Value::Decimal(text) => number::check_decimal(text),
        Value::Float(float) if !float.is_finite() => Err(Code::NumberRange),
        _ => Ok(()),
    }
}

/// Checks arguments in front of any accumulator or callee, so that its kernel need not.
#[derive(Debug)]
struct Checked<T: ?Sized> {
    function: &'static Function,
    inner: Box<T>,
}

impl Callee for Checked<dyn Callee> {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        // Nearly always they are what they should be, and need not be looked at twice.
        if self.function.takes(args) {
            return self.inner.call(args);
        }
        let args = self.function.check(args)?;
        if args.contains(&Value::Null) { Ok(Value::Null) } else { self.inner.call(&args) }
    }
}

impl Callee for Scalar {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        self(args)
    }
}

/// One record at a time. Engines make many at once.
impl Callee for Record {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let mut records = Records::new(*self);
        records.push(args)?;
        let mut result = Value::Null;
        records.drain(|value| {
            result = value.into_owned();
            Ok::<(), Error>(())
        })?;
        Ok(result)
    }
}

impl Accumulator for Checked<dyn Accumulator> {
    fn update(&mut self, args: &[Value<'_>]) -> Result<()> {
        if self.function.takes(args) {
            return self.inner.update(args);
        }
        let args = self.function.check(args)?;
        if args.contains(&Value::Null) { Ok(()) } else { self.inner.update(&args) }
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.inner.merge(state)
    }

    fn state(&mut self) -> Vec<u8> {
        self.inner.state()
    }

    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.inner.join(stored, write)
    }

    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>> {
        self.inner.finish_over(stored)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

impl Literal {
    /// The value.
    pub fn value(self) -> Value<'static> {
        match self {
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Bytes(digits) => Value::Bytes(Cow::Owned(
                digits
                    .as_bytes()
                    .chunks(2)
                    .map(|pair| {
                        let pair = core::str::from_utf8(pair).unwrap_or_default();
                        u8::from_str_radix(pair, 16).expect("a literal in this table is hex")
                    })
                    .collect(),
            )),
            Self::Decimal(text) => Value::Decimal(Cow::Borrowed(text)),
            Self::Float(float) => Value::Float(float),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Json(json) => Value::Json(Cow::Borrowed(json.as_bytes())),
            Self::Null => Value::Null,
            Self::Row(columns) => {
                let cells = columns.iter().map(|(name, cell_type, value)| {
                    alloc::format!("[\"{name}\",\"{cell_type}\",\"{value}\"]")
                });
                let cells: Vec<String> = cells.collect();
                json(alloc::format!("[{}]", cells.join(",")))
            }
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
        }
    }

    /// As PostgreSQL's SQL writes it.
    pub fn to_sql(self) -> String {
        match self {
            Self::Boolean(boolean) => alloc::format!("{boolean}"),
            Self::Bytes(digits) => alloc::format!("decode('{digits}', 'hex')"),
            Self::Decimal(text) => text.into(),
            Self::Float(float) => number::format_f64(float),
            Self::Integer(integer) => alloc::format!("{integer}"),
            Self::Json(text) | Self::Text(text) => {
                alloc::format!("'{}'", text.replace('\'', "''"))
            }
            Self::Null => "NULL".into(),
            Self::Row(columns) => {
                let columns = columns.iter().map(|(name, cell_type, value)| {
                    alloc::format!("'{value}'::{cell_type} AS {name}")
                });
                let columns: Vec<String> = columns.collect();
                alloc::format!("(SELECT t FROM (SELECT {}) AS t)", columns.join(", "))
            }
        }
    }
}

impl Example {
    /// The arguments of each row.
    pub fn arguments(&self) -> Vec<Vec<Value<'static>>> {
        let row = |row: &&[Literal]| row.iter().map(|literal| literal.value()).collect();
        self.rows.iter().map(row).collect()
    }

    /// Whether `function` gives what the example says.
    pub fn holds(&self, function: &'static Function) -> bool {
        let result = call_rows(function, &self.arguments());
        match (self.result, result) {
            (Expected::Error(code), Err(error)) => error.code() == code,
            (Expected::Value(literal), Ok(value)) => literal.value() == value,
            _ => false,
        }
    }
}

/// Calls any function: a scalar one on its single row, an aggregate on all.
///
/// Errors: as [`Function::call`], and the aggregate's own.
pub fn call_rows(function: &'static Function, rows: &[Vec<Value<'_>>]) -> Result<Value<'static>> {
    if !function.is_aggregate() {
        return match rows {
            [row] => function.call(row),
            _ => Err(function.wrong_arguments("it takes one row")),
        };
    }
    let mut accumulator = function.accumulator()?;
    for row in rows {
        accumulator.update(row)?;
    }
    accumulator.finish()
}

const fn arg(name: &'static str, arg_type: Type, doc: &'static str) -> Arg {
    Arg { name, arg_type, doc }
}

const fn returns(row: &'static [&'static [Literal]], value: Literal) -> Example {
    Example { rows: row, result: Expected::Value(value) }
}

const fn refuses(row: &'static [&'static [Literal]], code: Code) -> Example {
    Example { rows: row, result: Expected::Error(code) }
}

/// Never reached: [`Function::check`] has seen the arguments. A code all the same, not a panic.
fn unchecked() -> Error {
    Error::new(Code::Arguments)
}

const RECORD: Arg = arg("record", Type::Json, "the record: one JSON document");
const BLIND: Arg = arg("blind", Type::Bytes, "the record's blind, 32 bytes; left out: not blinded");
const CELLS: Arg = arg("cells", Type::Json, "the row as cells: [[name, type, value], …]");
const PROOF_HASH: Arg = arg("proof_hash", Type::Bytes, "a proof hash, 32 bytes");
const ROOT: Arg = arg("root", Type::Bytes, "the batch root, 32 bytes");
const POLICY: Arg = arg(
    "policy",
    Type::Text,
    "whose keys are trusted: a text of lines `log KEY`, `witness NAME KEY`, `group …`, `quorum …`",
);

/// A record, its canonical form's proof, and the same blinded; used by many examples.
const EXAMPLE_RECORD: Literal = Literal::Json(r#"{"b":1.50,"a":"\u0041"}"#);
const EXAMPLE_BLIND: Literal =
    Literal::Bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
const EXAMPLE_HASH: Literal =
    Literal::Bytes("ea175cb6cf4073e0a74ebf8bdbe4a0fca3833410a9e123def8d33bf818e24b62");
const EXAMPLE_BLINDED_HASH: Literal =
    Literal::Bytes("2c7593034e47d5a6996ae8372b36e3242bf8c97f9975a9c327ad22e4565d2672");
const EXAMPLE_DOCUMENT: Literal = Literal::Json(EXAMPLE_DOCUMENT_CHARACTERS);
const EXAMPLE_DOCUMENT_TEXT: Literal = Literal::Text(EXAMPLE_DOCUMENT_CHARACTERS);
const EXAMPLE_DOCUMENT_CHARACTERS: &str = r#"{"canon":"precise-jcs-1","hash":"blake3","proof_hash":"0xea175cb6cf4073e0a74ebf8bdbe4a0fca3833410a9e123def8d33bf818e24b62","proof_id":"prf_5ilvznwpibz6bj2ox6f5xzfa7srygnaqvhqshxxy2m57qghcjnra","size":17,"v":1}"#;
const EXAMPLE_BLINDED_DOCUMENT: Literal = Literal::Json(
    r#"{"blinded":true,"canon":"precise-jcs-1","hash":"blake3","proof_hash":"0x2c7593034e47d5a6996ae8372b36e3242bf8c97f9975a9c327ad22e4565d2672","proof_id":"prf_fr2zga2oi7k2nglk5a3swnxdeqv7rsl7tf22tqzhvuroivs5ezza","v":1}"#,
);

/// A row, and its proof.
const EXAMPLE_ROW: Literal =
    Literal::Row(&[("id", "numeric", "7"), ("price", "numeric", "12.50"), ("name", "text", "A")]);
const EXAMPLE_CELLS: Literal =
    Literal::Json(r#"[["id","numeric","7"],["price","numeric","12.50"],["name","text","A"]]"#);
const EXAMPLE_ROW_DOCUMENT: Literal = Literal::Json(
    r#"{"canon":"precise-jcs-1","hash":"blake3","proof_hash":"0x8e3ebca82d2d6cfae45c2eb7aea73477ae47a49e6e171a160768ae9a9152c94f","proof_id":"prf_ry7lzkbnfvwpvzc4f2325jzuo6xepje6nylrufqhncxjvekszfhq","size":32,"v":1}"#,
);
const EXAMPLE_BLINDED_ROW_DOCUMENT: Literal = Literal::Json(
    r#"{"blinded":true,"canon":"precise-jcs-1","hash":"blake3","proof_hash":"0xf49bf909cff2e551bb375d7c7eaffcde63ba977e8a160f2dcfeeeaec415d39cc","proof_id":"prf_6sn7scop6lsvdozxlv6h5l743zr3vf36rila6lop53voyqk5hhga","v":1}"#,
);

/// Three hashes, the root over them, and documents about them.
const ONES: Literal =
    Literal::Bytes("1111111111111111111111111111111111111111111111111111111111111111");
const TWOS: Literal =
    Literal::Bytes("2222222222222222222222222222222222222222222222222222222222222222");
const THREES: Literal =
    Literal::Bytes("3333333333333333333333333333333333333333333333333333333333333333");
const THREE_ROOT: Literal =
    Literal::Bytes("9bee4401962e94b921336a7910a5a9718836ffcbc545dde0a3f34d858beb5752");
const TWOS_INCLUSION: Literal = Literal::Json(
    r#"{"count":3,"index":1,"path":["0x4635e1fa62a599a7880a8d14a56f720a1d40f6e5448ab5a5e39bedc8bd87fa8e","0x5e5caeafc27155c368b6f201107d6f8b270747ce636ac5174a56c6e12ef89ad1"]}"#,
);
const TWOS_ABSENCE: Literal = Literal::Json(
    r#"{"count":2,"left":{"index":0,"leaf":"0x1111111111111111111111111111111111111111111111111111111111111111","path":["0x5e5caeafc27155c368b6f201107d6f8b270747ce636ac5174a56c6e12ef89ad1"]},"right":{"index":1,"leaf":"0x3333333333333333333333333333333333333333333333333333333333333333","path":["0x4635e1fa62a599a7880a8d14a56f720a1d40f6e5448ab5a5e39bedc8bd87fa8e"]}}"#,
);

/// A receipt of the example's record, what the status log said then, and whose keys to trust.
const EXAMPLE_RECEIPT: Literal = Literal::Json(
    r#"{"anchors":[],"batch":{"count":1,"index":0,"path":[]},"entry":"{\"batch_root\":\"0x97f52f21d62a9c111a2e0bde2318b2f6e4b25941db74f209f67c696207788ad2\",\"canon\":\"precise-jcs-1\",\"closed_at\":\"2026-11-22T20:00:00Z\",\"count\":1,\"kind\":\"records\",\"v\":1}","proof_hash":"0xea175cb6cf4073e0a74ebf8bdbe4a0fca3833410a9e123def8d33bf818e24b62","tlog_proof":"c2sp.org/tlog-proof@v1\nindex 0\n\nexample.com/log\n1\nDmumGnx2vMIlj4s2WiEYOG3ZqC5UYCzcms7+o1IEJWQ=\n\n— example.com/log m+XTxivfoZ0kLVltmlOy+LOU4tROYE+4Qrq7xDGx/Qt1WcNh1Xv0vHNqOpIU+gKjF1ywQTZpK7KJ+QpITUtL5Ad+3AU=\n","v":1}"#,
);
const EXAMPLE_STATUS: Literal = Literal::Json(
    r#"{"entry":"{\"at\":\"2026-11-22T20:00:00Z\",\"count\":0,\"kind\":\"status\",\"map_root\":\"0x0000000000000000000000000000000000000000000000000000000000000000\",\"v\":1}","proof":{"path":[]},"tlog_proof":"c2sp.org/tlog-proof@v1\nindex 0\n\nexample.com/log/status\n1\nQCSoS24mPCBF6GHTtVXtW4WP1EROq/+lGlK17Huh+pI=\n\n— example.com/log/status 2lftwxA/p+DZqp/u5i9QPYUWWqUl92JXtzRz6AVkX2nn1jDQdJPYYM7Z50Hxmb+GtR9mFVgoMGyOi4Askag0Lh2/IAU=\n","v":1}"#,
);
const EXAMPLE_POLICY: Literal = Literal::Text(
    "log example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n\
     log example.com/log/status+da57edc3+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58\n\
     quorum none\n",
);
const EXAMPLE_NOW: Literal = Literal::Text("2026-11-22T20:00:30Z");
const EXAMPLE_EVIDENCE: Literal = Literal::Json(r#"{"now":"2026-11-22T20:00:30Z"}"#);
const EXAMPLE_VERDICT: Literal = Literal::Json(
    r#"{"failed":null,"steps":[{"detail":"17 canonical bytes","name":"record","ok":true},{"detail":"BLAKE3 of the canonical bytes is 0xea175cb6cf4073e0a74ebf8bdbe4a0fca3833410a9e123def8d33bf818e24b62, as in the receipt","name":"proof","ok":true},{"detail":"leaf 0 of 1, SHA-256(0x00 ‖ proof hash) = 0x97f52f21d62a9c111a2e0bde2318b2f6e4b25941db74f209f67c696207788ad2; the path, of length 0, leads to 0x97f52f21d62a9c111a2e0bde2318b2f6e4b25941db74f209f67c696207788ad2, the entry's batch_root","name":"batch","ok":true},{"detail":"175 bytes: kind records, count 1, batch_root 0x97f52f21d62a9c111a2e0bde2318b2f6e4b25941db74f209f67c696207788ad2, closed_at 2026-11-22T20:00:00Z","name":"entry","ok":true},{"detail":"entry 0 of 1, SHA-256(0x00 ‖ entry) = 0x0e6ba61a7c76bcc2258f8b365a2118386dd9a82e54602cdc9acefea352042564; the path, of length 0, leads to 0x0e6ba61a7c76bcc2258f8b365a2118386dd9a82e54602cdc9acefea352042564, the checkpoint's root","name":"log","ok":true},{"detail":"example.com/log, size 1, root 0x0e6ba61a7c76bcc2258f8b365a2118386dd9a82e54602cdc9acefea352042564; signed by its key 9be5d3c6; no witness is asked for","name":"checkpoint","ok":true},{"detail":"not checked","name":"anchor","ok":null},{"detail":"not checked","name":"status","ok":null}],"verdict":true}"#,
);
const EXAMPLE_FALSE_VERDICT: Literal = Literal::Json(
    r#"{"failed":"proof","steps":[{"detail":"2 canonical bytes","name":"record","ok":true},{"detail":"BLAKE3 of the canonical bytes is 0x6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279, in the receipt it is 0xea175cb6cf4073e0a74ebf8bdbe4a0fca3833410a9e123def8d33bf818e24b62","name":"proof","ok":false},{"detail":"not checked","name":"batch","ok":null},{"detail":"not checked","name":"entry","ok":null},{"detail":"not checked","name":"log","ok":null},{"detail":"not checked","name":"checkpoint","ok":null},{"detail":"not checked","name":"anchor","ok":null},{"detail":"not checked","name":"status","ok":null}],"verdict":false}"#,
);
const EXAMPLE_STATUS_VERDICT: Literal = Literal::Json(
    r#"{"detail":"not void, as of 2026-11-22T20:00:00Z: the path, of length 0, leads to 0x0000000000000000000000000000000000000000000000000000000000000000, the map_root of count 0; entry 0 of 1, SHA-256(0x00 ‖ entry) = 0x4024a84b6e263c2045e861d3b555ed5b858fd4444eabffa51a52b5ec7ba1fa92; the path, of length 0, leads to 0x4024a84b6e263c2045e861d3b555ed5b858fd4444eabffa51a52b5ec7ba1fa92, the checkpoint's root; example.com/log/status, size 1, root 0x4024a84b6e263c2045e861d3b555ed5b858fd4444eabffa51a52b5ec7ba1fa92; signed by its key da57edc3; no witness is asked for, so that the time is self-asserted","fresh":true,"origin":"example.com/log","verdict":true,"void":false}"#,
);
const EXAMPLE_STALE_VERDICT: Literal = Literal::Json(
    r#"{"detail":"stale: the entry is of 2026-11-22T20:00:00Z, 30 s from now, and at most 20 s are asked for; not void, as of 2026-11-22T20:00:00Z: the path, of length 0, leads to 0x0000000000000000000000000000000000000000000000000000000000000000, the map_root of count 0; entry 0 of 1, SHA-256(0x00 ‖ entry) = 0x4024a84b6e263c2045e861d3b555ed5b858fd4444eabffa51a52b5ec7ba1fa92; the path, of length 0, leads to 0x4024a84b6e263c2045e861d3b555ed5b858fd4444eabffa51a52b5ec7ba1fa92, the checkpoint's root; example.com/log/status, size 1, root 0x4024a84b6e263c2045e861d3b555ed5b858fd4444eabffa51a52b5ec7ba1fa92; signed by its key da57edc3; no witness is asked for, so that the time is self-asserted","fresh":false,"origin":"example.com/log","verdict":false,"void":false}"#,
);

/// The table.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "precise_version",
        family: "about",
        since: "0.1.0",
        args: &[],
        required: 0,
        returns: Type::Text,
        doc: "The version of the software and of the specification it implements.",
        examples: &[returns(
            &[&[]],
            Literal::Text(concat!("precise ", env!("CARGO_PKG_VERSION"), " spec 1")),
        )],
        kernel: Kernel::Scalar(|_| {
            let version = env!("CARGO_PKG_VERSION");
            Ok(text(alloc::format!("precise {version} spec {}", crate::SPEC_VERSION)))
        }),
    },
    Function {
        name: "precise_selftest",
        family: "about",
        since: "0.1.0",
        args: &[],
        required: 0,
        returns: Type::Json,
        doc: "Runs every example of this catalogue inside the engine and counts which held. \
              `failed` is 0 where the engine produces the specified bytes.",
        examples: &[],
        kernel: Kernel::Scalar(|_| Ok(json(selftest()))),
    },
    Function {
        name: "precise_canonical",
        family: "proof",
        since: "0.1.0",
        args: &[RECORD],
        required: 1,
        returns: Type::Text,
        doc: "The exact text that is hashed: the record in canonical form, precise-jcs-1.",
        examples: &[
            returns(&[&[EXAMPLE_RECORD]], Literal::Text(r#"{"a":"A","b":1.5}"#)),
            returns(&[&[Literal::Null]], Literal::Null),
            refuses(&[&[Literal::Json(r#"{"a":1,"a":2}"#)]], Code::DuplicateKey),
            refuses(&[&[Literal::Json("9007199254740993")]], Code::NumberPrecision),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Json, output: Output::Canonical }),
    },
    Function {
        name: "precise_check",
        family: "proof",
        since: "0.1.0",
        args: &[RECORD],
        required: 1,
        returns: Type::Text,
        doc: "NULL if the record can be minted, else the code and the JSON path of what is wrong, \
              so that one bad row need not end a query and rejects can be counted.",
        examples: &[
            returns(&[&[Literal::Json(r#"{"a":{"b":1e400}}"#)]], Literal::Text("PR202 $.a.b")),
            returns(&[&[EXAMPLE_RECORD]], Literal::Null),
            returns(&[&[Literal::Null]], Literal::Null),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Json, output: Output::Fault }),
    },
    Function {
        name: "precise_proof_hash",
        family: "proof",
        since: "0.1.0",
        args: &[RECORD, BLIND],
        required: 1,
        returns: Type::Bytes,
        doc: "The proof hash of the record: BLAKE3 of its canonical form, keyed with the blind if \
              there is one.",
        examples: &[
            returns(&[&[EXAMPLE_RECORD]], EXAMPLE_HASH),
            returns(&[&[EXAMPLE_RECORD, EXAMPLE_BLIND]], EXAMPLE_BLINDED_HASH),
            returns(&[&[EXAMPLE_RECORD, Literal::Null]], Literal::Null),
            refuses(&[&[EXAMPLE_RECORD, Literal::Bytes("00")]], Code::SecretLength),
            refuses(&[&[Literal::Json("{")]], Code::UnexpectedEnd),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Json, output: Output::Hash }),
    },
    Function {
        name: "precise_mint_proof",
        family: "proof",
        since: "0.1.0",
        args: &[RECORD, BLIND],
        required: 1,
        returns: Type::Json,
        doc: "The proof document of the record. Minting changes nothing anywhere: the same record \
              and blind give the same document in every engine.",
        examples: &[
            returns(&[&[EXAMPLE_RECORD]], EXAMPLE_DOCUMENT),
            returns(&[&[EXAMPLE_RECORD, EXAMPLE_BLIND]], EXAMPLE_BLINDED_DOCUMENT),
            returns(&[&[Literal::Null]], Literal::Null),
            returns(&[&[EXAMPLE_RECORD, Literal::Null]], Literal::Null),
            refuses(&[&[Literal::Json(r#"["\ud800"]"#)]], Code::LoneSurrogate),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Json, output: Output::Document }),
    },
    Function {
        name: "precise_try_mint_proof",
        family: "proof",
        since: "0.1.0",
        args: &[RECORD, BLIND],
        required: 1,
        returns: Type::Json,
        doc: "As precise_mint_proof, but NULL where the record is refused, so that one bad row \
              does not end a query over a billion. precise_check tells why.",
        examples: &[
            returns(&[&[EXAMPLE_RECORD]], EXAMPLE_DOCUMENT),
            returns(&[&[Literal::Json(r#"{"a":1,"a":2}"#)]], Literal::Null),
            refuses(&[&[EXAMPLE_RECORD, Literal::Bytes("00")]], Code::SecretLength),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Json, output: Output::DocumentOrNull }),
    },
    Function {
        name: "precise_mint_row",
        family: "proof",
        since: "0.1.0",
        args: &[arg("row", Type::Row, "the record: a row, a struct, or named columns"), BLIND],
        required: 1,
        returns: Type::Json,
        doc: "The proof document of a row of typed columns, precise-row-1. The order of columns \
              and the case of their names do not matter.",
        examples: &[
            returns(&[&[EXAMPLE_ROW]], EXAMPLE_ROW_DOCUMENT),
            returns(&[&[EXAMPLE_ROW, EXAMPLE_BLIND]], EXAMPLE_BLINDED_ROW_DOCUMENT),
            returns(&[&[Literal::Null]], Literal::Null),
            refuses(&[&[Literal::Row(&[("x", "float8", "NaN")])]], Code::NumberRange),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Cells, output: Output::Document }),
    },
    Function {
        name: "precise_mint_cells",
        family: "proof",
        since: "0.1.0",
        args: &[CELLS, BLIND],
        required: 1,
        returns: Type::Json,
        doc: "The proof document of a row given as cells, the form that every engine can write. \
              It is the one that precise_mint_row gives for the row.",
        examples: &[
            returns(&[&[EXAMPLE_CELLS]], EXAMPLE_ROW_DOCUMENT),
            returns(&[&[EXAMPLE_CELLS, EXAMPLE_BLIND]], EXAMPLE_BLINDED_ROW_DOCUMENT),
            returns(&[&[EXAMPLE_CELLS, Literal::Null]], Literal::Null),
            refuses(&[&[Literal::Json(r#"[["at","date","2023-02-29"]]"#)]], Code::CellText),
            refuses(&[&[Literal::Json(r#"{"id":7}"#)]], Code::Cells),
        ],
        kernel: Kernel::Record(Record { spelling: Spelling::Cells, output: Output::Document }),
    },
    Function {
        name: "precise_proof_id",
        family: "proof",
        since: "0.1.0",
        args: &[PROOF_HASH],
        required: 1,
        returns: Type::Text,
        doc: "The proof id: the same 32 bytes spelled for URLs and people.",
        examples: &[
            returns(
                &[&[ONES]],
                Literal::Text("prf_ceirceirceirceirceirceirceirceirceirceirceirceirceiq"),
            ),
            refuses(&[&[Literal::Bytes("1111")]], Code::Hash),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Bytes(bytes)] => Ok(text(proof::format_id(&hash_from_bytes(bytes)?))),
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_proof_hash_of",
        family: "proof",
        since: "0.1.0",
        args: &[arg("proof", Type::Text, "a proof id prf_…, a hash 0x…, or a proof document")],
        required: 1,
        returns: Type::Bytes,
        doc: "The proof hash that a text spells; of what precise_mint_proof returned, for instance.",
        examples: &[
            returns(
                &[&[Literal::Text("prf_ceirceirceirceirceirceirceirceirceirceirceirceirceiq")]],
                ONES,
            ),
            returns(&[&[EXAMPLE_DOCUMENT_TEXT]], EXAMPLE_HASH),
            refuses(&[&[Literal::Text("prf_")]], Code::ProofId),
            refuses(&[&[Literal::Text("0x11")]], Code::Hash),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Text(text)] => Ok(proof::parse_spelling(text)?.into()),
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_verify_proof",
        family: "proof",
        since: "0.1.0",
        args: &[RECORD, arg("proof", Type::Json, "a proof document"), BLIND],
        required: 2,
        returns: Type::Boolean,
        doc: "Whether a proof document is the proof of the record.",
        examples: &[
            returns(&[&[EXAMPLE_RECORD, EXAMPLE_DOCUMENT]], Literal::Boolean(true)),
            returns(
                &[&[EXAMPLE_RECORD, EXAMPLE_BLINDED_DOCUMENT, EXAMPLE_BLIND]],
                Literal::Boolean(true),
            ),
            returns(&[&[Literal::Json("{}"), EXAMPLE_DOCUMENT]], Literal::Boolean(false)),
            refuses(&[&[EXAMPLE_RECORD, EXAMPLE_BLINDED_DOCUMENT]], Code::MissingBlind),
            refuses(&[&[EXAMPLE_RECORD, Literal::Json("{}")]], Code::ProofDocument),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Json(record), Value::Json(document), blind @ ..] => {
                let blind = optional_blind(blind)?;
                Ok(verify_proof(record, document, blind.as_ref())?.into())
            }
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_blind",
        family: "proof",
        since: "0.1.0",
        args: &[
            arg("secret", Type::Bytes, "the data subject's secret, 32 bytes"),
            arg("record_id", Type::Text, "an id unique to this version of this record"),
        ],
        required: 2,
        returns: Type::Bytes,
        doc: "The blind of a record, derived from its subject's secret. Destroying the secret \
              makes the record's proof unlinkable.",
        examples: &[
            returns(
                &[&[EXAMPLE_BLIND, Literal::Text("order-1")]],
                Literal::Bytes("e533c3ee3113b7170e4b2ae8f5a8e10fafc724c000766b122411415ae42d4f33"),
            ),
            returns(&[&[Literal::Null, Literal::Text("order-1")]], Literal::Null),
            refuses(&[&[Literal::Bytes(""), Literal::Text("order-1")]], Code::SecretLength),
            refuses(&[&[EXAMPLE_BLIND, Literal::Text("")]], Code::RecordId),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Bytes(secret), Value::Text(record_id)] => {
                Ok((*Blind::derive(secret, record_id)?.as_bytes()).into())
            }
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_merkle_root",
        family: "batch",
        since: "0.1.0",
        args: &[PROOF_HASH],
        required: 1,
        returns: Type::Bytes,
        doc: "The batch root over the proof hashes of a group. Repeats count once; the order of \
              rows does not matter.",
        examples: &[
            returns(&[&[TWOS], &[THREES], &[ONES], &[TWOS], &[Literal::Null]], THREE_ROOT),
            returns(&[], Literal::Null),
            refuses(&[&[Literal::Bytes("1111")]], Code::Hash),
        ],
        kernel: Kernel::Aggregate(|| Box::new(MerkleRoot::default())),
    },
    Function {
        name: "precise_merkle_combine",
        family: "batch",
        since: "0.1.0",
        args: &[
            arg("block_roots", Type::Json, "an array of 0x… roots, in order"),
            arg("k", Type::Integer, "each block but the last has 2^k leaves"),
        ],
        required: 2,
        returns: Type::Bytes,
        doc: "The batch root from the roots of consecutive blocks of 2^k sorted, distinct proof \
              hashes.",
        examples: &[
            returns(
                &[&[
                    Literal::Json(
                        r#"["0xcc15b132263fd4fd2748c0e7cb9e1c4ad0afe70fcf9382ee644c4da8af0286a5","0x5e5caeafc27155c368b6f201107d6f8b270747ce636ac5174a56c6e12ef89ad1"]"#,
                    ),
                    Literal::Integer(1),
                ]],
                THREE_ROOT,
            ),
            refuses(&[&[Literal::Json("[]"), Literal::Integer(1)]], Code::BlockRoots),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Json(roots), Value::Integer(k)] => {
                let roots = merkle::parse_roots(roots)?;
                // What does not fit is as far out of range as 64 is.
                Ok(merkle::combine(&roots, u32::try_from(*k).unwrap_or(u32::MAX))?.into())
            }
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_inclusion",
        family: "batch",
        since: "0.1.0",
        args: &[
            PROOF_HASH,
            arg("target", Type::Bytes, "the proof hash to look for, the same in every row"),
        ],
        required: 2,
        returns: Type::Json,
        doc: "The proof that the target is among the proof hashes of a group; if it is not, the \
              two neighbours between which it would be.",
        examples: &[
            returns(&[&[TWOS, TWOS], &[THREES, TWOS], &[ONES, TWOS]], TWOS_INCLUSION),
            returns(&[&[THREES, TWOS], &[ONES, TWOS]], TWOS_ABSENCE),
            returns(&[], Literal::Null),
            refuses(&[&[ONES, TWOS], &[TWOS, THREES]], Code::ArgumentVaries),
        ],
        kernel: Kernel::Aggregate(|| Box::new(InclusionOf::default())),
    },
    Function {
        name: "precise_verify_inclusion",
        family: "batch",
        since: "0.1.0",
        args: &[PROOF_HASH, arg("inclusion", Type::Json, "an inclusion proof"), ROOT],
        required: 3,
        returns: Type::Boolean,
        doc: "Whether an inclusion proof leads from the proof hash to the root.",
        examples: &[
            returns(&[&[TWOS, TWOS_INCLUSION, THREE_ROOT]], Literal::Boolean(true)),
            returns(&[&[ONES, TWOS_INCLUSION, THREE_ROOT]], Literal::Boolean(false)),
            refuses(&[&[ONES, Literal::Json("{}"), THREE_ROOT]], Code::Inclusion),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Bytes(hash), Value::Json(inclusion), Value::Bytes(root)] => {
                let (hash, root) = (hash_from_bytes(hash)?, hash_from_bytes(root)?);
                Ok(Inclusion::parse(inclusion)?.verify(&hash, &root).into())
            }
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_verify_absence",
        family: "batch",
        since: "0.1.0",
        args: &[PROOF_HASH, arg("absence", Type::Json, "an absence proof"), ROOT],
        required: 3,
        returns: Type::Boolean,
        doc: "Whether an absence proof holds under the root. It is sound if the batch is sorted, \
              which one root alone does not show.",
        examples: &[
            returns(
                &[&[
                    TWOS,
                    TWOS_ABSENCE,
                    Literal::Bytes(
                        "430d96f68098513ae6ae3e7204aaf8245727ef3c095e5b4e1f7110618297e62d",
                    ),
                ]],
                Literal::Boolean(true),
            ),
            returns(&[&[TWOS, TWOS_ABSENCE, THREE_ROOT]], Literal::Boolean(false)),
            refuses(&[&[TWOS, Literal::Json(r#"{"count":1}"#), THREE_ROOT]], Code::Absence),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [Value::Bytes(hash), Value::Json(absence), Value::Bytes(root)] => {
                let (hash, root) = (hash_from_bytes(hash)?, hash_from_bytes(root)?);
                Ok(Absence::parse(absence)?.verify(&hash, &root).into())
            }
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_verify_receipt",
        family: "receipt",
        since: "0.2.0",
        args: &[
            RECORD,
            arg("receipt", Type::Json, "the record's receipt"),
            POLICY,
            arg(
                "evidence",
                Type::Json,
                "what else is known: {\"now\":\"2026-11-22T20:00:00Z\"}, and if wanted `blind` \
                 (0x…), `kind`, `status` (a status receipt) and `max_age` (seconds, 86400)",
            ),
        ],
        required: 4,
        returns: Type::Json,
        doc: "The verdict on a receipt: each step with what was found, and the first that failed. \
              Whatever is wrong with the record, the receipt or the policy is a step that failed, \
              not an error. Without `status` nobody says whether the proof has become void.",
        examples: &[
            returns(
                &[&[EXAMPLE_RECORD, EXAMPLE_RECEIPT, EXAMPLE_POLICY, EXAMPLE_EVIDENCE]],
                EXAMPLE_VERDICT,
            ),
            returns(
                &[&[Literal::Json("{}"), EXAMPLE_RECEIPT, EXAMPLE_POLICY, EXAMPLE_EVIDENCE]],
                EXAMPLE_FALSE_VERDICT,
            ),
            refuses(
                &[&[EXAMPLE_RECORD, EXAMPLE_RECEIPT, EXAMPLE_POLICY, Literal::Json("{}")]],
                Code::Evidence,
            ),
        ],
        kernel: Kernel::Prepared(|| Box::new(VerifyReceipt::default())),
    },
    Function {
        name: "precise_void_document",
        family: "receipt",
        since: "0.2.0",
        args: &[
            PROOF_HASH,
            arg("reason", Type::Text, "`correction`, `erasure` or `opt_out`"),
            arg("at", Type::Text, "when it was voided: 2026-11-22T20:00:00Z"),
            arg(
                "salt",
                Type::Bytes,
                "32 random bytes, so that nobody finds the document by guessing",
            ),
        ],
        required: 4,
        returns: Type::Json,
        doc: "The document that voids a proof. Its SHA-256 goes into the status map; the document \
              itself stays with who voided.",
        examples: &[
            returns(
                &[&[
                    ONES,
                    Literal::Text("erasure"),
                    Literal::Text("2026-11-22T20:00:00Z"),
                    EXAMPLE_BLIND,
                ]],
                Literal::Json(
                    r#"{"at":"2026-11-22T20:00:00Z","kind":"void","proof_hash":"0x1111111111111111111111111111111111111111111111111111111111111111","reason":"erasure","salt":"0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","v":1}"#,
                ),
            ),
            refuses(
                &[&[
                    ONES,
                    Literal::Text("regret"),
                    Literal::Text("2026-11-22T20:00:00Z"),
                    EXAMPLE_BLIND,
                ]],
                Code::VoidDocument,
            ),
        ],
        kernel: Kernel::Scalar(|args| match args {
            [
                Value::Bytes(proof_hash),
                Value::Text(reason),
                Value::Text(at),
                Value::Bytes(salt),
            ] => {
                let malformed = |detail| Error::new(Code::VoidDocument).because(detail);
                let document = VoidDocument {
                    at: UtcSecond::parse(at)
                        .ok_or_else(|| malformed("at is not YYYY-MM-DDTHH:MM:SSZ"))?,
                    proof_hash: hash_from_bytes(proof_hash)?,
                    reason: Reason::from_name(reason)
                        .ok_or_else(|| malformed("its reason is unknown"))?,
                    salt: hash_from_bytes(salt)?,
                };
                Ok(json(document.to_json()))
            }
            _ => Err(unchecked()),
        }),
    },
    Function {
        name: "precise_verify_status",
        family: "receipt",
        since: "0.2.0",
        args: &[
            PROOF_HASH,
            arg("status", Type::Json, "a status receipt of the proof"),
            POLICY,
            arg("now", Type::Text, "the time to compare with: 2026-11-22T20:00:00Z"),
            arg(
                "max_age",
                Type::Integer,
                "seconds from now within which it is fresh; left out: 86400, a day",
            ),
        ],
        required: 4,
        returns: Type::Json,
        doc: "What a status receipt shows of a proof: whether it is `void`, whether that is \
              `fresh`, and of which log (`origin`) it is said, which is for the caller to compare. \
              `verdict` is true if it is fresh and not void. What is not shown is null; why, \
              `detail` says.",
        examples: &[
            returns(
                &[&[EXAMPLE_HASH, EXAMPLE_STATUS, EXAMPLE_POLICY, EXAMPLE_NOW]],
                EXAMPLE_STATUS_VERDICT,
            ),
            returns(
                &[&[
                    EXAMPLE_HASH,
                    EXAMPLE_STATUS,
                    EXAMPLE_POLICY,
                    EXAMPLE_NOW,
                    Literal::Integer(20),
                ]],
                EXAMPLE_STALE_VERDICT,
            ),
            refuses(
                &[&[EXAMPLE_HASH, EXAMPLE_STATUS, EXAMPLE_POLICY, Literal::Text("now")]],
                Code::Evidence,
            ),
        ],
        kernel: Kernel::Prepared(|| Box::new(VerifyStatus::default())),
    },
    cohort::RULESET_HASH,
    cohort::COHORT_IDS,
    cohort::COHORT_CONFIDENCE,
    cohort::COHORT_PERFORMANCE,
    attribution::CONTRIBUTIONS,
    attribution::TOUCH_CREDIT,
    attribution::ATTRIBUTION,
    attribution::PATH_TRANSITIONS,
    attribution::MARKOV_SOLVE,
    attribution::SHAPLEY,
    royalty::ROYALTY,
    royalty::SETTLE,
    royalty::STATEMENT,
    royalty::STATEMENT_LINE,
    royalty::VERIFY_STATEMENT_LINE,
    royalty::LEDGER_ENTRY_ID,
    royalty::LEDGER_VOID_ID,
];

fn optional_age(args: &[Value<'_>]) -> Result<u64> {
    match args {
        [] => Ok(verify::MAX_AGE),
        [Value::Integer(age)] => u64::try_from(*age)
            .map_err(|_| Error::new(Code::Evidence).because("max_age is below 0")),
        _ => Err(unchecked()),
    }
}

fn optional_blind(args: &[Value<'_>]) -> Result<Option<Blind>> {
    match args {
        [] => Ok(None),
        [Value::Bytes(blind)] => Blind::from_bytes(blind).map(Some),
        _ => Err(unchecked()),
    }
}

/// `{"failed":0,"passed":n}`
fn selftest() -> String {
    let examples = FUNCTIONS
        .iter()
        .flat_map(|function| function.examples.iter().map(move |example| (function, example)));
    let (passed, failed): (Vec<_>, Vec<_>) =
        examples.partition(|(function, example)| example.holds(function));
    let mut writer = Writer::object();
    writer.key("failed").integer(failed.len() as u64);
    writer.key("passed").integer(passed.len() as u64);
    writer.finish()
}

/// A policy that was read, or why it could not be.
type ReadPolicy = Kept<Result<Policy>>;

/// `precise_verify_receipt`
#[derive(Debug, Default)]
struct VerifyReceipt {
    policy: ReadPolicy,
}

impl Callee for VerifyReceipt {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [record, receipt, Value::Text(policy), Value::Json(evidence)] = args else {
            return Err(unchecked());
        };
        let (Value::Json(record), Value::Json(receipt)) = (record, receipt) else {
            return Err(unchecked());
        };
        let evidence = Evidence::parse(evidence)?;
        let policy = self.policy.get(policy.as_bytes(), |policy| Ok(Policy::read(policy)))?;
        Ok(json(verify::verify_receipt_with(record, receipt, policy, &evidence).to_json()))
    }
}

/// `precise_verify_status`
#[derive(Debug, Default)]
struct VerifyStatus {
    policy: ReadPolicy,
}

impl Callee for VerifyStatus {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [
            Value::Bytes(proof_hash),
            Value::Json(receipt),
            Value::Text(policy),
            Value::Text(now),
            max_age @ ..,
        ] = args
        else {
            return Err(unchecked());
        };
        let proof_hash = hash_from_bytes(proof_hash)?;
        let (now, max_age) = (verify::parse_now(now)?, optional_age(max_age)?);
        let request = StatusRequest { receipt, now, max_age };
        let policy = self.policy.get(policy.as_bytes(), |policy| Ok(Policy::read(policy)))?;
        Ok(json(verify::verify_status(&proof_hash, policy, &request).to_json()))
    }
}

/// `precise_merkle_root`
#[derive(Debug, Default)]
struct MerkleRoot {
    collector: Collector,
}

impl Accumulator for MerkleRoot {
    fn update(&mut self, args: &[Value<'_>]) -> Result<()> {
        let [Value::Bytes(hash)] = args else { return Err(unchecked()) };
        self.collector.push(hash_from_bytes(hash)?);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.collector.merge(state)
    }

    fn state(&mut self) -> Vec<u8> {
        self.collector.state()
    }

    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.collector.merge_stored(stored, |hash| write(hash))
    }

    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>> {
        let mut builder = RootBuilder::default();
        self.collector.merge_stored(stored, |hash| builder.push(hash))?;
        Ok(builder.finish().map_or(Value::Null, Value::from))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.collector.size()
    }
}

/// `precise_inclusion`. Its state is the target, if a row came, and the hashes behind it.
#[derive(Debug, Default)]
struct InclusionOf {
    target: Option<Hash>,
    collector: Collector,
}

impl InclusionOf {
    fn set_target(&mut self, target: Hash) -> Result<()> {
        match self.target.replace(target) {
            Some(before) if before != target => Err(Error::new(Code::ArgumentVaries).because(
                alloc::format!("{} and {}", hex::format_hash(&before), hex::format_hash(&target)),
            )),
            _ => Ok(()),
        }
    }

    /// Reads the targets in front of the stored hashes.
    fn take_targets(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<()> {
        for state in stored {
            if let Some(target) = next_hash(*state)? {
                self.set_target(target)?;
            }
        }
        Ok(())
    }
}

impl Accumulator for InclusionOf {
    fn update(&mut self, args: &[Value<'_>]) -> Result<()> {
        let [Value::Bytes(hash), Value::Bytes(target)] = args else { return Err(unchecked()) };
        self.set_target(hash_from_bytes(target)?)?;
        self.collector.push(hash_from_bytes(hash)?);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let Some((target, hashes)) = state.split_first_chunk() else {
            return if state.is_empty() { Ok(()) } else { self.collector.merge(state) };
        };
        self.set_target(*target)?;
        self.collector.merge(hashes)
    }

    fn state(&mut self) -> Vec<u8> {
        let mut state = Vec::new();
        if let Some(target) = self.target.take() {
            state.extend_from_slice(&target);
            state.extend_from_slice(&self.collector.state());
        }
        state
    }

    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.take_targets(stored)?;
        if let Some(target) = self.target {
            write(&target);
        }
        self.collector.merge_stored(stored, |hash| write(hash))
    }

    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>> {
        self.take_targets(stored)?;
        let Some(target) = self.target else { return Ok(Value::Null) };
        let mut prover = Prover::new(target);
        self.collector.merge_stored(stored, |hash| prover.push(hash))?;
        Ok(prover.finish().map_or(Value::Null, |membership| json(membership.to_json())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.collector.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_holds() {
        for function in FUNCTIONS {
            for example in function.examples {
                let result = call_rows(function, &example.arguments());
                assert!(example.holds(function), "{}: {example:?}\ngave {result:?}", function.name);
            }
        }
        let selftest = Function::find("PRECISE_SELFTEST").unwrap().call(&[]).unwrap();
        let count: usize = FUNCTIONS.iter().map(|function| function.examples.len()).sum();
        assert_eq!(selftest, json(alloc::format!("{{\"failed\":0,\"passed\":{count}}}")));
    }

    #[test]
    fn every_row_is_complete() {
        for (i, function) in FUNCTIONS.iter().enumerate() {
            assert!(function.name.starts_with("precise_"), "{}", function.name);
            assert!(function.doc.ends_with('.'), "{}: a doc is sentences", function.name);
            assert!(function.required <= function.args.len(), "{}", function.name);
            assert!(!function.is_aggregate() || function.required > 0, "{}", function.name);
            for example in function.examples {
                let same = example.rows.windows(2).all(|rows| rows[0].len() == rows[1].len());
                assert!(same, "{}: a call in SQL has as many arguments in each row", function.name);
            }
            let takes_row = function.args.iter().any(|arg| arg.arg_type == Type::Row);
            assert!(
                !takes_row || matches!(function.kernel, Kernel::Record(_)),
                "{}: engines make a record of a row, and nothing else",
                function.name
            );
            assert!(
                FUNCTIONS[..i].iter().all(|before| before.name != function.name),
                "{} stands twice",
                function.name
            );
            assert!(
                function.name == "precise_selftest" || !function.examples.is_empty(),
                "{} has no example",
                function.name
            );
        }
    }

    #[test]
    fn wrong_arguments_are_refused_by_code() {
        let code = |name: &str, args: &[Value<'_>]| {
            Function::find(name).and_then(|function| function.call(args)).unwrap_err().code()
        };
        assert_eq!(code("precise_nothing", &[]), Code::UnknownFunction);
        assert_eq!(code("precise_canonical", &[]), Code::Arguments);
        assert_eq!(code("precise_canonical", &[Value::Null, Value::Null]), Code::Arguments);
        assert_eq!(code("precise_canonical", &[Value::Integer(1)]), Code::Arguments);
        assert_eq!(code("precise_merkle_root", &[Value::Null]), Code::Arguments);
        assert_eq!(
            code("precise_proof_hash_of", &[Value::Bytes(Cow::Borrowed(b""))]),
            Code::Arguments
        );
        assert!(Function::find("precise_version").unwrap().accumulator().is_err());
    }

    /// Takes a number of each kind, the second of which may be left out.
    const NUMBERS: &Function = &Function {
        name: "precise_numbers",
        family: "none",
        since: "0.0.0",
        args: &[arg("exact", Type::Decimal, ""), arg("near", Type::Float, "")],
        required: 1,
        returns: Type::Integer,
        doc: "How many numbers there are.",
        examples: &[],
        kernel: Kernel::Scalar(|args| Ok(Value::Integer(args.len() as i64))),
    };

    #[test]
    fn numbers_are_checked_before_they_are_taken() {
        let exact = |text: &'static str| Value::Decimal(Cow::Borrowed(text));
        for good in ["0", "-0", "+1.50", "-00.1", &"9".repeat(100)] {
            let texts = [Value::Decimal(Cow::Borrowed(good)), Value::Text(Cow::Borrowed(good))];
            for value in texts {
                assert_eq!(NUMBERS.call(&[value]), Ok(Value::Integer(1)), "{good}");
            }
        }
        assert_eq!(NUMBERS.call(&[exact("1"), Value::Float(-0.0)]), Ok(Value::Integer(2)));
        assert_eq!(NUMBERS.call(&[exact("1"), Value::Null]), Ok(Value::Null));
        for wrong in ["", "-", ".", "1.", ".5", "1e5", " 1", "1 ", "--1", "0x1", "1,5", "\u{663}"] {
            let refused = NUMBERS.call(&[exact(wrong)]).map_err(|error| error.code());
            assert_eq!(refused, Err(Code::Arguments), "{wrong:?}");
        }
        for none in ["NaN", "Infinity", "-Infinity", "inf", "+nan"] {
            let refused = NUMBERS.call(&[exact(none)]).map_err(|error| error.code());
            assert_eq!(refused, Err(Code::NumberRange), "{none:?}");
        }
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = NUMBERS.call(&[exact("1"), Value::Float(none)]);
            assert_eq!(refused.map_err(|error| error.code()), Err(Code::NumberRange), "{none}");
        }
        let swapped = NUMBERS.call(&[Value::Float(1.0), exact("1")]);
        assert_eq!(swapped.map_err(|error| error.code()), Err(Code::Arguments));
        assert_eq!(Literal::Float(1e21).to_sql(), "1e+21");
        assert_eq!(Literal::Decimal("1.50").to_sql(), "1.50");
    }

    #[test]
    fn what_a_callee_keeps_changes_no_result() -> Result<()> {
        let [policy, nobody] = [EXAMPLE_POLICY, Literal::Text("quorum none\n")];
        let broken = Literal::Text("quorum");
        let status = Function::find("precise_verify_status")?;
        let mut callee = status.callee()?;
        for policy in [policy, policy, nobody, broken, broken, policy, Literal::Null, policy] {
            let row = [EXAMPLE_HASH, EXAMPLE_STATUS, policy, EXAMPLE_NOW].map(Literal::value);
            assert_eq!(callee.call(&row), status.call(&row), "{policy:?}");
        }
        let receipt = Function::find("precise_verify_receipt")?;
        let mut callee = receipt.callee()?;
        for policy in [policy, broken, nobody, nobody, policy] {
            let row = [EXAMPLE_RECORD, EXAMPLE_RECEIPT, policy, EXAMPLE_EVIDENCE];
            let row = row.map(Literal::value);
            assert_eq!(callee.call(&row), receipt.call(&row), "{policy:?}");
        }
        Ok(())
    }

    #[test]
    fn a_signature_shows_the_right_call() {
        let signature = Function::find("precise_mint_proof").unwrap().signature();
        assert_eq!(signature, "precise_mint_proof(record json [, blind bytes]) → json");
    }
}
