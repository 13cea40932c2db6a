//! Statements, which commit to each line of a settlement, and what shows one line to whom it is
//! about: SPEC.md sections 10.3 and 10.4.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::attribution::array;
use crate::document::{Document, Members, Writer};
use crate::error::{Code, Error, Result};
use crate::merkle::Hash;
use crate::proof;

use super::settlement::{Line, Settlement, Terms, no_statement};
use super::sum_tree::{Sibling, SumTree, climb, leaf};

/// A month in UTC: `2026-11`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(String);

impl Period {
    /// Reads a month of the years 0001 to 9999.
    ///
    /// Error: PR609.
    pub fn parse(text: &str) -> Result<Self> {
        let is_spelled = text.len() == 7
            && text.bytes().enumerate().all(|(i, byte)| match i {
                4 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let is_month =
            |(year, month): (&str, &str)| year != "0000" && ("01"..="12").contains(&month);
        if is_spelled && text.split_once('-').is_some_and(is_month) {
            return Ok(Self(text.into()));
        }
        Err(no_statement("period is not YYYY-MM"))
    }

    /// As it is spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The publisher's own key of one statement. Not printed by `Debug`.
#[derive(Clone)]
pub struct StatementKey(Hash);

impl StatementKey {
    /// A key given as bytes.
    ///
    /// Error: PR304 unless there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let key = bytes.try_into().map_err(|_| {
            Error::new(Code::SecretLength).because(alloc::format!("it has {} bytes", bytes.len()))
        });
        key.map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &Hash {
        &self.0
    }

    fn salt(&self, contributor: &str) -> Hash {
        *blake3::keyed_hash(&self.0, contributor.as_bytes()).as_bytes()
    }
}

impl fmt::Debug for StatementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatementKey(…)")
    }
}

/// What a statement says of its lines without showing them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commitment {
    pub(super) count: u64,
    pub(super) period: Period,
    pub(super) sum_root: Hash,
}

impl Commitment {
    fn take(members: &mut Members) -> Result<Self> {
        let count = members.take_integer("count")?;
        if count == 0 {
            return Err(no_statement("count is 0"));
        }
        let period = Period::parse(&members.take_string("period")?)?;
        let sum_root = members.take("sum_root")?.into_hash(Code::Statement)?;
        Ok(Self { count, period, sum_root })
    }
}

/// A statement without its lines: what may be public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    commitment: Commitment,
    terms: Terms,
}

impl Head {
    /// How many lines there are.
    pub fn count(&self) -> u64 {
        self.commitment.count
    }

    /// The root of the tree over them.
    pub fn sum_root(&self) -> &Hash {
        &self.commitment.sum_root
    }

    /// What they sum to, as it is spelled.
    pub fn total(&self) -> String {
        self.terms.minor_digits.format(self.terms.total)
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        self.terms.to_json(Some(&self.commitment), None)
    }

    /// Its proof hash: the `statement_hash` of a log's entry.
    pub fn hash(&self) -> Hash {
        proof::hash(self.to_json().as_bytes(), None)
    }

    fn take(document: Document) -> Result<Self> {
        let mut members = document.into_members(Code::Statement)?;
        let (commitment, terms) = (Commitment::take(&mut members)?, Terms::take(&mut members)?);
        members.finish()?;
        Ok(Self { commitment, terms })
    }
}

/// A settlement for a period, and a commitment to each of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    commitment: Commitment,
    settlement: Settlement,
}

impl Statement {
    /// Commits to a settlement.
    ///
    /// Error: PR609 for a total from 2^120 on, which no settlement has.
    pub fn new(settlement: Settlement, period: Period, key: &StatementKey) -> Result<Self> {
        let tree = sum_tree(&settlement, key);
        let root = tree.and_then(|tree| tree.root()).ok_or_else(|| no_statement("no sums"))?;
        let count = settlement.lines().len() as u64;
        let commitment = Commitment { count, period, sum_root: root.hash };
        Ok(Self { commitment, settlement })
    }

    /// Reads a statement in any spelling of its JSON. Its `sum_root` shows with the key alone.
    ///
    /// Error: PR609.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let mut members = Document::read(json, Code::Statement)?.into_members(Code::Statement)?;
        let commitment = Commitment::take(&mut members)?;
        let settlement = Settlement::take(&mut members)?;
        members.finish()?;
        if commitment.count != settlement.lines().len() as u64 {
            return Err(no_statement("count is not that of its lines"));
        }
        Ok(Self { commitment, settlement })
    }

    /// What it settles.
    pub fn settlement(&self) -> &Settlement {
        &self.settlement
    }

    /// For which month.
    pub fn period(&self) -> &Period {
        &self.commitment.period
    }

    /// The statement without its lines.
    pub fn head(&self) -> Head {
        Head { commitment: self.commitment.clone(), terms: self.settlement.terms() }
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        let lines = self.settlement.lines_to_json();
        self.settlement.terms().to_json(Some(&self.commitment), Some(&lines))
    }
}

/// None if the lines sum to too much.
fn sum_tree(settlement: &Settlement, key: &StatementKey) -> Option<SumTree> {
    let leaves = settlement.lines().iter().map(|line| {
        let json = line.to_json(settlement.minor_digits());
        leaf(&key.salt(&line.contributor), json.as_bytes(), line.amount)
    });
    SumTree::new(leaves.collect())
}

