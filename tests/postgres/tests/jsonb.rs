//! Random documents as text and as jsonb, which have to come to the same: what jsonb's own binary
//! form is read as, against what the core reads in the text (SPEC.md section 1.8).

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Instant, SystemTime};

use precise_postgres::{Server, Session};

/// How many documents are sent at once.
const BATCH: usize = 500;

/// How many of them are small.
const SMALL_COUNT: usize = 6000;

#[test]
fn jsonb_comes_to_what_its_text_does() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("jsonb_documents");
    let count = load(&mut session);
    let compare =
        |session: &mut Session, what: &str, of_jsonb: &str, of_text: &str, where_: &str| {
            let unequal = session.run(&format!(
                "SELECT id || ': ' || left(x, 200) FROM stored
             WHERE ({where_}) AND ({of_jsonb}) IS DISTINCT FROM ({of_text}) ORDER BY id LIMIT 5"
            ));
            assert!(unequal.is_empty(), "{what}: {unequal:#?}");
        };
    compare(&mut session, "precise_check", "precise_check(j)", "precise_check(x)", "true");
    let accepted = "precise_check(x) IS NULL";
    let accepted_count = number(&mut session, &format!("FROM stored WHERE {accepted}"));
    for function in ["precise_canonical", "precise_proof_hash", "precise_mint_proof::text"] {
        let (function, cast) = function.split_once("::").unwrap_or((function, "text"));
        for form in ["j", "x::json"] {
            let of_jsonb = format!("{function}({form})::{cast}");
            compare(&mut session, function, &of_jsonb, &format!("{function}(x)::{cast}"), accepted);
        }
    }
    let blinded = |form: &str| format!("precise_proof_hash({form}, precise_proof_hash('1'))");
    compare(&mut session, "blinded", &blinded("j"), &blinded("x"), accepted);
    let in_row = |form: &str| format!("precise_mint_row((SELECT r FROM (SELECT {form} AS v) r))");
    // One container more than the document has.
    let fits_row = "precise_check('[' || x || ']') IS NULL";
    let of_jsonb = format!("{}::text", in_row("j"));
    compare(&mut session, "in a row", &of_jsonb, &format!("{}::text", in_row("x::json")), fits_row);
    let refused = session.run(
        "SELECT left(precise_check(x), 5) || ' ' || count(*) FROM stored
         WHERE precise_check(x) IS NOT NULL GROUP BY left(precise_check(x), 5) ORDER BY 1",
    );
    assert_eq!(refused.len(), 3, "too deep, too precise and too large were met: {refused:?}");
    let report =
        format!("jsonb: {count} documents compared, {accepted_count} accepted; {refused:?}\n");
    io::stderr().write_all(report.as_bytes()).unwrap();
    assert!(accepted_count > count / 2 && accepted_count < count);
}

#[test]
fn how_it_is_stored_does_not_matter() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("jsonb_storage");
    load(&mut session);
    let mut sizes = Vec::new();
    for storage in ["PLAIN", "MAIN", "EXTERNAL", "EXTENDED"] {
        // What is stored plain has to fit its page.
        let fits = if storage == "PLAIN" { "octet_length(x) < 2000" } else { "true" };
        session.run("DROP TABLE IF EXISTS kept");
        // Behind a single byte, so that nothing is aligned by chance.
        session.run("CREATE TABLE kept (id int, is_first bool, j jsonb)");
        session.run(&format!("ALTER TABLE kept ALTER j SET STORAGE {storage}"));
        session
            .run(&format!("INSERT INTO kept SELECT id, true, x::jsonb FROM stored WHERE {fits}"));
        let unequal = session.run(
            "SELECT id FROM kept JOIN stored USING (id)
             WHERE precise_check(kept.j) IS DISTINCT FROM precise_check(x)
             OR (precise_check(x) IS NULL AND precise_proof_hash(kept.j) <> precise_proof_hash(x))",
        );
        assert!(unequal.is_empty(), "{storage}: {unequal:?}");
        let query = "SELECT sum(pg_column_size(j)), pg_relation_size('kept') FROM kept";
        sizes.push(session.ask(query).value());
    }
    let distinct: BTreeSet<&String> = sizes.iter().collect();
    assert_eq!(distinct.len(), 4, "each is stored in a way of its own: {sizes:?}");
}

