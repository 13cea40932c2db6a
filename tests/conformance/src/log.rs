//! The vectors of `tests/vectors/log.json`: what a log is made of, one operation each. No SQL
//! function does that, so they are no calls and no family of the others.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;

use precise_core::entry::Entry;
use precise_core::merkle::{RootBuilder, parse_roots};
use precise_core::note::{Checkpoint, Note, Signer, VerifierKey};
use precise_core::policy::Policy;
use precise_core::proof::Blind;
use precise_core::receipt::Receipt;
use precise_core::status::{Standing, StatusMap, StatusProof, VoidDocument};
use precise_core::tlog::{self, LogProof};
use precise_core::value::Value;
use precise_core::verify::{self, ReceiptRequest, StatusRequest};
use precise_core::{Hash, Result as CoreResult, hex};
use serde_json::Value as Json;

use crate::vector::{Expected, Form, Members, folder, list, list_of, parse_expected, quoted};

/// The file's name without `.json`; every id begins with it.
pub const LOG: &str = "log";

/// One operation, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVector {
    /// `log/entry-of-records`
    pub id: String,
    /// What it pins, in a sentence.
    pub comment: String,
    /// One of those that [`operate`] knows.
    pub operation: String,
    /// With what.
    pub args: Vec<Form>,
    /// What comes of it.
    pub expected: Expected,
}

/// What the core says to an operation of these arguments; none if there is no such operation.
pub fn operate(operation: &str, args: &[Form]) -> Option<CoreResult<Form>> {
    let values: Vec<Value<'_>> = args.iter().map(Form::value).collect();
    let (_, run) = OPERATIONS.iter().find(|(name, _)| *name == operation)?;
    run(&values)
}

