//! Files made from other files: written, or compared with what is there.

use std::fs;
use std::io::ErrorKind;

use crate::root;

/// What to do about a file that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Report it.
    Check,
    /// Write it.
    Write,
}

/// A file and what it should hold.
pub(crate) struct Generated {
    /// From the root of the workspace.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Brings all `files` up to date, or names those that are not; `command` is what makes them.
pub(crate) fn settle(files: &[Generated], mode: Mode, command: &str) -> Result<(), String> {
    let mut stale = Vec::new();
    for Generated { path, text } in files {
        let absolute = root().join(path);
        let before = match fs::read_to_string(&absolute) {
            Ok(before) => Some(before),
            Err(fault) if fault.kind() == ErrorKind::NotFound => None,
            Err(fault) => return Err(format!("{path}: {fault}")),
        };
        match mode {
            _ if before.as_deref() == Some(text) => println!("{path} is up to date"),
            Mode::Check => {
                let line = first_difference(before.as_deref().unwrap_or_default(), text);
                stale.push(format!("{path}:{line}: differs; run `cargo xtask {command}`"));
            }
            Mode::Write => {
                fs::write(&absolute, text).map_err(|fault| format!("{path}: {fault}"))?;
                println!("{path} was written");
            }
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(stale.join("\n")) }
}

/// The number of the first line in which two texts differ.
fn first_difference(before: &str, after: &str) -> usize {
    1 + before.lines().zip(after.lines()).take_while(|(before, after)| before == after).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_a_line_counted_from_one() {
        assert_eq!(first_difference("", "a\n"), 1);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
        assert_eq!(first_difference("a\n", "a\nb\n"), 2);
    }
}
