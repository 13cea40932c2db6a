//! The vectors: what a file of `tests/vectors` holds, read strictly and written in one way.
//!
//! `tests/vectors/README.md` describes the format to readers in other languages.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use precise_core::catalog::Function;
use precise_core::value::Value;
use precise_core::{Code, Hash, canonical, hex, number, proof};
use serde_json::{Map, Value as Json};

/// The vectors of one file.
#[derive(Clone, Debug)]
pub struct Family {
    /// The file's name without `.json`; every id begins with it.
    pub name: String,
    /// What the file says of itself.
    pub comment: String,
    /// In the order of the file.
    pub vectors: Vec<Vector>,
}

/// One call, and what comes of it.
#[derive(Clone, Debug)]
pub struct Vector {
    /// `canonical/keys-sort-by-utf16`
    pub id: String,
    /// What it pins, in a sentence.
    pub comment: String,
    /// The function called.
    pub function: &'static Function,
    /// With what.
    pub input: Input,
    /// What comes of it.
    pub expected: Expected,
}

/// The rows of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `"args"`: the one row of a scalar function.
    Row(Vec<Form>),
    /// `"rows"`: an aggregate's group.
    Rows(Vec<Vec<Form>>),
    /// `"rows_blake3"`: a group of many rows. Row i has BLAKE3 of i in decimal digits, and behind
    /// it the `"constant_args"`.
    Counted {
        /// How many rows.
        count: u64,
        /// The arguments that are the same in every row.
        constant: Vec<Form>,
    },
}

/// What comes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `"result_blake3"`: a result that would be too long to write down, by its hash.
    Digest(Hash),
    /// `"error"`: this code.
    Refusal(Code),
    /// `"result"`: this value.
    Result(Form),
    /// `"result_without_detail"`: this JSON, but for the members `detail`, which are words.
    Undetailed(Form),
}

