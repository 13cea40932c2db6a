//! Fields of a record, several at a time, as they stand in its canonical form.

use std::borrow::Cow;

use precise_core::Error;
use precise_core::field::FieldPath;

/// A member of a record by its dotted path, such as `order.total`.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    text: String,
    /// Each name as a JSON string in canonical form, quotes included.
    names: Vec<String>,
}

impl Field {
    /// Cuts `text` at its dots.
    ///
    /// Error: PR113 if a name is empty.
    pub(crate) fn parse(text: &str) -> precise_core::Result<Self> {
        FieldPath::parse(text)?;
        let quoted = |name: &str| serde_json::Value::from(name).to_string();
        Ok(Self { text: text.into(), names: text.split('.').map(quoted).collect() })
    }

    /// The path as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The outermost name, which is that of a column where records are rows.
    pub(crate) fn column(&self) -> &str {
        self.text.split('.').next().unwrap_or_default()
    }

    /// Says of a fault in the field where in the record it is.
    pub(crate) fn locate(&self, error: Error) -> Error {
        let inside = error.path().and_then(|path| path.strip_prefix('$')).unwrap_or_default();
        let path = format!("$.{}{inside}", self.text);
        error.at_path(path)
    }
}

/// The JSON text of a value. What a column of texts has is a string of one.
pub(crate) fn json_of(value: &[u8]) -> Cow<'_, [u8]> {
    match string_of(value) {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => Cow::Borrowed(value),
    }
}

/// The characters of a string, or a number as it is written; of an empty string none.
pub(crate) fn scalar_of(value: &[u8]) -> Option<String> {
    let text = string_of(value).or_else(|| {
        let is_number = value.first().is_some_and(|byte| matches!(byte, b'-' | b'0'..=b'9'));
        is_number.then(|| String::from_utf8_lossy(value).into_owned())
    });
    text.filter(|text| !text.is_empty())
}

fn string_of(value: &[u8]) -> Option<String> {
    if value.first() == Some(&b'"') { serde_json::from_slice(value).ok() } else { None }
}

/// The values of fields in a record, whose canonical form this is; null is one.
pub(crate) fn find<'r, const N: usize>(
    fields: &[Field; N],
    record: &'r [u8],
) -> [Option<&'r [u8]>; N] {
    let mut found = [None; N];
    for (name, value) in members(record) {
        for (field, found) in fields.iter().zip(&mut found) {
            let Some((first, rest)) = field.names.split_first() else { continue };
            if first.as_bytes() == name {
                let value = rest.iter().try_fold(value, |value, name| {
                    members(value).find(|(found, _)| *found == name.as_bytes()).map(|(_, v)| v)
                });
                *found = value;
            }
        }
    }
    found
}

/// Members that a line may have to be taken as it stands.
const MAX_PLAIN_MEMBERS: usize = 16;

/// The values of fields in a line of JSON, as its canonical form has them, where that can be told
/// at a glance: the line is an object of plain texts, small numbers, words, and in the first of the
/// fields an array. The array is what stands up to the first closing bracket, and was not looked
/// at: if it is a JSON text, so is the line. None says nothing about the line.
pub(crate) fn find_plain<'l, const N: usize>(
    fields: &[Field; N],
    line: &'l [u8],
) -> Option<[Option<&'l [u8]>; N]> {
    let mut found = [None; N];
    let mut names: [&[u8]; MAX_PLAIN_MEMBERS] = [&[]; MAX_PLAIN_MEMBERS];
    if line.len() > precise_core::canonical::MAX_LEN {
        return None;
    }
    let mut rest = skip_space(line).strip_prefix(b"{")?;
    for count in 0..MAX_PLAIN_MEMBERS {
        let name;
        (name, rest) = cut_plain_string(skip_space(rest))?;
        if names[..count].contains(&name) {
            return None;
        }
        names[count] = name;
        rest = skip_space(skip_space(rest).strip_prefix(b":")?);
        let mut is_path = false;
        let mut of_field = [false; N];
        for (i, field) in fields.iter().enumerate() {
            let [first, deeper @ ..] = &field.names[..] else { return None };
            if first.as_bytes() == name {
                if !deeper.is_empty() {
                    return None;
                }
                of_field[i] = true;
                is_path |= i == 0;
            }
        }
        let value;
        (value, rest) = match rest.first()? {
            b'[' if is_path => rest.split_at_checked(memchr::memchr(b']', rest)? + 1)?,
            b'"' => cut_plain_string(rest)?,
            b'0'..=b'9' => cut_small_number(rest)?,
            _ => {
                let words: [&[u8]; 3] = [b"true", b"false", b"null"];
                let word = words.into_iter().find(|word| rest.starts_with(word))?;
                rest.split_at_checked(word.len())?
            }
        };
        for (found, is_here) in found.iter_mut().zip(of_field) {
            if is_here {
                *found = Some(value);
            }
        }
        rest = skip_space(rest);
        match rest.split_first()? {
            (b',', more) => rest = more,
            (b'}', more) => return skip_space(more).is_empty().then_some(found),
            _ => return None,
        }
    }
    None
}

