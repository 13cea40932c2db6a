//! The calls of `tests/vectors/merkle.json`: batches, inclusion and absence.

use conformance::{Form, Input};
use precise_core::merkle::{Batch, leaf, node};
use precise_core::{Code, Hash, hex, proof};

use super::{Call, Table, args, bytes, json};

const ROOT: &str = "precise_merkle_root";
const COMBINE: &str = "precise_merkle_combine";
const INCLUSION: &str = "precise_inclusion";
const VERIFY_INCLUSION: &str = "precise_verify_inclusion";
const VERIFY_ABSENCE: &str = "precise_verify_absence";

/// Sizes at which the tree changes its shape: each power of two, one before it and one behind.
const SIZES: [u64; 14] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33];
const LARGE_SIZES: [u64; 12] =
    [63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 65_535, 65_536, 65_537];

const ONES: Hash = [0x11; 32];
const TWOS: Hash = [0x22; 32];
const THREES: Hash = [0x33; 32];
const FOURS: Hash = [0x44; 32];

/// 2^53, behind the largest count.
const TWO_TO_53: u64 = 1 << 53;

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    root(&mut table);
    combine(&mut table);
    inclusion(&mut table);
    absence(&mut table);
    inclusion_rows(&mut table);
    verify_inclusion(&mut table);
    verify_inclusion_malformed(&mut table);
    verify_absence(&mut table);
    unsorted(&mut table);
    verify_absence_malformed(&mut table);
    table.calls
}

fn root(table: &mut Table) {
    for count in SIZES.into_iter().chain(LARGE_SIZES) {
        let name = format!("root-of-{count}");
        let comment = format!("The root of {count} leaves.");
        table.gives(ROOT, &name, &comment, counted(count, []));
    }
    let rows =
        |hashes: &[&[u8]]| Input::Rows(hashes.iter().map(|hash| vec![bytes(hash)]).collect());
    let same = "The order of rows does not matter: one of three that have one root.";
    table.gives(ROOT, "root-ascending", same, rows(&[&ONES, &TWOS, &THREES]));
    table.gives(ROOT, "root-descending", same, rows(&[&THREES, &TWOS, &ONES]));
    let comment = "Repeats count once: the same root.";
    let input = rows(&[&TWOS, &ONES, &TWOS, &THREES, &ONES, &TWOS]);
    table.gives(ROOT, "root-repeats", comment, input);
    let comment = "Repeats of one hash are one leaf.";
    table.gives(ROOT, "root-one-repeated", comment, rows(&[&ONES, &ONES, &ONES]));
    let comment = "Hashes are compared as bytes without a sign.";
    table.gives(ROOT, "root-unsigned", comment, rows(&[&[0x80; 32], &[0x7F; 32], &[0xFF; 32]]));
    let comment = "Hashes that differ in the last byte only are two.";
    let (mut last, mut first) = (ONES, ONES);
    (last[31], first[0]) = (0x12, 0x10);
    table.gives(ROOT, "root-last-byte", comment, rows(&[&last, &ONES, &first]));
    let comment = "The bounds of all hashes are hashes.";
    table.gives(ROOT, "root-bounds", comment, rows(&[&[0xFF; 32], &[0; 32]]));
    let comment = "A row with NULL is passed over.";
    let input = Input::Rows(vec![vec![Form::Null], vec![bytes(ONES)], vec![Form::Null]]);
    table.gives(ROOT, "root-null-rows", comment, input);
    let input = Input::Rows(vec![vec![Form::Null], vec![Form::Null]]);
    table.gives_null(ROOT, "root-only-null", "Only such rows give NULL.", input);
    table.gives_null(ROOT, "root-no-rows", "No rows give NULL.", Input::Rows(Vec::new()));
    let wrong: [(&str, &str, &[u8]); 3] = [
        ("empty", "No bytes are no hash.", &[]),
        ("31-bytes", "31 bytes are no hash.", &[1; 31]),
        ("33-bytes", "33 bytes are no hash.", &[1; 33]),
    ];
    for (name, comment, hash) in wrong {
        let name = format!("root-hash-{name}");
        table.refuses(Code::Hash, ROOT, &name, comment, rows(&[&ONES, hash]));
    }
}

/// A group of `count` hashes, each row with the `constant` arguments behind.
fn counted<const N: usize>(count: u64, constant: [Form; N]) -> Input {
    Input::Counted { count, constant: constant.into() }
}

