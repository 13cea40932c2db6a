//! JSON trees, and the many ways to spell each of them.
//!
//! A spelling draws its choices from a tape of random bytes, so that proptest can shrink a failing
//! one: an empty tape is the plainest spelling.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use crate::numbers::{Decimal, kept_decimal};

/// A JSON value that `precise-jcs-1` accepts. Two trees are equal exactly if they mean the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Array(Vec<Tree>),
    Boolean(bool),
    Null,
    Number(Decimal),
    Object(BTreeMap<String, Tree>),
    String(String),
}

impl Tree {
    /// A value that another parser read; its numbers are integers.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Array(elements) => Self::Array(elements.iter().map(Self::of).collect()),
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Null => Self::Null,
            Value::Number(number) => Self::Number(Decimal::of(&number.to_string())),
            Value::Object(members) => Self::Object(
                members.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect(),
            ),
            Value::String(string) => Self::String(string.clone()),
        }
    }
}

/// Trees of up to some 40 values, strings and numbers with their awkward ones.
pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Boolean),
        kept_decimal().prop_map(Tree::Number),
        text().prop_map(Tree::String),
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Tree::Array),
            btree_map(text(), inner, 0..6).prop_map(Tree::Object),
        ]
    })
}

/// Text without U+0000, rich in what needs an escape and in what sorts differently in UTF-16.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => proptest::char::range('a', 'c'),
        2 => proptest::char::range('\u{1}', '\u{7f}'),
        1 => proptest::sample::select(vec!['"', '\\', '/', '\u{8}', '\u{c}', '\n', '\r', '\t']),
        1 => proptest::char::range('\u{d700}', '\u{d7ff}'),
        1 => proptest::char::range('\u{e000}', '\u{ffff}'),
        1 => proptest::char::range('\u{10000}', '\u{10ffff}'),
        1 => any::<char>().prop_filter("U+0000 is refused", |&c| c != '\0'),
    ];
    vec(character, 0..20).prop_map(|characters| characters.into_iter().collect())
}

/// The random bytes that a spelling draws from.
pub(crate) fn tape() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

/// One spelling of `tree`, as the tape says.
pub(crate) fn spell(tree: &Tree, tape: &[u8]) -> String {
    let mut speller = Speller { tape, at: 0, out: String::new() };
    speller.space();
    speller.tree(tree);
    speller.space();
    speller.out
}

/// One spelling of `decimal`, as the tape says.
pub(crate) fn spell_number(decimal: &Decimal, tape: &[u8]) -> String {
    let mut speller = Speller { tape, at: 0, out: String::new() };
    speller.number(decimal);
    speller.out
}

struct Speller<'t> {
    tape: &'t [u8],
    at: usize,
    out: String,
}

impl Speller<'_> {
    /// One of 0 to n − 1. The tape begins again where it ends.
    fn pick(&mut self, n: usize) -> usize {
        let Some(&byte) = self.tape.get(self.at) else { return 0 };
        self.at = (self.at + 1) % self.tape.len();
        usize::from(byte) % n
    }

    fn space(&mut self) {
        let space = ["", "", "", " ", "\n", "\t", "\r\n  "][self.pick(7)];
        self.out.push_str(space);
    }

    fn tree(&mut self, tree: &Tree) {
        match tree {
            Tree::Array(elements) => {
                self.list('[', elements, ']', Self::tree);
            }
            Tree::Boolean(boolean) => self.out.push_str(&boolean.to_string()),
            Tree::Null => self.out.push_str("null"),
            Tree::Number(decimal) => self.number(decimal),
            Tree::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                for i in (1..members.len()).rev() {
                    let j = i - self.pick(i + 1);
                    members.swap(i, j);
                }
                self.list('{', &members, '}', |speller, (key, value)| {
                    speller.string(key);
                    speller.space();
                    speller.out.push(':');
                    speller.space();
                    speller.tree(value);
                });
            }
            Tree::String(string) => self.string(string),
        }
    }

    fn list<T>(&mut self, open: char, items: &[T], close: char, item: fn(&mut Self, &T)) {
        self.out.push(open);
        self.space();
        for (i, element) in items.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
                self.space();
            }
            item(self, element);
            self.space();
        }
        self.out.push(close);
    }

    fn string(&mut self, string: &str) {
        self.out.push('"');
        for character in string.chars() {
            let short = match character {
                '"' => Some("\\\""),
                '\\' => Some("\\\\"),
                '/' => Some("\\/"),
                '\u{8}' => Some("\\b"),
                '\t' => Some("\\t"),
                '\n' => Some("\\n"),
                '\u{c}' => Some("\\f"),
                '\r' => Some("\\r"),
                _ => None,
            };
            let bare = character >= ' ' && character != '"' && character != '\\';
            match (self.pick(4), short) {
                (0 | 1, _) if bare => self.out.push(character),
                (0..=2, Some(short)) => self.out.push_str(short),
                _ => self.unicode_escapes(character),
            }
        }
        self.out.push('"');
    }

    fn unicode_escapes(&mut self, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let escape =
                if self.pick(2) == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
            self.out.push_str(&escape);
        }
    }

    fn number(&mut self, decimal: &Decimal) {
        if decimal.digits.is_empty() {
            let zero = ["0", "-0", "0.0", "-0.00e7", "0E-9", "0e+999999999999"][self.pick(6)];
            self.out.push_str(zero);
            return;
        }
        if decimal.negative {
            self.out.push('-');
        }
        // The digits with zeros at both ends, cut by a point, and the exponent that makes up
        // for both.
        let zeros_before = self.pick(4);
        let zeros_behind = self.pick(4);
        let digits =
            format!("{}{}{}", "0".repeat(zeros_before), decimal.digits, "0".repeat(zeros_behind));
        let before = if zeros_before > 0 { 1 } else { 1 + self.pick(digits.len()) };
        let (integer, fraction) = digits.split_at(before);
        self.out.push_str(integer);
        if !fraction.is_empty() {
            self.out.push('.');
            self.out.push_str(fraction);
        }
        let exponent =
            decimal.e + i64::try_from(zeros_before).unwrap() + 1 - i64::try_from(before).unwrap();
        if exponent != 0 || self.pick(3) == 1 {
            let letter = ["e", "E"][self.pick(2)];
            let plus = ["", "+"][self.pick(2)];
            let sign = if exponent < 0 { "-" } else { plus };
            let zeros = ["", "0", "000"][self.pick(3)];
            self.out.push_str(&format!("{letter}{sign}{zeros}{}", exponent.unsigned_abs()));
        }
    }
}
