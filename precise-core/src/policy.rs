//! Whom a verifier trusts: C2SP's tlog-policy, a text with logs, witnesses and how many of them
//! must have seen a checkpoint (SPEC.md section 4.6).

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};
use crate::note::{Algorithm, Checkpoint, Note, VerifierKey};

/// Logs, witnesses and groups that are read, of each.
const MAX_EACH: usize = 64;

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    /// Witnesses and groups, in the order of their lines: the names they have in the policy.
    names: Vec<(String, Member)>,
    /// Which of the names must have seen a checkpoint; none: `quorum none`.
    quorum: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    /// So many of these names.
    Group(usize, Vec<usize>),
    /// The number of a witness.
    Witness(usize),
}

/// A checkpoint that the policy's keys vouch for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The log's key, which has signed it.
    pub key: VerifierKey,
    /// When the quorum had seen it, POSIX seconds; none if the policy asks for no witness.
    pub seen: Option<u64>,
    /// The witnesses that saw it, in the order of the policy, and when. Empty if it asks for none.
    pub witnesses: Vec<(VerifierKey, u64)>,
}

impl Policy {
    /// Reads a policy that is still to be text.
    ///
    /// Error: PR411.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        core::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8")).and_then(Self::parse)
    }

    /// Reads a policy.
    ///
    /// Error: PR411.
    pub fn parse(text: &str) -> Result<Self> {
        let mut policy =
            Self { logs: Vec::new(), witnesses: Vec::new(), names: Vec::new(), quorum: None };
        let mut has_quorum = false;
        let mut grouped = Vec::new();
        if text.contains(|c: char| c < ' ' && c != '\n' && c != '\t') || text.contains('\u{7f}') {
            return Err(malformed("it has a control character in it"));
        }
        if !text.ends_with('\n') {
            return Err(malformed("its last line does not end"));
        }
        for line in text.lines() {
            let words: Vec<&str> =
                line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            match &words[..] {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["log", key] | ["log", key, _] => {
                    add(&mut policy.logs, key, Algorithm::Ed25519)?;
                }
                ["witness", name, key] | ["witness", name, key, _] => {
                    add(&mut policy.witnesses, key, Algorithm::Cosignature)?;
                    policy.define(name, Member::Witness(policy.witnesses.len() - 1))?;
                }
                ["group", name, count, members @ ..] => {
                    let members = members
                        .iter()
                        .map(|member| policy.find(member))
                        .collect::<Result<Vec<usize>>>()?;
                    for member in &members {
                        if grouped.contains(member) {
                            return Err(malformed("a name is in two groups, or twice in one"));
                        }
                        grouped.push(*member);
                    }
                    let count = group_count(count, members.len())?;
                    policy.define(name, Member::Group(count, members))?;
                }
                ["quorum", name] if !has_quorum => {
                    has_quorum = true;
                    policy.quorum = if *name == "none" { None } else { Some(policy.find(name)?) };
                }
                _ => return Err(malformed("a line is no log, witness, group or one quorum")),
            }
        }
        if !has_quorum {
            return Err(malformed("it has no quorum"));
        }
        Ok(policy)
    }

    /// The keys of the logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The checkpoint that a note is of, if it is by the policy's log of the checkpoint's origin,
    /// and seen by the quorum.
    ///
    /// Errors: those of [`Note::parse`], [`Note::open`] and [`Checkpoint::parse`]; PR412 without
    /// the quorum.
    pub fn open(&self, note: &str) -> Result<Vouched> {
        let note = Note::parse(note.as_bytes())?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let log =
            self.logs.iter().find(|log| log.name() == checkpoint.origin).ok_or_else(|| {
                let detail = alloc::format!("the policy has no log {}", checkpoint.origin);
                Error::new(Code::Unsigned).because(detail)
            })?;
        note.open(core::slice::from_ref(log))?;
        let key = log.clone();
        let Some(quorum) = self.quorum else {
            return Ok(Vouched { checkpoint, key, seen: None, witnesses: Vec::new() });
        };
        // A note that the log alone signed is seen by nobody; a wrong cosignature is refused.
        let opened = match note.open(&self.witnesses) {
            Err(error) if error.code() == Code::Unsigned => Vec::new(),
            opened => opened?,
        };
        let times: Vec<Option<u64>> = self
            .witnesses
            .iter()
            .map(|witness| opened.iter().find(|opened| opened.key == witness)?.time)
            .collect();
        let witnesses: Vec<(VerifierKey, u64)> = opened
            .into_iter()
            .filter_map(|opened| Some((opened.key.clone(), opened.time?)))
            .collect();
        match self.seen(quorum, &times) {
            None => {
                let detail = alloc::format!("it is cosigned by {}", names_of(&witnesses));
                Err(Error::new(Code::Quorum).because(detail))
            }
            seen => Ok(Vouched { checkpoint, key, seen, witnesses }),
        }
    }

    /// When a witness saw it, or the last of the members of a group that make up its count: the
    /// latest time for which that many vouch.
    fn seen(&self, name: usize, times: &[Option<u64>]) -> Option<u64> {
        match &self.names.get(name)?.1 {
            Member::Witness(witness) => times.get(*witness).copied()?,
            Member::Group(count, members) => {
                let mut seen: Vec<u64> =
                    members.iter().filter_map(|member| self.seen(*member, times)).collect();
                seen.sort_unstable_by(|a, b| b.cmp(a));
                // So many of them saw it at this time or later.
                seen.get(count - 1).copied()
            }
        }
    }

    fn find(&self, name: &str) -> Result<usize> {
        let found = self.names.iter().position(|(known, _)| known == name);
        found.ok_or_else(|| malformed("a name was not defined above"))
    }

    fn define(&mut self, name: &str, member: Member) -> Result<()> {
        if name == "none" || self.names.iter().any(|(known, _)| known == name) {
            return Err(malformed("a name is defined twice, or is none"));
        }
        if self.names.len() == 2 * MAX_EACH {
            return Err(malformed("it has too many names"));
        }
        self.names.push((name.into(), member));
        Ok(())
    }
}

