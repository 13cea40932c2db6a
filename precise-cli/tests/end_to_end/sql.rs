//! `precise sql` hands over to the shell; what the shell does is tested where it is.

use crate::common::Place;

/// Without a shell beside it or on the path it says how to get one.
#[test]
fn without_the_shell_it_says_how_to_build_it() {
    let place = Place::new();
    let alone = place.path("precise");
    std::fs::copy(env!("CARGO_BIN_EXE_precise"), &alone).unwrap();
    let mut command = std::process::Command::new(&alone);
    let output = command.args(["sql", "-c", "SELECT 1"]).env("PATH", "").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("cargo install --path precise-sql"), "{complaint}");
}

/// Arguments go there as they are, and the exit code comes back.
#[cfg(unix)]
#[test]
fn arguments_and_exit_code_pass_through() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let alone = place.path("precise");
    std::fs::copy(env!("CARGO_BIN_EXE_precise"), &alone).unwrap();
    let shell = place.path("precise-sql");
    std::fs::write(&shell, "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 7\n").unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    let args = ["sql", "-c", "SELECT 'a b'", "--help", "--version", "--json", "-"];
    let output = std::process::Command::new(&alone).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, "<-c><SELECT 'a b'><--help><--version><--json><->");
}
