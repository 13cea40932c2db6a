//! The calls of `tests/vectors/proof.json`: one record, its hash, id, document and blind.

use conformance::Form;
use precise_core::proof::{Blind, ProofDocument, format_id};
use precise_core::{Code, canonical, hex, proof};

use super::{Call, Table, args, bytes, json, text};

const PROOF_HASH: &str = "precise_proof_hash";
const MINT: &str = "precise_mint_proof";
const TRY_MINT: &str = "precise_try_mint_proof";
const PROOF_ID: &str = "precise_proof_id";
const PROOF_HASH_OF: &str = "precise_proof_hash_of";
const VERIFY: &str = "precise_verify_proof";
const BLIND: &str = "precise_blind";

const RECORD: &str = r#"{"size":1.50,"id":"\u0041\/7"}"#;
const OTHER_RECORD: &str = r#"{"size":1.51,"id":"A/7"}"#;

/// Bytes 0 to 31 as a blind, which no derivation is needed for.
const KEY: [u8; 32] = counting();
const OTHER_KEY: [u8; 32] = [7; 32];

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    proof_hash(&mut table);
    mint(&mut table);
    try_mint(&mut table);
    proof_id(&mut table);
    proof_hash_of(&mut table);
    proof_hash_of_document(&mut table);
    verify(&mut table);
    verify_refused(&mut table);
    verify_malformed(&mut table);
    blind(&mut table);
    table.calls
}

const fn counting() -> [u8; 32] {
    let mut key = [0; 32];
    let mut i = 0;
    while i < key.len() {
        key[i] = i as u8;
        i += 1;
    }
    key
}

