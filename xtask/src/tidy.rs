//! `cargo xtask tidy`: the rules of style that a program can check.
//!
//! Banned words are put together from pieces, so that this file does not break its own rules.

use std::fmt;
use std::fs;
use std::process::Command;

use crate::root;

/// The widest line of code.
const WIDTH: usize = 100;

/// A literal longer than this may make its line wider: a vector is not cut in two.
const LONG_LITERAL: usize = 60;

pub(crate) fn run() -> Result<(), String> {
    let mut faults = Vec::new();
    for path in listed()?.iter().filter(|path| !is_sample(path)) {
        let Ok(bytes) = fs::read(root().join(path)) else {
            // Deleted, and not yet taken out of the index.
            continue;
        };
        // What is not text has no lines.
        if let Ok(text) = String::from_utf8(bytes) {
            faults.extend(faults_in(path, &text));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    Err(faults.join("\n"))
}

/// What git tracks, or would track.
fn listed() -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|fault| format!("git: {fault}"))?;
    if !output.status.success() {
        return Err(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim_end()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.split_terminator('\0').map(String::from).collect())
}

/// Whether a file is what a fuzzer begins with, or what a program printed: bytes, though some of
/// them look like text.
fn is_sample(path: &str) -> bool {
    path.split('/').any(|folder| ["corpus", "expected"].contains(&folder))
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    /// Counted from 1.
    line: usize,
    rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// A file, and what its name says about it.
#[derive(Clone, Copy)]
struct File<'a> {
    path: &'a str,
    text: &'a str,
}

/// One line, and where it stands.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    text: &'a str,
    /// In a file of tests, or behind the attribute that begins a file's own tests.
    in_tests: bool,
}

fn faults_in(path: &str, text: &str) -> Vec<Fault> {
    let file = File { path, text };
    let mut faults = Vec::new();
    let mut report = |line: usize, rule: String| {
        faults.push(Fault { path: path.into(), line, rule });
    };
    if let Some(rule) = name_fault(path) {
        report(1, rule);
    }
    if file.is_rust() && !text.starts_with("//!") {
        report(1, "a file begins with what it is for (//!)".into());
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        report(text.lines().count(), "a file ends with one line feed".into());
    }
    if path == "Cargo.toml" {
        for number in dependencies_without_reason(text) {
            report(number, "a dependency has its reason in a comment above".into());
        }
    }
    for line in file.lines() {
        for rule in LINE_RULES {
            if let Some(fault) = rule(file, line) {
                report(line.number, fault);
            }
        }
    }
    faults
}

impl<'a> File<'a> {
    fn has_extension(self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    fn is_rust(self) -> bool {
        self.has_extension("rs")
    }

    /// Whether its lines are held to the width.
    fn is_code(self) -> bool {
        ["rs", "py", "sh", "toml"].iter().any(|extension| self.has_extension(extension))
            || self.path.rsplit('/').next() == Some("Makefile")
    }

    fn lines(self) -> impl Iterator<Item = Line<'a>> {
        let mut in_tests = self.path.split('/').any(|folder| folder == "tests");
        let rust = self.is_rust();
        // Not `lines`, which would take a carriage return for part of the line's end.
        self.text.split_terminator('\n').enumerate().map(move |(i, text)| {
            in_tests |= rust && text == "#[cfg(test)]";
            Line { number: i + 1, text, in_tests }
        })
    }
}

/// What is wrong with a line, if anything is.
type LineRule = fn(File<'_>, Line<'_>) -> Option<String>;

const LINE_RULES: &[LineRule] = &[
    wide,
    tabbed,
    trailing,
    unfinished,
    unfinished_call,
    skipped_test,
    unwrapped,
    type_name,
    machine_path,
];