#[test]
fn an_index_and_a_generated_column_hold_proofs() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("jsonb_index");
    load(&mut session);
    session.run(
        "CREATE INDEX by_proof ON stored (precise_proof_hash(j)) WHERE precise_check(j) IS NULL",
    );
    session.run("ANALYZE stored");
    let query = "SELECT min(id) FROM stored WHERE precise_check(j) IS NULL
                 AND precise_proof_hash(j) = precise_proof_hash('{\"index\": [1.0]}')";
    let plan = session.run(&format!("EXPLAIN {query}")).join("\n");
    assert!(plan.contains("by_proof"), "{plan}");
    session.run("INSERT INTO stored VALUES (-1, '', '{\"index\": [1]}')");
    assert_eq!(session.ask(query).value(), "-1");

    session.run(
        "CREATE TABLE proven (id int, j jsonb,
         proof bytea GENERATED ALWAYS AS (precise_proof_hash(j)) STORED)",
    );
    session.run("INSERT INTO proven SELECT id, j FROM stored WHERE precise_check(j) IS NULL");
    let is_right = "SELECT bool_and(proof = precise_proof_hash(j::text)) FROM proven";
    assert_eq!(session.ask(is_right).value(), "t");
    session.run("UPDATE proven SET j = jsonb_build_array(j) WHERE id < 100 AND id % 2 = 0");
    assert_eq!(session.ask(is_right).value(), "t");
    let refused = session.ask("INSERT INTO proven VALUES (-2, '9007199254740993')");
    assert_eq!(refused.sqlstate(), "PR201");
}

/// Rounds of the ordinary run, each of another seed.
const SEEDS: std::ops::Range<u64> = 1..7;

/// Documents of a round.
const ROUND: usize = 250;

/// And then, for as many seconds as `PRECISE_FUZZ_SECONDS` says, documents that are new each time,
/// unless `PRECISE_FUZZ_SEED` says where to begin.
#[test]
fn wild_documents_come_to_the_same() {
    let Some(server) = Server::shared() else { return };
    let mut session = server.database("jsonb_wild");
    prepare_rounds(&mut session);
    let met: Vec<[usize; 2]> = SEEDS.map(|seed| round(&mut session, seed)).collect();
    let sum = |i: usize| met.iter().map(|met| met[i]).sum::<usize>();
    let whole = met.len() * ROUND;
    let (stored, accepted) = (sum(0), sum(1));
    assert!(stored > whole / 2 && accepted > whole / 4, "{stored}, {accepted} of {whole}");

    let setting = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let Some(seconds) = setting("PRECISE_FUZZ_SECONDS") else { return };
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let first = setting("PRECISE_FUZZ_SEED").unwrap_or(since_1970.as_micros() as u64);
    let (begun, mut seed) = (Instant::now(), first);
    while begun.elapsed().as_secs() < seconds {
        round(&mut session, seed);
        seed += 1;
    }
    let count = (seed - first) * ROUND as u64;
    let report = format!("jsonb: {count} wild documents, seeds {first} to {seed}\n");
    io::stderr().write_all(report.as_bytes()).unwrap();
}

fn prepare_rounds(session: &mut Session) {
    session.run("CREATE TABLE given (id int, x text)");
    // Behind a single byte, so that nothing is aligned by chance.
    session.run(
        "CREATE TABLE wild (id int, is_first bool, x text, p jsonb, m jsonb, e jsonb, j jsonb)",
    );
    for (column, storage) in [("p", "PLAIN"), ("m", "MAIN"), ("e", "EXTERNAL"), ("j", "EXTENDED")] {
        session.run(&format!("ALTER TABLE wild ALTER {column} SET STORAGE {storage}"));
    }
    // What jsonb does not take is none of ours.
    session.run(
        "CREATE FUNCTION as_jsonb(x text) RETURNS jsonb LANGUAGE plpgsql AS $$
         BEGIN RETURN x::jsonb; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$",
    );
}

