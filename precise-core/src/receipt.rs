//! What a proof's holder keeps: the way from a proof hash into a batch, from there into a log, and
//! the checkpoint of that log (SPEC.md section 5.2); and, for a while, what the status log says of
//! it (5.3).

use alloc::string::String;

use crate::document::{Document, Writer};
use crate::error::{Code, Error, Result};
use crate::merkle::{Hash, Inclusion};
use crate::status::StatusProof;

/// `{"anchors":[],"batch":{…},"entry":"…","proof_hash":"0x…","tlog_proof":"…","v":1}`
///
/// It is parsed, and not verified: that is [`verify_receipt`](crate::verify::verify_receipt).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where in its batch the proof hash is.
    pub batch: Inclusion,
    /// Whether the proof needs a blind.
    pub blinded: bool,
    /// The text of the batch's entry, not read.
    pub entry: String,
    /// The proof.
    pub proof_hash: Hash,
    /// The text of the log proof, not read.
    pub tlog_proof: String,
}

impl Receipt {
    /// Reads a document in any spelling.
    ///
    /// Error: PR310.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let code = Code::Receipt;
        let mut members = Document::read(json, code)?.into_members(code)?;
        if !members.take("anchors")?.into_elements(code)?.is_empty() {
            return Err(malformed("there are no anchors yet"));
        }
        let batch = Inclusion::take(members.take("batch")?, code)?;
        let blinded = match members.take_optional("blinded") {
            None => false,
            Some(Document::Boolean(true)) => true,
            Some(_) => return Err(malformed("blinded is true or left out")),
        };
        let entry = members.take_string("entry")?;
        let proof_hash = members.take("proof_hash")?.into_hash(code)?;
        let tlog_proof = members.take_string("tlog_proof")?;
        if members.take_integer("v")? != 1 {
            return Err(malformed("v is not 1"));
        }
        members.finish()?;
        Ok(Self { batch, blinded, entry, proof_hash, tlog_proof })
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("anchors").raw("[]");
        writer.key("batch").raw(&self.batch.to_json());
        if self.blinded {
            writer.key("blinded").raw("true");
        }
        writer.key("entry").string(&self.entry);
        writer.key("proof_hash").hash(&self.proof_hash);
        writer.key("tlog_proof").string(&self.tlog_proof);
        writer.key("v").integer(1);
        writer.finish()
    }
}

/// `{"entry":"…","proof":{…},"tlog_proof":"…","v":1}`: what a status log says of one proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReceipt {
    /// The text of the last entry of the status log, not read.
    pub entry: String,
    /// What the map of that entry says.
    pub proof: StatusProof,
    /// The text of the log proof, not read.
    pub tlog_proof: String,
}

impl StatusReceipt {
    /// Reads a document in any spelling.
    ///
    /// Error: PR310; PR410 for its status proof.
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::take(Document::read(json, Code::Receipt)?)
    }

    /// The same of a document that is part of another.
    pub(crate) fn take(document: Document) -> Result<Self> {
        let mut members = document.into_members(Code::Receipt)?;
        let entry = members.take_string("entry")?;
        let proof = StatusProof::take(members.take("proof")?)?;
        let tlog_proof = members.take_string("tlog_proof")?;
        if members.take_integer("v")? != 1 {
            return Err(malformed("v is not 1"));
        }
        members.finish()?;
        Ok(Self { entry, proof, tlog_proof })
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::object();
        writer.key("entry").string(&self.entry);
        writer.key("proof").raw(&self.proof.to_json());
        writer.key("tlog_proof").string(&self.tlog_proof);
        writer.key("v").integer(1);
        writer.finish()
    }
}

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::Receipt).because(detail)
}