/// The same hashes as a batch.
fn batch(count: u64) -> Batch {
    let hashes = (0..count).map(|i| proof::hash(i.to_string().as_bytes(), None)).collect();
    Batch::new(hashes).expect("a batch of at least one hash")
}

fn combine(table: &mut Table) {
    let combined = |roots: &[Hash], k: i64| args([json(array(roots)), Form::Integer(k)]);
    for (count, k) in
        [(1, 0), (2, 0), (3, 0), (3, 1), (5, 1), (7, 1), (8, 1), (9, 1), (9, 2), (9, 3)]
    {
        let name = format!("combine-{count}-in-blocks-of-2-to-{k}");
        let comment = format!("The same root as root-of-{count}.");
        table.gives(COMBINE, &name, &comment, combined(&block_roots(count, k), k.into()));
    }
    for (count, k) in [(1024, 9), (1025, 5), (1025, 10), (65_537, 14)] {
        let name = format!("combine-{count}-in-blocks-of-2-to-{k}");
        let comment = format!("The same root as root-of-{count}.");
        table.gives(COMBINE, &name, &comment, combined(&block_roots(count, k), k.into()));
    }
    let one = [ONES];
    let comment = "The root of one block is the root.";
    table.gives(COMBINE, "combine-one", comment, combined(&one, 20));
    let comment = "k may be 63.";
    table.gives(COMBINE, "combine-k-63", comment, combined(&[ONES, TWOS], 63));
    let comment = "Roots are not sorted: their order is the blocks' own.";
    table.gives(COMBINE, "combine-descending", comment, combined(&[TWOS, ONES], 1));
    let comment = "Roots may repeat, as any bytes may.";
    table.gives(COMBINE, "combine-repeats", comment, combined(&[ONES, ONES], 1));
    let comment = "The array may be reprinted.";
    let spaced = array(&[ONES, TWOS]).replace(',', " ,\n ");
    table.gives(COMBINE, "combine-reprinted", comment, args([json(spaced), Form::Integer(1)]));
    let nulls = [
        ("combine-null-roots", "NULL roots give NULL.", args([Form::Null, Form::Integer(1)])),
        ("combine-null-k", "A NULL k gives NULL.", args([json(array(&one)), Form::Null])),
    ];
    for (name, comment, input) in nulls {
        table.gives_null(COMBINE, name, comment, input);
    }
    let wrong_k = [
        ("combine-k-64", "k is at most 63.", 64),
        ("combine-k-negative", "k is at least 0.", -1),
        ("combine-k-largest", "k does not wrap.", i64::MAX),
        ("combine-k-smallest", "Nor does a negative one.", i64::MIN),
        ("combine-k-2-32", "Nor does one of 33 bits.", 1 << 32),
    ];
    for (name, comment, k) in wrong_k {
        table.refuses(Code::BlockRoots, COMBINE, name, comment, combined(&one, k));
    }
    let good = hex::format_hash(&ONES);
    let wrong_roots = [
        ("empty-array", "There is at least one root.", "[]".into()),
        ("object", "The roots are an array.", "{}".into()),
        ("string", "A root alone is none.", format!("\"{good}\"")),
        ("nested", "An array in an array is no root.", format!("[[\"{good}\"]]")),
        ("number", "A number is no root.", format!("[\"{good}\",1]")),
        ("json-null", "JSON's null is no root.", "[null]".into()),
        ("short", "A root has 64 digits.", format!("[\"{}\"]", &good[..65])),
        ("without-prefix", "A root begins with 0x.", format!("[\"{}\"]", &good[2..])),
        (
            "upper-case",
            "A root is lower case.",
            format!("[\"{}\"]", hex::format_hash(&[0xAB; 32]).replace('a', "A")),
        ),
        ("syntax", "A text that is no JSON is no array.", format!("[\"{good}\",]")),
        ("cut", "Nor is one that is cut.", format!("[\"{good}\"")),
        ("empty-text", "Nor is the empty text.", String::new()),
        ("trailing", "Nor are two.", format!("[\"{good}\"][]")),
    ];
    for (name, comment, roots) in wrong_roots {
        let name = format!("combine-roots-{name}");
        let input = args([json(roots), Form::Integer(1)]);
        table.refuses(Code::BlockRoots, COMBINE, &name, comment, input);
    }
}

fn array(hashes: &[Hash]) -> String {
    let quoted: Vec<String> =
        hashes.iter().map(|hash| format!("\"{}\"", hex::format_hash(hash))).collect();
    format!("[{}]", quoted.join(","))
}

