//! The scripts of pg_precise/regress, by PostgreSQL's own runner: what a DBA would try first.

use precise_postgres::{Server, extension_folder};

/// In the order in which they build on each other.
const SCRIPTS: &[&str] = &["install", "functions", "tracking", "batches", "errors", "uninstall"];

#[test]
fn scripts_print_what_is_expected() {
    let Some(server) = Server::start() else { return };
    let found = server.regress(&extension_folder(), SCRIPTS);
    found.unwrap_or_else(|diff| panic!("{diff}"));
}

#[test]
fn a_script_that_prints_something_else_fails() {
    let Some(server) = Server::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (part, name, text) in
        [("sql", "wrong.sql", "SELECT 1 AS one;\n"), ("expected", "wrong.out", "SELECT 2;\n")]
    {
        let folder = folder.path().join("regress").join(part);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("uninstall.sql"), "").unwrap();
    let diff = server.regress(folder.path(), &["wrong"]).unwrap_err();
    assert!(diff.contains("+SELECT 1 AS one;"), "{diff}");
}