/// Adds a key. One key under two names would count twice.
fn add(keys: &mut Vec<VerifierKey>, text: &str, algorithm: Algorithm) -> Result<()> {
    let key = VerifierKey::parse(text).map_err(|error| {
        let detail = error.detail().unwrap_or_default();
        Error::new(Code::Policy).because(alloc::format!("a key is malformed: {detail}"))
    })?;
    if key.algorithm() != algorithm {
        return Err(malformed("a log's key is Ed25519's, a witness's is a cosigner's"));
    }
    if keys.iter().any(|known| known.public_key() == key.public_key()) {
        return Err(malformed("a key stands twice"));
    }
    if algorithm == Algorithm::Ed25519 && keys.iter().any(|known| known.name() == key.name()) {
        return Err(malformed("a log has two keys"));
    }
    if keys.len() == MAX_EACH {
        return Err(malformed("it has too many keys"));
    }
    keys.push(key);
    Ok(())
}

/// `w1.example, w2.example`, or `no witness of the policy`.
fn names_of(witnesses: &[(VerifierKey, u64)]) -> String {
    if witnesses.is_empty() {
        return "no witness of the policy".into();
    }
    let names: Vec<&str> = witnesses.iter().map(|(key, _)| key.name()).collect();
    names.join(", ")
}

