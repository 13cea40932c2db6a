//! The scripts of `pg_precise`: the catalogue as `CREATE FUNCTION`, among the files of
//! `pg_precise/sql`; and the step to it from the version before.

use std::fmt::Write;
use std::fs;

use precise_core::catalog::{Arg, FUNCTIONS, Function, Kernel};
use precise_core::value::Type;

use super::upgrade;
use crate::generated::Generated;
use crate::root;

/// The types in which PostgreSQL may have an argument of ours; it takes a literal for the first.
fn forms(of: Type) -> &'static [&'static str] {
    match of {
        Type::Boolean => &["boolean"],
        Type::Bytes => &["bytea"],
        Type::Decimal => &["numeric"],
        Type::Float => &["double precision"],
        Type::Integer => &["bigint"],
        Type::Json => &["text", "json", "jsonb"],
        Type::Row => &["record"],
        Type::Text => &["text"],
    }
}

/// The type of a result. `json`, unlike `jsonb`, keeps a text as it is.
fn result_type(of: Type) -> &'static str {
    match of {
        Type::Json => "json",
        other => forms(other)[0],
    }
}

/// The other parts of the script, in order; the functions come behind the first.
const PARTS: &[&str] = &[
    "schema", "tables", "cohorts", "tracking", "batches", "audience", "audit", "ledger", "secrets",
    "roles",
];

/// Where PostgreSQL, too, finds which version is the default: the one in the making.
const CONTROL: &str = "pg_precise/pg_precise.control";

/// The scripts of versions that were released. They never change.
const RELEASED: &str = "pg_precise/released";

/// The script of `CREATE EXTENSION`, and that of `ALTER EXTENSION UPDATE` from the version that was
/// released last.
pub(super) fn scripts() -> Result<[Generated; 2], String> {
    let version = default_version(&read(CONTROL)?)?;
    let last = last_released()?;
    if Version::parse(&last) >= Version::parse(&version) {
        return Err(format!(
            "{CONTROL}: {last} is released; its default_version must be a later one"
        ));
    }
    let old = read(&format!("{RELEASED}/pg_precise--{last}.sql"))?;
    let by_hand = format!("pg_precise/sql/upgrade/{last}--{version}.sql");
    let new = extension()?;
    let step = upgrade::step(&old, &read(&by_hand)?, &new)
        .map_err(|fault| format!("{by_hand}: {fault}"))?;
    let expected = [version.clone(), format!("{last}--{version}")];
    let path = |name: &str| format!("pg_precise/pg_precise--{name}.sql");
    for name in scripts_in("pg_precise")? {
        if !expected.contains(&name) {
            return Err(format!("{}: is not of the version in the making", path(&name)));
        }
    }
    let [install, update] = expected.map(|name| path(&name));
    Ok([Generated { path: install, text: new }, Generated { path: update, text: step }])
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|fault| format!("{path}: {fault}"))
}

/// The versions, or steps between them, whose scripts are in a folder: `0.1.0`, `0.1.0--0.2.0`.
fn scripts_in(folder: &str) -> Result<Vec<String>, String> {
    let failed = |fault| format!("{folder}: {fault}");
    let mut scripts = Vec::new();
    for entry in fs::read_dir(root().join(folder)).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let version = name.to_str().and_then(|name| name.strip_prefix("pg_precise--"));
        scripts.extend(version.and_then(|name| name.strip_suffix(".sql")).map(String::from));
    }
    Ok(scripts)
}

fn default_version(control: &str) -> Result<String, String> {
    let quoted = control.lines().find_map(|line| line.strip_prefix("default_version = '"));
    let version = quoted.and_then(|rest| rest.strip_suffix('\''));
    let version = version.filter(|version| Version::parse(version).is_some());
    version.map(String::from).ok_or_else(|| format!("{CONTROL}: no default_version"))
}

/// The latest of the released versions. Each must be among the checksums that keep it as it is.
fn last_released() -> Result<String, String> {
    let sums = read(&format!("{RELEASED}/SHA256SUMS"))?;
    let scripts = scripts_in(RELEASED)?;
    for name in scripts.iter().map(|script| format!("pg_precise--{script}.sql")) {
        if !sums.lines().any(|line| line.split_whitespace().nth(1) == Some(&name)) {
            return Err(format!("{RELEASED}/{name}: is not in SHA256SUMS"));
        }
    }
    // A step from one version to another is none.
    let versions = scripts.into_iter().filter(|script| Version::parse(script).is_some());
    let last = versions.max_by_key(|version| Version::parse(version));
    last.ok_or_else(|| format!("{RELEASED}: there is no version in it"))
}

/// A version's numbers, in the order of versions.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
        numbers?.try_into().ok().map(Self)
    }
}

/// The script of `CREATE EXTENSION`.
fn extension() -> Result<String, String> {
    let mut script = String::from(concat!(
        "-- Generated by `cargo xtask codegen` from pg_precise/sql; do not edit.\n",
        "\\echo Use \"CREATE EXTENSION pg_precise\" to load this file. \\quit\n",
    ));
    for (i, part) in PARTS.iter().enumerate() {
        let _ = write!(script, "\n{}", read(&format!("pg_precise/sql/{part}.sql"))?);
        if i == 0 {
            let _ = write!(script, "\n{}", functions());
        }
    }
    // A server reads all of it before it runs the first line, which says in what encoding a
    // database must be: it has to be text in each.
    match script.lines().find(|line| !line.is_ascii()) {
        Some(line) => Err(format!("pg_precise/sql: not ASCII: {line}")),
        None => Ok(script),
    }
}

