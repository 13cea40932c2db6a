//! What begins with a backslash: questions about tables and functions.

use std::fmt::Write;
use std::io::Cursor;

use datafusion::common::TableReference;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::Documentation;
use datafusion_udfs::udfs;

use crate::failure::{Failure, Result};
use crate::script::Script;
use crate::shell::Shell;
use crate::{files, print};

const HELP: &str = r"SQL ends with a semicolon and may take several lines. A path in quotes is a table:
  SELECT precise_mint_proof(payload) FROM 'events.parquet' LIMIT 5;

  \d              list tables and views
  \d NAME         list the columns of a table or a file
  \df             list the functions of Precise
  \df NAME        explain a function, DataFusion's too
  \q              leave, as Ctrl-D does
  \? or help      this text

Ctrl-C gives up a line or a running query, and once more leaves.
";

/// What comes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    Leave,
}

/// Runs a command and prints its answer.
pub(crate) fn run(shell: &Shell, text: &str) -> Result<Then> {
    let text = text.trim();
    let text = text.trim_end_matches(';').trim_end();
    let (command, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = argument.trim();
    match (command, argument) {
        (r"\q", "") => return Ok(Then::Leave),
        (r"\?" | "help", "") => print::print(HELP)?,
        (r"\d", "") => run_sql(
            shell,
            "SELECT table_schema AS schema, table_name AS name, table_type AS type \
             FROM information_schema.tables WHERE table_schema <> 'information_schema' \
             ORDER BY 1, 2",
        )?,
        (r"\d", table) => run_sql(shell, &format!("DESCRIBE {}", reference(table)))?,
        (r"\df", "") => print::print(&list_functions())?,
        (r"\df", name) => print::print(&explain(shell, name)?)?,
        _ => {
            return Err(Failure::Usage(format!(r"there is no command {command}; \? lists them")));
        }
    }
    Ok(Then::GoOn)
}

fn run_sql(shell: &Shell, sql: &str) -> Result<()> {
    let mut script = Script::new("command", Cursor::new(sql.as_bytes()));
    while let Some((statement, _)) = script.next(shell.parser())? {
        shell.execute(statement)?;
    }
    Ok(())
}

/// A table's name or a file's path, in quotes or not, as SQL has it.
fn reference(name: &str) -> String {
    let quoted = ['\'', '"']
        .into_iter()
        .find_map(|quote| name.strip_prefix(quote).and_then(|name| name.strip_suffix(quote)));
    let reference = match quoted {
        Some(name) => TableReference::bare(name),
        None if files::is_there(name) => TableReference::bare(name),
        None => TableReference::parse_str(name),
    };
    let parts = [reference.catalog(), reference.schema(), Some(reference.table())];
    let quoted = parts.into_iter().flatten().map(|part| part.replace('"', "\"\""));
    quoted.map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".")
}

fn list_functions() -> String {
    let mut text = String::new();
    for function in udfs::scalars() {
        summarize(function.documentation(), "", &mut text);
    }
    for function in udfs::aggregates() {
        summarize(function.documentation(), " (aggregate)", &mut text);
    }
    text.push_str(
        "\\df NAME explains one of them, or of DataFusion's, which SHOW FUNCTIONS lists.\n",
    );
    text
}

fn summarize(documentation: Option<&Documentation>, kind: &str, text: &mut String) {
    if let Some(Documentation { syntax_example, description, .. }) = documentation {
        text.push_str(&format!("{syntax_example}{kind}\n    {description}\n"));
    }
}

fn explain(shell: &Shell, name: &str) -> Result<String> {
    let state = shell.context.state();
    let name = name.split('(').next().unwrap_or(name).trim().to_lowercase();
    let scalar = state.scalar_functions().get(&name).map(|function| function.documentation());
    let aggregate = || state.aggregate_functions().get(&name).map(|f| f.documentation());
    let window = || state.window_functions().get(&name).map(|f| f.documentation());
    match scalar.or_else(aggregate).or_else(window) {
        Some(Some(documentation)) => return Ok(details(documentation)),
        Some(None) => return Ok(format!("{name}\n    There is no documentation of it.\n")),
        None => {}
    }
    let mut like: Vec<String> =
        state.udfs().into_iter().chain(state.udafs()).chain(state.udwfs()).collect();
    like.retain(|other| other.contains(&name));
    like.sort_unstable();
    like.dedup();
    if like.is_empty() {
        return Err(Failure::Usage(format!(
            r"there is no function {name}; \df lists those of Precise"
        )));
    }
    Ok(like.join("\n") + "\n")
}

fn details(documentation: &Documentation) -> String {
    let mut text = String::new();
    summarize(Some(documentation), "", &mut text);
    for (name, meaning) in documentation.arguments.iter().flatten() {
        // A String takes everything.
        let _ = writeln!(text, "    {name:<12}  {meaning}");
    }
    if let Some(example) = &documentation.sql_example {
        // They are written for web pages.
        let lines = example.lines().filter(|line| !line.starts_with("```"));
        text.push('\n');
        text.extend(lines.map(|line| format!("    {line}\n")));
    }
    text
}