fn proof_hash(table: &mut Table) {
    let rows = [
        ("hash-of-record", "BLAKE3 of the canonical form.", RECORD),
        (
            "hash-of-spelling",
            "Another spelling has the same hash.",
            "{\"id\":\"A/7\", \"size\":1.5}",
        ),
        ("hash-of-other", "Another record has another.", OTHER_RECORD),
        ("hash-of-null", "JSON's null has a hash.", "null"),
        ("hash-of-empty-object", "So has the empty object.", "{}"),
        ("hash-of-text-outside-ascii", "The hash is of UTF-8.", r#""\u00e9\ud83d\ude00""#),
    ];
    for (name, comment, record) in rows {
        table.gives(PROOF_HASH, name, comment, args([json(record)]));
    }
    // Quotes make two bytes: the canonical forms are 63, 64, 65, 1023, … bytes long.
    for len in [63, 64, 65, 1023, 1024, 1025, 2047, 2048, 2049, 8191, 8192, 8193] {
        let name = format!("hash-of-{len}-bytes");
        let comment = "Around BLAKE3's blocks of 64 bytes, chunks of 1024 and their trees.";
        let record = string_of(len);
        table.gives(PROOF_HASH, &name, comment, args([record.clone()]));
        if len > 1000 {
            let name = format!("hash-of-{len}-bytes-blinded");
            table.gives(PROOF_HASH, &name, comment, args([record, bytes(KEY)]));
        }
    }
    table.gives(PROOF_HASH, "hash-blinded", "The keyed hash.", args([json(RECORD), bytes(KEY)]));
    table.gives(
        PROOF_HASH,
        "hash-blinded-otherwise",
        "Another blind gives another hash.",
        args([json(RECORD), bytes(OTHER_KEY)]),
    );
    table.gives(
        PROOF_HASH,
        "hash-blinded-with-zeros",
        "A blind of zeros is a blind, and not the hash without one.",
        args([json(RECORD), bytes([0; 32])]),
    );
    null_and_wrong_blinds(table, PROOF_HASH, "hash");
    for (code, name, comment, record) in BAD_RECORDS {
        let name = format!("hash-{name}");
        table.refuses(*code, PROOF_HASH, &name, comment, args([json(*record)]));
    }
    let comment = "A blind does not change what is refused.";
    let input = args([json(r#"{"a":1,"a":2}"#), bytes(KEY)]);
    table.refuses(Code::DuplicateKey, PROOF_HASH, "hash-blinded-of-refused", comment, input);
}

/// Records of which every code a record can give is had.
const BAD_RECORDS: &[(Code, &str, &str, &str)] = &[
    (Code::Syntax, "of-syntax", "A record that is no JSON has no proof.", "{a:1}"),
    (Code::UnexpectedEnd, "of-empty", "Nor has the empty text.", ""),
    (Code::TrailingBytes, "of-two", "Nor have two records.", "{} {}"),
    (Code::DuplicateKey, "of-duplicate-key", "Nor has a repeated key.", r#"{"a":1,"a":2}"#),
    (Code::LoneSurrogate, "of-surrogate", "Nor has half a character.", r#"["\ud800"]"#),
    (Code::NullCharacter, "of-null-character", "Nor has U+0000.", r#"["\u0000"]"#),
    (Code::NumberPrecision, "of-precision", "Nor has a number too long.", "9007199254740993"),
    (Code::NumberRange, "of-range", "Nor has one too large.", "1e400"),
];

/// NULL in either place, and blinds that are not 32 bytes, for a function of record and blind.
fn null_and_wrong_blinds(table: &mut Table, function: &'static str, stem: &str) {
    let rows = [
        ("null", "NULL gives NULL.", args([Form::Null])),
        (
            "null-blind",
            "A NULL blind gives NULL, never an unblinded proof.",
            args([json(RECORD), Form::Null]),
        ),
        ("null-record", "A NULL record gives NULL.", args([Form::Null, bytes(KEY)])),
        ("null-both", "So do both.", args([Form::Null, Form::Null])),
        ("null-and-wrong-blind", "NULL comes before any error.", args([Form::Null, bytes([1])])),
        ("null-blind-of-refused", "On either side.", args([json("{"), Form::Null])),
    ];
    for (name, comment, input) in rows {
        table.gives_null(function, &format!("{stem}-{name}"), comment, input);
    }
    for (name, comment, blind) in WRONG_LENGTHS {
        let name = format!("{stem}-blind-{name}");
        let input = args([json(RECORD), bytes(blind)]);
        table.refuses(Code::SecretLength, function, &name, comment, input);
    }
}

const WRONG_LENGTHS: &[(&str, &str, &[u8])] = &[
    ("empty", "No bytes are not 32.", &[]),
    ("31-bytes", "31 bytes are not 32.", &[1; 31]),
    ("33-bytes", "33 bytes are not 32.", &[1; 33]),
    ("64-bytes", "The hex digits of 32 bytes are 64 bytes.", &[b'0'; 64]),
];

/// A JSON string whose canonical form is `len` bytes long.
fn string_of(len: usize) -> Form {
    Form::JsonRepeat(vec![("\"".into(), 1), ("a".into(), len - 2), ("\"".into(), 1)])
}

fn mint(table: &mut Table) {
    table.gives(MINT, "mint", "The document of a record.", args([json(RECORD)]));
    table.gives(
        MINT,
        "mint-size-in-bytes",
        "The size is of the canonical form, in bytes.",
        args([json(r#" "\u00e9\ud83d\ude00" "#)]),
    );
    table.gives(MINT, "mint-one-byte", "The shortest canonical form.", args([json("0.0")]));
    table.gives(
        MINT,
        "mint-blinded",
        "A blinded proof says so, and says no size.",
        args([json(RECORD), bytes(KEY)]),
    );
    table.gives(
        MINT,
        "mint-blinded-otherwise",
        "Another blind gives another proof.",
        args([json(RECORD), bytes(OTHER_KEY)]),
    );
    for last in ['a', 'q'] {
        let record = record_with_id_ending_in(last);
        let name = format!("mint-id-ending-in-{last}");
        let comment = "The last character of an id carries one bit: a or q.";
        table.gives(MINT, &name, comment, args([json(record)]));
    }
    table.gives(MINT, "mint-16-mib", "The largest record.", args([string_of(1 << 24)]));
    let comment = "One byte more is refused.";
    let input = args([string_of((1 << 24) + 1)]);
    table.refuses(Code::CanonicalSize, MINT, "mint-over-16-mib", comment, input);
    null_and_wrong_blinds(table, MINT, "mint");
    for (code, name, comment, record) in BAD_RECORDS {
        table.refuses(*code, MINT, &format!("mint-{name}"), comment, args([json(*record)]));
    }
    let comment = "Nor has what is not UTF-8.";
    let input = args([Form::JsonHex(b"\"\xff\"".to_vec())]);
    table.refuses(Code::InvalidUtf8, MINT, "mint-of-utf8", comment, input);
    let comment = "Nor has what begins with a byte order mark.";
    let input = args([Form::JsonHex(b"\xef\xbb\xbf{}".to_vec())]);
    table.refuses(Code::ByteOrderMark, MINT, "mint-of-bom", comment, input);
    let comment = "Nor has what is nested too deep.";
    let pieces = vec![("[".into(), 129), ("]".into(), 129)];
    table.refuses(Code::Depth, MINT, "mint-of-depth", comment, args([Form::JsonRepeat(pieces)]));
}

fn record_with_id_ending_in(last: char) -> String {
    (0..1000)
        .map(|i| i.to_string())
        .find(|record| format_id(&proof::hash(record.as_bytes(), None)).ends_with(last))
        .expect("one in two ends so")
}

fn try_mint(table: &mut Table) {
    table.gives(TRY_MINT, "try-mint", "As minting.", args([json(RECORD)]));
    let input = args([json(RECORD), bytes(KEY)]);
    table.gives(TRY_MINT, "try-mint-blinded", "With a blind too.", input);
    for (_, name, _, record) in BAD_RECORDS {
        let (name, comment) = (format!("try-mint-{name}"), "What minting refuses gives NULL.");
        table.gives_null(TRY_MINT, &name, comment, args([json(*record)]));
    }
    let input = args([json("{"), bytes(KEY)]);
    table.gives_null(TRY_MINT, "try-mint-blinded-of-refused", "With a blind too.", input);
    let input = args([Form::JsonHex(b"\"\xff\"".to_vec())]);
    table.gives_null(TRY_MINT, "try-mint-of-utf8", "What is not UTF-8 gives NULL.", input);
    let pieces = vec![("[".into(), 129), ("]".into(), 129)];
    let input = args([Form::JsonRepeat(pieces)]);
    table.gives_null(TRY_MINT, "try-mint-of-depth", "What is too deep gives NULL.", input);
    let comment = "What is too large gives NULL.";
    table.gives_null(TRY_MINT, "try-mint-of-size", comment, args([string_of((1 << 24) + 1)]));
    null_and_wrong_blinds(table, TRY_MINT, "try-mint");
}

fn proof_id(table: &mut Table) {
    let rows = [
        ("id-of-zeros", "All bits 0.", [0; 32]),
        ("id-of-ones", "All bits 1: the last character is q.", [0xFF; 32]),
        ("id-of-counting", "Bytes 0 to 31.", KEY),
        ("id-of-record", "The hash of a record.", record_hash()),
    ];
    for (name, comment, hash) in rows {
        table.gives(PROOF_ID, name, comment, args([bytes(hash)]));
    }
    table.gives_null(PROOF_ID, "id-null", "NULL gives NULL.", args([Form::Null]));
    for (name, comment, hash) in WRONG_LENGTHS {
        let name = format!("id-of-{name}");
        table.refuses(Code::Hash, PROOF_ID, &name, comment, args([bytes(hash)]));
    }
}

fn record_hash() -> [u8; 32] {
    proof::hash(&canonical::canonicalize(RECORD.as_bytes()).expect("it is a record"), None)
}

fn proof_hash_of(table: &mut Table) {
    let (id, hash) = (format_id(&record_hash()), hex::format_hash(&record_hash()));
    let zeros = format_id(&[0; 32]);
    let ones = format_id(&[0xFF; 32]);
    let good = [
        ("hash-of-id", "An id is read back.", &id),
        ("hash-of-id-zeros", "The last character may be a.", &zeros),
        ("hash-of-id-ones", "The last character may be q.", &ones),
        ("hash-of-hex", "So is a hash as text.", &hash),
    ];
    for (name, comment, spelling) in good {
        table.gives(PROOF_HASH_OF, name, comment, args([text(spelling)]));
    }
    table.gives_null(PROOF_HASH_OF, "hash-of-null-text", "NULL gives NULL.", args([Form::Null]));

    let (front, characters) = (&zeros[..55], &id[4..]);
    let bad_ids = [
        ("empty", "The empty text is no id.", String::new()),
        ("prefix-only", "A prefix is no id.", "prf_".into()),
        ("without-prefix", "The prefix is part of it.", characters.into()),
        ("prefix-upper-case", "The prefix is lower case.", format!("PRF_{characters}")),
        ("prefix-hyphen", "It ends in an underscore.", format!("prf-{characters}")),
        ("upper-case", "So are the characters.", format!("prf_{}", characters.to_uppercase())),
        ("one-upper-case", "All of them.", format!("prf_A{}", &zeros[5..])),
        ("51-characters", "51 characters are too few.", front.into()),
        ("53-characters", "53 characters are too many.", format!("{id}a")),
        ("padded", "There is no padding.", format!("{id}====")),
        ("last-b", "A last character b spells a second time.", format!("{front}b")),
        ("last-p", "So does p.", format!("{front}p")),
        ("last-r", "So does r.", format!("{front}r")),
        ("last-7", "So does 7.", format!("{front}7")),
        ("digit-0", "0 is no base32.", format!("prf_0{}", &zeros[5..])),
        ("digit-1", "1 is no base32.", format!("prf_1{}", &zeros[5..])),
        ("digit-8", "8 is no base32.", format!("prf_8{}", &zeros[5..])),
        ("digit-9", "9 is no base32.", format!("prf_9{}", &zeros[5..])),
        ("space-before", "No space stands before it.", format!(" {id}")),
        ("space-behind", "Nor behind it.", format!("{id} ")),
        ("line-feed-behind", "Nor a line feed.", format!("{id}\n")),
        ("outside-ascii", "Its characters are ASCII.", format!("prf_\u{e9}{}", &zeros[6..])),
        ("hex-upper-case-prefix", "0X begins no hash.", hash.replace("0x", "0X")),
        ("hex-without-prefix", "Digits alone are no hash.", hash[2..].into()),
    ];
    for (name, comment, spelling) in bad_ids {
        let name = format!("hash-of-id-{name}");
        table.refuses(Code::ProofId, PROOF_HASH_OF, &name, comment, args([text(spelling)]));
    }
    let bad_hashes = [
        ("prefix-only", "0x is no hash.", "0x".into()),
        ("63-digits", "63 digits are too few.", hash[..65].to_string()),
        ("65-digits", "65 digits are too many.", format!("{hash}0")),
        ("66-digits", "33 bytes are too many.", format!("{hash}00")),
        ("upper-case", "Digits are lower case.", format!("0x{}", hash[2..].to_uppercase())),
        ("not-hex", "g is no digit.", format!("{}g", &hash[..65])),
        ("line-feed-behind", "No line feed stands behind it.", format!("{hash}\n")),
    ];
    for (name, comment, spelling) in bad_hashes {
        let name = format!("hash-of-hex-{name}");
        table.refuses(Code::Hash, PROOF_HASH_OF, &name, comment, args([text(spelling)]));
    }
}

/// The same of a text that is a document, or begins as one.
fn proof_hash_of_document(table: &mut Table) {
    let (open, blinded) = (document(RECORD, None), document(RECORD, Some(KEY)));
    let good = [
        ("open", "A document as it was minted gives its hash.", open.clone()),
        ("blinded", "So does a blinded one, without its blind.", blinded.clone()),
        ("reprinted", "However it is spelled.", with(&with(&open, ":", " : "), ",", "\n, ")),
        ("reprinted-blinded", "Blinded or not.", with(&blinded, ",", ", ")),
        ("reprinted-order", "In any order of its members.", reordered(&open)),
        (
            "reprinted-numbers",
            "With its integers in any spelling.",
            with(&with(&open, r#""size":23"#, r#""size":2.3e1"#), r#""v":1"#, r#""v":1.0"#),
        ),
        (
            "reprinted-escapes",
            "With its strings in any spelling.",
            with(&with(&open, r#""blake3""#, r#""\u0062lake3""#), r#""v""#, r#""\u0076""#),
        ),
        ("space-behind", "White space may stand behind it.", format!("{open} \n")),
        (
            "other-size",
            "The size is not checked: there is no record to check it by.",
            with(&open, r#""size":23"#, r#""size":16777216"#),
        ),
    ];
    for (name, comment, spelling) in good {
        let name = format!("hash-of-document-{name}");
        table.gives(PROOF_HASH_OF, &name, comment, args([text(spelling)]));
    }
    // What does not begin as an object is read as an id, and is none.
    let documents = malformed_documents().into_iter();
    for (name, comment, spelling) in documents.filter(|(_, _, text)| text.starts_with('{')) {
        let name = format!("hash-of-document-{name}");
        table.refuses(Code::ProofDocument, PROOF_HASH_OF, &name, comment, args([text(spelling)]));
    }
    let more = [
        ("brace-only", "A brace is no document.", "{".into()),
        ("surrogate", "Half a character is in none.", with(&open, "blake3", r"\udc00")),
        ("null-character", "Nor is U+0000.", with(&open, "blake3", r"blake3\u0000")),
        (
            "depth",
            "Nor is what is nested too deep.",
            with(&open, r#""blake3""#, &["[".repeat(129), "]".repeat(129)].concat()),
        ),
    ];
    for (name, comment, spelling) in more {
        let name = format!("hash-of-document-{name}");
        table.refuses(Code::ProofDocument, PROOF_HASH_OF, &name, comment, args([text(spelling)]));
    }
    let not_begun = [
        ("space-before", "Behind a space it is no document, and no id.", format!(" {open}")),
        ("bom-before", "Nor behind a byte order mark.", format!("\u{feff}{open}")),
        ("in-array", "Nor in an array.", format!("[{open}]")),
        ("id-in-quotes", "Nor is an id in quotes.", format!("\"{}\"", format_id(&record_hash()))),
    ];
    for (name, comment, spelling) in not_begun {
        let name = format!("hash-of-document-{name}");
        table.refuses(Code::ProofId, PROOF_HASH_OF, &name, comment, args([text(spelling)]));
    }
}

/// `document`, which is open, with its first member and its last in each other's place.
fn reordered(document: &str) -> String {
    let last = with(document, r#""v":1"#, r#""canon":"precise-jcs-1""#);
    with(&last, r#"{"canon":"precise-jcs-1""#, r#"{"v":1"#)
}

fn document(record: &str, key: Option<[u8; 32]>) -> String {
    let blind = key.map(|key| Blind::from_bytes(&key).expect("32 bytes are a blind"));
    let canonical = canonical::canonicalize(record.as_bytes()).expect("it is a record");
    ProofDocument::of(&canonical, blind.as_ref()).to_json()
}

/// `document` with `part` put in another's place, which must be there.
fn with(document: &str, part: &str, instead: &str) -> String {
    assert!(document.contains(part), "{part} is not in {document}");
    document.replace(part, instead)
}

fn verify(table: &mut Table) {
    let (open, blinded) = (document(RECORD, None), document(RECORD, Some(KEY)));
    let spaced = with(&with(&open, ":", " : "), ",", "\n, ");
    let size = r#""size":23"#;
    let two = |name: &'static str, comment: &'static str, record: &str, document: &str| {
        (name, comment, args([json(record), json(document)]))
    };
    let three = |name: &'static str, comment: &'static str, document: &str, key: [u8; 32]| {
        (name, comment, args([json(RECORD), json(document), bytes(key)]))
    };
    let answers = [
        two("verify", "True for the record's own document.", RECORD, &open),
        two(
            "verify-spelling",
            "However the record is spelled.",
            r#"{"id":"A/7","size":15e-1}"#,
            &open,
        ),
        two("verify-reprinted", "However the document is spelled.", RECORD, &spaced),
        two("verify-reprinted-order", "In any order of its members.", RECORD, &reordered(&open)),
        two(
            "verify-reprinted-numbers",
            "With its integers in any spelling.",
            RECORD,
            &with(&with(&open, size, r#""size":2.3e1"#), r#""v":1"#, r#""v":1.0"#),
        ),
        two(
            "verify-reprinted-escapes",
            "With its strings in any spelling.",
            RECORD,
            &with(&open, r#""blake3""#, r#""\u0062lake3""#),
        ),
        two("verify-other-record", "False for another record.", OTHER_RECORD, &open),
        two(
            "verify-other-size",
            "False for another size.",
            RECORD,
            &with(&open, size, r#""size":24"#),
        ),
        two(
            "verify-smallest-size",
            "False for a size of 1, which a canonical form can have.",
            RECORD,
            &with(&open, size, r#""size":1"#),
        ),
        two(
            "verify-largest-size",
            "False for a size of 16 MiB, which one can have too.",
            RECORD,
            &with(&open, size, r#""size":16777216"#),
        ),
        two(
            "verify-hash-of-blinded",
            "False for a document that hides that it is blinded.",
            RECORD,
            &with(&with(&blinded, r#""blinded":true,"#, ""), r#","v":1"#, r#","size":23,"v":1"#),
        ),
        three("verify-blinded", "True with the blind.", &blinded, KEY),
        three("verify-blinded-otherwise", "False with another blind.", &blinded, OTHER_KEY),
        three("verify-blind-not-needed", "False for an open document and a blind.", &open, KEY),
        (
            "verify-blinded-other-record",
            "False for another record with the blind.",
            args([json(OTHER_RECORD), json(&blinded), bytes(KEY)]),
        ),
    ];
    for (name, comment, input) in answers {
        table.gives(VERIFY, name, comment, input);
    }
}

/// What stands in the way of an answer, but for the document itself.
fn verify_refused(table: &mut Table) {
    let (open, blinded) = (document(RECORD, None), document(RECORD, Some(KEY)));
    let comment = "A blinded proof cannot be checked without its blind.";
    let input = args([json(RECORD), json(&blinded)]);
    table.refuses(Code::MissingBlind, VERIFY, "verify-blind-missing", comment, input);
    for (name, comment, blind) in WRONG_LENGTHS {
        let name = format!("verify-blind-{name}");
        let input = args([json(RECORD), json(&blinded), bytes(blind)]);
        table.refuses(Code::SecretLength, VERIFY, &name, comment, input);
    }
    for (code, name, comment, record) in BAD_RECORDS {
        let input = args([json(*record), json(&open)]);
        table.refuses(*code, VERIFY, &format!("verify-{name}"), comment, input);
    }
    let nulls = [
        ("verify-null-record", "A NULL record gives NULL.", args([Form::Null, json(&open)])),
        ("verify-null-document", "A NULL document gives NULL.", args([json(RECORD), Form::Null])),
        (
            "verify-null-blind",
            "A NULL blind gives NULL.",
            args([json(RECORD), json(&blinded), Form::Null]),
        ),
        ("verify-null-and-malformed", "Before any error.", args([Form::Null, json("{}")])),
    ];
    for (name, comment, input) in nulls {
        table.gives_null(VERIFY, name, comment, input);
    }
}

fn verify_malformed(table: &mut Table) {
    for (name, comment, document) in malformed_documents() {
        let name = format!("verify-document-{name}");
        let input = args([json(RECORD), json(document)]);
        table.refuses(Code::ProofDocument, VERIFY, &name, comment, input);
    }
    let comment = "A text that is not UTF-8 is no document.";
    let input = args([json(RECORD), Form::JsonHex(b"{\"\xff\":1}".to_vec())]);
    table.refuses(Code::ProofDocument, VERIFY, "verify-document-utf8", comment, input);
}

/// Documents that are none, each with its name and comment: a good one with one thing changed.
fn malformed_documents() -> Vec<(&'static str, &'static str, String)> {
    let open = document(RECORD, None);
    let blinded = document(RECORD, Some(KEY));
    let (id, hash) = (format_id(&record_hash()), hex::format_hash(&record_hash()));
    let size = r#","size":23"#;
    let proof_hash = format!("\"proof_hash\":\"{hash}\",");
    let proof_id = format!("\"proof_id\":\"{id}\",");
    let sized = |value: &str| with(&open, size, &format!(",\"size\":{value}"));
    vec![
        ("empty-object", "An empty object is no document.", "{}".into()),
        ("array", "Nor is an array.", "[]".into()),
        ("string", "Nor is a string, not even an id.", format!("\"{id}\"")),
        ("json-null", "Nor is JSON's null.", "null".into()),
        ("in-array", "Nor is a document in an array.", format!("[{open}]")),
        ("without-canon", "Each member is needed.", with(&open, r#""canon":"precise-jcs-1","#, "")),
        ("without-hash", "This one too.", with(&open, r#""hash":"blake3","#, "")),
        ("without-proof-hash", "This one too.", with(&open, &proof_hash, "")),
        ("without-proof-id", "This one too.", with(&open, &proof_id, "")),
        ("without-size", "This one too, unless it is blinded.", with(&open, size, "")),
        ("without-v", "This one too.", with(&open, r#","v":1"#, "")),
        ("unknown-member", "No other is known.", with(&open, r#","v":1"#, r#","v":1,"w":1"#)),
        ("member-upper-case", "Names are lower case.", with(&open, r#""v":1"#, r#""V":1"#)),
        ("canon-other", "There is one canonical form.", with(&open, "jcs-1", "jcs-2")),
        ("canon-null", "It is a string.", with(&open, r#""precise-jcs-1""#, "null")),
        ("hash-other", "There is one hash.", with(&open, "blake3", "sha256")),
        ("hash-upper-case", "In lower case.", with(&open, "blake3", "BLAKE3")),
        ("v-2", "There is one version.", with(&open, r#""v":1"#, r#""v":2"#)),
        ("v-string", "It is a number.", with(&open, r#""v":1"#, r#""v":"1""#)),
        ("v-fraction", "A whole one.", with(&open, r#""v":1"#, r#""v":1.5"#)),
        ("v-true", "And not a truth value.", with(&open, r#""v":1"#, r#""v":true"#)),
        ("proof-id-other", "The id spells the hash.", with(&open, &id, &format_id(&[0; 32]))),
        ("proof-id-malformed", "In its one spelling.", with(&open, &id, &id.to_uppercase())),
        (
            "proof-hash-other",
            "So the hash is the id's.",
            with(&open, &hash, &hex::format_hash(&[0; 32])),
        ),
        (
            "proof-hash-upper-case",
            "In lower case.",
            with(&open, &hash[2..], &hash[2..].to_uppercase()),
        ),
        ("proof-hash-without-prefix", "With 0x.", with(&open, "\"0x", "\"")),
        ("proof-hash-short", "With 64 digits.", with(&open, &hash, &hash[..64])),
        ("proof-hash-is-id", "As hex.", with(&open, &hash, &id)),
        ("size-negative", "A size is not negative.", sized("-1")),
        ("size-fraction", "It is whole.", sized("23.5")),
        ("size-string", "It is a number.", sized("\"23\"")),
        ("size-null", "It is not null.", sized("null")),
        ("size-2-53", "It is below 2^53.", sized("9007199254740992")),
        ("size-0", "No canonical form is empty.", sized("0")),
        ("size-over-16-mib", "None is larger than 16 MiB.", sized("16777217")),
        ("blinded-false", "blinded is true or left out.", with(&blinded, "true", "false")),
        ("blinded-one", "A number is not true.", with(&blinded, "true", "1")),
        (
            "blinded-with-size",
            "What is blinded has no size.",
            with(&blinded, r#","v""#, r#","size":23,"v""#),
        ),
        (
            "blinded-false-with-size",
            "Not even with a size.",
            with(&open, r#"{"canon""#, r#"{"blinded":false,"canon""#),
        ),
        ("syntax", "A text that is no JSON is no document.", with(&open, "{", "{,")),
        ("cut", "Nor is one that is cut.", open[..open.len() - 1].into()),
        ("empty-text", "Nor is the empty text.", String::new()),
        ("trailing", "Nor are two.", format!("{open}{open}")),
        ("duplicate-key", "Nor has it a member twice.", with(&open, r#""v":1"#, r#""v":1,"v":1"#)),
        ("number-precision", "Nor a number too long.", sized("9007199254740993")),
        ("number-range", "Nor one too large.", sized("1e400")),
    ]
}

fn blind(table: &mut Table) {
    let long = "record-".repeat(300);
    let rows = [
        ("blind", "The blind of a record.", KEY, "order-1"),
        ("blind-other-id", "Another id gives another blind.", KEY, "order-2"),
        ("blind-other-secret", "So does another secret.", OTHER_KEY, "order-1"),
        ("blind-zero-secret", "A secret of zeros is a secret.", [0; 32], "order-1"),
        ("blind-one-space", "A space is an id.", KEY, " "),
        ("blind-spaces", "Spaces in an id count.", KEY, " order-1 "),
        ("blind-case", "So does case.", KEY, "ORDER-1"),
        ("blind-nfc", "An id is UTF-8, composed as it came.", KEY, "caf\u{e9}"),
        ("blind-nfd", "Decomposed it is another id.", KEY, "cafe\u{301}"),
        ("blind-astral", "Characters of four bytes are four bytes.", KEY, "\u{1f600}"),
        ("blind-long-id", "An id may be longer than a chunk of BLAKE3.", KEY, long.as_str()),
    ];
    for (name, comment, secret, id) in rows {
        table.gives(BLIND, name, comment, args([bytes(secret), text(id)]));
    }
    let comment = "An id that is missing would be shared by all records without one.";
    table.refuses(Code::RecordId, BLIND, "blind-empty-id", comment, args([bytes(KEY), text("")]));
    let nulls = [
        ("blind-null-secret", "A NULL secret gives NULL.", args([Form::Null, text("order-1")])),
        ("blind-null-id", "A NULL id gives NULL.", args([bytes(KEY), Form::Null])),
        ("blind-null-both", "So do both.", args([Form::Null, Form::Null])),
        ("blind-null-and-wrong-secret", "Before any error.", args([bytes([1]), Form::Null])),
    ];
    for (name, comment, input) in nulls {
        table.gives_null(BLIND, name, comment, input);
    }
    for (name, comment, secret) in WRONG_LENGTHS {
        let name = format!("blind-secret-{name}");
        let input = args([bytes(secret), text("order-1")]);
        table.refuses(Code::SecretLength, BLIND, &name, comment, input);
    }
}