/// Compares one seed's documents: how many jsonb took, and how many of those the core accepts.
fn round(session: &mut Session, seed: u64) -> [usize; 2] {
    let mut wild = Wild { random: Random::new(seed), corpus: corpus() };
    let documents: Vec<String> = (0..ROUND).map(|_| wild.document()).collect();
    session.run("TRUNCATE given, wild");
    for (i, some) in documents.chunks(50).enumerate() {
        let row =
            |(j, x): (usize, &String)| format!("({}, '{}')", i * 50 + j, x.replace('\'', "''"));
        let rows: Vec<String> = some.iter().enumerate().map(row).collect();
        session.run(&format!("INSERT INTO given VALUES {}", rows.join(", ")));
    }
    session.run(
        "INSERT INTO wild SELECT id, true, x, CASE WHEN octet_length(x) < 2000 THEN j END, j, j, j
         FROM (SELECT id, x, as_jsonb(x) AS j FROM given OFFSET 0) AS taken WHERE j IS NOT NULL",
    );
    let (of_text, printed) = ("precise_check(x) IS NULL", "j::text");
    for (what, condition, left, right) in [
        ("canonical", of_text, "precise_canonical(j)", "precise_canonical(x)"),
        ("proof", of_text, "precise_mint_proof(j)::text", "precise_mint_proof(x)::text"),
        // Of equal keys jsonb has kept one, and prints what it kept.
        ("check, printed", "true", "precise_check(j)", &format!("precise_check({printed})")),
        (
            "canonical, printed",
            "precise_check(j) IS NULL",
            "precise_canonical(j)",
            &format!("precise_canonical({printed})"),
        ),
        ("PLAIN", "p IS NOT NULL", "precise_check(p)", "precise_check(j)"),
        (
            "PLAIN",
            "p IS NOT NULL AND precise_check(j) IS NULL",
            "precise_proof_hash(p)",
            "precise_proof_hash(j)",
        ),
        ("MAIN", "true", "precise_check(m)", "precise_check(j)"),
        ("MAIN", "precise_check(j) IS NULL", "precise_proof_hash(m)", "precise_proof_hash(j)"),
        ("EXTERNAL", "true", "precise_check(e)", "precise_check(j)"),
        ("EXTERNAL", "precise_check(j) IS NULL", "precise_proof_hash(e)", "precise_proof_hash(j)"),
    ] {
        let unequal = session.run(&format!(
            "SELECT id || ': ' || left(x, 20000) FROM wild
             WHERE {condition} AND ({left}) IS DISTINCT FROM ({right}) ORDER BY id LIMIT 1"
        ));
        assert!(unequal.is_empty(), "{what}, seed {seed}, {left}, {right}: {unequal:#?}");
    }
    [number(session, "FROM wild"), number(session, &format!("FROM wild WHERE {of_text}"))]
}

/// What fuzzers found worth keeping, where it is text.
fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/canonical");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // In the same order everywhere.
    paths.sort();
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    let texts: Vec<String> = texts.filter(|text| !text.contains('\0')).collect();
    assert!(!texts.is_empty());
    texts
}

/// Writes documents that are out of the ordinary.
struct Wild {
    random: Random,
    corpus: Vec<String>,
}

impl Wild {
    fn document(&mut self) -> String {
        match self.random.below(16) {
            0 => self.nested(),
            1 => {
                let count = 33 + self.random.below(300);
                self.object(1, count)
            }
            2 => {
                let len = 100 + self.random.below(3000);
                let elements: Vec<String> = (0..len).map(|_| self.number()).collect();
                format!("[{}]", elements.join(","))
            }
            3 => format!("{{\"a\":{},\"b\":[{}]}}", self.noise(), self.run_of_one()),
            4 => self.noise(),
            5 => self.run_of_one(),
            6 | 7 => self.extreme(),
            8 | 9 => {
                let text = self.random.below(self.corpus.len());
                let text = self.corpus[text].clone();
                if self.random.below(2) == 0 { text } else { self.changed(&text) }
            }
            _ => self.value(0),
        }
    }

    fn value(&mut self, depth: usize) -> String {
        match self.random.below(if depth < 6 { 12 } else { 7 }) {
            0 => "null".into(),
            1 => "true".into(),
            2 => "false".into(),
            3 | 4 => self.number(),
            5 => self.string(12),
            6 => {
                if self.random.below(20) == 0 {
                    self.extreme()
                } else {
                    self.string(2)
                }
            }
            7..=9 => {
                let count = self.random.below(9);
                self.object(depth + 1, count)
            }
            _ => {
                let elements: Vec<String> =
                    (0..self.random.below(9)).map(|_| self.value(depth + 1)).collect();
                format!("[{}]", elements.join(", "))
            }
        }
    }