fn skip_space(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let len = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    &text[len..]
}

/// A string of ASCII without escapes, quotes included, and what is behind it.
fn cut_plain_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let characters = text.strip_prefix(b"\"")?;
    let is_plain = |byte: &u8| matches!(byte, b' '..0x80) && !matches!(byte, b'"' | b'\\');
    let len = characters.iter().position(|byte| !is_plain(byte))?;
    if characters[len] == b'"' { text.split_at_checked(len + 2) } else { None }
}

/// A number from 0 up that its canonical form spells alike, and what is behind it: of at most 15
/// digits, which every binary64 keeps, and of these at most 6 behind the point, from where on it
/// has no exponent, the last of them no 0.
fn cut_small_number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    let fraction = match text.get(whole) {
        Some(b'.') => digits(&text[whole + 1..]),
        _ => 0,
    };
    let len = if text.get(whole) == Some(&b'.') { whole + 1 + fraction } else { whole };
    let is_canonical = (whole == 1 || text.first() != Some(&b'0'))
        && whole + fraction <= 15
        && fraction <= 6
        && (len == whole || (fraction > 0 && text[len - 1] != b'0'))
        && !matches!(text.get(len), Some(b'e' | b'E' | b'.'));
    if whole > 0 && is_canonical { text.split_at_checked(len) } else { None }
}

/// The members of an object in canonical form, names with their quotes. What is no object has none.
fn members(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = if value.first() == Some(&b'{') { value } else { &[] };
    std::iter::from_fn(move || {
        // A name stands behind the brace, or behind a comma.
        let text = rest.get(1..).filter(|text| text.first() == Some(&b'"'))?;
        let (name, text) = text.split_at_checked(string_len(text))?;
        let text = text.get(1..)?;
        let (value, text) = text.split_at_checked(value_len(text))?;
        rest = text;
        Some((name, value))
    })
}