/// The roots of blocks of 2^k of `count` hashes.
fn block_roots(count: u64, k: u32) -> Vec<Hash> {
    batch(count)
        .hashes()
        .chunks(1 << k)
        .map(|block| Batch::new(block.to_vec()).expect("a block is not empty").root())
        .collect()
}

fn inclusion(table: &mut Table) {
    for count in SIZES {
        for (which, index) in places(count) {
            let target = batch(count).hashes()[index];
            let name = format!("inclusion-{which}-of-{count}");
            let comment = format!("The {which} leaf of {count}.");
            table.gives(INCLUSION, &name, &comment, counted(count, [bytes(target)]));
        }
    }
    for count in LARGE_SIZES {
        let target = *batch(count).hashes().last().expect("a batch is not empty");
        let name = format!("inclusion-last-of-{count}");
        let comment = format!("The last leaf of {count}.");
        table.gives(INCLUSION, &name, &comment, counted(count, [bytes(target)]));
    }
}

/// The first leaf, the middle one and the last, as far as they are different.
fn places(count: u64) -> Vec<(&'static str, usize)> {
    let last = count as usize - 1;
    match last {
        0 => vec![("only", 0)],
        1 => vec![("first", 0), ("last", 1)],
        _ => vec![("first", 0), ("middle", last / 2), ("last", last)],
    }
}

fn absence(table: &mut Table) {
    for count in [1, 2, 3, 7, 8, 9, 1023, 1024, 1025, 65_537] {
        for (which, target) in absent(count) {
            let name = format!("absence-{which}-of-{count}");
            let comment = format!("A hash that lies {which} among {count}.");
            table.gives(INCLUSION, &name, &comment, counted(count, [bytes(target)]));
        }
    }
}

/// A hash before all of a batch, one between two of them, and one behind all.
fn absent(count: u64) -> Vec<(&'static str, Hash)> {
    let hashes = batch(count).hashes().to_vec();
    let mut absent = vec![("left", [0; 32]), ("right", [0xFF; 32])];
    if count > 1 {
        absent.insert(1, ("between", following(&hashes[hashes.len() / 2 - 1])));
    }
    assert!(absent.iter().all(|(_, hash)| !hashes.contains(hash)), "they are absent");
    absent
}

/// The hash that differs in the last byte and is the next larger.
fn following(hash: &Hash) -> Hash {
    let mut following = *hash;
    following[31] = hash[31].checked_add(1).expect("the last byte of these hashes is not FF");
    following
}

/// What rows an aggregate takes, and what it refuses.
fn inclusion_rows(table: &mut Table) {
    let rows = |rows: &[(Form, Form)]| {
        Input::Rows(rows.iter().map(|(hash, target)| vec![hash.clone(), target.clone()]).collect())
    };
    let of = |hash: Hash| (bytes(hash), bytes(TWOS));
    let same = "The order of rows does not matter: one of two with one proof.";
    table.gives(INCLUSION, "inclusion-ascending", same, rows(&[of(ONES), of(TWOS), of(THREES)]));
    table.gives(INCLUSION, "inclusion-descending", same, rows(&[of(THREES), of(TWOS), of(ONES)]));
    let comment = "Repeats count once, also of the target.";
    let input = rows(&[of(TWOS), of(ONES), of(TWOS), of(THREES), of(ONES)]);
    table.gives(INCLUSION, "inclusion-repeats", comment, input);
    let null_hash = (Form::Null, bytes(TWOS));
    let null_target = (bytes(THREES), Form::Null);
    let comment = "A row with a NULL hash is passed over.";
    let input = rows(&[null_hash.clone(), of(ONES), of(TWOS)]);
    table.gives(INCLUSION, "inclusion-null-hash", comment, input);
    let comment = "A row with a NULL target is passed over, and its hash with it.";
    let input = rows(&[of(ONES), null_target.clone(), of(TWOS)]);
    table.gives(INCLUSION, "inclusion-null-target", comment, input);
    let comment = "A row that is passed over does not name a second target.";
    let input = rows(&[(Form::Null, bytes(THREES)), of(ONES), of(TWOS)]);
    table.gives(INCLUSION, "inclusion-null-hash-other-target", comment, input);
    let nulls = [
        ("inclusion-only-null-hash", "Rows with NULL hashes give NULL.", rows(&[null_hash])),
        ("inclusion-only-null-target", "Rows with NULL targets give NULL.", rows(&[null_target])),
        ("inclusion-only-null", "Rows of NULL give NULL.", rows(&[(Form::Null, Form::Null)])),
        ("inclusion-no-rows", "No rows give NULL.", rows(&[])),
    ];
    for (name, comment, input) in nulls {
        table.gives_null(INCLUSION, name, comment, input);
    }
    let comment = "The target is the same in every row.";
    let input = rows(&[of(ONES), (bytes(TWOS), bytes(THREES))]);
    table.refuses(Code::ArgumentVaries, INCLUSION, "inclusion-target-varies", comment, input);
    let comment = "Also where two rows with one hash name two targets.";
    let input = rows(&[of(ONES), (bytes(ONES), bytes(ONES))]);
    let name = "inclusion-target-varies-same-hash";
    table.refuses(Code::ArgumentVaries, INCLUSION, name, comment, input);
    let comment = "Also in the last of many rows.";
    let input = rows(&[of(ONES), of(TWOS), of(THREES), of(FOURS), (bytes(ONES), bytes(ONES))]);
    let name = "inclusion-target-varies-last";
    table.refuses(Code::ArgumentVaries, INCLUSION, name, comment, input);
    let comment = "A hash has 32 bytes.";
    let input = rows(&[of(ONES), (bytes([1; 31]), bytes(TWOS))]);
    table.refuses(Code::Hash, INCLUSION, "inclusion-hash-31-bytes", comment, input);
    let comment = "So has the target.";
    let input = rows(&[(bytes(ONES), bytes([1; 33]))]);
    table.refuses(Code::Hash, INCLUSION, "inclusion-target-33-bytes", comment, input);
}