    /// Keys may be empty or stand twice.
    fn object(&mut self, depth: usize, count: usize) -> String {
        let members: Vec<String> = (0..count)
            .map(|i| {
                let mut key = self.string(5);
                // Most stand once.
                if self.random.below(40) > 0 {
                    key.truncate(key.len() - 1);
                    key = format!("{key}{i}\"");
                }
                let value = if count > 32 { self.number() } else { self.value(depth) };
                format!("{key}:{value}")
            })
            .collect();
        format!("{{{}}}", members.join(","))
    }

    /// Around the depth that is allowed, or anywhere.
    fn nested(&mut self) -> String {
        let depth = match self.random.below(3) {
            0 => 126 + self.random.below(5),
            _ => 1 + self.random.below(140),
        };
        let (mut before, mut behind) = (String::new(), String::new());
        for _ in 0..depth {
            let (open, close) = match self.random.below(4) {
                0 => ("[".into(), "]"),
                1 => ("[0.50,".into(), ",\"\"]"),
                2 => (format!("{{{}:", self.string(3)), "}"),
                _ => (format!("{{\"b\":null,{}:", self.string(3)), "}"),
            };
            before.push_str(&open);
            behind.insert_str(0, close);
        }
        format!("{before}{}{behind}", self.value(9))
    }

    /// A string that does not compress: from 2 kB on it is stored elsewhere.
    fn noise(&mut self) -> String {
        let len = 1900 + self.random.below(20_000);
        let characters: String =
            (0..len).map(|_| char::from(b'0' + self.random.below(75) as u8)).collect();
        format!("\"{}\"", characters.replace('\\', "/"))
    }

    /// A string that compresses.
    fn run_of_one(&mut self) -> String {
        let (spelling, _) = CHARACTERS[self.random.below(CHARACTERS.len())];
        format!("\"{}\"", spelling.repeat(self.random.below(60_000)))
    }

    fn string(&mut self, len_max: usize) -> String {
        let spelled: String = (0..self.random.below(len_max + 1))
            .map(|_| CHARACTERS[self.random.below(CHARACTERS.len())].0)
            .collect();
        format!("\"{spelled}\"")
    }

    fn number(&mut self) -> String {
        let (integer, fraction) = (self.random.below(9), self.random.below(9));
        let exponent = self.random.below(13) as i64 - 6;
        self.decimal(integer, 0, fraction, 0, exponent)
    }

    /// Digits, zeros and exponents around what binary64 keeps and what NUMERIC does.
    fn extreme(&mut self) -> String {
        let near = |random: &mut Random, lens: &[usize]| lens[random.below(lens.len())];
        let digits = near(&mut self.random, &[0, 1, 4, 5, 14, 15, 16, 17, 18, 40, 400]);
        let zeros = near(&mut self.random, &[0, 0, 1, 3, 4, 5, 300, 16_370]);
        let fraction = near(&mut self.random, &[0, 0, 1, 2, 4, 15, 17]);
        let zeros_behind = near(&mut self.random, &[0, 0, 1, 4, 400, 16_380]);
        let size =
            near(&mut self.random, &[0, 0, 1, 21, 290, 307, 308, 309, 324, 400, 16_382, 131_060]);
        let exponent = size as i64 + self.random.below(6) as i64 - 3;
        let exponent = if self.random.below(2) == 0 { exponent } else { -exponent };
        self.decimal(digits, zeros, fraction, zeros_behind, exponent)
    }

    /// So many digits, and behind the point zeros, digits and zeros.
    fn decimal(
        &mut self,
        integer: usize,
        zeros: usize,
        fraction: usize,
        zeros_behind: usize,
        exponent: i64,
    ) -> String {
        let digits = |random: &mut Random, count: usize| -> String {
            (0..count).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
        };
        let sign = self.random.of(&["", "-"]);
        let integer = digits(&mut self.random, integer);
        let integer = integer.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        let fraction = digits(&mut self.random, fraction);
        let fraction = ["0".repeat(zeros), fraction, "0".repeat(zeros_behind)].concat();
        let point = if fraction.is_empty() { "" } else { "." };
        let exponent = match exponent {
            0 => String::new(),
            exponent => format!("{}{exponent}", self.random.of(&["e", "E"])),
        };
        format!("{sign}{integer}{point}{fraction}{exponent}")
    }

    /// With one character in another's place.
    fn changed(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        if !characters.is_empty() {
            let at = self.random.below(characters.len());
            characters[at] = CHARACTERS[self.random.below(CHARACTERS.len())].1;
        }
        characters.into_iter().collect()
    }
}

