//! `precise sql`: the SQL shell, which is a program of its own, so that this one stays small.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::args::Sql;
use crate::failure::{Failure, Result};

const SHELL: &str = "precise-sql";

pub(crate) fn run(command: &Sql) -> Result<ExitCode> {
    let beside = env::current_exe()
        .map(|program| program.with_file_name(format!("{SHELL}{}", env::consts::EXE_SUFFIX)))
        .ok()
        .filter(|shell| shell.is_file());
    let shell = beside.unwrap_or_else(|| PathBuf::from(SHELL));
    become_program(Command::new(&shell).args(&command.arguments)).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Failure::Usage(format!(
                "{SHELL} is neither beside this program nor on the path; build it with \
                 cargo install --path precise-sql"
            ))
        } else {
            Failure::io("run", &shell, &error)
        }
    })
}

/// The process goes on as the shell: Ctrl-C, which reaches every process of a terminal, finds no
/// one else to end.
#[cfg(unix)]
fn become_program(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> io::Result<ExitCode> {
    let status = command.status()?;
    Ok(ExitCode::from(status.code().map_or(130, |code| code as u8)))
}
