//! What package.sh makes of the library: files in their places, and a Debian package.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use precise_postgres::{Server, package, pg_config, place, run};
use program::skipped;

/// What package.sh says, and whether it went well.
fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.success(), said.concat())
}

#[track_caller]
fn refuses(command: &mut Command, why: &str) {
    let (succeeded, said) = said(command);
    assert!(!succeeded && said.contains(why), "{said}");
}

/// What a program that is asked for its version says, as a program.
fn stand_in(folder: &Path, version: &str) -> PathBuf {
    let program = folder.join("pg_config");
    fs::write(&program, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort_unstable();
    files
}

/// The place that a folder of the server has below another root.
fn below(root: &Path, asked: &str) -> PathBuf {
    root.join(place(&pg_config(), asked).strip_prefix("/").unwrap())
}

#[test]
fn files_are_put_below_a_root_and_removed_again() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("built.so");
    // By this symbol a library of ours is known.
    let (first, later) = ("pg_finfo_precise_call 1", "pg_finfo_precise_call 2");
    fs::write(&library, first).unwrap();
    let root = folder.path().join("root");
    let with = |verb| {
        let mut command = package(verb, &pg_config());
        command.env("LIBRARY", &library).env("DESTDIR", &root);
        command
    };
    refuses(&mut with("uninstall"), "is not installed");
    let (installed, said_so) = said(&mut with("install"));
    assert!(installed, "{said_so}");
    let placed = below(&root, "--pkglibdir").join("pg_precise.so");
    let extension = below(&root, "--sharedir").join("extension");
    assert!(said_so.contains(placed.to_str().unwrap()), "{said_so}");
    assert!(said_so.contains(extension.to_str().unwrap()), "{said_so}");
    assert_eq!(fs::read_to_string(&placed).unwrap(), first);
    // A session that has the library open keeps what it has.
    let open = fs::File::open(&placed).unwrap();
    fs::write(&library, later).unwrap();
    run(&mut with("install"));
    assert_eq!(std::io::read_to_string(open).unwrap(), first);
    assert_eq!(fs::read_to_string(&placed).unwrap(), later);
    let names: Vec<String> = files_below(&extension)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(names.iter().any(|name| name == "pg_precise.control"), "{names:?}");
    assert!(names.iter().any(|name| name == "pg_precise--0.1.0.sql"), "{names:?}");
    // What is not ours stays.
    let other = extension.join("other--1.0.sql");
    fs::write(&other, "").unwrap();
    run(&mut with("uninstall"));
    assert_eq!(files_below(&root), [other]);
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    refuses(&mut package("install", Path::new("no-such-pg_config")), "there is no program");
    for version in ["PostgreSQL 14.2", "PostgreSQL 17.0", "PostgreSQL 1.5", "EnterpriseDB 15"] {
        let program = stand_in(folder.path(), version);
        refuses(&mut package("install", &program), &format!("{version} is not supported"));
    }
    refuses(&mut package("reinstall", &pg_config()), "there is no reinstall");
    let mut install = package("install", &pg_config());
    install.env("LIBRARY", "no-such.so").env("DESTDIR", folder.path());
    refuses(&mut install, "there is no file no-such.so");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    refuses(install.env("LIBRARY", readme), "is no library of pg_precise");
    let mut other = package("deb", &stand_in(folder.path(), "PostgreSQL 15.1"));
    refuses(other.env("LIBRARY", "no-such.so"), "is not Debian's own");
    refuses(&mut Command::new(package("install", &pg_config()).get_program()), "usage: package.sh");
}

#[test]
fn a_debian_package_is_all_that_a_server_needs() {
    if !place(&pg_config(), "--bindir").starts_with("/usr/lib/postgresql") {
        return skipped("a Debian package: this server is not Debian's own");
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start_with(|library, files| {
        let mut build = package("deb", &pg_config());
        run(build.env("LIBRARY", library).current_dir(folder.path()));
        let found = files_below(folder.path());
        let [deb] = &found[..] else { panic!("{found:?}") };
        let name = deb.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("postgresql-15-pg-precise_"), "{name}");

        let (_, control) = said(Command::new("dpkg-deb").arg("--field").arg(deb));
        assert!(control.contains("\nDepends: postgresql-15, libc6 (>= "), "{control}");
        let (_, contents) = said(Command::new("dpkg-deb").arg("--contents").arg(deb));
        for line in contents.lines() {
            assert!(line.contains(" root/root "), "{line}");
        }
        run(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(&files.root));
        let sums = folder.path().join("control");
        run(Command::new("dpkg-deb").arg("--control").arg(deb).arg(&sums));
        let mut check = Command::new("md5sum");
        run(check.arg("--check").arg(sums.join("md5sums")).current_dir(&files.root));
    }) else {
        return;
    };
    let mut pg = server.database("packaged");
    assert_eq!(pg.run("SELECT precise_verify_proof('[1]', precise_mint_proof('[1]'))"), ["t"]);
    pg.run("DROP EXTENSION pg_precise");
    pg.run("CREATE EXTENSION pg_precise VERSION '0.1.0'");
    pg.run("ALTER EXTENSION pg_precise UPDATE");
}