/// Fills a table `stored (id, x text, j jsonb)`.
fn load(session: &mut Session) -> usize {
    let documents = documents();
    session.run("CREATE TABLE given (id int, x text)");
    for (i, some) in documents.chunks(BATCH).enumerate() {
        let row =
            |(j, x): (usize, &String)| format!("({}, '{}')", i * BATCH + j, x.replace('\'', "''"));
        let rows: Vec<String> = some.iter().enumerate().map(row).collect();
        session.run(&format!("INSERT INTO given VALUES {}", rows.join(", ")));
    }
    session.run("CREATE TABLE stored (id int, x text, j jsonb)");
    session.run("INSERT INTO stored SELECT id, x, x::jsonb FROM given");
    assert_eq!(number(session, "FROM stored"), documents.len(), "all have arrived");
    documents.len()
}

fn number(session: &mut Session, from: &str) -> usize {
    session.ask(&format!("SELECT count(*) {from}")).value().parse().unwrap()
}

/// The same ones each time; each has at most one fault, so that it does not matter in which order
/// they are met.
fn documents() -> Vec<String> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut documents: Vec<String> = (0..SMALL_COUNT)
        .map(|i| {
            let fault = match i % 8 {
                0 => Some(PRECISION),
                1 => Some(RANGE),
                _ => None,
            };
            let mut writer = Writer { random: &mut random, fault, text: String::new() };
            writer.value(0);
            writer.text
        })
        .collect();
    // Each fault and each number that is none, as a document of its own.
    documents.extend([PRECISION, RANGE, NUMBERS].concat().iter().map(ToString::to_string));
    for key_count in [31, 32, 33, 63, 64, 65, 999, 1000, 1500] {
        let mut writer = Writer { random: &mut random, fault: None, text: String::new() };
        writer.object(9, key_count);
        documents.push(writer.text);
        documents.push(format!("[{}]", vec!["-0.50"; key_count].join(", ")));
    }
    for depth in [1, 127, 128, 129, 200] {
        documents.push(["[".repeat(depth), "]".repeat(depth)].concat());
        documents.push(["{\"a\":".repeat(depth - 1), "{}".into(), "}".repeat(depth - 1)].concat());
        documents
            .push(["[{\"b\":0.5,\"a\":".repeat(depth), "1".into(), "}]".repeat(depth)].concat());
    }
    // Around the lengths from which on the server packs, compresses and moves values elsewhere.
    for len in
        [100, 121, 122, 123, 124, 125, 126, 127, 128, 1990, 2000, 2040, 8000, 40_000, 1_200_000]
    {
        let noise: String = (0..len).map(|_| char::from(b'0' + random.below(75) as u8)).collect();
        let noise = noise.replace('\\', "/");
        documents.push(format!("{{\"noise\":\"{noise}\",\"a\":[1.0,\"{}\"]}}", "é".repeat(len)));
        documents.push(format!("\"{noise}\""));
        documents.push(format!("{{\"{}\":[{}1]}}", "k".repeat(len), "1.50, ".repeat(len / 4)));
    }
    documents
}

/// Accepted, among them those of which jsonb keeps zeros, signs and digits.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "0.000",
    "0e10",
    "0E-10",
    "1",
    "-1",
    "0.1",
    "1.50",
    "1E5",
    "1e+5",
    "100e-2",
    "1e300",
    "1e-300",
    "1e20",
    "1e21",
    "123456789012345",
    "9007199254740991",
    "9007199254740992",
    "5e-324",
    "1.7976931348623157e308",
    "2.2250738585072014e-308",
    "0.000001",
    "0.0000001",
    "100000000000000000000000",
    "10000",
    "0.0001",
    "0.00010000",
    "99999999",
    "1000000000000000e-15",
    "0.30000000000000004",
    "12345678.90123456",
    "1.000000000000000000000000000000000000",
];

/// Refused with PR201.
const PRECISION: &[&str] = &[
    "9007199254740993",
    "123456789012345678",
    "-0.1234567890123456789",
    "900719925474099.31",
    "1234567890123456789012345678901234567890",
    "0.1000000000000000000000000000000000000001",
    "-100000000000000000000000000000000000000.5",
];

/// Refused with PR202.
const RANGE: &[&str] =
    &["1e400", "-1e309", "1e-400", "1e16000", "-1e-16000", "1.8e308", "1e-325", "123e131000"];

struct Random(u64);

