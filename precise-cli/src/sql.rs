//! `precise sql`: the SQL shell, which is a program of its own, so that this one stays small.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use crate::args::Sql;
use crate::failure::{Failure, Result};

const SHELL: &str = "precise-sql";

pub(crate) fn run(command: &Sql) -> Result<ExitCode> {
    let beside = env::current_exe()
        .map(|program| program.with_file_name(format!("{SHELL}{}", env::consts::EXE_SUFFIX)))
        .ok()
        .filter(|shell| shell.is_file());
    let shell = beside.unwrap_or_else(|| PathBuf::from(SHELL));
    match Command::new(&shell).args(&command.arguments).status() {
        Ok(status) => Ok(exit_code(status)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Usage(format!(
            "{SHELL} is neither beside this program nor on the path; build it with \
             cargo install --path precise-sql"
        ))),
        Err(error) => Err(Failure::io("run", &shell, &error)),
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    // Without a code it was ended by a signal, the usual one being Ctrl-C's.
    ExitCode::from(status.code().map_or(130, |code| code as u8))
}