fn wide(file: File<'_>, line: Line<'_>) -> Option<String> {
    let width = line.text.chars().count();
    let exempt = line.text.contains("://") || longest_literal(line.text) > LONG_LITERAL;
    (file.is_code() && width > WIDTH && !exempt)
        .then(|| format!("a line is at most {WIDTH} characters wide, this one is {width}"))
}

/// The length of the longest text between two quotes; a backslash hides the quote behind it, and
/// in a raw literal all quotes but the last are hidden.
fn longest_literal(line: &str) -> usize {
    if let Some((before, raw)) = line.split_once("r#\"") {
        let (raw, behind) = raw.split_once("\"#").unwrap_or((raw, ""));
        return raw.chars().count().max(longest_literal(before)).max(longest_literal(behind));
    }
    let (mut longest, mut current, mut hidden) = (0, None, false);
    for character in line.chars() {
        match (character, current) {
            ('"', None) => current = Some(0),
            ('"', Some(len)) if !hidden => {
                longest = longest.max(len);
                current = None;
            }
            (_, Some(len)) => current = Some(len + 1),
            (_, None) => {}
        }
        hidden = character == '\\' && !hidden;
    }
    longest.max(current.unwrap_or(0))
}

fn tabbed(file: File<'_>, line: Line<'_>) -> Option<String> {
    let spaced = file.is_rust() || file.has_extension("py");
    (spaced && line.text.contains('\t')).then(|| "no tab".into())
}

fn trailing(_: File<'_>, line: Line<'_>) -> Option<String> {
    line.text.ends_with([' ', '\t', '\r']).then(|| "no white space at the end of a line".into())
}

fn unfinished(_: File<'_>, line: Line<'_>) -> Option<String> {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    let found = line.text.split(|c: char| !c.is_alphanumeric()).find(|word| words.contains(word));
    found.map(|word| format!("no {word}: finish it, or write down where the work is listed"))
}

fn unfinished_call(file: File<'_>, line: Line<'_>) -> Option<String> {
    let calls = [concat!("todo", "!"), concat!("unimplemented", "!"), concat!("dbg", "!")];
    let found = calls.iter().find(|call| file.is_rust() && line.text.contains(*call));
    found.map(|call| format!("no {call}"))
}

fn skipped_test(file: File<'_>, line: Line<'_>) -> Option<String> {
    let attribute = concat!("#[", "ignore");
    (file.is_rust() && line.text.contains(attribute))
        .then(|| format!("no {attribute}]: a test runs, or says at run time why not"))
}

fn unwrapped(file: File<'_>, line: Line<'_>) -> Option<String> {
    let call = concat!(".unw", "rap()");
    let in_source = file.path.split('/').any(|folder| folder == "src") && !line.in_tests;
    let is_comment = line.text.trim_start().starts_with("//");
    (file.is_rust() && in_source && !is_comment && line.text.contains(call))
        .then(|| format!("no {call}: `expect` says why it cannot fail"))
}

/// Words that say nothing about what stands behind them.
const EMPTY_WORDS: &[&str] = &[
    concat!("ut", "il"),
    concat!("ut", "ils"),
    concat!("hel", "per"),
    concat!("hel", "pers"),
    concat!("man", "ager"),
    concat!("man", "agers"),
];

fn name_fault(path: &str) -> Option<String> {
    let words = path.split(|c: char| !c.is_alphanumeric());
    let found = words.map(str::to_lowercase).find(|word| EMPTY_WORDS.contains(&word.as_str()));
    found.map(|word| format!("no file is named {word}: name what is in it"))
}

fn type_name(file: File<'_>, line: Line<'_>) -> Option<String> {
    const KEYWORDS: &[&str] = &["class", "enum", "struct", "trait", "type", "union"];
    if !file.is_rust() && !file.has_extension("py") {
        return None;
    }
    let mut words = line.text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.find(|word| KEYWORDS.contains(word))?;
    let name = words.next()?;
    let found = camel_words(name).into_iter().find(|word| EMPTY_WORDS.contains(&word.as_str()));
    found.map(|word| format!("no type is named {word}: name what it is"))
}