/// A JSON text without the members `detail` of its objects, in JCS form if its keys are ASCII and
/// its numbers integers. None: it is no JSON.
pub fn without_detail(json: &[u8]) -> Option<String> {
    fn strip(json: &mut Json) {
        match json {
            Json::Array(elements) => elements.iter_mut().for_each(strip),
            Json::Object(members) => {
                members.remove("detail");
                members.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut json = serde_json::from_slice(json).ok()?;
    strip(&mut json);
    Some(json.to_string())
}

/// A value as a vector writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// `{"bool":true}`
    Boolean(bool),
    /// `{"bytes":"0x…"}`
    Bytes(Vec<u8>),
    /// `{"numeric":"1.50"}`
    Decimal(String),
    /// `{"double":"0.5"}`: in a string, since not all readers of JSON find the nearest binary64.
    Float(f64),
    /// `{"int":1}`
    Integer(i64),
    /// `{"json":"…"}`: JSON text, itself in a JSON string.
    Json(String),
    /// `{"json_hex":"…"}`: JSON text that is not UTF-8, or must not be touched.
    JsonHex(Vec<u8>),
    /// `{"json_repeat":[["[",129],["]",129]]}`: JSON text from pieces, each with its count.
    JsonRepeat(Vec<(String, usize)>),
    /// `{"null":true}`: SQL's NULL.
    Null,
    /// `{"text":"…"}`
    Text(String),
}

/// None is NaN.
impl Eq for Form {}

/// Where the files are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

/// Every family of calls, by name. An empty folder is an error, so that a lost one cannot pass.
pub fn families() -> Result<Vec<Family>, String> {
    let folder = folder();
    let unreadable = |fault| format!("{}: {fault}", folder.display());
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    // These are no calls of functions.
    names.remove(crate::AUDIENCE);
    names.remove(crate::LOG);
    if names.is_empty() {
        return Err(format!("{}: no vector was found", folder.display()));
    }
    // An id begins with its family's name, so that none can stand in two files.
    names.iter().map(|name| family(name)).collect()
}

/// The family `name`. One without vectors is an error.
pub fn family(name: &str) -> Result<Family, String> {
    let path = folder().join(name).with_extension("json");
    let text = fs::read_to_string(&path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    Family::parse(name, &text).map_err(|fault| format!("{}: {fault}", path.display()))
}

impl Family {
    /// Reads the text of the file `name`. Anything the format does not know is refused.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        // serde_json would keep the last of two equal keys. Not the gated form: 2^63 - 1 is a fair
        // argument.
        canonical::rfc8785(text.as_bytes()).map_err(|error| error.code_and_path())?;
        let file: Json = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
        let mut members = Members::of(file)?;
        let comment = members.take_string("_comment")?;
        let vectors = list(members.take("vectors")?, |vector| parse_vector(name, vector))?;
        members.finish()?;
        let mut ids = BTreeSet::new();
        if let Some(vector) = vectors.iter().find(|vector| !ids.insert(&vector.id)) {
            return Err(format!("{}: this id is used twice", vector.id));
        }
        if vectors.is_empty() {
            return Err("no vector was found".into());
        }
        Ok(Self { name: name.into(), comment, vectors })
    }

    /// The text of the file: one vector a line, all of it ASCII.
    pub fn to_text(&self) -> String {
        let vectors: Vec<String> = self.vectors.iter().map(Vector::to_line).collect();
        let (comment, vectors) = (quoted(&self.comment), vectors.join(",\n    "));
        format!("{{\n  \"_comment\": {comment},\n  \"vectors\": [\n    {vectors}\n  ]\n}}\n")
    }
}

impl Vector {
    /// The arguments of each row.
    pub fn rows(&self) -> Vec<Vec<Value<'static>>> {
        self.input.rows()
    }

    fn to_line(&self) -> String {
        let (id, comment) = (quoted(&self.id), quoted(&self.comment));
        let (function, input) = (quoted(self.function.name), self.input.to_members());
        let expected = self.expected.to_member();
        format!(
            "{{\"id\": {id}, \"comment\": {comment}, \"function\": {function}, {input}, {expected}}}"
        )
    }
}

impl Expected {
    pub(crate) fn to_member(&self) -> String {
        match self {
            Self::Digest(digest) => {
                format!("\"result_blake3\": {}", quoted(&hex::format_hash(digest)))
            }
            Self::Refusal(code) => format!("\"error\": {}", quoted(code.name())),
            Self::Result(form) => format!("\"result\": {}", form.to_json()),
            Self::Undetailed(form) => format!("\"result_without_detail\": {}", form.to_json()),
        }
    }
}

impl Input {
    /// The arguments of each row.
    pub fn rows(&self) -> Vec<Vec<Value<'static>>> {
        let values = |forms: &Vec<Form>| forms.iter().map(Form::value).collect::<Vec<_>>();
        match self {
            Self::Row(row) => vec![values(row)],
            Self::Rows(rows) => rows.iter().map(values).collect(),
            Self::Counted { count, constant } => (0..*count)
                .map(|i| {
                    let mut row = vec![Value::from(counted_hash(i))];
                    row.extend(values(constant));
                    row
                })
                .collect(),
        }
    }

    fn to_members(&self) -> String {
        match self {
            Self::Row(row) => format!("\"args\": {}", list_of(row)),
            Self::Rows(rows) => {
                let rows: Vec<String> = rows.iter().map(|row| list_of(row)).collect();
                format!("\"rows\": [{}]", rows.join(", "))
            }
            Self::Counted { count, constant } if constant.is_empty() => {
                format!("\"rows_blake3\": {count}")
            }
            Self::Counted { count, constant } => {
                format!("\"rows_blake3\": {count}, \"constant_args\": {}", list_of(constant))
            }
        }
    }
}

/// The first argument of row `i` of a counted group.
fn counted_hash(i: u64) -> Hash {
    proof::hash(i.to_string().as_bytes(), None)
}

