//! The vectors on PostgreSQL, through SQL.
//!
//! A function that takes JSON is called with the vector's text as text, which has to give exactly
//! what the vector says; and as json and as jsonb, which have to agree:
//!
//! | the text is | json gives | jsonb gives |
//! |---|---|---|
//! | accepted | the same | the same, unless it holds a zero with more digits than NUMERIC has |
//! | refused | the same, or the server does not read it | also |
//! | refused for a key that stands twice | also | also, or what the repaired text gives |
//!
//! ```text
//!  main.rs   calls and what comes of them
//!  rows.rs   cells as columns, for precise_mint_row
//! ```

mod rows;

use std::fmt::Write;

use conformance::{Argument, Core, Engine, Outcome, POSTGRES, Surface, families, run};
use precise_core::Code;
use precise_core::catalog::{Arg, FUNCTIONS, Function};
use precise_core::value::{Type, Value};
use precise_postgres::{Answer, Server, Session};

/// PostgreSQL, with the extension.
struct Postgres {
    session: Session,
}

/// How JSON is passed.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Json,
    Jsonb,
    /// As the text that the server prints for it as jsonb.
    JsonbPrinted,
}

/// SQLSTATEs with which the server does not read a literal as json: it is none; it is nested deeper
/// than its stack.
const UNREAD_AS_JSON: &[&str] = &["22P02", "54001"];

/// And as jsonb: also U+0000 in it, and a number that NUMERIC cannot hold.
const UNREAD_AS_JSONB: &[&str] = &["22P02", "54001", "22P05", OVERFLOW];

const OVERFLOW: &str = "22003";

impl Engine for Postgres {
    fn surface(&self) -> &Surface {
        &POSTGRES
    }

    fn call(&mut self, function: &str, rows: &[Vec<Argument>]) -> Outcome {
        let function = match Function::find(function) {
            Ok(function) => function,
            Err(error) => return Outcome::Refused(error.code()),
        };
        if function.args.first().is_some_and(|arg| arg.arg_type == Type::Row) {
            return match rows::call(function, &rows[0]) {
                Some(call) => self.ask(function, &call),
                None => Outcome::Broken("the row is none of PostgreSQL".into()),
            };
        }
        let of_text = self.call_with(Form::Text, function, rows);
        if !function.args.iter().any(|arg| arg.arg_type == Type::Json) {
            return of_text;
        }
        let faults = faults(function, rows);
        let of_json = self.call_with(Form::Json, function, rows);
        if of_json != of_text && (faults.is_empty() || !is_unread(&of_json, UNREAD_AS_JSON)) {
            return Outcome::Broken(format!("as text {of_text:?}, as json {of_json:?}"));
        }
        let of_jsonb = self.call_with(Form::Jsonb, function, rows);
        let unread = if faults.is_empty() { &[OVERFLOW][..] } else { UNREAD_AS_JSONB };
        if of_jsonb != of_text && !is_unread(&of_jsonb, unread) {
            let is_repaired = faults.contains(&Code::DuplicateKey)
                && of_jsonb == self.call_with(Form::JsonbPrinted, function, rows);
            if !is_repaired {
                return Outcome::Broken(format!("as text {of_text:?}, as jsonb {of_jsonb:?}"));
            }
        }
        of_text
    }
}

/// What is wrong with the JSON that the function is given, whatever the function makes of that.
fn faults(function: &Function, rows: &[Vec<Argument>]) -> Vec<Code> {
    let fault = |(argument, arg): (&Argument, &Arg)| {
        if arg.arg_type != Type::Json {
            return None;
        }
        match Core.call("precise_check", &[vec![argument.clone()]]) {
            Outcome::Returned(Value::Text(fault)) => Code::from_name(fault.get(..5)?),
            _ => None,
        }
    };
    rows.iter().flat_map(|row| row.iter().zip(function.args).filter_map(fault)).collect()
}

/// Whether the server itself has refused an argument, with one of these SQLSTATEs.
fn is_unread(outcome: &Outcome, sqlstates: &[&str]) -> bool {
    match outcome {
        Outcome::Broken(what) => sqlstates.iter().any(|sqlstate| what.starts_with(sqlstate)),
        Outcome::Refused(_) | Outcome::Returned(_) => false,
    }
}