/// `MerkleRoot` is `merkle` and `root`.
fn camel_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in name.chars() {
        match words.last_mut() {
            Some(word) if !character.is_uppercase() => word.push(character),
            _ => words.push(character.to_lowercase().collect()),
        }
    }
    words
}

/// A path that exists on one machine only.
fn machine_path(_: File<'_>, line: Line<'_>) -> Option<String> {
    let everywhere = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let scratch = concat!("/t", "mp/");
    let banned = everywhere.into_iter().chain((!line.in_tests).then_some(scratch));
    let found = banned.into_iter().find(|folder| begins_in(line.text, folder));
    found.map(|folder| format!("no path of one machine: {folder}"))
}

/// Whether a path in `line` begins with `folder`; behind a letter it is the middle of one.
fn begins_in(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '*'))
    })
}

/// Lines of `[workspace.dependencies]` that have no comment above.
///
/// Dependencies that stand together may share one; our own crates need none.
fn dependencies_without_reason(manifest: &str) -> Vec<usize> {
    let (mut inside, mut explained) = (false, false);
    let mut numbers = Vec::new();
    for (i, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        }
        if line.starts_with('#') {
            explained = true;
        } else if !line.contains(" = ") {
            explained = false;
        } else if inside && !explained && !line.contains("path = ") {
            numbers.push(i + 1);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines at fault, with a word of each rule.
    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        faults_in(path, text).into_iter().map(|fault| (fault.line, fault.rule)).collect()
    }

    #[track_caller]
    fn caught(path: &str, text: &str, line: usize, rule: &str) {
        let found = found(path, text);
        assert!(
            matches!(&found[..], [(at, said)] if *at == line && said.contains(rule)),
            "{path}: {found:?}"
        );
    }

    #[track_caller]
    fn passed(path: &str, text: &str) {
        assert_eq!(found(path, text), [], "{path}");
    }

    #[test]
    fn lines_of_code_are_not_wide() {
        let comment = |width: usize| format!("//! {}\n", "a".repeat(width - 4));
        passed("src/a.rs", &comment(100));
        caught("src/a.rs", &comment(101), 1, "at most 100");
        passed("docs/a.md", &comment(101));
        caught("Makefile", &comment(101), 1, "at most 100");
        caught("tools/a.sh", &comment(101), 1, "at most 100");
        passed("src/a.rs", &format!("//! https://example.org/{}\n", "a".repeat(100)));
        passed("src/a.rs", &format!("//! {}\n", "\u{e9}".repeat(96)));
    }

    #[test]
    fn a_long_literal_may_be_wide() {
        let line = |len: usize| {
            format!("//! A.\nconst A: &str = \"{}\";{}\n", "a".repeat(len), " // b".repeat(20))
        };
        passed("src/a.rs", &line(61));
        caught("src/a.rs", &line(60), 2, "at most 100");
        assert_eq!(longest_literal(r#"a "bc" "d\"ef" g"#), 5);
        assert_eq!(longest_literal(r#""\\" and "abc"#), 3);
        assert_eq!(longest_literal(&format!("a, r{0}\"b\"c\"d\"{0}, \"e\"", '#')), 5);
    }

    #[test]
    fn white_space_is_plain() {
        caught("src/a.rs", "//! A.\n\tb\n", 2, "tab");
        passed("Makefile", "a:\n\tb\n");
        caught("a.md", "a \n", 1, "end of a line");
        caught("a.md", "a\r\n", 1, "end of a line");
        caught("a.md", "a", 1, "one line feed");
        caught("a.md", "a\n\n", 2, "one line feed");
        passed("a.md", "");
    }

    #[test]
    fn samples_are_bytes() {
        assert!(is_sample("tests/fuzz/corpus/number/zero"));
        assert!(is_sample("pg_precise/regress/expected/install.out"));
        assert!(!is_sample("tests/fuzz/src/corpus.rs"));
    }

    #[test]
    fn nothing_is_left_unfinished() {
        for word in ["TO-DO", "FIX-ME", "X-XX"] {
            let word = word.replace('-', "");
            caught("a.md", &format!("{word}: later\n"), 1, &word);
            caught("a.py", &format!("# see ({word})\n"), 1, &word);
            passed("a.md", &format!("PR{word}, {}\n", word.to_lowercase()));
        }
        for call in ["to-do!()", "unimple-mented!()", "d-bg!(a)"] {
            let call = call.replace('-', "");
            caught("src/a.rs", &format!("//! A.\nfn a() {{ {call} }}\n"), 2, "no ");
        }
        caught("src/a.rs", &format!("//! A.\n#[{}]\n", "ignore"), 2, "a test runs");
        caught("src/a.rs", &format!("//! A.\n#[{} = \"slow\"]\n", "ignore"), 2, "a test runs");
    }

    #[test]
    fn only_tests_unwrap() {
        let call = format!("a.unw{}()", "rap");
        let source = format!("//! A.\n//! {call}\nfn a() {{ {call} }}\n#[cfg(test)]\n{call}\n");
        caught("core/src/a.rs", &source, 3, "expect");
        passed("tests/a/src/a.rs", &source);
        passed("core/examples/a.rs", &source);
    }

    #[test]
    fn names_say_something() {
        let (one, two, three) = (format!("ut{}s", "il"), format!("Hel{}", "per"), "Man".to_owned());
        caught(&format!("src/{one}.rs"), "//! A.\n", 1, "no file is named");
        caught(&format!("src/merkle_{}.rs", one.trim_end_matches('s')), "//! A.\n", 1, "no file");
        passed("src/utility.rs", "//! A.\n");
        caught("src/a.rs", &format!("//! A.\npub struct Tree{two};\n"), 2, "no type is named");
        caught("a.py", &format!("class {three}ager:\n"), 1, "no type is named");
        passed("src/a.rs", &format!("//! A.\nlet {} = 1;\n", two.to_lowercase()));
        assert_eq!(camel_words("MerkleRoot"), ["merkle", "root"]);
    }

    #[test]
    fn a_rust_file_says_what_it_is_for() {
        caught("src/a.rs", "mod a;\n", 1, "what it is for");
        caught("src/a.rs", "// A.\n", 1, "what it is for");
    }

    #[test]
    fn no_path_of_one_machine_is_named() {
        for folder in ["/wo-rk/", "/ro-ot/", "/ho-me/", "/t-mp/"] {
            let folder = folder.replace('-', "");
            caught("a.md", &format!("see {folder}a\n"), 1, "one machine");
            caught("a.toml", &format!("a = \"{folder}a\"\n"), 1, "one machine");
            passed("a.md", &format!("see example.org{folder}a\n"));
        }
        let scratch = format!("//! A.\n#[cfg(test)]\nlet a = \"/t{}\";\n", "mp/a");
        passed("src/a.rs", &scratch);
        caught("src/a.rs", &scratch.replace("#[cfg(test)]", "#[cfg(a)]"), 3, "one machine");
    }

    #[test]
    fn dependencies_have_reasons() {
        let table = |lines: &str| format!("[workspace.dependencies]\n{lines}");
        let rule = "has its reason";
        caught("Cargo.toml", &table("a = \"1\"\n"), 2, rule);
        caught("Cargo.toml", &table("# Why.\na = \"1\"\n\nb = \"1\"\n"), 5, rule);
        passed("Cargo.toml", &table("# Why.\na = \"1\"\nb = \"1\"\nc = { path = \"c\" }\n"));
        passed("Cargo.toml", &table("c = { path = \"c\" }\n\n[workspace.lints]\nd = \"1\"\n"));
        passed("core/Cargo.toml", &table("a = \"1\"\n"));
    }
}