impl Form {
    /// The value.
    pub fn value(&self) -> Value<'static> {
        match self {
            Self::Boolean(boolean) => Value::Boolean(*boolean),
            Self::Bytes(bytes) => Value::Bytes(bytes.clone().into()),
            Self::Decimal(text) => Value::Decimal(text.clone().into()),
            Self::Float(float) => Value::Float(*float),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Json(text) => Value::Json(text.clone().into_bytes().into()),
            Self::JsonHex(bytes) => Value::Json(bytes.clone().into()),
            Self::JsonRepeat(pieces) => {
                let text: String =
                    pieces.iter().map(|(piece, count)| piece.repeat(*count)).collect();
                Value::Json(text.into_bytes().into())
            }
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(text.clone().into()),
        }
    }

    /// The plainest form of `value`.
    pub fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Boolean(boolean) => Self::Boolean(*boolean),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Decimal(text) => Self::Decimal(text.clone().into_owned()),
            Value::Float(float) => Self::Float(*float),
            Value::Integer(integer) => Self::Integer(*integer),
            Value::Json(json) => match std::str::from_utf8(json) {
                Ok(text) => Self::Json(text.into()),
                Err(_) => Self::JsonHex(json.to_vec()),
            },
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text.clone().into_owned()),
        }
    }

    /// Whether it is SQL's NULL.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub(crate) fn parse(json: Json) -> Result<Self, String> {
        let mut members = Members::of(json)?;
        let kind = members.only_name()?;
        let content = members.take(&kind)?;
        let unfit = || format!("{content} cannot be {kind}");
        match (kind.as_str(), &content) {
            ("bool", Json::Bool(boolean)) => Ok(Self::Boolean(*boolean)),
            ("bytes", Json::String(text)) => {
                let digits = text.strip_prefix("0x").ok_or_else(unfit)?;
                bytes_of(digits).map(Self::Bytes).ok_or_else(unfit)
            }
            ("double", Json::String(text)) => {
                let float: Option<f64> = text.parse().ok();
                let float = float.filter(|float| float.is_finite());
                let float = float.filter(|float| number::format_f64(*float) == *text);
                float.map(Self::Float).ok_or_else(unfit)
            }
            ("int", Json::Number(number)) => number.as_i64().map(Self::Integer).ok_or_else(unfit),
            ("json", Json::String(text)) => Ok(Self::Json(text.clone())),
            ("json_hex", Json::String(digits)) => {
                bytes_of(digits).map(Self::JsonHex).ok_or_else(unfit)
            }
            ("json_repeat", _) => list(content, |piece| parse_piece(&piece)).map(Self::JsonRepeat),
            ("numeric", Json::String(text)) => Ok(Self::Decimal(text.clone())),
            ("null", Json::Bool(true)) => Ok(Self::Null),
            ("text", Json::String(text)) => Ok(Self::Text(text.clone())),
            _ => Err(unfit()),
        }
    }

    /// As the file writes it.
    pub(crate) fn to_json(&self) -> String {
        match self {
            Self::Boolean(boolean) => format!("{{\"bool\": {boolean}}}"),
            Self::Bytes(bytes) => format!("{{\"bytes\": \"0x{}\"}}", digits_of(bytes)),
            Self::Decimal(text) => format!("{{\"numeric\": {}}}", quoted(text)),
            Self::Float(float) => format!("{{\"double\": \"{}\"}}", number::format_f64(*float)),
            Self::Integer(integer) => format!("{{\"int\": {integer}}}"),
            Self::Json(text) => format!("{{\"json\": {}}}", quoted(text)),
            Self::JsonHex(bytes) => format!("{{\"json_hex\": \"{}\"}}", digits_of(bytes)),
            Self::JsonRepeat(pieces) => {
                let pieces: Vec<String> = pieces
                    .iter()
                    .map(|(piece, count)| format!("[{}, {count}]", quoted(piece)))
                    .collect();
                format!("{{\"json_repeat\": [{}]}}", pieces.join(", "))
            }
            Self::Null => "{\"null\": true}".into(),
            Self::Text(text) => format!("{{\"text\": {}}}", quoted(text)),
        }
    }
}

