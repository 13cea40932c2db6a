//! The calls of `tests/vectors/receipts.json`: receipts, void documents, status. What these are
//! made of, the operations of `log.json` pin.

use conformance::{Form, Input};
use precise_core::Code;
use precise_core::proof::Blind;
use precise_core::receipt::StatusReceipt;
use precise_core::status::StatusMap;

use super::log::{RECORD, log_proof_of, policy_of, receipt_of, status_log, status_of};
use super::{Call, Table, args, bytes, json, text};

const VERIFY_RECEIPT: &str = "precise_verify_receipt";
const VERIFY_STATUS: &str = "precise_verify_status";
const VOID_DOCUMENT: &str = "precise_void_document";

/// When the status of the vectors is of, when a witness saw it, and some time behind both.
const AT: &str = "2026-11-22T20:00:00Z";
const SEEN: &str = "2026-11-22T20:01:40Z";
const NOW: &str = "2026-11-22T20:03:20Z";

pub(super) fn calls() -> Vec<Call> {
    let mut table = Table::new();
    verify_receipt(&mut table);
    evidence(&mut table);
    void_document(&mut table);
    verify_status(&mut table);
    table.calls
}

/// What is asked, with further members behind the time.
fn asked(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!("{{\"now\":\"{NOW}\"{comma}{members}}}")
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn verify_receipt(table: &mut Table) {
    const HOLDS: &str = "\"failed\":null";
    let plain = receipt_of(None, str::to_owned);
    let (whole, hash) = (plain.to_json(), plain.proof_hash);
    let blind = Blind::from_bytes(&[5; 32]).expect("it has 32 bytes");
    let blinded = receipt_of(Some(&blind), str::to_owned).to_json();
    let policy = policy_of("quorum w1\n");
    let ask = |record: &str, receipt: &str, policy: &str, members: &str| {
        args([json(record), json(receipt), text(policy), json(asked(members))])
    };
    let with = |members: &str| ask(RECORD, &whole, &policy, members);
    let of = |receipt: &str| ask(RECORD, receipt, &policy, "");
    let status = |void: &[[u8; 32]], index| format!("\"status\":{}", status_of(&hash, void, index));
    let blind_of = |byte: &str| format!("\"blind\":\"0x{}\"", byte.repeat(32));
    let good = status(&[[1; 32], [2; 32]], 2);
    let no_policy = "trust all\n";
    let no_quorum = policy_of("quorum none\n");
    let other_entry = whole.replace("20:00:00Z", "21:00:00Z");
    let cases: Vec<(&str, &str, &str, Input)> = vec![
        ("holds", "It holds.", HOLDS, with("")),
        (
            "holds-spelled-otherwise",
            "In any spelling.",
            HOLDS,
            ask("{\"id\":\"7\",\"size\":15e-1}", &whole.replace(",\"", " ,\n\""), &policy, ""),
        ),
        (
            "holds-blinded",
            "With its blind.",
            HOLDS,
            ask(RECORD, &blinded, &policy, &blind_of("05")),
        ),
        ("holds-of-kind", "Of the kind asked for.", HOLDS, with("\"kind\":\"records\"")),
        ("holds-unseen", "Nobody need see it.", HOLDS, ask(RECORD, &whole, &no_quorum, "")),
        ("holds-not-void", "And is not void.", HOLDS, with(&good)),
        (
            "holds-at-its-age",
            "Of the age asked for.",
            HOLDS,
            with(&format!("\"max_age\":200,{good}")),
        ),
        ("record-malformed", "No record.", "\"failed\":\"record\"", ask("{", &whole, &policy, "")),
        (
            "record-twice",
            "A key stands twice.",
            "\"failed\":\"record\"",
            ask("{\"id\":\"7\",\"id\":\"7\"}", &whole, &policy, ""),
        ),
        ("proof-other", "Another record.", "\"failed\":\"proof\"", ask("{}", &whole, &policy, "")),
        ("proof-malformed", "No receipt.", "\"failed\":\"proof\"", of("{}")),
        ("proof-no-json", "Not even JSON.", "\"failed\":\"proof\"", of("receipt")),
        ("proof-null", "JSON's null is no receipt.", "\"failed\":\"proof\"", of("null")),
        ("proof-no-blind", "The blind is missing.", "\"failed\":\"proof\"", of(&blinded)),
        (
            "proof-other-blind",
            "Another blind.",
            "\"failed\":\"proof\"",
            ask(RECORD, &blinded, &policy, &blind_of("06")),
        ),
        ("proof-not-blinded", "No blind.", "\"failed\":\"proof\"", with(&blind_of("05"))),
        (
            "batch-other",
            "Another path.",
            "\"failed\":\"batch\"",
            of(&whole.replace("[\"0x3", "[\"0x4")),
        ),
        (
            "batch-count",
            "Another count.",
            "\"failed\":\"batch\"",
            of(&whole.replace("\\\"count\\\":3", "\\\"count\\\":4")),
        ),
        (
            "entry-malformed",
            "No entry.",
            "\"failed\":\"entry\"",
            of(&whole.replace("{\\\"batch", "{ \\\"batch")),
        ),
        ("entry-kind", "Another kind.", "\"failed\":\"entry\"", with("\"kind\":\"audience\"")),
        (
            "entry-no-batch",
            "A kind that is of no batch.",
            "\"failed\":\"entry\"",
            with("\"kind\":\"status\""),
        ),
        ("log-other", "The log has another entry.", "\"failed\":\"log\"", of(&other_entry)),
        (
            "log-index",
            "Another number.",
            "\"failed\":\"log\"",
            of(&whole.replace("index 1", "index 2")),
        ),
        (
            "log-malformed",
            "No log proof.",
            "\"failed\":\"log\"",
            of(&whole.replace("index 1", "index 01")),
        ),
        (
            "checkpoint-malformed",
            "No checkpoint.",
            "\"failed\":\"checkpoint\"",
            of(&whole.replace("\u{2014} example", "- example")),
        ),
        (
            "checkpoint-forged",
            "Another signature.",
            "\"failed\":\"checkpoint\"",
            of(&whole.replace("\u{2014} example.com/log m+XT", "\u{2014} example.com/log m+XU")),
        ),
        (
            "checkpoint-unseen",
            "Others saw it.",
            "\"failed\":\"checkpoint\"",
            ask(RECORD, &whole, &policy_of("quorum w2\n"), ""),
        ),
        (
            "checkpoint-no-policy",
            "A policy that is none vouches for nobody.",
            "\"failed\":\"checkpoint\"",
            ask(RECORD, &whole, no_policy, ""),
        ),
        (
            "checkpoint-empty-policy",
            "Nor does an empty one.",
            "\"failed\":\"checkpoint\"",
            ask(RECORD, &whole, "", ""),
        ),
        ("status-void", "It is void.", "\"failed\":\"status\"", with(&status(&[hash], 2))),
        (
            "status-stale",
            "It is old.",
            "\"failed\":\"status\"",
            with(&format!("\"max_age\":199,{good}")),
        ),
        ("status-not-last", "Not the last.", "\"failed\":\"status\"", with(&status(&[], 1))),
        ("status-malformed", "No status.", "\"failed\":\"status\"", with("\"status\":{}")),
        ("status-null", "Nor is null.", "\"failed\":\"status\"", with("\"status\":null")),
    ];
    for (name, comment, said, input) in cases {
        table.judges(said, VERIFY_RECEIPT, &format!("receipt-{name}"), comment, input);
    }
    for (name, at) in [("record", 0), ("receipt", 1), ("policy", 2), ("evidence", 3)] {
        let mut row = vec![json(RECORD), json(&whole), text(&policy), json(asked(""))];
        row[at] = Form::Null;
        let name = format!("receipt-{name}-null");
        table.gives_null(VERIFY_RECEIPT, &name, "NULL gives NULL.", Input::Row(row));
    }
}

fn evidence(table: &mut Table) {
    let ask = |evidence: &str| args([json("{}"), json("{}"), text(""), json(evidence)]);
    for (name, comment, evidence) in [
        ("no-json", "It is JSON.", "now".to_owned()),
        ("array", "An object.", "[]".into()),
        ("no-time", "It has a time.", "{}".into()),
        ("date", "To the second.", "{\"now\":\"2026-11-22\"}".into()),
        ("zone", "Of UTC.", "{\"now\":\"2026-11-22T20:00:00+00:00\"}".into()),
        ("no-day", "A day that was.", "{\"now\":\"2026-02-29T20:00:00Z\"}".into()),
        ("seconds", "As text.", "{\"now\":1795377600}".into()),
        ("age", "An age is not below 0.", asked("\"max_age\":-1")),
        ("large-age", "Nor above 2^53 - 1.", asked("\"max_age\":9007199254740992")),
        ("text-age", "And a number.", asked("\"max_age\":\"1\"")),
        ("kind", "A kind is a name.", asked("\"kind\":1")),
        ("blind", "A blind is 32 bytes.", asked("\"blind\":\"0x05\"")),
        ("null-blind", "What is not there is left out.", asked("\"blind\":null")),
        ("unknown", "Other members are not passed over.", asked("\"maxage\":1")),
    ] {
        let name = format!("evidence-{name}");
        table.refuses(Code::Evidence, VERIFY_RECEIPT, &name, comment, ask(&evidence));
    }
}

fn void_document(table: &mut Table) {
    let ask = |hash: &[u8], reason: &str, at: &str, salt: &[u8]| {
        args([bytes(hash), text(reason), text(at), bytes(salt)])
    };
    for reason in ["correction", "erasure", "opt_out"] {
        let name = format!("void-{}", reason.replace('_', "-"));
        let input = ask(&[1; 32], reason, AT, &[2; 32]);
        table.gives(VOID_DOCUMENT, &name, "The document for each reason.", input);
    }
    let first = ask(&[1; 32], "erasure", "0001-01-01T00:00:00Z", &[2; 32]);
    table.gives(VOID_DOCUMENT, "void-first-second", "The first second there is.", first);
    let last = ask(&[1; 32], "erasure", "9999-12-31T23:59:59Z", &[2; 32]);
    table.gives(VOID_DOCUMENT, "void-last-second", "And the last.", last);
    for (name, comment, reason, at) in [
        ("other-reason", "Reasons are known.", "regret", AT),
        ("no-reason", "And there is one.", "", AT),
        ("upper-case", "In lower case.", "Erasure", AT),
        ("date", "A time has seconds.", "erasure", "2026-11-22"),
        ("fraction", "Whole ones.", "erasure", "2026-11-22T20:00:00.0Z"),
        ("zone", "Of UTC.", "erasure", "2026-11-22T20:00:00"),
        ("leap-second", "Of which each minute has 60.", "erasure", "2016-12-31T23:59:60Z"),
    ] {
        let input = ask(&[1; 32], reason, at, &[2; 32]);
        table.refuses(Code::VoidDocument, VOID_DOCUMENT, &format!("void-{name}"), comment, input);
    }
    let short = ask(&[1; 31], "erasure", AT, &[2; 32]);
    table.refuses(Code::Hash, VOID_DOCUMENT, "void-short-hash", "A hash is 32 bytes.", short);
    let short = ask(&[1; 32], "erasure", AT, &[2; 33]);
    table.refuses(Code::Hash, VOID_DOCUMENT, "void-long-salt", "So is a salt.", short);
    for (name, at) in [("hash", 0), ("reason", 1), ("time", 2), ("salt", 3)] {
        let mut row = vec![bytes([1; 32]), text("erasure"), text(AT), bytes([2; 32])];
        row[at] = Form::Null;
        let name = format!("void-{name}-null");
        table.gives_null(VOID_DOCUMENT, &name, "NULL gives NULL.", Input::Row(row));
    }
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
fn verify_status(table: &mut Table) {
    const GOOD: &str =
        "\"fresh\":true,\"origin\":\"example.com/log\",\"verdict\":true,\"void\":false";
    const VOID: &str =
        "\"fresh\":true,\"origin\":\"example.com/log\",\"verdict\":false,\"void\":true";
    const STALE: &str =
        "\"fresh\":false,\"origin\":\"example.com/log\",\"verdict\":false,\"void\":false";
    const ELSEWHERE: &str =
        "\"fresh\":true,\"origin\":\"example.com/log\",\"verdict\":false,\"void\":null";
    const NOTHING: &str = "\"fresh\":null,\"origin\":null,\"verdict\":false,\"void\":null";
    let hash = [7; 32];
    let good = status_of(&hash, &[[1; 32], [2; 32]], 2);
    let policy = policy_of("quorum w1\n");
    let unseen = policy_of("quorum none\n");
    let ask = |status: &str, policy: &str, now: &str| {
        args([bytes(hash), json(status), text(policy), text(now)])
    };
    let aged =
        |age: i64| args([bytes(hash), json(&good), text(&policy), text(NOW), Form::Integer(age)]);
    let of = |status: &str| ask(status, &policy, NOW);
    let records = receipt_of(None, str::to_owned).entry;
    let of_records = StatusReceipt {
        tlog_proof: log_proof_of(&status_log(), &records, 2, 3),
        entry: records,
        proof: StatusMap::default().prove(&hash),
    };
    let plain = receipt_of(None, str::to_owned);
    let of_log =
        StatusReceipt { tlog_proof: plain.tlog_proof, entry: plain.entry, ..of_records.clone() };
    let cases: Vec<(&str, &str, &str, Input)> = vec![
        ("good", "It is not void.", GOOD, of(&good)),
        ("good-spelled-otherwise", "In any spelling.", GOOD, of(&good.replace(",\"", " ,\n\""))),
        ("good-nothing-void", "Nothing is.", GOOD, of(&status_of(&hash, &[], 2))),
        ("good-unseen", "Nobody need see it.", GOOD, ask(&good, &unseen, NOW)),
        ("void", "It is void.", VOID, of(&status_of(&hash, &[[1; 32], hash], 2))),
        ("at-its-age", "Of the age asked for.", GOOD, aged(200)),
        ("stale", "A second older.", STALE, aged(199)),
        ("no-age", "Of no age.", STALE, aged(0)),
        ("any-age", "Of any age.", GOOD, aged(i64::MAX)),
        (
            "a-day",
            "A day, unless told otherwise.",
            GOOD,
            ask(&good, &policy, "2026-11-23T20:00:00Z"),
        ),
        ("over-a-day", "And no more.", STALE, ask(&good, &policy, "2026-11-23T20:00:01Z")),
        ("early", "Nor a day before.", GOOD, ask(&good, &policy, "2026-11-21T20:01:40Z")),
        (
            "seen-late",
            "Nor was it seen a day later.",
            STALE,
            ask(&good, &policy, "2026-11-21T20:01:39Z"),
        ),
        (
            "unseen-late",
            "Where nobody need see it, its own time alone counts.",
            GOOD,
            ask(&good, &unseen, "2026-11-21T20:00:00Z"),
        ),
        (
            "elsewhere",
            "What is of another place shows nothing.",
            ELSEWHERE,
            of(&status_of(&[1; 32], &[hash, [1; 32]], 2)),
        ),
        ("not-last", "It is not the last.", NOTHING, of(&status_of(&hash, &[], 1))),
        ("of-records", "An entry of records.", NOTHING, of(&of_records.to_json())),
        ("of-no-status-log", "Of no status log.", NOTHING, of(&of_log.to_json())),
        (
            "forged",
            "Another signature.",
            NOTHING,
            of(&good.replace("log/status 2lft", "log/status 2lfu")),
        ),
        ("unseen", "Others saw it.", NOTHING, ask(&good, &policy_of("quorum w2\n"), NOW)),
        ("other-entry", "The log has another.", NOTHING, of(&good.replace("20:00:00", "20:00:01"))),
        ("malformed", "No status receipt.", NOTHING, of("{}")),
        ("no-json", "Not even JSON.", NOTHING, of("status")),
        ("no-policy", "A policy that is none.", NOTHING, ask(&good, "trust all\n", NOW)),
    ];
    for (name, comment, said, input) in cases {
        table.judges(said, VERIFY_STATUS, &format!("status-{name}"), comment, input);
    }
    for (name, comment, now) in [
        ("no-time", "There is a time.", ""),
        ("date", "It has seconds.", "2026-11-22"),
        ("zone", "Of UTC.", "2026-11-22 20:00:00"),
        ("year", "Of the years 0001 to 9999.", "0000-11-22T20:00:00Z"),
    ] {
        let name = format!("status-{name}");
        table.refuses(Code::Evidence, VERIFY_STATUS, &name, comment, ask(&good, &policy, now));
    }
    let input = aged(-1);
    table.refuses(Code::Evidence, VERIFY_STATUS, "status-age", "No age is below 0.", input);
    let short = args([bytes([7; 31]), json(&good), text(&policy), text(SEEN)]);
    table.refuses(Code::Hash, VERIFY_STATUS, "status-short-hash", "A hash is 32 bytes.", short);
    for (name, at) in [("hash", 0), ("receipt", 1), ("policy", 2), ("now", 3), ("max-age", 4)] {
        let mut row =
            vec![bytes(hash), json(&good), text(&policy), text(NOW), Form::Integer(86_400)];
        row[at] = Form::Null;
        let name = format!("status-{name}-null");
        table.gives_null(VERIFY_STATUS, &name, "NULL gives NULL.", Input::Row(row));
    }
}