/// A statement and its tree: gives each contributor its line.
#[derive(Clone, Debug)]
pub struct StatementLines {
    head: Head,
    settlement: Settlement,
    key: StatementKey,
    tree: SumTree,
}

impl StatementLines {
    /// Of a statement that was made with `key`.
    ///
    /// Error: PR609 for any other.
    pub fn new(statement: Statement, key: StatementKey) -> Result<Self> {
        let head = statement.head();
        let tree = sum_tree(&statement.settlement, &key)
            .filter(|tree| tree.root().is_some_and(|root| root.hash == *head.sum_root()));
        let tree =
            tree.ok_or_else(|| no_statement("its lines do not lead to sum_root with this key"))?;
        Ok(Self { head, settlement: statement.settlement, key, tree })
    }

    /// What shows a contributor its line.
    ///
    /// Error: PR610.
    pub fn line(&self, contributor: &str) -> Result<StatementLine> {
        let lines = self.settlement.lines();
        let index = lines
            .binary_search_by(|line| line.contributor.as_str().cmp(contributor))
            .map_err(|_| Error::new(Code::NoStatementLine))?;
        Ok(StatementLine {
            head: self.head.clone(),
            index: index as u64,
            line: lines[index].clone(),
            path: self.tree.path(index),
            salt: self.key.salt(contributor),
            logged: None,
        })
    }
}

/// What shows a contributor that its line is in a statement.
///
/// It is parsed, and not verified: that is
/// [`verify_statement_line`](crate::verify::verify_statement_line).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The statement without its lines.
    pub head: Head,
    /// Which of its lines this is, from 0.
    pub index: u64,
    /// The line.
    pub line: Line,
    /// The siblings from the line up.
    pub path: Vec<Sibling>,
    /// The line's salt.
    pub salt: Hash,
    /// Where the statement is in a log, if it is in one.
    pub logged: Option<Logged>,
}

/// Texts, not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The log's entry.
    pub entry: String,
    /// The log proof.
    pub tlog_proof: String,
}

impl StatementLine {
    /// Reads a document in any spelling.
    ///
    /// Error: PR609.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let code = Code::Statement;
        let mut members = Document::read(json, code)?.into_members(code)?;
        let head = Head::take(members.take("head")?)?;
        let minor_digits = head.terms.minor_digits;
        let index = members.take_integer("index")?;
        let line = Line::take(members.take("line")?, minor_digits)?;
        let sibling = |element: Document| {
            let mut members = element.into_members(code)?;
            let hash = members.take("hash")?.into_hash(code)?;
            let sum = minor_digits
                .parse(&members.take_string("sum")?)
                .ok_or_else(|| no_statement("a sum is not spelled in minor units"))?;
            members.finish()?;
            Ok(Sibling { hash, sum })
        };
        let path = members.take("path")?.into_elements(code)?.into_iter().map(sibling);
        let path = path.collect::<Result<Vec<Sibling>>>()?;
        let salt = members.take("salt")?.into_hash(code)?;
        let logged = if members.has("entry") || members.has("tlog_proof") {
            let entry = members.take_string("entry")?;
            Some(Logged { entry, tlog_proof: members.take_string("tlog_proof")? })
        } else {
            None
        };
        if members.take_integer("v")? != 1 {
            return Err(no_statement("v is not 1"));
        }
        members.finish()?;
        Ok(Self { head, index, line, path, salt, logged })
    }

    /// The JCS form.
    pub fn to_json(&self) -> String {
        let minor_digits = self.head.terms.minor_digits;
        let mut writer = Writer::object();
        if let Some(Logged { entry, .. }) = &self.logged {
            writer.key("entry").string(entry);
        }
        writer.key("head").raw(&self.head.to_json());
        writer.key("index").integer(self.index);
        writer.key("line").raw(&self.line.to_json(minor_digits));
        let sibling = |Sibling { hash, sum }: &Sibling| {
            let mut writer = Writer::object();
            writer.key("hash").hash(hash);
            writer.key("sum").string(&minor_digits.format(*sum));
            writer.finish()
        };
        writer.key("path").raw(&array(self.path.iter().map(sibling)));
        writer.key("salt").hash(&self.salt);
        if let Some(Logged { tlog_proof, .. }) = &self.logged {
            writer.key("tlog_proof").string(tlog_proof);
        }
        writer.key("v").integer(1);
        writer.finish()
    }

    /// The line as a leaf of the tree.
    pub(crate) fn leaf(&self) -> Sibling {
        let json = self.line.to_json(self.head.terms.minor_digits);
        leaf(&self.salt, json.as_bytes(), self.line.amount)
    }

    /// Where the path leads from there; none if it is of another length, or a sum is too large.
    pub(crate) fn reach(&self) -> Option<Sibling> {
        climb(self.leaf(), self.index, self.head.count(), &self.path)
    }

    /// An amount of it, in minor units, as it is spelled.
    pub(crate) fn format(&self, minor: u128) -> String {
        self.head.terms.minor_digits.format(minor)
    }
}