fn parse_vector(family: &str, json: Json) -> Result<Vector, String> {
    let mut members = Members::of(json)?;
    let id = members.take_string("id")?;
    let named = |fault: String| format!("{id}: {fault}");
    if id.strip_prefix(family).is_none_or(|rest| !rest.starts_with('/')) {
        return Err(named(format!("the id does not begin with {family}/")));
    }
    let comment = members.take_string("comment").map_err(named)?;
    if !comment.ends_with('.') {
        return Err(named("the comment is not a sentence".into()));
    }
    let function = members.take_string("function").map_err(named)?;
    let function = Function::find(&function).map_err(|error| named(error.to_string()))?;
    let input = parse_input(&mut members, function.is_aggregate()).map_err(named)?;
    let expected = parse_expected(&mut members).map_err(named)?;
    members.finish().map_err(named)?;
    Ok(Vector { id, comment, function, input, expected })
}

fn parse_input(members: &mut Members, aggregate: bool) -> Result<Input, String> {
    let row = |json| list(json, Form::parse);
    if !aggregate {
        return row(members.take("args")?).map(Input::Row);
    }
    if let Some(rows) = members.take_optional("rows") {
        let rows = list(rows, row)?;
        // A call in SQL has as many arguments in every row.
        if rows.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
            return Err("rows of one group have different numbers of arguments".into());
        }
        return Ok(Input::Rows(rows));
    }
    let count = members.take("rows_blake3")?;
    let count = count.as_u64().ok_or_else(|| format!("{count} is not a number of rows"))?;
    let constant = members.take_optional("constant_args").map_or(Ok(Vec::new()), row)?;
    Ok(Input::Counted { count, constant })
}

pub(crate) fn parse_expected(members: &mut Members) -> Result<Expected, String> {
    // What is left over when one was taken is refused, and so is a second expectation.
    if let Some(result) = members.take_optional("result") {
        return Form::parse(result).map(Expected::Result);
    }
    if let Some(result) = members.take_optional("result_without_detail") {
        return Form::parse(result).map(Expected::Undetailed);
    }
    if members.has("error") {
        let name = members.take_string("error")?;
        let code = Code::from_name(&name).ok_or_else(|| format!("{name} is not a code"))?;
        return Ok(Expected::Refusal(code));
    }
    let digest = members.take_string("result_blake3")?;
    hex::parse_hash(&digest).map(Expected::Digest).map_err(|error| error.to_string())
}

fn parse_piece(json: &Json) -> Result<(String, usize), String> {
    match json.as_array().map(Vec::as_slice) {
        Some([Json::String(piece), Json::Number(count)]) => {
            count.as_u64().map(|count| (piece.clone(), count as usize))
        }
        _ => None,
    }
    .ok_or_else(|| format!("{json} is not a piece and its count"))
}

pub(crate) fn list<T>(
    json: Json,
    parse: impl Fn(Json) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    match json {
        Json::Array(elements) => elements.into_iter().map(parse).collect(),
        other => Err(format!("{other} is not an array")),
    }
}

pub(crate) fn list_of(forms: &[Form]) -> String {
    let forms: Vec<String> = forms.iter().map(Form::to_json).collect();
    format!("[{}]", forms.join(", "))
}

