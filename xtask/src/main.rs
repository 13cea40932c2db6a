//! Chores: `cargo xtask codegen`, `cargo xtask vectors`, `cargo xtask tidy`.
//!
//! What is generated is committed. With `--check` nothing is written, and what differs from the
//! sources is an error.

mod codegen;
mod generated;
mod tidy;
mod vectors;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use generated::Mode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  codegen [--check]   docs/functions.md, docs/errors.md, tests/coverage.json, and the functions and
                      the script of pg_precise
  vectors [--check]   tests/vectors/*.json
  tidy                the rules of style that a program can check
";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Codegen(Mode),
    Tidy,
    Vectors(Mode),
}

impl Command {
    fn parse(words: &[String]) -> Option<Self> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["codegen"] => Some(Self::Codegen(Mode::Write)),
            ["codegen", "--check"] => Some(Self::Codegen(Mode::Check)),
            ["tidy"] => Some(Self::Tidy),
            ["vectors"] => Some(Self::Vectors(Mode::Write)),
            ["vectors", "--check"] => Some(Self::Vectors(Mode::Check)),
            _ => None,
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(command) = Command::parse(&words) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let done = match command {
        Command::Codegen(mode) => codegen::run(mode),
        Command::Tidy => tidy::run(),
        Command::Vectors(mode) => vectors::run(mode),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("xtask stands in the root of the workspace").to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_a_command() {
        let parse = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(String::from).collect();
            Command::parse(&words)
        };
        assert_eq!(parse("codegen"), Some(Command::Codegen(Mode::Write)));
        assert_eq!(parse("vectors --check"), Some(Command::Vectors(Mode::Check)));
        assert_eq!(parse("tidy"), Some(Command::Tidy));
        for wrong in ["", "tidy --check", "codegen --chek", "vectors --check --check", "--help"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