/// How long the value is with which `text` begins.
fn value_len(text: &[u8]) -> usize {
    match text.first() {
        Some(b'"') => string_len(text),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0_usize, 0);
            while let Some(byte) = text.get(at) {
                match byte {
                    b'"' => {
                        at += string_len(&text[at..]);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => memchr::memchr3(b',', b'}', b']', text).unwrap_or(text.len()),
    }
}

/// How long the string is with which `text` begins, quotes included.
fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return text.len(),
            Some(len) if rest[len] == b'"' => return at + len + 1,
            // The escape, and the character behind it.
            Some(len) => at += len + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn found(paths: [&str; 3], record: &str) -> Result<[Option<String>; 3], precise_core::Error> {
        let [a, b, c] = paths.map(Field::parse);
        let record = precise_core::canonical::canonicalize(record.as_bytes())?;
        let found = find(&[a?, b?, c?], &record);
        Ok(found.map(|value| value.map(|value| String::from_utf8_lossy(value).into_owned())))
    }

    #[test]
    fn fields_are_found_wherever_they_stand() -> Tested {
        let record = r#"{"z":[{"a":"]"},"\\\"}",[]],"a":{"b":{"c":-1.5},"x":"\u00e9\n"},
            "q\"":true,"":{},"n":null,"e":[]}"#;
        for (paths, values) in [
            (
                ["z", "a.b.c", "a.x"],
                [Some(r#"[{"a":"]"},"\\\"}",[]]"#), Some("-1.5"), Some("\"é\\n\"")],
            ),
            (["q\"", "e", "a.b"], [Some("true"), Some("[]"), Some(r#"{"c":-1.5}"#)]),
            // Neither an element nor anything in a text or below a scalar is reached.
            (["z.a", "n", "a.b.c.d"], [None, Some("null"), None]),
            (["c", "x", "b"], [None, None, None]),
        ] {
            assert_eq!(found(paths, record)?, values.map(|value| value.map(String::from)));
        }
        for record in ["[]", "{}", "\"path\"", "7", "null", "[{\"a\":1}]"] {
            assert_eq!(found(["a", "path", "7"], record)?, [None, None, None], "{record}");
        }
        Ok(())
    }

    /// What is found at a glance is what the canonical form has, or nothing is.
    #[test]
    fn a_glance_finds_what_the_canonical_form_has() -> Tested {
        let [path, count, value] = ["path", "n", "v"].map(Field::parse);
        let fields = [path?, count?, value?];
        for line in [
            r#"{"path":["a","b c"],"n":1,"v":12.5}"#,
            r#" { "v" : 0.000001 , "path" : [ "a" , "\u00e9" ] ,"n": "7" , "id":"x-1" } "#,
            "{\"path\":[{\"at\":\"t\",\"cohort\":\"a\"}],\"n\":null,\"w\":true,\"v\":false}\r",
            r#"{"n":999999999999999}"#,
            r#"{"v":0.5,"n":0}"#,
        ] {
            let found = find_plain(&fields, line.as_bytes()).ok_or(line)?;
            let record = precise_core::canonical::canonicalize(line.as_bytes())?;
            let path = found[0].map(precise_core::canonical::canonicalize).transpose()?;
            let expected = find(&fields, &record);
            assert_eq!([path.as_deref(), found[1], found[2]], expected, "{line}");
        }
        for line in [
            // What is no record, or none that may be minted.
            "",
            "[]",
            "{",
            "{}",
            r#"{"n":1"#,
            r#"{"n":1}}"#,
            r#"{"n":1,}"#,
            r#"{"n":1,"n":2}"#,
            r#"{"a":1,"n":1,"a":2}"#,
            r#"{"n":01}"#,
            r#"{"n":1.}"#,
            r#"{"n":.5}"#,
            r#"{"n":1 2}"#,
            r#"{"n":nul}"#,
            r#"{"n":truely}"#,
            r#"{"n":"a}"#,
            "{\"n\":\"a\tb\"}",
            "\u{feff}{\"n\":1}",
            // What the canonical form may spell in another way, or what takes more than a glance.
            r#"{"n":1.0}"#,
            r#"{"n":1.50}"#,
            r#"{"n":1e3}"#,
            r#"{"n":-0}"#,
            r#"{"n":-1}"#,
            r#"{"n":0.0000001}"#,
            r#"{"n":1234567890123456}"#,
            r#"{"n":1234567890.123456}"#,
            r#"{"n":"\u0041"}"#,
            r#"{"\u006e":1}"#,
            r#"{"n":"é"}"#,
            r#"{"n":[1]}"#,
            r#"{"other":{},"n":1}"#,
        ] {
            assert_eq!(find_plain(&fields, line.as_bytes()), None, "{line}");
        }
        let deep = [Field::parse("path.x")?, Field::parse("n")?];
        assert_eq!(find_plain(&deep, br#"{"n":1,"path":["a"]}"#), None);
        let wide: Vec<String> = (0..17).map(|i| format!("\"a{i}\":1")).collect();
        let line = |members: &[String]| format!("{{{}}}", members.join(","));
        assert_eq!(find_plain(&fields, line(&wide).as_bytes()), None);
        assert_eq!(find_plain(&fields, line(&wide[1..]).as_bytes()), Some([None; 3]));
        Ok(())
    }

    #[test]
    fn a_path_with_an_empty_name_is_none() {
        for path in ["", ".", "a.", ".a", "a..b"] {
            assert!(Field::parse(path).is_err(), "{path}");
        }
    }
}