/// A JSON string in ASCII, so that two characters that look alike can be told apart in a diff.
pub(crate) fn quoted(text: &str) -> String {
    let mut ascii = String::new();
    for character in Json::from(text).to_string().chars() {
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

fn digits_of(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !digits.bytes().all(lower) {
        return None;
    }
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Members of one object, each to be taken once, none to be left.
pub(crate) struct Members(Map<String, Json>);

impl Members {
    pub(crate) fn of(json: Json) -> Result<Self, String> {
        match json {
            Json::Object(members) => Ok(Self(members)),
            other => Err(format!("{other} is not an object")),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn only_name(&self) -> Result<String, String> {
        let mut names = self.0.keys();
        match (names.next(), names.next()) {
            (Some(name), None) => Ok(name.clone()),
            _ => Err("a value has exactly one member".into()),
        }
    }

    pub(crate) fn take_optional(&mut self, name: &str) -> Option<Json> {
        self.0.remove(name)
    }

    pub(crate) fn take(&mut self, name: &str) -> Result<Json, String> {
        self.take_optional(name).ok_or_else(|| format!("the member {name} is missing"))
    }

    pub(crate) fn take_string(&mut self, name: &str) -> Result<String, String> {
        match self.take(name)? {
            Json::String(text) => Ok(text),
            other => Err(format!("{name} is {other} and not a string")),
        }
    }

    pub(crate) fn finish(self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("unknown member {name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: &str = concat!(
        r#"{"id": "x/a", "comment": "It is so.", "function": "precise_canonical", "#,
        r#""args": [{"json": "1"}], "result": {"text": "1"}}"#
    );

    fn parse(vectors: &str) -> Result<Family, String> {
        Family::parse("x", &format!("{{\"_comment\": \"\", \"vectors\": [{vectors}]}}"))
    }

    #[test]
    fn every_family_is_read_and_written_as_it_is() {
        for family in families().unwrap() {
            let path = folder().join(&family.name).with_extension("json");
            assert!(family.to_text() == fs::read_to_string(path).unwrap(), "{}", family.name);
        }
    }

    #[test]
    fn every_form_is_read_as_it_is_written() {
        let forms = [
            Form::Boolean(true),
            Form::Bytes(vec![0, 255]),
            Form::Decimal("-0.50".into()),
            Form::Float(1e21),
            Form::Float(0.1 + 0.2),
            Form::Integer(i64::MIN),
            Form::Json("\"e\u{301}\u{7f}\u{1f600}\n\"".into()),
            Form::JsonHex(vec![0xFF]),
            Form::JsonRepeat(vec![("[".into(), 129), ("]".into(), 129)]),
            Form::Null,
            Form::Text(String::new()),
        ];
        for form in forms {
            let text = form.to_json();
            assert!(text.is_ascii());
            assert_eq!(Form::parse(serde_json::from_str(&text).unwrap()), Ok(form));
        }
    }

    #[test]
    fn what_the_format_does_not_know_is_refused() {
        assert!(parse(VECTOR).is_ok());
        let twice = format!("{VECTOR}, {VECTOR}");
        let faults = [
            (String::new(), "no vector was found"),
            (twice, "x/a: this id is used twice"),
            (VECTOR.replace("x/a", "y/a"), "y/a: the id does not begin with x/"),
            (VECTOR.replace("so.", "so"), "x/a: the comment is not a sentence"),
            (VECTOR.replace("_canonical", "_nothing"), "no such function"),
            (VECTOR.replace("\"args\"", "\"rows\""), "x/a: the member args is missing"),
            (VECTOR.replace("\"json\"", "\"yaml\""), "x/a: \"1\" cannot be yaml"),
            (VECTOR.replace("\"json\": \"1\"", ""), "x/a: a value has exactly one member"),
            (VECTOR.replace("\"json\"", "\"json_hex\""), "x/a: \"1\" cannot be json_hex"),
            (VECTOR.replace("\"json\": \"1", "\"double\": \"1.0"), "x/a: \"1.0\" cannot be double"),
            (VECTOR.replace("\"json\": \"1", "\"double\": \"NaN"), "\"NaN\" cannot be double"),
            (VECTOR.replace("\"id\"", "\"error\": \"PR103\", \"id\""), "unknown member error"),
            (VECTOR.replace("\"id\"", "\"id\": \"x/b\", \"id\""), "PR106 $.vectors[0].id"),
        ];
        for (vectors, fault) in faults {
            let found = parse(&vectors).unwrap_err();
            assert!(found.contains(fault), "{found}");
        }
    }
}