fn verify_inclusion(table: &mut Table) {
    for count in SIZES {
        for (which, index) in places(count) {
            let batch = batch(count);
            let target = batch.hashes()[index];
            let name = format!("verify-inclusion-{which}-of-{count}");
            let comment = format!("True for the {which} leaf of {count}.");
            let document = batch.prove(&target).to_json();
            let input = args([bytes(target), json(document), bytes(batch.root())]);
            table.gives(VERIFY_INCLUSION, &name, &comment, input);
        }
    }
    let seven = Seven::new();
    let Seven { target, document, root, .. } = &seven;
    let three = |name: &'static str, comment: &'static str, hash: Hash, document: &str| {
        (name, comment, args([bytes(hash), json(document), bytes(root)]))
    };
    let mut zeros = vec!["0".to_string(); 53];
    zeros.fill(hex::format_hash(&[0; 32]));
    let longest = document_of(TWO_TO_53 - 1, 0, &format!("[\"{}\"]", zeros.join("\",\"")));
    let rows = [
        three(
            "reprinted",
            "True however it is spelled.",
            *target,
            &document.replace(',', " ,\n\t"),
        ),
        three(
            "reprinted-order",
            "True in any order of its members.",
            *target,
            &format!("{{\"path\":{},\"index\":2,\"count\":7}}", seven.path),
        ),
        three(
            "reprinted-numbers",
            "True with its integers in any spelling.",
            *target,
            &document.replace(":7,", ":70e-1,").replace(":2,", ":2.0,"),
        ),
        three("other-leaf", "False for another leaf.", ONES, document),
        three("flipped-leaf", "False for a leaf with one bit changed.", flipped(target), document),
        three("node-as-leaf", "False for a node in the leaf's place.", leaf(target), document),
        three(
            "flipped-path-first",
            "False for a path with one bit changed in its first hash.",
            *target,
            &seven.with_path(0, flipped),
        ),
        three(
            "flipped-path-last",
            "False for a path with one bit changed in its last hash.",
            *target,
            &seven.with_path(2, flipped),
        ),
        three(
            "path-of-zeros",
            "False for zeros in the path.",
            *target,
            &seven.with_path(1, |_| [0; 32]),
        ),
        three("swapped-path", "False for hashes in another order.", *target, &seven.reversed()),
        three(
            "other-index",
            "False for the sibling's index.",
            *target,
            &document.replace(r#""index":2"#, r#""index":3"#),
        ),
        three(
            "far-index",
            "False for the index of another subtree.",
            *target,
            &document.replace(r#""index":2"#, r#""index":0"#),
        ),
        three(
            "other-count",
            "True with a count of 8: the root alone does not pin the count.",
            *target,
            &document.replace(r#""count":7"#, r#""count":8"#),
        ),
        three(
            "largest-count",
            "False, but well-formed: a count of 2^53 - 1 and its path of 53 hashes.",
            *target,
            &longest,
        ),
    ];
    for (name, comment, input) in rows {
        table.gives(VERIFY_INCLUSION, &format!("verify-inclusion-{name}"), comment, input);
    }
    let good = json(document);
    let roots = [
        ("flipped-root", "False for a root with one bit changed.", flipped(root)),
        ("root-of-zeros", "False for zeros.", [0; 32]),
        ("root-of-others", "False for the root of another batch.", batch(8).root()),
    ];
    for (name, comment, root) in roots {
        let input = args([bytes(target), good.clone(), bytes(root)]);
        table.gives(VERIFY_INCLUSION, &format!("verify-inclusion-{name}"), comment, input);
    }
    null_and_short(table, VERIFY_INCLUSION, "verify-inclusion", target, &good, root);
}

/// NULL in each place, and hashes that are not 32 bytes.
fn null_and_short(
    table: &mut Table,
    function: &'static str,
    stem: &str,
    hash: &Hash,
    document: &Form,
    root: &Hash,
) {
    let document = || document.clone();
    let nulls = [
        ("hash", "A NULL hash gives NULL.", args([Form::Null, document(), bytes(root)])),
        ("document", "A NULL document gives NULL.", args([bytes(hash), Form::Null, bytes(root)])),
        ("root", "A NULL root gives NULL.", args([bytes(hash), document(), Form::Null])),
    ];
    for (name, comment, input) in nulls {
        table.gives_null(function, &format!("{stem}-null-{name}"), comment, input);
    }
    let short = [
        ("hash-31-bytes", "A hash has 32 bytes.", args([bytes([1; 31]), document(), bytes(root)])),
        ("hash-empty", "And not none.", args([bytes([]), document(), bytes(root)])),
        ("root-33-bytes", "So has a root.", args([bytes(hash), document(), bytes([1; 33])])),
    ];
    for (name, comment, input) in short {
        table.refuses(Code::Hash, function, &format!("{stem}-{name}"), comment, input);
    }
}

/// The third leaf of seven: its path has a hash on either side.
struct Seven {
    target: Hash,
    path_hashes: Vec<Hash>,
    path: String,
    document: String,
    root: Hash,
}

impl Seven {
    fn new() -> Self {
        let batch = batch(7);
        let hashes = batch.hashes();
        let (target, at) = (hashes[2], |i: usize| leaf(&hashes[i]));
        let path_hashes = vec![at(3), node(&at(0), &at(1)), node(&node(&at(4), &at(5)), &at(6))];
        let path = array(&path_hashes);
        let document = document_of(7, 2, &path);
        assert_eq!(document, batch.prove(&target).to_json());
        Self { target, path_hashes, path, document, root: batch.root() }
    }

    /// The document with another hash at one place of its path.
    fn with_path(&self, place: usize, change: impl Fn(&Hash) -> Hash) -> String {
        let mut hashes = self.path_hashes.clone();
        hashes[place] = change(&hashes[place]);
        document_of(7, 2, &array(&hashes))
    }

    fn reversed(&self) -> String {
        let hashes: Vec<Hash> = self.path_hashes.iter().rev().copied().collect();
        document_of(7, 2, &array(&hashes))
    }

    /// The document with a path of the first `len` hashes, zeros where there are none.
    fn with_len(&self, len: usize) -> String {
        let mut hashes = self.path_hashes.clone();
        hashes.resize(len, [0; 32]);
        document_of(7, 2, &array(&hashes))
    }
}

fn document_of(count: u64, index: u64, path: &str) -> String {
    format!("{{\"count\":{count},\"index\":{index},\"path\":{path}}}")
}

fn flipped(hash: &Hash) -> Hash {
    let mut flipped = *hash;
    flipped[31] ^= 1;
    flipped
}

fn verify_inclusion_malformed(table: &mut Table) {
    let seven = Seven::new();
    let document = &seven.document;
    let path = &seven.path;
    let first = hex::format_hash(&seven.path_hashes[0]);
    let count = |value: &str| document.replace(r#""count":7"#, &format!("\"count\":{value}"));
    let index = |value: &str| document.replace(r#""index":2"#, &format!("\"index\":{value}"));
    let rows = [
        ("empty-object", "An empty object is no proof.", "{}".into()),
        ("array", "Nor is an array.", path.clone()),
        ("json-null", "Nor is JSON's null.", "null".into()),
        ("without-count", "Each member is needed.", format!("{{\"index\":2,\"path\":{path}}}")),
        ("without-index", "This one too.", format!("{{\"count\":7,\"path\":{path}}}")),
        ("without-path", "This one too.", r#"{"count":7,"index":2}"#.into()),
        ("without-path-of-one", "Also where it is empty.", r#"{"count":1,"index":0}"#.into()),
        ("unknown-member", "No other is known.", document.replace('{', r#"{"a":1,"#)),
        ("count-0", "A batch has a leaf.", r#"{"count":0,"index":0,"path":[]}"#.into()),
        ("count-2-53", "A count is below 2^53.", count("9007199254740992")),
        ("count-negative", "A count is not negative.", count("-7")),
        ("count-fraction", "A count is whole.", count("7.5")),
        ("count-string", "A count is a number.", count("\"7\"")),
        ("count-json-null", "A count is not null.", count("null")),
        ("count-2-64", "A count does not wrap.", count("18446744073709552000")),
        ("index-is-count", "An index is below the count.", index("7")),
        ("index-above-count", "Also far above.", index("1000")),
        ("index-negative", "It is not negative.", index("-1")),
        ("index-fraction", "It is whole.", index("0.5")),
        ("index-string", "It is a number.", index("\"2\"")),
        ("index-true", "And no truth value.", index("true")),
        ("path-short", "A path has the length the count says.", seven.with_len(2)),
        ("path-long", "Also not longer.", seven.with_len(4)),
        ("path-empty", "Nor empty.", seven.with_len(0)),
        ("path-of-one", "A single leaf has an empty path.", document_of(1, 0, &array(&[ONES]))),
        (
            "path-of-last",
            "The last leaf of seven has a shorter path than the others.",
            document_of(7, 6, path),
        ),
        ("path-string", "A path is an array.", document_of(7, 2, &format!("\"{first}\""))),
        ("path-json-null", "A path is not null.", document_of(7, 2, "null")),
        ("path-number", "Its hashes are strings.", document.replace(&format!("\"{first}\""), "1")),
        ("path-short-hash", "Its hashes have 64 digits.", document.replace(&first, &first[..64])),
        (
            "path-upper-case",
            "Its hashes are lower case.",
            document.replace(&first[2..], &first[2..].to_uppercase()),
        ),
        ("path-without-prefix", "Its hashes have a prefix.", document.replace(&first, &first[2..])),
        ("absence", "An absence proof is none of inclusion.", between_json()),
        ("syntax", "A text that is no JSON is no proof.", document.replace('}', ",}")),
        ("cut", "Nor is one that is cut.", document[..document.len() - 1].into()),
        ("empty-text", "Nor is the empty text.", String::new()),
        ("trailing", "Nor are two.", format!("{document} {document}")),
        ("duplicate-key", "No member stands twice.", document.replace('{', r#"{"count":7,"#)),
        ("number-precision", "No number is too long.", count("9007199254740993")),
        ("number-range", "No number is too large.", count("1e400")),
    ];
    for (name, comment, document) in rows {
        let name = format!("verify-inclusion-document-{name}");
        let input = args([bytes(seven.target), json(document), bytes(seven.root)]);
        table.refuses(Code::Inclusion, VERIFY_INCLUSION, &name, comment, input);
    }
}

fn between_json() -> String {
    let batch = Batch::new(vec![ONES, THREES]).expect("two hashes are a batch");
    batch.prove(&TWOS).to_json()
}

fn verify_absence(table: &mut Table) {
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17] {
        for (which, target) in absent(count) {
            let batch = batch(count);
            let name = format!("verify-absence-{which}-of-{count}");
            let comment = format!("True for a hash that lies {which} among {count}.");
            let document = batch.prove(&target).to_json();
            let input = args([bytes(target), json(document), bytes(batch.root())]);
            table.gives(VERIFY_ABSENCE, &name, &comment, input);
        }
    }
    let ([a, b, c, d], [ab, cd]) = four_leaves();
    let root = node(&ab, &cd);
    let first = side(0, &ONES, &[b, cd]);
    let second = side(1, &TWOS, &[a, cd]);
    let third = side(2, &THREES, &[d, ab]);
    let fourth = side(3, &FOURS, &[c, ab]);
    let halfway = [0x28; 32];
    let both =
        |left: &str, right: &str| format!("{{\"count\":4,\"left\":{left},\"right\":{right}}}");
    let left_only = |left: &str| format!("{{\"count\":4,\"left\":{left}}}");
    let right_only = |right: &str| format!("{{\"count\":4,\"right\":{right}}}");
    let middle = both(&second, &third);
    let rows = [
        ("of-four", "True between the second and the third of four.", halfway, middle.clone()),
        ("reprinted", "True however it is spelled.", halfway, middle.replace(',', " ,\n\t")),
        ("of-left", "False for the left neighbour itself.", TWOS, middle.clone()),
        ("of-right", "False for the right neighbour itself.", THREES, middle.clone()),
        ("of-smaller", "False for a hash below both.", [0x01; 32], middle.clone()),
        ("of-larger", "False for a hash above both.", [0xF1; 32], middle.clone()),
        (
            "not-consecutive",
            "False for neighbours with a leaf between them.",
            TWOS,
            both(&first, &third),
        ),
        ("far-apart", "False for the two ends.", halfway, both(&first, &fourth)),
        ("exchanged", "False for neighbours on the wrong sides.", halfway, both(&third, &second)),
        ("same-twice", "False for one leaf on both sides.", halfway, both(&second, &second)),
        ("left-missing", "False if a missing left hides a leaf.", [0x18; 32], right_only(&second)),
        ("right-missing", "False if a missing right hides a leaf.", [0x38; 32], left_only(&third)),
        ("left-end", "True before the first.", [0x01; 32], right_only(&first)),
        ("right-end", "True behind the last.", [0x45; 32], left_only(&fourth)),
        (
            "left-end-of-larger",
            "False at the left end for a larger hash.",
            [0x45; 32],
            right_only(&first),
        ),
        (
            "right-end-of-smaller",
            "False at the right end for a smaller hash.",
            [1; 32],
            left_only(&fourth),
        ),
        (
            "flipped-left-path",
            "False for a path on the left with one bit changed.",
            halfway,
            both(&side(1, &TWOS, &[flipped(&a), cd]), &third),
        ),
        (
            "flipped-right-path",
            "False for a path on the right with one bit changed.",
            halfway,
            both(&second, &side(2, &THREES, &[d, flipped(&ab)])),
        ),
        (
            "flipped-left-leaf",
            "False for a leaf on the left with one bit changed.",
            halfway,
            both(&side(1, &flipped(&TWOS), &[a, cd]), &third),
        ),
        (
            "flipped-right-leaf",
            "False for a leaf on the right with one bit changed.",
            halfway,
            both(&second, &side(2, &flipped(&THREES), &[d, ab])),
        ),
    ];
    for (name, comment, hash, document) in rows {
        let input = args([bytes(hash), json(document), bytes(root)]);
        table.gives(VERIFY_ABSENCE, &format!("verify-absence-{name}"), comment, input);
    }
    let good = json(&middle);
    let comment = "False for a root with one bit changed.";
    let input = args([bytes(halfway), good.clone(), bytes(flipped(&root))]);
    table.gives(VERIFY_ABSENCE, "verify-absence-flipped-root", comment, input);
    null_and_short(table, VERIFY_ABSENCE, "verify-absence", &halfway, &good, &root);
}

/// What absence cannot say.
fn unsorted(table: &mut Table) {
    let ([a, b, c, _], _) = four_leaves();
    // A tree whose leaves are not sorted: ones, threes, twos.
    let document = format!(
        "{{\"count\":3,\"left\":{},\"right\":{}}}",
        side(0, &ONES, &[c, b]),
        side(1, &THREES, &[a, b])
    );
    let root = node(&node(&a, &c), &b);
    let comment = "True although the hash is a leaf: absence is sound only if the batch is sorted.";
    let input = args([bytes(TWOS), json(document), bytes(root)]);
    table.gives(VERIFY_ABSENCE, "verify-absence-unsorted", comment, input);
    let comment = "The inclusion proof that refutes it.";
    let document = document_of(3, 2, &array(&[node(&a, &c)]));
    let input = args([bytes(TWOS), json(document), bytes(root)]);
    table.gives(VERIFY_INCLUSION, "verify-inclusion-unsorted", comment, input);
}

/// The leaves of ones, twos, threes and fours, and the two nodes above them.
fn four_leaves() -> ([Hash; 4], [Hash; 2]) {
    let leaves @ [a, b, c, d] = [leaf(&ONES), leaf(&TWOS), leaf(&THREES), leaf(&FOURS)];
    (leaves, [node(&a, &b), node(&c, &d)])
}

/// One side of an absence proof.
fn side(index: u64, leaf: &Hash, path: &[Hash]) -> String {
    let (leaf, path) = (hex::format_hash(leaf), array(path));
    format!("{{\"index\":{index},\"leaf\":\"{leaf}\",\"path\":{path}}}")
}

fn verify_absence_malformed(table: &mut Table) {
    let document = between_json();
    let root = node(&leaf(&ONES), &leaf(&THREES));
    let left = side(0, &ONES, &[leaf(&THREES)]);
    let right = side(1, &THREES, &[leaf(&ONES)]);
    let hash = hex::format_hash(&ONES);
    let path = array(&[leaf(&THREES)]);
    assert_eq!(document, format!("{{\"count\":2,\"left\":{left},\"right\":{right}}}"));
    let count = |value: &str| document.replace(r#""count":2"#, &format!("\"count\":{value}"));
    let with_left = |left: &str| format!("{{\"count\":2,\"left\":{left},\"right\":{right}}}");
    let rows = [
        ("empty-object", "An empty object is no proof.", "{}".into()),
        ("array", "Nor is an array.", "[]".into()),
        ("json-null", "Nor is JSON's null.", "null".into()),
        ("both-missing", "One side at least is there.", r#"{"count":2}"#.into()),
        ("both-missing-of-none", "Also in an empty batch.", r#"{"count":0}"#.into()),
        ("without-count", "The count is needed.", format!("{{\"left\":{left},\"right\":{right}}}")),
        ("unknown-member", "No other member is known.", document.replacen('{', "{\"a\":1,", 1)),
        ("count-0", "A batch has a leaf.", count("0")),
        ("count-2-53", "A count is below 2^53.", count("9007199254740992")),
        ("count-negative", "A count is not negative.", count("-2")),
        ("count-string", "A count is a number.", count("\"2\"")),
        ("count-fraction", "A count is whole.", count("2.5")),
        ("left-json-null", "A missing side is left out, not null.", with_left("null")),
        ("left-array", "A side is an object.", with_left("[]")),
        ("left-string", "And no string.", with_left(&format!("\"{hash}\""))),
        ("left-empty", "It is not empty.", with_left("{}")),
        (
            "left-without-leaf",
            "It has a leaf.",
            with_left(&format!("{{\"index\":0,\"path\":{path}}}")),
        ),
        (
            "left-without-index",
            "It has an index.",
            with_left(&format!("{{\"leaf\":\"{hash}\",\"path\":{path}}}")),
        ),
        (
            "left-without-path",
            "It has a path.",
            with_left(&format!("{{\"index\":0,\"leaf\":\"{hash}\"}}")),
        ),
        (
            "left-unknown-member",
            "And nothing else.",
            with_left(&left.replacen('{', "{\"a\":1,", 1)),
        ),
        ("left-leaf-short", "A leaf has 64 digits.", with_left(&left.replace(&hash, &hash[..64]))),
        (
            "left-leaf-without-prefix",
            "A leaf has a prefix.",
            with_left(&left.replace(&hash, &hash[2..])),
        ),
        (
            "left-index-negative",
            "An index is not negative.",
            with_left(&left.replace(":0,", ":-1,")),
        ),
        (
            "left-index-is-count",
            "An index is below the count.",
            with_left(&left.replace(":0,", ":2,")),
        ),
        (
            "left-path-empty",
            "A path has the length the count says.",
            with_left(&side(0, &ONES, &[])),
        ),
        (
            "left-path-long",
            "And not longer.",
            with_left(&side(0, &ONES, &[leaf(&THREES), [0; 32]])),
        ),
        (
            "right-index-is-count",
            "This holds on the right too.",
            format!("{{\"count\":2,\"left\":{left},\"right\":{}}}", right.replace(":1,", ":2,")),
        ),
        (
            "right-only-malformed",
            "Also if it is alone.",
            format!("{{\"count\":2,\"right\":{}}}", right.replace(":1,", ":2,")),
        ),
        ("inclusion", "An inclusion proof is none of absence.", document_of(2, 0, &path)),
        ("syntax", "A text that is no JSON is no proof.", document.replacen('{', "{,", 1)),
        ("cut", "Nor is one that is cut.", document[..document.len() - 1].into()),
        ("empty-text", "Nor is the empty text.", String::new()),
        ("trailing", "Nor are two.", format!("{document} {document}")),
        ("duplicate-key", "No member stands twice.", document.replacen('{', "{\"count\":2,", 1)),
        ("number-precision", "No number is too long.", count("9007199254740993")),
    ];
    for (name, comment, document) in rows {
        let name = format!("verify-absence-document-{name}");
        let input = args([bytes(TWOS), json(document), bytes(root)]);
        table.refuses(Code::Absence, VERIFY_ABSENCE, &name, comment, input);
    }
}
