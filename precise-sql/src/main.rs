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
//! DataFusion has one, `datafusion-cli`, which can be used as a library. With it this program would
//! be built of 359 crates instead of 262. Among the 98 that come with it are the AWS SDK, two HTTP
//! clients and two cryptographic libraries in C and assembly (aws-lc, ring), and no feature turns
//! them off: a shell that reads local files could speak to clouds. What they cost is not the start,
//! which is DataFusion's own in either case, but builds, audits and trust.
//!
//! Nor would it do what a shell for proofs must do well. It ends a statement where a line of a file
//! ends in a semicolon, be that inside a string; goes on after a statement that failed, and exits
//! with 0; collects a result before it prints the first row; and leaves what a failed COPY has
//! written under its final name.

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
use std::path::Path;
use std::process::ExitCode;
use std::sync::PoisonError;
use std::thread;

use args::{Args, Source};
use failure::{Failure, Result};
use script::Script;
use shell::Shell;

fn main() -> ExitCode {
    let args = Args::read();
    failure::hold_panics();
    let prompt = args.sources.is_empty() && io::stdin().is_terminal();
    interrupt::install(prompt);
    let json = args.json;
    // Not on the first thread, whose stack is as small as the system likes.
    let done = thread::Builder::new()
        .stack_size(shell::STACK)
        .spawn(move || run(&args, prompt))
        .map_err(|error| Failure::Io(format!("cannot start a thread: {error}")))
        .and_then(|thread| {
            thread.join().unwrap_or_else(|panic| Err(Failure::panicked(panic.as_ref())))
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(json);
            failure.exit_code()
        }
    }
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