impl Random {
    /// Seeds that are close to each other begin far apart.
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// Writes one document.
struct Writer<'r> {
    random: &'r mut Random,
    /// Numbers of which the first that is written is one.
    fault: Option<&'static [&'static str]>,
    text: String,
}

impl Writer<'_> {
    fn value(&mut self, depth: usize) {
        self.space();
        match self.random.below(if depth < 5 { 10 } else { 6 }) {
            0 => self.text.push_str("null"),
            1 => self.text.push_str("true"),
            2 => self.text.push_str("false"),
            3 | 4 => self.number(),
            5 => {
                let string = self.string();
                self.text.push_str(&string.0);
            }
            6 | 7 => {
                let len = self.random.below(6);
                self.object(depth, len);
            }
            _ => {
                self.text.push('[');
                for i in 0..self.random.below(7) {
                    self.text.push_str(if i > 0 { "," } else { "" });
                    self.value(depth + 1);
                }
                self.space();
                self.text.push(']');
            }
        }
        self.space();
    }

    fn object(&mut self, depth: usize, len: usize) {
        let mut keys = BTreeSet::new();
        self.text.push('{');
        while keys.len() < len {
            let (spelled, key) = self.string();
            if keys.contains(&key) {
                continue;
            }
            self.text.push_str(if keys.is_empty() { "" } else { "," });
            keys.insert(key);
            self.space();
            self.text.push_str(&spelled);
            self.space();
            self.text.push(':');
            self.value(depth + 1);
        }
        self.space();
        self.text.push('}');
    }

    fn space(&mut self) {
        let space = self.random.of(&["", "", "", "", " ", "\n", "\t", "\r\n  "]);
        self.text.push_str(space);
    }

    fn number(&mut self) {
        if let Some(fault) = self.fault.take() {
            self.text.push_str(self.random.of(fault));
            return;
        }
        let random = &mut *self.random;
        if random.below(2) == 0 {
            self.text.push_str(random.of(NUMBERS));
            return;
        }
        let sign = random.of(&["", "-"]);
        let digit = |random: &mut Random| char::from(b'0' + random.below(10) as u8);
        let integer: String = (0..=random.below(7)).map(|_| digit(random)).collect();
        let integer = integer.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        let fraction: String = (0..random.below(8)).map(|_| digit(random)).collect();
        let point = if fraction.is_empty() { "" } else { "." };
        let exponent = match random.below(3) {
            0 => format!("{}{}", random.of(&["e", "E"]), random.below(540) as i64 - 270),
            _ => String::new(),
        };
        self.text.push_str(&format!("{sign}{integer}{point}{fraction}{exponent}"));
    }

    /// A string as it is spelled, and its characters.
    fn string(&mut self) -> (String, String) {
        let (mut spelled, mut characters) = (String::from("\""), String::new());
        for _ in 0..self.random.below(9) {
            let (spelling, character) = CHARACTERS[self.random.below(CHARACTERS.len())];
            spelled.push_str(spelling);
            characters.push(character);
        }
        spelled.push('"');
        (spelled, characters)
    }
}

/// Characters as they may be spelled: of one to four bytes; those that UTF-16 sorts differently.
const CHARACTERS: &[(&str, char)] = &[
    ("a", 'a'),
    ("b", 'b'),
    ("A", 'A'),
    ("Z", 'Z'),
    ("0", '0'),
    (" ", ' '),
    ("_", '_'),
    ("~", '~'),
    ("\\\"", '"'),
    ("\\\\", '\\'),
    ("\\/", '/'),
    ("/", '/'),
    ("\\b", '\u{8}'),
    ("\\f", '\u{c}'),
    ("\\n", '\n'),
    ("\\r", '\r'),
    ("\\t", '\t'),
    ("\\u0001", '\u{1}'),
    ("\\u001F", '\u{1f}'),
    ("\u{7f}", '\u{7f}'),
    ("\\u0041", 'A'),
    ("\\u00e9", 'é'),
    ("é", 'é'),
    ("€", '€'),
    ("\u{fb33}", '\u{fb33}'),
    ("\\ufb33", '\u{fb33}'),
    ("\u{ffff}", '\u{ffff}'),
    ("😀", '😀'),
    ("\\ud83d\\ude00", '😀'),
    ("\\uD83D\\uDE00", '😀'),
    ("\u{10ffff}", '\u{10ffff}'),
    ("\\u2028", '\u{2028}'),
    ("\u{e000}", '\u{e000}'),
];
