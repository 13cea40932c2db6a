//! `precise-sql`: a SQL shell on DataFusion, with the functions of Precise in it.
//!
//! ```text
//!  args.rs       what may be said on the command line
//!  session.rs    DataFusion, set up: functions, memory, threads, files by their paths
//!  files.rs      a path in place of a table's name
//!  script.rs     text, cut into statements by DataFusion's own parser
//!  shell.rs      one statement: planned, run, printed
//!  copy.rs       COPY, with files that appear only when they are whole
//!  print.rs      results as a table, CSV, JSON
//!  prompt.rs     the prompt, and commands.rs what begins with a backslash there
//!  interrupt.rs  Ctrl-C
//!  failure.rs    what ends a statement early, for people and for scripts
//! ```
//!
//! # Why a shell of our own
//!
//! DataFusion has one, `datafusion-cli`, which can be used as a library. It would bring 359 crates
//! where this one needs 262, among them the AWS SDK, an HTTP client, two TLS stacks and two more
//! bodies of C and assembly (aws-lc, ring), and none of that can be turned off: a shell that reads
//! local files would be able to speak to clouds. It cuts statements at semicolons by hand, knows no
//! error code but 1, holds a whole result before it prints the first row, and has no way to cancel
//! a query from a script. What is ours is what such a shell must do well: say what was refused and
//! where, and stop there.

mod args;
mod commands;
mod copy;
mod failure;
mod files;
mod interrupt;
mod print;
mod prompt;
mod script;
mod session;
mod shell;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, IsTerminal};
use std::panic;
use std::path::Path;
use std::process::ExitCode;
use std::sync::PoisonError;

use args::{Args, Source};
use failure::{Failure, Result};
use script::Script;
use shell::Shell;

fn main() -> ExitCode {
    let args = Args::read();
    failure::hold_panics();
    let prompt = args.sources.is_empty() && io::stdin().is_terminal();
    interrupt::install(prompt);
    let done = panic::catch_unwind(|| run(&args, prompt));
    let failure = match done {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::panicked(panic.as_ref()),
    };
    failure.print(args.json);
    failure.exit_code()
}

fn run(args: &Args, prompt: bool) -> Result<()> {
    let shell = Shell::open(args)?;
    let done = if prompt { prompt::run(&shell) } else { run_sources(&shell, args) };
    shell.close();
    done
}

/// Everything that the command line names, in order, up to the first failure.
fn run_sources(shell: &Shell, args: &Args) -> Result<()> {
    let standard_input = [Source::File("-".into())];
    let sources = if args.sources.is_empty() { &standard_input } else { &args.sources[..] };
    let mut commands = 0;
    for source in sources {
        match source {
            Source::Command(text) => {
                commands += 1;
                if text.trim_start().starts_with('\\') {
                    commands::run(shell, text)?;
                } else {
                    let reader = Cursor::new(text.as_bytes());
                    run_script(shell, Script::new(&format!("command {commands}"), reader))?;
                }
            }
            Source::File(path) if path == Path::new("-") => {
                run_script(shell, Script::new("standard input", io::stdin().lock()))?;
            }
            Source::File(path) => {
                let reader = open(path).map_err(|error| Failure::io("read", path, &error))?;
                run_script(shell, Script::new(&path.display().to_string(), reader))?;
            }
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    Ok(BufReader::new(file))
}

fn run_script(shell: &Shell, mut script: Script<impl BufRead>) -> Result<()> {
    while let Some((statement, place)) = script.next(shell.parser())? {
        shell.execute(statement).map_err(|failure| failure.at(place))?;
    }
    Ok(())
}

/// What a lock guards here is whole at all times, so that a panic elsewhere changes nothing.
fn unpoisoned<T>(lock: std::result::Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}