impl Postgres {
    fn call_with(&mut self, form: Form, function: &Function, rows: &[Vec<Argument>]) -> Outcome {
        let literals = |row: &Vec<Argument>| {
            let literals = row.iter().zip(function.args);
            let literals = literals.map(|(value, arg)| literal(value, arg.arg_type, form));
            literals.collect::<Vec<String>>().join(", ")
        };
        let call = if function.is_aggregate() {
            let arity = rows.first().map_or(function.args.len(), Vec::len);
            let names: Vec<&str> = function.args[..arity].iter().map(|arg| arg.name).collect();
            let names = names.join(", ");
            let (values, condition) = if rows.is_empty() {
                let nulls =
                    function.args.iter().map(|arg| literal(&Value::Null, arg.arg_type, form));
                (format!("({})", nulls.collect::<Vec<_>>().join(", ")), " WHERE false")
            } else {
                let rows: Vec<String> =
                    rows.iter().map(|row| format!("({})", literals(row))).collect();
                (rows.join(", "), "")
            };
            format!("{}({names}) AS r FROM (VALUES {values}) t ({names}){condition}", function.name)
        } else {
            format!("{}({}) AS r", function.name, literals(&rows[0]))
        };
        self.ask(function, &call)
    }

    /// Runs a call, whose result is named r.
    fn ask(&mut self, function: &Function, call: &str) -> Outcome {
        let printed = match function.returns {
            Type::Bytes => "encode(r, 'hex')",
            // Since version 12 a double is printed as its shortest decimal.
            Type::Boolean | Type::Decimal | Type::Float | Type::Integer => "r::text",
            // psql leaves U+10FFFF out of what it prints; no result has a line break.
            Type::Json | Type::Row | Type::Text => "encode(convert_to(r::text, 'UTF8'), 'escape')",
        };
        let query = format!("SELECT coalesce('=' || {printed}, 'NULL') FROM (SELECT {call}) c");
        match self.session.ask(&query) {
            Answer::Error(sqlstate, message) => match Code::from_name(&sqlstate) {
                Some(code) => Outcome::Refused(code),
                None => Outcome::Broken(format!("{sqlstate} {message}")),
            },
            answer @ Answer::Rows(_) => Outcome::Returned(value(&answer.value(), function.returns)),
        }
    }
}

/// What was printed, as a value of the core's.
fn value(printed: &str, of: Type) -> Value<'static> {
    let Some(printed) = printed.strip_prefix('=') else { return Value::Null };
    match of {
        Type::Boolean => Value::Boolean(printed == "true"),
        Type::Bytes => Value::Bytes(bytes_of_hex(printed).into()),
        Type::Decimal => Value::Decimal(printed.to_owned().into()),
        Type::Float => Value::Float(printed.parse().unwrap()),
        Type::Integer => Value::Integer(printed.parse().unwrap()),
        Type::Json | Type::Row => Value::Json(unescaped(printed).into()),
        Type::Text => Value::Text(String::from_utf8(unescaped(printed)).unwrap().into()),
    }
}