/// None: the operation does not take these arguments.
type Run = fn(&[Value<'_>]) -> Option<CoreResult<Form>>;

const OPERATIONS: &[(&str, Run)] = &[
    ("checkpoint", |args| {
        let [Value::Text(text)] = args else { return None };
        Some(Checkpoint::parse(text).map(|checkpoint| {
            let Checkpoint { origin, size, root, .. } = checkpoint;
            Form::Text(format!("{origin}\n{size}\n{}", hex::format_hash(&root)))
        }))
    }),
    ("consistency_path", |args| {
        let [Value::Integer(old_size), Value::Integer(size)] = args else { return None };
        let (old_size, size) = (*old_size as u64, *size as u64);
        let Ok(path) = tlog::prove_consistency(old_size, size, read_counted);
        Some(Ok(root_and_path(size, &path)))
    }),
    ("entry", |args| {
        let [text] = args else { return None };
        let text = bytes_of(text)?;
        Some(Entry::parse(text).and_then(|entry| {
            let identity = hex::format_hash(&entry.identity()?);
            Ok(Form::Text(format!("{identity}\n{}", hex::format_hash(&tlog::leaf(text)))))
        }))
    }),
    ("inclusion_path", |args| {
        let [Value::Integer(index), Value::Integer(size)] = args else { return None };
        let (index, size) = (*index as u64, *size as u64);
        let Ok(path) = tlog::prove_inclusion(index, size, read_counted);
        Some(Ok(root_and_path(size, &path)))
    }),
    ("is_consistent", |args| {
        let [
            Value::Integer(old_size),
            Value::Bytes(old_root),
            Value::Integer(size),
            Value::Bytes(root),
            Value::Json(path),
        ] = args
        else {
            return None;
        };
        let (old_root, root) =
            (hex::hash_from_bytes(old_root).ok()?, hex::hash_from_bytes(root).ok()?);
        Some(parse_roots(path).map(|path| {
            let (old_size, size) = (*old_size as u64, *size as u64);
            Form::Boolean(tlog::is_consistent(old_size, &old_root, size, &root, &path))
        }))
    }),
    ("log_proof", |args| {
        let [Value::Text(proof), entry, Value::Integer(size), Value::Bytes(root)] = args else {
            return None;
        };
        let (entry, root) = (bytes_of(entry)?, hex::hash_from_bytes(root).ok()?);
        let size = *size as u64;
        Some(LogProof::parse(proof).map(|proof| Form::Boolean(proof.leads_to(entry, size, &root))))
    }),
    ("open_note", |args| {
        let [note, Value::Text(keys)] = args else { return None };
        let keys: CoreResult<Vec<VerifierKey>> = keys.lines().map(VerifierKey::parse).collect();
        Some(open_note(bytes_of(note)?, &keys.ok()?))
    }),
    ("policy", |args| {
        let [Value::Text(policy), Value::Text(note)] = args else { return None };
        Some(Policy::parse(policy).and_then(|policy| policy.open(note)).map(|vouched| {
            let Checkpoint { origin, size, .. } = vouched.checkpoint;
            let seen = vouched.seen.map_or("none".into(), |seen| seen.to_string());
            Form::Text(format!("{origin}\n{size}\n{seen}"))
        }))
    }),
    ("prove_status", |args| {
        let [Value::Json(pairs), Value::Bytes(proof_hash)] = args else { return None };
        let proof_hash = hex::hash_from_bytes(proof_hash).ok()?;
        Some(Ok(Form::Json(status_map(pairs)?.prove(&proof_hash).to_json())))
    }),
    ("receipt", |args| {
        let [Value::Json(receipt)] = args else { return None };
        Some(Receipt::parse(receipt).map(|receipt| Form::Json(receipt.to_json())))
    }),
    ("sign", |args| {
        let [Value::Text(key), Value::Text(text), Value::Integer(time)] = args else {
            return None;
        };
        let signer = Signer::parse(key).ok()?;
        Some(
            signer
                .sign(text, *time as u64)
                .and_then(|signature| Ok(Form::Text(Note::new(text, vec![signature])?.to_text()))),
        )
    }),
    ("signing_key", |args| {
        let [Value::Text(key)] = args else { return None };
        Some(Signer::parse(key).map(|signer| Form::Text(signer.verifier_key().to_text())))
    }),
    ("status_root", |args| {
        let [Value::Json(pairs)] = args else { return None };
        Some(Ok(Form::Text(hex::format_hash(&status_map(pairs)?.root()))))
    }),
    ("verifier_key", |args| {
        let [Value::Text(key)] = args else { return None };
        Some(
            VerifierKey::parse(key)
                .map(|key| Form::Text(format!("{:08x}", u32::from_be_bytes(key.id())))),
        )
    }),
    ("verify_receipt", |args| verify_receipt(args).map(|failed| Ok(Form::Text(failed)))),
    ("verify_status", |args| {
        let [Value::Json(proof), Value::Bytes(proof_hash), Value::Bytes(root)] = args else {
            return None;
        };
        let (proof_hash, root) =
            (hex::hash_from_bytes(proof_hash).ok()?, hex::hash_from_bytes(root).ok()?);
        Some(StatusProof::parse(proof).map(|proof| {
            Form::Text(match proof.standing(&proof_hash, &root) {
                None => "no".into(),
                Some(Standing::Good) => "good".into(),
                Some(Standing::Void(value)) => format!("void {}", hex::format_hash(&value)),
            })
        }))
    }),
    ("void_document", |args| {
        let [Value::Json(document)] = args else { return None };
        Some(
            VoidDocument::parse(document)
                .map(|document| Form::Text(hex::format_hash(&document.value()))),
        )
    }),
];

/// The step that fails, or `none`.
fn verify_receipt(args: &[Value<'_>]) -> Option<String> {
    let [record, blind, receipt, Value::Text(policy), kind, status, now, max_age] = args else {
        return None;
    };
    let (Value::Integer(now), Value::Integer(max_age)) = (now, max_age) else { return None };
    let blind = match blind {
        Value::Bytes(blind) => Some(Blind::from_bytes(blind).ok()?),
        _ => None,
    };
    let kind = match kind {
        Value::Text(kind) => Some(&**kind),
        _ => None,
    };
    let status = match status {
        Value::Json(receipt) => {
            Some(StatusRequest { receipt, now: *now, max_age: *max_age as u64 })
        }
        _ => None,
    };
    let verdict = verify::verify_receipt(&ReceiptRequest {
        record: bytes_of(record)?,
        blind: blind.as_ref(),
        receipt: bytes_of(receipt)?,
        policy: policy.as_bytes(),
        kind,
        status,
    });
    Some(verdict.failed().unwrap_or("none").into())
}

/// `[["0x…","0x…"],…]`: proof hashes and values.
fn status_map(pairs: &[u8]) -> Option<StatusMap> {
    let pairs: Vec<[String; 2]> = serde_json::from_slice(pairs).ok()?;
    let mut map = StatusMap::default();
    for [proof_hash, value] in pairs {
        map.insert(hex::parse_hash(&proof_hash).ok()?, hex::parse_hash(&value).ok()?);
    }
    Some(map)
}

/// A text, or bytes where it is none.
fn bytes_of<'a>(value: &'a Value<'_>) -> Option<&'a [u8]> {
    match value {
        Value::Bytes(bytes) | Value::Json(bytes) => Some(bytes),
        Value::Text(text) => Some(text.as_bytes()),
        Value::Boolean(_)
        | Value::Decimal(_)
        | Value::Float(_)
        | Value::Integer(_)
        | Value::Null => None,
    }
}

fn open_note(note: &[u8], keys: &[VerifierKey]) -> CoreResult<Form> {
    let note = Note::parse(note)?;
    let lines = note.open(keys)?.into_iter().map(|opened| match opened.time {
        None => opened.key.name().to_owned(),
        Some(time) => format!("{} {time}", opened.key.name()),
    });
    Ok(Form::Text(lines.collect::<Vec<_>>().join("\n")))
}

/// The root of a complete subtree of the log whose entry i is i in decimal digits.
#[allow(clippy::unnecessary_wraps, reason = "a log that is stored can fail to be read")]
fn read_counted(height: u32, number: u64) -> Result<Hash, Infallible> {
    let mut builder = RootBuilder::default();
    for i in number << height..(number + 1) << height {
        builder.push_node(tlog::leaf(i.to_string().as_bytes()));
    }
    Ok(builder.finish().unwrap_or_else(tlog::empty_root))
}

fn root_and_path(size: u64, path: &[Hash]) -> Form {
    let Ok(root) = tlog::root(size, read_counted);
    let hashes: Vec<String> =
        [root].iter().chain(path).map(|hash| format!("\"{}\"", hex::format_hash(hash))).collect();
    Form::Text(format!("[{}]", hashes.join(",")))
}

/// Every vector of the file.
pub fn log_vectors() -> Result<Vec<LogVector>, String> {
    let path = folder().join(LOG).with_extension("json");
    let text = fs::read_to_string(&path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    parse(&text).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn parse(text: &str) -> Result<Vec<LogVector>, String> {
    let file: Json = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
    let mut members = Members::of(file)?;
    members.take_string("_comment")?;
    let vectors = list(members.take("vectors")?, LogVector::parse)?;
    members.finish()?;
    let mut ids = BTreeSet::new();
    if let Some(vector) = vectors.iter().find(|vector| !ids.insert(&vector.id)) {
        return Err(format!("{}: this id is used twice", vector.id));
    }
    if vectors.is_empty() { Err("no vector was found".into()) } else { Ok(vectors) }
}

/// The text of the file: one vector a line, all of it ASCII.
pub fn log_vectors_to_text(comment: &str, vectors: &[LogVector]) -> String {
    let lines: Vec<String> = vectors.iter().map(LogVector::to_line).collect();
    let (comment, lines) = (quoted(comment), lines.join(",\n    "));
    format!("{{\n  \"_comment\": {comment},\n  \"vectors\": [\n    {lines}\n  ]\n}}\n")
}

impl LogVector {
    fn parse(json: Json) -> Result<Self, String> {
        let mut members = Members::of(json)?;
        let (id, comment) = (members.take_string("id")?, members.take_string("comment")?);
        let operation = members.take_string("operation")?;
        if !OPERATIONS.iter().any(|(name, _)| *name == operation) {
            return Err(format!("{id}: there is no operation {operation}"));
        }
        let args = list(members.take("args")?, Form::parse)?;
        let expected = parse_expected(&mut members)?;
        members.finish()?;
        Ok(Self { id, comment, operation, args, expected })
    }

    fn to_line(&self) -> String {
        format!(
            "{{\"id\": {}, \"comment\": {}, \"operation\": {}, \"args\": {}, {}}}",
            quoted(&self.id),
            quoted(&self.comment),
            quoted(&self.operation),
            list_of(&self.args),
            self.expected.to_member()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_written_as_it_is() {
        let vectors = log_vectors().unwrap();
        let path = folder().join(LOG).with_extension("json");
        let text = fs::read_to_string(path).unwrap();
        let comment: Json = serde_json::from_str(&text).unwrap();
        assert!(log_vectors_to_text(comment["_comment"].as_str().unwrap(), &vectors) == text);
        for wrong in ["{}", "[]", "{\"_comment\":\"\",\"vectors\":[]}"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let unknown = text.replacen("\"operation\": ", "\"l\": 1, \"operation\": ", 1);
        assert_eq!(parse(&unknown).unwrap_err(), "unknown member l");
        let other = text.replacen("\"operation\": \"", "\"operation\": \"no_", 1);
        assert!(parse(&other).unwrap_err().contains("there is no operation no_"));
    }

    #[test]
    fn what_an_operation_does_not_take_is_no_call() {
        for (name, _) in OPERATIONS {
            assert_eq!(operate(name, &[]), None, "{name}");
            assert_eq!(operate(name, &[Form::Null]), None, "{name}");
        }
        assert_eq!(operate("nothing", &[]), None);
    }
}