/// The catalogue.
fn functions() -> String {
    let mut script = String::from(concat!(
        "-- The catalogue of functions. One that asks for JSON is there for text, json and jsonb;\n",
        "-- text comes first where a literal has no type yet.\n",
    ));
    for function in FUNCTIONS {
        let counts = function.required..=function.args.len();
        let spellings = counts.flat_map(|count| spelled(&function.args[..count]));
        for (i, arguments) in spellings.enumerate() {
            script.push('\n');
            if function.is_aggregate() {
                if i == 0 {
                    append_steps(function, &mut script);
                }
                append_aggregate(function, &arguments, &mut script);
            } else {
                append_scalar(function, &arguments, &mut script);
            }
        }
    }
    script
}

/// An argument's name and type.
type Argument = (&'static str, &'static str);

/// The arguments in every combination of their forms.
fn spelled(args: &[Arg]) -> Vec<Vec<Argument>> {
    args.iter().fold(vec![Vec::new()], |lists, arg| {
        let with = |list: &Vec<Argument>| {
            let list = list.clone();
            forms(arg.arg_type).iter().map(move |form| {
                let mut list = list.clone();
                list.push((arg.name, *form));
                list
            })
        };
        lists.iter().flat_map(with).collect()
    })
}

fn append_scalar(function: &Function, arguments: &[Argument], script: &mut String) {
    let (name, result) = (function.name, result_type(function.returns));
    // A row prints an enum by its label, which may be renamed; the software's version changes.
    let is_fixed = !arguments.is_empty() && arguments.iter().all(|(_, form)| *form != "record");
    let volatility = if is_fixed { "IMMUTABLE" } else { "STABLE" };
    // In the cost of an operator: reading a document takes some hundred times as long.
    let cost = if matches!(function.kernel, Kernel::Record(_)) { 100 } else { 10 };
    let _ = writeln!(
        script,
        "CREATE FUNCTION {name}({}) RETURNS {result}\n    LANGUAGE c {volatility} STRICT PARALLEL \
         SAFE COST {cost}\n    AS 'MODULE_PATHNAME', 'precise_call';",
        declared(arguments),
    );
    let _ = writeln!(
        script,
        "COMMENT ON FUNCTION {name}({}) IS {};",
        types(arguments),
        quoted(function.doc)
    );
}

/// The steps of an aggregate that are the same whatever its arguments are.
fn append_steps(function: &Function, script: &mut String) {
    let result = result_type(function.returns);
    for (step, takes, gives, strict) in [
        ("combine", "internal, internal", "internal", ""),
        ("serialize", "internal", "bytea", " STRICT"),
        ("deserialize", "bytea, internal", "internal", " STRICT"),
        ("finish", "internal", result, ""),
    ] {
        append_step(function, step, takes, gives, strict, script);
    }
}

fn append_step(
    function: &Function,
    step: &str,
    takes: &str,
    gives: &str,
    strict: &str,
    script: &mut String,
) {
    let name = function.name;
    let _ = writeln!(
        script,
        "CREATE FUNCTION precise.{name}_{step}({takes}) RETURNS {gives}\n    LANGUAGE c \
         IMMUTABLE{strict} PARALLEL SAFE\n    AS 'MODULE_PATHNAME', 'precise_{step}';"
    );
}

fn append_aggregate(function: &Function, arguments: &[Argument], script: &mut String) {
    let name = function.name;
    let takes = format!("internal, {}", declared(arguments));
    append_step(function, "update", &takes, "internal", "", script);
    let _ = writeln!(
        script,
        "CREATE AGGREGATE {name}({}) (\n    SFUNC = precise.{name}_update, STYPE = internal,\n    \
         COMBINEFUNC = precise.{name}_combine,\n    SERIALFUNC = precise.{name}_serialize, \
         DESERIALFUNC = precise.{name}_deserialize,\n    FINALFUNC = precise.{name}_finish, \
         PARALLEL = SAFE);",
        declared(arguments),
    );
    let _ = writeln!(
        script,
        "COMMENT ON AGGREGATE {name}({}) IS {};",
        types(arguments),
        quoted(function.doc)
    );
}

fn declared(arguments: &[Argument]) -> String {
    // Quoted, since `row` is a word of SQL.
    let list: Vec<String> = arguments.iter().map(|(name, of)| format!("\"{name}\" {of}")).collect();
    list.join(", ")
}

fn types(arguments: &[Argument]) -> String {
    let list: Vec<&str> = arguments.iter().map(|(_, of)| *of).collect();
    list.join(", ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_control_files() {
        let control = "comment = 'a'\ndefault_version = '0.12.3'\nrelocatable = false\n";
        assert_eq!(default_version(control).as_deref(), Ok("0.12.3"));
        for wrong in ["", "default_version = 0.1.0\n", "default_version = '0.1'\n"] {
            assert!(default_version(wrong).is_err(), "{wrong}");
        }
        assert!(Version::parse("0.9.1") < Version::parse("0.10.0"));
        assert_eq!(Version::parse("0.1.0--0.2.0"), None);
    }
}