fn group_count(text: &str, members: usize) -> Result<usize> {
    let count = match text {
        "all" => Some(members),
        "any" => Some(1),
        _ => crate::note::parse_decimal(text).and_then(|count| usize::try_from(count).ok()),
    };
    count
        .filter(|count| (1..=members).contains(count))
        .ok_or_else(|| malformed("a group asks for none of its members, or for more than it has"))
}

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::Policy).because(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Signer;

    fn log() -> Signer {
        Signer::from_seed("example.com/log", Algorithm::Ed25519, &[1; 32]).unwrap()
    }

    fn witness(seed: u8) -> Signer {
        let name = alloc::format!("w{seed}.example");
        Signer::from_seed(&name, Algorithm::Cosignature, &[seed; 32]).unwrap()
    }

    /// A policy of the log and the witnesses 2 to 5 as w2 to w5.
    fn policy(rest: &str) -> String {
        let mut text =
            alloc::format!("# whom we trust\n\nlog {}\n", log().verifier_key().to_text());
        for seed in 2..=5 {
            let key = witness(seed).verifier_key().to_text();
            text.push_str(&alloc::format!("witness w{seed} {key} https://w.example\n"));
        }
        text + rest
    }

    fn note(seen: &[(u8, u64)]) -> String {
        let checkpoint = Checkpoint {
            origin: "example.com/log".into(),
            size: 1,
            root: [7; 32],
            extensions: Vec::new(),
        };
        let text = checkpoint.to_text();
        let mut signatures = alloc::vec![log().sign(&text, 0).unwrap()];
        for (seed, time) in seen {
            signatures.push(witness(*seed).sign(&text, *time).unwrap());
        }
        Note::new(&text, signatures).unwrap().to_text()
    }

    #[track_caller]
    fn seen(rest: &str, by: &[(u8, u64)]) -> core::result::Result<Option<u64>, Code> {
        let policy = Policy::parse(&policy(rest)).unwrap();
        policy.open(&note(by)).map(|vouched| vouched.seen).map_err(|error| error.code())
    }

    #[test]
    fn a_quorum_is_counted_and_has_a_time() {
        assert_eq!(seen("quorum none\n", &[]), Ok(None));
        assert_eq!(seen("quorum none\n", &[(2, 5)]), Ok(None));
        assert_eq!(seen("quorum w2\n", &[(2, 5)]), Ok(Some(5)));
        assert_eq!(seen("quorum w2\n", &[]), Err(Code::Quorum));
        assert_eq!(seen("quorum w2\n", &[(3, 5)]), Err(Code::Quorum));
        let two = "group g 2 w2 w3 w4\n quorum\tg \n";
        assert_eq!(seen(two, &[(2, 5)]), Err(Code::Quorum));
        assert_eq!(seen(two, &[(2, 5), (2, 6)]), Err(Code::Quorum), "one witness twice");
        assert_eq!(seen(two, &[(2, 5), (3, 9), (4, 7)]), Ok(Some(7)));
        let nested = "group g 2 w2 w3 w4\ngroup h all g w5\nquorum h\n";
        assert_eq!(seen(nested, &[(2, 5), (3, 9), (4, 7)]), Err(Code::Quorum));
        assert_eq!(seen(nested, &[(2, 5), (3, 9), (5, 1)]), Ok(Some(1)));
        assert_eq!(seen("group g any w2 w3\nquorum g\n", &[(2, 5), (3, 9)]), Ok(Some(9)));
    }

    #[test]
    fn a_note_of_another_log_is_refused() {
        let policy = Policy::parse(&policy("quorum none\n")).unwrap();
        let other = note(&[]).replace("example.com/log\n", "example.com/other\n");
        assert_eq!(policy.open(&other).unwrap_err().code(), Code::Unsigned);
        let changed = note(&[]).replace("\n1\n", "\n2\n");
        assert_eq!(policy.open(&changed).unwrap_err().code(), Code::Signature);
        assert_eq!(policy.open("").unwrap_err().code(), Code::Note);
    }

    #[test]
    fn a_wrong_cosignature_is_refused_where_a_quorum_is_asked_for() {
        let wrong = witness(2).sign("other\n", 5).unwrap().to_line() + "\n";
        let note = note(&[(3, 5)]) + &wrong;
        let policy = Policy::parse(&policy("quorum w3\n")).unwrap();
        assert_eq!(policy.open(&note).unwrap_err().code(), Code::Signature);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let key = witness(6).verifier_key().to_text();
        let known = witness(2).verifier_key().to_text();
        let log_key = log().verifier_key().to_text();
        for rest in [
            "",
            "quorum none",
            "quorum\n",
            "quorum none\nquorum none\n",
            "quorum w9\n",
            "quorum g\ngroup g any w2\n",
            "quorum none\r\n",
            "group g 0 w2\nquorum g\n",
            "group g 3 w2 w3\nquorum g\n",
            "group g 01 w2 w3\nquorum g\n",
            "group g some w2 w3\nquorum g\n",
            "group g any\nquorum g\n",
            "group g all\nquorum g\n",
            "group g any w2 w2\nquorum g\n",
            "group g any w2\ngroup h any w2\nquorum h\n",
            "group g any g\nquorum g\n",
            "group g any none\nquorum g\n",
            "group none any w2\nquorum none\n",
            "group w2 any w3\nquorum w2\n",
            "trust me\nquorum none\n",
            "log\nquorum none\n",
            "log a+b+c\nquorum none\n",
            &alloc::format!("log {key}\nquorum none\n"),
            &alloc::format!("log {log_key}\nquorum none\n"),
            &alloc::format!("log {key} a b\nquorum none\n"),
            &alloc::format!("witness w6 {log_key}\nquorum none\n"),
            &alloc::format!("witness w6 {known}\nquorum none\n"),
            &alloc::format!("witness w2 {key}\nquorum none\n"),
            &alloc::format!("witness none {key}\nquorum none\n"),
        ] {
            let error = Policy::parse(&policy(rest)).unwrap_err();
            assert_eq!(error.code(), Code::Policy, "{rest:?}");
        }
    }
}
