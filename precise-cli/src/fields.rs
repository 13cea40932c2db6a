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

    #[test]
    fn a_path_with_an_empty_name_is_none() {
        for path in ["", ".", "a.", ".a", "a..b"] {
            assert!(Field::parse(path).is_err(), "{path}");
        }
    }
}
