//! Typed rows: what an engine writes by value and what another spells as cells are one.

use precise_core::canonical::{Canonicalizer, canonicalize};
use precise_core::row::{RowEncoder, TimeUnit};
use precise_core::{Code, Result};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// A value, as an engine has it.
#[derive(Clone, Debug)]
enum Typed {
    Array(Vec<Typed>),
    Boolean(bool),
    Bytes(Vec<u8>),
    Date(i64),
    Float4(f32),
    Float8(f64),
    Integer(i64),
    Null,
    Numeric(i128, i32),
    Struct(Vec<(String, Typed)>),
    Text(String),
    Timestamp(i64, bool),
    Unsigned(u64),
    Uuid([u8; 16]),
}

fn scalar() -> impl Strategy<Value = Typed> {
    prop_oneof![
        any::<bool>().prop_map(Typed::Boolean),
        vec(any::<u8>(), 0..9).prop_map(Typed::Bytes),
        (-719_162_i64..=2_932_896).prop_map(Typed::Date),
        any::<f32>().prop_filter("finite", |f| f.is_finite()).prop_map(Typed::Float4),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Typed::Float8),
        any::<i64>().prop_map(Typed::Integer),
        Just(Typed::Null),
        (any::<i128>(), 0_u32..128, -30_i32..60)
            .prop_map(|(digits, shift, scale)| Typed::Numeric(digits >> shift, scale)),
        "[^\0]{0,6}".prop_map(Typed::Text),
        (-62_135_596_800_000_000_i64..253_402_300_800_000_000, any::<bool>())
            .prop_map(|(micros, zone)| Typed::Timestamp(micros, zone)),
        any::<u64>().prop_map(Typed::Unsigned),
        any::<[u8; 16]>().prop_map(Typed::Uuid),
    ]
}

fn row() -> impl Strategy<Value = Vec<(String, Typed)>> {
    let value = scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Typed::Array),
            members(inner).prop_map(Typed::Struct),
        ]
    });
    members(value)
}

/// Names that differ after folding, some of them to be folded.
fn members(value: impl Strategy<Value = Typed>) -> impl Strategy<Value = Vec<(String, Typed)>> {
    btree_map("[a-zé\u{fb33}\u{1f600} ]{1,4}", (value, any::<bool>()), 0..5).prop_map(|members| {
        let name = |name: String, upper: bool| if upper { name.to_ascii_uppercase() } else { name };
        members.into_iter().map(|(key, (value, upper))| (name(key, upper), value)).collect()
    })
}

impl Typed {
    fn write(&self, row: &mut RowEncoder<'_>) -> Result<()> {
        match self {
            Self::Array(elements) => {
                row.begin_array()?;
                elements.iter().try_for_each(|element| element.write(row))?;
                row.end()
            }
            Self::Boolean(boolean) => row.boolean(*boolean),
            Self::Bytes(bytes) => row.bytes(bytes),
            Self::Date(days) => row.date(*days),
            Self::Float4(float) => row.float4(*float),
            Self::Float8(float) => row.float8(*float),
            Self::Integer(integer) => row.integer(*integer),
            Self::Null => row.null(),
            Self::Numeric(unscaled, scale) => row.numeric(*unscaled, *scale),
            Self::Struct(members) => {
                row.begin_struct()?;
                write_members(members, row)?;
                row.end()
            }
            Self::Text(text) => row.text(text.as_bytes()),
            Self::Timestamp(micros, zone) => row.timestamp(*micros, TimeUnit::Microsecond, *zone),
            Self::Unsigned(integer) => row.unsigned(*integer),
            Self::Uuid(uuid) => row.uuid(uuid),
        }
    }

