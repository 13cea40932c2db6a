//! The calls of `tests/vectors/rows.json`: rows of typed columns, given as cells and as rows.
//!
//! What an engine with rows of its own can build is called in both ways, under names that differ
//! in their first word only; the two have one result.

mod accepted;
mod refused;

use conformance::{Form, Input};
use precise_core::Code;
use serde_json::Value as Json;

use super::{Call, Meant, Table, args, bytes, json};

const CELLS: &str = "precise_mint_cells";
const ROW: &str = "precise_mint_row";

/// Name, comment, type, value: a row whose one column is called a.
type One = (&'static str, &'static str, &'static str, &'static str);

/// Name, comment, cells.
type Whole = (&'static str, &'static str, &'static str);

/// Any 32 bytes are a blind.
const KEY: [u8; 32] = [0x2A; 32];
const CELL: &str = r#"[["a","text","x"]]"#;

pub(super) fn calls() -> Vec<Call> {
    let mut rows = Rows { table: Table::new(), function: CELLS, stem: "cells" };
    rows.shared();
    rows.only_as_cells();
    (rows.function, rows.stem) = (ROW, "row");
    rows.shared();
    rows.table.calls
}

/// The table, and the function whose calls are added to it.
struct Rows {
    table: Table,
    function: &'static str,
    stem: &'static str,
}

impl Rows {
    fn add(&mut self, meant: Meant, name: &str, comment: &str, input: Input) {
        self.table.add(meant, self.function, &format!("{}-{name}", self.stem), comment, input);
    }

    fn ones(&mut self, meant: Meant, ones: &[One]) {
        for (name, comment, cell_type, value) in ones {
            self.add(meant, name, comment, args([one(cell_type, value)]));
        }
    }

    fn wholes(&mut self, meant: Meant, wholes: &[Whole]) {
        for (name, comment, cells) in wholes {
            self.add(meant, name, comment, args([json(*cells)]));
        }
    }

    fn shared(&mut self) {
        for ones in accepted::ONES {
            self.ones(Meant::Value, ones);
        }
        self.wholes(Meant::Value, accepted::WHOLES);
        for (code, ones) in refused::ONES {
            self.ones(Meant::Refusal(*code), ones);
        }
        for (code, wholes) in refused::WHOLES {
            self.wholes(Meant::Refusal(*code), wholes);
        }
        self.shared_large();
        self.blinds_and_nulls();
    }

    fn only_as_cells(&mut self) {
        for ones in accepted::ONES_AS_CELLS {
            self.ones(Meant::Value, ones);
        }
        self.wholes(Meant::Value, accepted::WHOLES_AS_CELLS);
        for (code, ones) in refused::ONES_AS_CELLS {
            self.ones(Meant::Refusal(*code), ones);
        }
        for (code, wholes) in refused::WHOLES_AS_CELLS {
            self.wholes(Meant::Refusal(*code), wholes);
        }
        for (code, name, comment, text) in refused::RAW {
            let form = Form::JsonHex(text.to_vec());
            self.add(Meant::Refusal(*code), name, comment, args([form]));
        }
        self.powers_of_two();
        self.large_as_cells();
    }

    /// Depth and size, as far as a row of an engine can have them.
    fn shared_large(&mut self) {
        let nested = |depth| nested(r#"[["a","json",""#, depth, r#""]]"#);
        let comment = "A JSON column of depth 127 makes a row of depth 128.";
        self.add(Meant::Value, "json-depth-127", comment, args([nested(127)]));
        let comment = "One of depth 128 makes a row that is too deep.";
        self.add(Meant::Refusal(Code::Depth), "json-depth-128", comment, args([nested(128)]));
        // Around the text stand eight bytes, `{"a":"` and `"}`.
        let text = |len| repeat(&[(r#"[["a","text",""#, 1), ("a", len), (r#""]]"#, 1)]);
        let comment = "A row may be as large as 16 MiB, which its cells are not counted in.";
        self.add(Meant::Value, "text-16-mib", comment, args([text((1 << 24) - 8)]));
        let comment = "A row of one byte more is too large.";
        let meant = Meant::Refusal(Code::CanonicalSize);
        self.add(meant, "text-over-16-mib", comment, args([text((1 << 24) - 7)]));
    }

    fn blinds_and_nulls(&mut self) {
        let cell = || json(CELL);
        let comment = "The row that the next are about.";
        self.add(Meant::Value, "mint", comment, args([cell()]));
        let comment = "A blinded proof says so, and says no size.";
        self.add(Meant::Value, "mint-blinded", comment, args([cell(), bytes(KEY)]));
        let comment = "A blind of zeros is a blind.";
        self.add(Meant::Value, "mint-blinded-with-zeros", comment, args([cell(), bytes([0; 32])]));
        let nulls = [
            ("null", "A NULL row gives NULL.", args([Form::Null])),
            ("null-row-and-blind", "So it does with a blind.", args([Form::Null, bytes(KEY)])),
            ("null-blind", "A NULL blind gives NULL.", args([cell(), Form::Null])),
            ("null-both", "So do both.", args([Form::Null, Form::Null])),
            ("null-and-wrong-blind", "NULL comes before errors.", args([Form::Null, bytes([1])])),
        ];
        for (name, comment, input) in nulls {
            self.add(Meant::Null, name, comment, input);
        }
        let wrong: [(&str, &str, &[u8]); 4] = [
            ("empty", "No bytes are no blind.", &[]),
            ("31-bytes", "31 bytes are none.", &[1; 31]),
            ("33-bytes", "33 bytes are none.", &[1; 33]),
            ("64-bytes", "The hex digits of 32 bytes are 64 bytes.", &[b'0'; 64]),
        ];
        for (name, comment, blind) in wrong {
            let name = format!("blind-{name}");
            let input = args([cell(), bytes(blind)]);
            self.add(Meant::Refusal(Code::SecretLength), &name, comment, input);
        }
    }

    /// Floats whose lower neighbour is nearer than the upper one.
    fn powers_of_two(&mut self) {
        let array = |cell_type: &str, values: Vec<String>| {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            args([json(format!("[[\"a\",\"{cell_type}[]\",[{}]]]", values.join(",")))])
        };
        let float4 = (0..=276).map(|i| format!("{:e}", power32(i - 149))).collect();
        let comment = "Every power of two that a binary32 can be.";
        self.add(Meant::Value, "float4-powers-of-two", comment, array("float4", float4));
        let float8 = (0..=299).map(|i| format!("{:e}", power64(7 * i - 1074))).collect();
        let comment = "Every seventh power of two that a binary64 can be.";
        self.add(Meant::Value, "float8-powers-of-two", comment, array("float8", float8));
    }

    /// Depth and size that only a text can have.
    fn large_as_cells(&mut self) {
        let too_deep = Meant::Refusal(Code::Depth);
        let arrays = |depth: usize| {
            let open = format!("[[\"a\",\"text{}\",", "[]".repeat(depth));
            args([nested(&open, depth, "]]")])
        };
        let comment = "126 dimensions make cells of depth 128.";
        self.add(Meant::Value, "array-depth-126", comment, arrays(126));
        let comment = "One more makes cells that are too deep.";
        self.add(too_deep, "array-depth-127", comment, arrays(127));
        let structs =
            |depth| args([repeat(&[(r#"[["a","struct","#, depth), ("null", 1), ("]]", depth)])]);
        let comment = "Each struct is two arrays: 64 make cells of depth 128.";
        self.add(Meant::Value, "struct-depth-64", comment, structs(64));
        let comment = "One more makes cells that are too deep, though the row is not.";
        self.add(too_deep, "struct-depth-65", comment, structs(65));
        let in_array = |depth| args([nested(r#"[["a","json[]",[""#, depth, r#""]]]"#)]);
        let comment = "A JSON text of depth 126 in an array makes a row of depth 128.";
        self.add(Meant::Value, "json-in-array-depth-126", comment, in_array(126));
        let comment = "One of depth 127 there makes a row that is too deep.";
        self.add(too_deep, "json-in-array-depth-127", comment, in_array(127));

        let pieces = [(r#"[["a","char",""#, 1), (" ", 1 << 24), (r#""]]"#, 1)];
        let comment = "Cells of more than 16 MiB may be a small row.";
        self.add(Meant::Value, "char-16-mib-of-spaces", comment, args([repeat(&pieces)]));
        let too_large = Meant::Refusal(Code::CanonicalSize);
        let sizes = [
            (Meant::Value, "plain-largest", "A plain string may fill 16 MiB.", "1e16777207"),
            (too_large, "plain-too-large", "It may not be longer.", "1e16777208"),
            (Meant::Value, "plain-smallest", "So may one with a point.", "1e-16777206"),
            (too_large, "plain-too-small", "It may not be longer either.", "1e-16777207"),
            (too_large, "plain-minus-too-large", "A minus sign is a byte.", "-1e16777207"),
            (
                too_large,
                "exponent-saturates",
                "An exponent of 30 digits does not wrap.",
                "1e100000000000000000000000000000",
            ),
            (
                too_large,
                "exponent-saturates-negative",
                "Nor does a negative one.",
                "1e-100000000000000000000000000000",
            ),
        ];
        for (meant, name, comment, value) in sizes {
            let name = format!("numeric-{name}");
            self.add(meant, &name, comment, args([one("numeric", value)]));
        }
        let comment = "Two columns that would each do are together too large.";
        let cells = r#"[["a","numeric","1e9999999"],["b","numeric","1e9999999"]]"#;
        self.add(too_large, "numeric-two-too-large", comment, args([json(cells)]));
    }
}

fn one(cell_type: &str, value: &str) -> Form {
    json(format!("[[\"a\",{},{}]]", quoted(cell_type), quoted(value)))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// `depth` arrays in one another.
fn nested(front: &str, depth: usize, behind: &str) -> Form {
    repeat(&[(front, 1), ("[", depth), ("]", depth), (behind, 1)])
}

fn repeat(pieces: &[(&str, usize)]) -> Form {
    Form::JsonRepeat(pieces.iter().map(|&(piece, count)| (piece.into(), count)).collect())
}

/// 2^`exponent`, which must be one of the binary32s.
fn power32(exponent: i32) -> f32 {
    f32::from_bits(if exponent < -126 {
        1 << (exponent + 149)
    } else {
        ((exponent + 127) as u32) << 23
    })
}

/// 2^`exponent`, which must be one of the binary64s.
fn power64(exponent: i32) -> f64 {
    f64::from_bits(if exponent < -1022 {
        1 << (exponent + 1074)
    } else {
        ((exponent + 1023) as u64) << 52
    })
}
