//! `precise functions`: the catalogue, for people and for scripts.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use precise_core::catalog::{Example, Expected, FUNCTIONS, Function};
use serde_json::json;

use crate::args::Functions;
use crate::failure::{Failure, Result};

pub(crate) fn run(command: &Functions, json: bool) -> Result<ExitCode> {
    let chosen: Vec<&Function> = if command.names.is_empty() {
        FUNCTIONS.iter().collect()
    } else {
        let find =
            |name: &String| Function::find(name).map_err(|error| Failure::Usage(error.to_string()));
        command.names.iter().map(find).collect::<Result<_>>()?
    };
    let mut text = String::new();
    if json {
        let rows: Vec<_> = chosen.iter().map(|function| to_json(function)).collect();
        text.push_str(&format!("{:#}\n", serde_json::Value::from(rows)));
    } else {
        for function in chosen {
            describe(function, &mut text);
        }
    }
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(function: &Function, text: &mut String) {
    let kind = if function.is_aggregate() { " (aggregate)" } else { "" };
    text.push_str(&format!("{}{kind}\n    {}\n", function.signature(), function.doc));
    for arg in function.args {
        text.push_str(&format!("    {:<12}  {}\n", arg.name, arg.doc));
    }
    if let Some(example) = function.examples.first() {
        let arrow = call(function, example);
        text.push_str(&format!("    {arrow}\n      = {}\n", result(example)));
    }
    text.push('\n');
}

/// `precise_canonical('{"a":1}')`; an aggregate with the arguments of its first row.
fn call(function: &Function, example: &Example) -> String {
    let args: Vec<String> = example
        .rows
        .first()
        .map(|row| row.iter().map(|literal| literal.to_sql()).collect())
        .unwrap_or_default();
    let more = if example.rows.len() > 1 { " over these and other rows" } else { "" };
    format!("{}({}){more}", function.name, args.join(", "))
}

fn result(example: &Example) -> String {
    match example.result {
        Expected::Error(code) => format!("error {code}"),
        Expected::Value(literal) => literal.to_sql(),
    }
}

fn to_json(function: &Function) -> serde_json::Value {
    let args: Vec<_> = function
        .args
        .iter()
        .enumerate()
        .map(|(i, arg)| {
            json!({
                "name": arg.name,
                "type": arg.arg_type.name(),
                "required": i < function.required,
                "doc": arg.doc,
            })
        })
        .collect();
    let examples: Vec<_> = function
        .examples
        .iter()
        .map(|example| {
            let rows: Vec<Vec<String>> = example
                .rows
                .iter()
                .map(|row| row.iter().map(|literal| literal.to_sql()).collect())
                .collect();
            json!({ "rows": rows, "result": result(example) })
        })
        .collect();
    json!({
        "name": function.name,
        "family": function.family,
        "kind": if function.is_aggregate() { "aggregate" } else { "scalar" },
        "signature": function.signature(),
        "returns": function.returns.name(),
        "since": function.since,
        "doc": function.doc,
        "args": args,
        "examples": examples,
    })
}