fn bytes_of_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A backslash stands twice, and in front of the three octal digits of a byte that is not ASCII.
fn unescaped(printed: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(printed.len());
    let mut rest = printed;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend(plain.as_bytes());
        let (byte, len) = match escaped.strip_prefix('\\') {
            Some(_) => (b'\\', 1),
            None => (u8::from_str_radix(&escaped[..3], 8).unwrap(), 3),
        };
        bytes.push(byte);
        rest = &escaped[len..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// A value of a type of ours, as SQL.
fn literal(value: &Value<'_>, of: Type, json: Form) -> String {
    let of = match of {
        Type::Boolean => "boolean",
        Type::Bytes => "bytea",
        Type::Decimal => "numeric",
        Type::Float => "double precision",
        Type::Integer => "bigint",
        Type::Json => match json {
            Form::Text => "text",
            Form::Json => "json",
            Form::Jsonb => "jsonb",
            Form::JsonbPrinted => "jsonb::text",
        },
        Type::Row => "record",
        Type::Text => "text",
    };
    match value {
        Value::Boolean(boolean) => format!("{boolean}"),
        Value::Bytes(bytes) if of == "bytea" => format!("'\\x{}'::bytea", hex(bytes)),
        Value::Bytes(bytes) | Value::Json(bytes) => {
            quoted(str::from_utf8(bytes).expect("the surface covers no other"), of)
        }
        Value::Decimal(number) => quoted(number, of),
        Value::Float(float) => quoted(&float.to_string(), of),
        Value::Integer(integer) => format!("({integer})::bigint"),
        Value::Null => format!("NULL::{of}"),
        Value::Text(characters) => quoted(characters, of),
    }
}

pub(crate) fn quoted(text: &str, of: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    // The largest vectors are one character, many million times, which the server can do itself.
    let mut pieces = Vec::new();
    let (mut rest, mut piece_len) = (text, 0);
    while let Some(&byte) = rest.as_bytes().get(piece_len) {
        let behind = &rest.as_bytes()[piece_len..];
        let run_len = behind.iter().position(|&b| b != byte).unwrap_or(behind.len());
        if run_len > LONG_RUN && byte.is_ascii() {
            let (piece, run) = rest.split_at(piece_len);
            pieces.push(quoted(piece));
            pieces.push(format!("repeat({}, {run_len})", quoted(&run[..1])));
            (rest, piece_len) = (&run[run_len..], 0);
        } else {
            piece_len += run_len;
        }
    }
    pieces.push(quoted(rest));
    format!("({})::{of}", pieces.join(" || "))
}

/// Long enough to be worth a call.
const LONG_RUN: usize = 1000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn demand_passed(family: &str) {
    let Some(server) = Server::shared() else { return };
    run(&mut Postgres { session: server.database(family) }, family).demand_passed();
}

#[test]
fn about() {
    demand_passed("about");
}

#[test]
fn attribution() {
    demand_passed("attribution");
}

#[test]
fn canonical() {
    demand_passed("canonical");
}

#[test]
fn cohorts() {
    demand_passed("cohorts");
}

#[test]
fn merkle() {
    demand_passed("merkle");
}

#[test]
fn proof() {
    demand_passed("proof");
}

#[test]
fn performance() {
    demand_passed("performance");
}

#[test]
fn receipts() {
    demand_passed("receipts");
}

#[test]
fn rows() {
    demand_passed("rows");
}

#[test]
fn royalty() {
    demand_passed("royalty");
}

#[test]
fn every_family_is_run() {
    let names: Vec<String> = families().unwrap().into_iter().map(|family| family.name).collect();
    let run = [
        "about",
        "attribution",
        "canonical",
        "cohorts",
        "merkle",
        "performance",
        "proof",
        "receipts",
        "rows",
        "royalty",
    ];
    assert_eq!(names, run, "each file has its test above");
}

/// What is there beside the catalogue's functions: their results as the server's arrays and rows.
const FORMS: [&str; 3] =
    ["precise_cohort_id_array", "precise_contribution_rows", "precise_credit_rows"];

#[test]
fn the_catalogue_and_the_extension_have_the_same_functions() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("catalogue");
    let found = session.run(
        "SELECT DISTINCT proname || ' ' || CASE prokind WHEN 'a' THEN 'aggregate' ELSE 'scalar' END
         FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid AND deptype = 'e'
         JOIN pg_extension ON refobjid = pg_extension.oid AND extname = 'pg_precise'
         WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    );
    let mut listed: Vec<String> = FUNCTIONS
        .iter()
        .map(|function| {
            let kind = if function.is_aggregate() { "aggregate" } else { "scalar" };
            format!("{} {kind}", function.name)
        })
        .chain(FORMS.map(|form| format!("{form} scalar")))
        .collect();
    listed.sort();
    assert_eq!(found, listed);
    let undescribed = session.run(
        "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         AND proname LIKE 'precise%' AND obj_description(oid, 'pg_proc') IS NULL",
    );
    assert!(undescribed.is_empty(), "{undescribed:?}");
}