    /// The cell's type and value. Elements of one array have many types here, which cells cannot
    /// say: none is given then.
    fn cell(&self) -> Option<(String, String)> {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02X}"))
        };
        let scalar = |name: &str, text: String| Some((name.into(), json(&text)));
        match self {
            Self::Array(elements) => {
                let mut cells: Vec<(String, String)> =
                    elements.iter().map(Self::cell).collect::<Option<_>>()?;
                let element_type = cells.first().map_or("text".into(), |cell| cell.0.clone());
                if cells.iter().any(|cell| cell.0 != element_type) {
                    return None;
                }
                let values: Vec<String> = cells.drain(..).map(|cell| cell.1).collect();
                Some((format!("{element_type}[]"), format!("[{}]", values.join(","))))
            }
            Self::Boolean(boolean) => scalar("boolean", boolean.to_string()),
            Self::Bytes(bytes) => scalar("bytes", hex(bytes)),
            Self::Date(_) | Self::Timestamp(..) => {
                // Their text is what the row's own form shows; the calendar has tests of its own.
                let (name, written) = (self.time_type(), self.written());
                Some((name.into(), written))
            }
            Self::Float4(float) => scalar("float4", format!("{float:e}")),
            Self::Float8(float) => scalar("float8", format!("{float:e}")),
            Self::Integer(integer) => scalar("numeric", integer.to_string()),
            Self::Null => Some(("text".into(), "null".into())),
            Self::Numeric(unscaled, scale) => {
                scalar("numeric", format!("{unscaled}e{}", -i64::from(*scale)))
            }
            Self::Struct(members) => Some(("struct".into(), cells(members)?)),
            Self::Text(text) => scalar("text", text.clone()),
            Self::Unsigned(integer) => scalar("numeric", integer.to_string()),
            Self::Uuid(uuid) => {
                let digits = hex(uuid);
                let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
                scalar("uuid", groups.join("-"))
            }
        }
    }

    fn time_type(&self) -> &'static str {
        match self {
            Self::Date(_) => "date",
            Self::Timestamp(_, true) => "timestamptz",
            _ => "timestamp",
        }
    }

    /// The value as it stands in a row.
    fn written(&self) -> String {
        let form = encode(&[("a".into(), self.clone())]).unwrap();
        String::from_utf8(form[5..form.len() - 1].to_vec()).unwrap()
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn write_members(members: &[(String, Typed)], row: &mut RowEncoder<'_>) -> Result<()> {
    members.iter().try_for_each(|(name, value)| {
        row.name(name)?;
        value.write(row)
    })
}

fn encode(members: &[(String, Typed)]) -> Result<Vec<u8>> {
    let mut form = Vec::new();
    Canonicalizer::default().append_row(&mut form, |row| write_members(members, row))?;
    Ok(form)
}

fn cells(members: &[(String, Typed)]) -> Option<String> {
    let cells: Option<Vec<String>> = members
        .iter()
        .map(|(name, value)| {
            let (cell_type, value) = value.cell()?;
            Some(format!("[{},\"{cell_type}\",{value}]", json(name)))
        })
        .collect();
    Some(format!("[{}]", cells?.join(",")))
}

proptest! {
    #[test]
    fn a_rows_form_is_its_own_canonical_form(members in row()) {
        let form = encode(&members).unwrap();
        prop_assert_eq!(canonicalize(&form).unwrap(), form);
    }

    #[test]
    fn the_order_of_columns_does_not_matter(members in row(), seed in any::<u64>()) {
        let mut shuffled = members.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, seed.rotate_left(i as u32) as usize % (i + 1));
        }
        prop_assert_eq!(encode(&members).unwrap(), encode(&shuffled).unwrap());
    }

    #[test]
    fn cells_spell_the_same_row(members in row()) {
        if let Some(cells) = cells(&members) {
            let mut form = Vec::new();
            Canonicalizer::default().append_cells(cells.as_bytes(), &mut form).unwrap();
            prop_assert_eq!(form, encode(&members).unwrap(), "{}", cells);
        }
    }

    #[test]
    fn a_numeric_keeps_its_value(unscaled in any::<i128>(), shift in 0_u32..128, scale in -40..80) {
        let unscaled = unscaled >> shift;
        let form = Typed::Numeric(unscaled, scale).written();
        let text = form.trim_matches('"');
        prop_assert_eq!(value_of(text), value_of(&format!("{unscaled}e{}", -scale)));
        // A string only where a number would not do.
        let (digits, last) = value_of(text).1;
        let e = last + digits.len() as i64 - 1;
        let fits = digits.is_empty()
            || (last >= 0 && unscaled_of(&digits, last).is_some_and(|value| value < 1 << 53))
            || (digits.len() <= 15 && (-7..=20).contains(&e));
        prop_assert_eq!(form.starts_with('"'), !fits);
    }

    #[test]
    fn any_bytes_are_cells_or_refused_with_a_code(text in "[\\[\\]\",a-z0-9:. -]{0,40}") {
        let mut form = b"before".to_vec();
        match Canonicalizer::default().append_cells(text.as_bytes(), &mut form) {
            Ok(()) => prop_assert_eq!(canonicalize(&form[6..]).unwrap(), &form[6..]),
            Err(error) => {
                prop_assert_eq!(&form, b"before");
                prop_assert!(error.path().is_some());
                prop_assert!(Code::ALL.contains(&error.code()));
            }
        }
    }
}

/// The sign, and the digits without zeros at either end with the power of ten of the last.
fn value_of(text: &str) -> (bool, (String, i64)) {
    let unsigned = text.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{integer}{fraction}");
    let kept = digits.trim_end_matches('0');
    let exponent: i64 = exponent.parse().unwrap();
    let last = exponent - fraction.len() as i64 + (digits.len() - kept.len()) as i64;
    let digits = kept.trim_start_matches('0').to_owned();
    let is_zero = digits.is_empty();
    (text.starts_with('-') && !is_zero, (digits, if is_zero { 0 } else { last }))
}

fn unscaled_of(digits: &str, last: i64) -> Option<u128> {
    let power = 10_u128.checked_pow(u32::try_from(last).ok()?)?;
    digits.parse::<u128>().ok()?.checked_mul(power)
}
