//! docs/postgres.md, block by block, in a new database.

use std::fs;
use std::path::Path;

use precise_postgres::Server;

/// How results look on the page.
const SETTINGS: &str = "\\pset format aligned\n\\pset tuples_only off\n\\pset footer off\n";

#[test]
fn every_block_does_what_the_page_says() {
    let Some(server) = Server::shared() else { return };
    server.session("postgres").run("CREATE DATABASE docs");
    // The files the page speaks of: psql finds the second where it runs.
    let key = server.write("move.key", "c0".repeat(32), 0o600);
    server.write("secrets.copy", "", 0o600);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/postgres.md");
    let page = fs::read_to_string(page).unwrap().replace("/etc/precise/move.key", &key);
    let mut blocks = page.split("\n```").skip(1);
    let mut printed = None;
    let mut run = 0;
    // Every other piece is what stands between blocks.
    while let Some(block) = blocks.next() {
        let between = blocks.next().unwrap_or_default();
        let (language, text) = block.split_once('\n').unwrap_or((block, ""));
        match (language, printed.take()) {
            ("sql", _) => {
                let result = server.load("docs", &format!("{SETTINGS}{text}\n"));
                let result = result.unwrap_or_else(|error| panic!("{text}\n{error}"));
                run += 1;
                // What comes right behind it is what it prints.
                printed = between.trim().is_empty().then_some(result);
            }
            ("text", Some(result)) => {
                assert!(is_shown(&result, text), "printed:\n{result}\nthe page says:\n{text}");
            }
            _ => {}
        }
    }
    assert!(run > 10, "only {run} blocks were found");
}

/// Whether what was printed ends in what the page shows; `…` stands for anything, spaces for any
/// number of them, rules for rules.
fn is_shown(printed: &str, shown: &str) -> bool {
    let plain = |text: &str| {
        let lines: Vec<String> = text
            .lines()
            .filter(|line| !line.starts_with("--"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|line| !line.is_empty())
            .collect();
        lines.join("\n")
    };
    let (printed, shown) = (plain(printed), plain(shown));
    if !shown.contains('…') {
        return printed.ends_with(&shown);
    }
    let mut rest = printed.as_str();
    shown.split('…').all(|piece| match rest.find(piece.trim()) {
        Some(at) => {
            rest = &rest[at + piece.trim().len()..];
            true
        }
        None => false,
    })
}
