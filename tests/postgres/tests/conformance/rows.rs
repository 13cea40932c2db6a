//! Cells as the columns of a query, of PostgreSQL's own types.

use conformance::Argument;
use precise_core::catalog::Function;
use precise_core::value::Value;
use serde_json::Value as Json;

use crate::{Form, literal, quoted};

/// The call of a function of a row; none if PostgreSQL has no such row.
pub(crate) fn call(function: &Function, args: &[Argument]) -> Option<String> {
    let blind = match args.get(1) {
        None => String::new(),
        Some(blind) => format!(", {}", literal(blind, function.args[1].arg_type, Form::Text)),
    };
    let Value::Json(cells) = &args[0] else {
        return Some(format!("{}(NULL::record{blind}) AS r", function.name));
    };
    let row = row(&serde_json::from_slice(cells).ok()?)?;
    Some(format!("{}(t{blind}) AS r FROM ({row}) t", function.name))
}

/// `SELECT value AS name, …`
fn row(cells: &Json) -> Option<String> {
    let column = |cell: &Json| match cell.as_array()?.as_slice() {
        [Json::String(name), Json::String(cell_type), value] => {
            Some(format!("{} AS {}", column(cell_type, value)?, identifier(name)?))
        }
        _ => None,
    };
    let columns: Vec<String> = cells.as_array()?.iter().map(column).collect::<Option<_>>()?;
    Some(format!("SELECT {}", columns.join(", ")))
}

/// The server cuts longer names, and has no empty one.
fn identifier(name: &str) -> Option<String> {
    let fits = (1..64).contains(&name.len());
    fits.then(|| format!("\"{}\"", name.replace('"', "\"\"")))
}

fn column(cell_type: &str, value: &Json) -> Option<String> {
    let (base, dimensions) = match cell_type.find("[]") {
        Some(at) => (&cell_type[..at], &cell_type[at..]),
        None => (cell_type, ""),
    };
    let of = match base {
        "char" => "bpchar",
        "bytes" => "bytea",
        "struct" => "record",
        "boolean" | "numeric" | "float8" | "float4" | "text" | "uuid" | "date" | "time"
        | "timestamp" | "timestamptz" | "json" => base,
        _ => return None,
    };
    // However many dimensions a value has, its type is the same.
    let array = if dimensions.is_empty() { "" } else { "[]" };
    Some(format!("{}::{of}{array}", expression(of, dimensions.len() / 2, value)?))
}

fn expression(of: &str, dimensions: usize, value: &Json) -> Option<String> {
    match value {
        Json::Null => Some("NULL".into()),
        Json::String(text) => {
            let prefix = if of == "bytea" { "\\x" } else { "" };
            Some(quoted(&format!("{prefix}{text}"), of))
        }
        Json::Array(elements) if dimensions > 0 => {
            if elements.is_empty() {
                return Some("'{}'".into());
            }
            let element = |element| expression(of, dimensions - 1, element);
            let elements: Vec<String> = elements.iter().map(element).collect::<Option<_>>()?;
            Some(format!("ARRAY[{}]", elements.join(", ")))
        }
        cells if of == "record" => Some(format!("(SELECT s FROM ({}) s)", row(cells)?)),
        _ => None,
    }
}
