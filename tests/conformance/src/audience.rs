//! The vectors of `tests/vectors/audience.json`: some records and a threshold in, a document or a
//! refusal out. No SQL function does that, so they are no calls and no family of the others.

use std::fs;

use std::sync::Arc;

use precise_core::canonical::canonicalize;
use precise_core::cohort::{Census, MEMBER_FIELD, SeatReader};
use precise_core::field::FieldPath;
use precise_core::merkle::{Batch, part_index};
use precise_core::proof::{self, format_id};
use precise_core::ruleset::Ruleset;
use precise_core::{Code, Hash, Result as CoreResult};
use serde_json::Value as Json;

use crate::vector::{Members, folder, list, quoted};

/// The file's name without `.json`; every id begins with it.
pub const AUDIENCE: &str = "audience";

/// One audience, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudienceVector {
    /// `audience/zip-codes-become-wider`
    pub id: String,
    /// What it pins, in a sentence.
    pub comment: String,
    /// The members a cohort must have.
    pub k: u64,
    /// The rule set, a JSON text, that says which cohorts records are in; none: they do.
    pub ruleset: Option<String>,
    /// The records, JSON texts. Those that are refused are not in the audience.
    pub records: Vec<String>,
    /// What comes of it.
    pub expected: Result<Audience, Code>,
}

/// What an audience that may be released says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// The document, in JCS form.
    pub document: String,
    /// The id of its proof.
    pub proof_id: String,
    /// The cohorts it may name, sorted.
    pub cohort_ids: Vec<String>,
}

impl Audience {
    /// The audience of these records, all in memory, in parts of at most `part_limit`.
    ///
    /// Errors: PR501, PR502, PR503, PR504, PR505, PR904.
    pub fn of<T: AsRef<[u8]>>(
        records: &[T],
        ruleset: Option<&str>,
        k: u64,
        part_limit: usize,
    ) -> CoreResult<Self> {
        let ruleset = ruleset.map(|text| Ruleset::parse(text.as_bytes())).transpose()?;
        let ruleset_hash = ruleset.as_ref().map(|ruleset| *ruleset.hash());
        let member = FieldPath::parse(MEMBER_FIELD)?;
        let mut seats = SeatReader::new(ruleset.map(Arc::new), &member, None);
        let mut census = Census::default();
        let mut hashes = Vec::new();
        for record in records {
            if let Ok(canonical) = canonicalize(record.as_ref()) {
                let hash = proof::hash(&canonical, None);
                census.push(&seats.read(&canonical)?, &hash)?;
                hashes.push(hash);
            }
        }
        let release = census.release(k)?;
        let batch = Batch::new(hashes)?;
        let bits = batch.part_bits(part_limit)?;
        let same_cell = |a: &Hash, b: &Hash| part_index(a, bits) == part_index(b, bits);
        let roots: Vec<Hash> = batch
            .hashes()
            .chunk_by(same_cell)
            .map(|cell| Ok(Batch::new(cell.to_vec())?.root()))
            .collect::<CoreResult<_>>()?;
        let count = batch.hashes().len() as u64;
        let document = release.document(&roots, count, ruleset_hash.as_ref());
        Ok(Self {
            proof_id: format_id(&proof::hash(document.as_bytes(), None)),
            document,
            cohort_ids: release.cohorts().iter().map(|cohort| cohort.id.to_string()).collect(),
        })
    }
}

/// Every vector of the file.
pub fn audiences() -> Result<Vec<AudienceVector>, String> {
    let path = folder().join(AUDIENCE).with_extension("json");
    let text = fs::read_to_string(&path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    parse(&text).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn parse(text: &str) -> Result<Vec<AudienceVector>, String> {
    let file: Json = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
    let mut members = Members::of(file)?;
    members.take_string("_comment")?;
    let vectors = list(members.take("vectors")?, AudienceVector::parse)?;
    members.finish()?;
    if vectors.is_empty() { Err("no vector was found".into()) } else { Ok(vectors) }
}

/// The text of the file: one vector a line, all of it ASCII.
pub fn audiences_to_text(comment: &str, vectors: &[AudienceVector]) -> String {
    let lines: Vec<String> = vectors.iter().map(AudienceVector::to_line).collect();
    let (comment, lines) = (quoted(comment), lines.join(",\n    "));
    format!("{{\n  \"_comment\": {comment},\n  \"vectors\": [\n    {lines}\n  ]\n}}\n")
}

impl AudienceVector {
    fn parse(json: Json) -> Result<Self, String> {
        let mut members = Members::of(json)?;
        let (id, comment) = (members.take_string("id")?, members.take_string("comment")?);
        let k = members.take("k")?;
        let k = k.as_u64().ok_or_else(|| format!("{id}: {k} is not a number of members"))?;
        let ruleset = match members.take_optional("ruleset") {
            None => None,
            Some(ruleset) => Some(string(ruleset)?),
        };
        let records = list(members.take("records")?, string)?;
        let expected = if members.has("error") {
            let name = members.take_string("error")?;
            Err(Code::from_name(&name).ok_or_else(|| format!("{id}: {name} is not a code"))?)
        } else {
            Ok(Audience {
                document: members.take_string("document")?,
                proof_id: members.take_string("proof_id")?,
                cohort_ids: list(members.take("cohort_ids")?, string)?,
            })
        };
        members.finish()?;
        Ok(Self { id, comment, k, ruleset, records, expected })
    }

    fn to_line(&self) -> String {
        let strings = |strings: &[String]| {
            let strings: Vec<String> = strings.iter().map(|text| quoted(text)).collect();
            format!("[{}]", strings.join(", "))
        };
        let expected = match &self.expected {
            Err(code) => format!("\"error\": {}", quoted(code.name())),
            Ok(audience) => format!(
                "\"proof_id\": {}, \"cohort_ids\": {}, \"document\": {}",
                quoted(&audience.proof_id),
                strings(&audience.cohort_ids),
                quoted(&audience.document)
            ),
        };
        let ruleset = self.ruleset.as_ref();
        let ruleset = ruleset.map(|text| format!("\"ruleset\": {}, ", quoted(text)));
        format!(
            "{{\"id\": {}, \"comment\": {}, \"k\": {}, {}\"records\": {}, {expected}}}",
            quoted(&self.id),
            quoted(&self.comment),
            self.k,
            ruleset.unwrap_or_default(),
            strings(&self.records)
        )
    }
}

fn string(json: Json) -> Result<String, String> {
    match json {
        Json::String(text) => Ok(text),
        other => Err(format!("{other} is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_written_as_it_is() {
        let vectors = audiences().unwrap();
        let path = folder().join(AUDIENCE).with_extension("json");
        let text = fs::read_to_string(path).unwrap();
        let comment: Json = serde_json::from_str(&text).unwrap();
        assert!(audiences_to_text(comment["_comment"].as_str().unwrap(), &vectors) == text);
        for wrong in ["{}", "[]", "{\"_comment\":\"\",\"vectors\":[]}"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let unknown = text.replacen("\"k\": ", "\"l\": 1, \"k\": ", 1);
        assert_eq!(parse(&unknown).unwrap_err(), "unknown member l");
    }
}
