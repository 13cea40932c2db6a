//! The prompt: lines are edited and remembered, and statements may take several of them.

use std::env;
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use datafusion::execution::FunctionRegistry;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use crate::commands::{self, Then};
use crate::failure::{Failure, Result};
use crate::print;
use crate::script::{Parser, Script};
use crate::shell::Shell;

/// Lines that are remembered.
const REMEMBERED: usize = 10_000;

pub(crate) fn run(shell: &Shell) -> Result<()> {
    let mut editor = editor(shell).map_err(|error| failed(&error))?;
    let history = history_file();
    if let Some(path) = &history {
        // There is none the first time, and a prompt works without.
        let _ = editor.load_history(path);
    }
    if !shell.look.quiet {
        print::print(&format!(
            "precise-sql {} on DataFusion {}. help or \\? for help, \\q to leave.\n",
            env!("CARGO_PKG_VERSION"),
            datafusion::DATAFUSION_VERSION,
        ))?;
    }
    loop {
        if let Some(input) = editor.helper_mut() {
            input.parser = shell.parser();
        }
        let text = match editor.readline("precise> ") {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(&error)),
        };
        // Written at once, so that two shells and a crash lose nothing.
        if editor.add_history_entry(text.as_str()).unwrap_or(false)
            && let Some(path) = &history
        {
            let _ = editor.append_history(path);
        }
        match run_text(shell, &text) {
            Ok(Then::GoOn) => {}
            Ok(Then::Leave) => return Ok(()),
            Err(Failure::ReaderGone) => return Err(Failure::ReaderGone),
            Err(failure) => failure.print(shell.look.json),
        }
    }
}

fn run_text(shell: &Shell, text: &str) -> Result<Then> {
    if is_command(text) {
        return commands::run(shell, text);
    }
    let mut script = Script::new("prompt", Cursor::new(text.as_bytes()));
    while let Some((statement, _)) = script.next(shell.parser()).map_err(Failure::anywhere)? {
        shell.execute(statement)?;
    }
    Ok(Then::GoOn)
}

fn is_command(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('\\') || text == "help"
}

fn editor(shell: &Shell) -> rustyline::Result<Editor<Input, FileHistory>> {
    let config = Config::builder()
        .max_history_size(REMEMBERED)?
        .history_ignore_dups(true)?
        // A blank before a secret keeps it out of the file.
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = Editor::with_config(config)?;
    let state = shell.context.state();
    let mut functions: Vec<String> = state.udfs().into_iter().chain(state.udafs()).collect();
    functions.sort_unstable();
    let files = FilenameCompleter::new();
    editor.set_helper(Some(Input { parser: shell.parser(), functions, files }));
    Ok(editor)
}

/// Where lines are remembered, in a directory that is there.
fn history_file() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    let directory = state.join("precise");
    fs::create_dir_all(&directory).ok()?;
    Some(directory.join("sql_history"))
}

fn failed(error: &ReadlineError) -> Failure {
    Failure::Io(format!("cannot use the terminal: {error}"))
}

/// What the editor asks about a text that is being entered.
struct Input {
    parser: Parser,
    functions: Vec<String>,
    files: FilenameCompleter,
}

impl Validator for Input {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        Ok(if is_command(text) || self.parser.is_complete(text) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Names of files inside of quotes, and of functions elsewhere.
impl Completer for Input {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..position];
        if before.matches('\'').count() % 2 == 1 {
            return self.files.complete(line, position, context);
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let word = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
        if word.is_empty() {
            return Ok((position, Vec::new()));
        }
        let fits = |name: &&String| name.starts_with(&word.to_lowercase());
        let pair = |name: &String| Pair { display: name.clone(), replacement: name.clone() };
        Ok((position - word.len(), self.functions.iter().filter(fits).map(pair).collect()))
    }
}

impl Hinter for Input {
    type Hint = String;
}

impl Highlighter for Input {}

impl Helper for Input {}
