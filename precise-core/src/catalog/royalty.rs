//! The rows of the family `royalty`: SPEC.md section 10.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Arg, Function, Kernel, Literal, POLICY, ReadPolicy, arg, refuses, returns, unchecked};
use crate::attribution::contributions::Policy as ContributionPolicy;
use crate::error::{Code, Result};
use crate::hex::hash_from_bytes;
use crate::money::MinorDigits;
use crate::policy::Policy;
use crate::royalty::{
    self, Balances, Period, Rate, Royalty, Settlement, Statement, StatementKey, StatementLines,
};
use crate::value::{Accumulator, Callee, Kept, StoredState, Type, Value, json};
use crate::verify::verify_statement_line;

const CONTRIBUTOR: Arg = arg("contributor", Type::Text, "the contributor's id");
const SIGNAL_TYPE: Arg = arg("signal_type", Type::Text, "the kind of signal");
const KEY: Arg = arg(
    "key",
    Type::Bytes,
    "32 random bytes of the publisher's own, new for each statement, and kept",
);

/// An impression for 19 USD a thousand, with the data of three contributors.
const EXAMPLE_EVENT: Literal = Literal::Json(
    r#"{"attribution":{"data_contributors":[{"id":"acme","signal_type":"geo","weight":0.3},{"id":"bolt","signal_type":"intent","weight":0.5},{"id":"cord","signal_type":"device","weight":0.2}]},"event_type":"impression","metadata":{"clearing_price":19.00,"currency":"USD"}}"#,
);
const EXAMPLE_CLICK: Literal = Literal::Json(
    r#"{"attribution":{"data_contributors":[{"id":"acme","signal_type":"geo","weight":1}]},"event_type":"click"}"#,
);
const EXAMPLE_ACCRUALS: Literal = Literal::Json(
    r#"[{"accrued":"12.30123","contributor":"acme","currency":"USD"},{"accrued":"0.0095","contributor":"bolt","currency":"USD"},{"accrued":"-0.25","contributor":"cord","currency":"USD"}]"#,
);
const EXAMPLE_SETTLEMENT: Literal = Literal::Json(
    r#"{"currency":"USD","lines":[{"amount":"12.30","carried":"0.00123","contributor":"acme"},{"amount":"0.01","carried":"-0.0005","contributor":"bolt"},{"amount":"0.00","carried":"-0.25","contributor":"cord"}],"method":"settlement","minor_digits":2,"total":"12.31","v":1}"#,
);
const EXAMPLE_STATEMENT: Literal = Literal::Json(
    r#"{"count":3,"currency":"USD","lines":[{"amount":"12.30","carried":"0.00123","contributor":"acme"},{"amount":"0.01","carried":"-0.0005","contributor":"bolt"},{"amount":"0.00","carried":"-0.25","contributor":"cord"}],"method":"settlement","minor_digits":2,"period":"2026-11","sum_root":"0x9663066670cbf153d944bdd228512c55a6ade0aeaf6d2d33239f65ea21fe60d1","total":"12.31","v":1}"#,
);
const EXAMPLE_LINE: Literal = Literal::Json(
    r#"{"head":{"count":3,"currency":"USD","method":"settlement","minor_digits":2,"period":"2026-11","sum_root":"0x9663066670cbf153d944bdd228512c55a6ade0aeaf6d2d33239f65ea21fe60d1","total":"12.31","v":1},"index":0,"line":{"amount":"12.30","carried":"0.00123","contributor":"acme"},"path":[{"hash":"0x81dda7b0945557ec9c7f1483d872c80bbb873ae897fe4a0dc28af3370d2cc760","sum":"0.01"},{"hash":"0x5b7a0875509106463143407acef8bb9abe54fd8441c913d269da6b06a35e8a5f","sum":"0.00"}],"salt":"0xbe6854f71236a30d1e1e31391a8e70856c88c137b8f73fd623b9b45f9e6c4e02","v":1}"#,
);
const EXAMPLE_KEY: Literal =
    Literal::Bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
const EXAMPLE_PERIOD: Literal = Literal::Text("2026-11");

pub(super) const ROYALTY: Function = Function {
    name: "precise_royalty",
    family: "royalty",
    since: "0.2.0",
    args: &[
        arg("event", Type::Json, "an event with its `attribution.data_contributors`"),
        arg("rate_ppm", Type::Integer, "the part that is paid as royalty, 0 to 1,000,000"),
        arg("policy", Type::Text, "as precise_contributions has it: `split`, `each(USD)`, …"),
    ],
    required: 3,
    returns: Type::Json,
    doc: "What contributors are due for a group of events, exact to 10^-24, each currency by \
          itself. An event that is no impression adds nothing; an impression without a price is \
          refused. Rows that repeat are summed as they come.",
    examples: &[
        returns(
            &[&[EXAMPLE_EVENT, Literal::Integer(1_000_000), Literal::Text("split")]],
            Literal::Json(
                r#"[{"accrued":"0.0057","contributor":"acme","currency":"USD","events":1,"method":"royalty","v":1},{"accrued":"0.0095","contributor":"bolt","currency":"USD","events":1,"method":"royalty","v":1},{"accrued":"0.0038","contributor":"cord","currency":"USD","events":1,"method":"royalty","v":1}]"#,
            ),
        ),
        returns(
            &[&[EXAMPLE_CLICK, Literal::Integer(100_000), Literal::Text("split")]],
            Literal::Json("[]"),
        ),
        returns(&[], Literal::Null),
        refuses(
            &[&[EXAMPLE_EVENT, Literal::Integer(1_000_001), Literal::Text("split")]],
            Code::RoyaltyRate,
        ),
        refuses(
            &[&[
                Literal::Json(
                    r#"{"attribution":{"data_contributors":[{"id":"acme","signal_type":"geo","weight":1}]},"event_type":"impression"}"#,
                ),
                Literal::Integer(100_000),
                Literal::Text("split(USD)"),
            ]],
            Code::UnpricedEvent,
        ),
    ],
    kernel: Kernel::Aggregate(|| Box::new(RoyaltyOf::default())),
};

pub(super) const SETTLE: Function = Function {
    name: "precise_settle",
    family: "royalty",
    since: "0.2.0",
    args: &[
        arg(
            "accruals",
            Type::Json,
            "what precise_royalty gave, and what was carried before, of one currency: \
             [{\"accrued\":\"…\",\"contributor\":\"…\",\"currency\":\"…\"}, …]",
        ),
        arg("minor_digits", Type::Integer, "the decimals of the currency's minor unit: 0, 2 or 3"),
    ],
    required: 2,
    returns: Type::Json,
    doc: "Turns what is owed into payments by largest remainder. What is paid and what is carried \
          to the next period sum to what was owed, to the last unit. Nobody is paid less than \
          nothing.",
    examples: &[
        returns(&[&[EXAMPLE_ACCRUALS, Literal::Integer(2)]], EXAMPLE_SETTLEMENT),
        refuses(&[&[EXAMPLE_ACCRUALS, Literal::Integer(4)]], Code::MinorDigits),
        refuses(&[&[Literal::Json("[]"), Literal::Integer(2)]], Code::Accruals),
        refuses(
            &[&[
                Literal::Json(
                    r#"[{"accrued":"1","contributor":"acme","currency":"USD"},{"accrued":"1","contributor":"acme","currency":"EUR"}]"#,
                ),
                Literal::Integer(2),
            ]],
            Code::MixedCurrencies,
        ),
    ],
    kernel: Kernel::Scalar(|args| {
        let [Value::Json(accruals), Value::Integer(digits)] = args else {
            return Err(unchecked());
        };
        let minor_digits = MinorDigits::new(*digits)?;
        Ok(json(Balances::parse(accruals)?.settle(minor_digits)?.to_json()))
    }),
};

pub(super) const STATEMENT: Function = Function {
    name: "precise_statement",
    family: "royalty",
    since: "0.2.0",
    args: &[
        arg("settlement", Type::Json, "what precise_settle gave"),
        arg("period", Type::Text, "the month: 2026-11"),
        KEY,
    ],
    required: 3,
    returns: Type::Json,
    doc: "A settlement for a month with a commitment to each of its lines, so that each \
          contributor can be shown its own line, and that it counts in the total, and no other \
          line. The statement without its `lines` may be public.",
    examples: &[
        returns(&[&[EXAMPLE_SETTLEMENT, EXAMPLE_PERIOD, EXAMPLE_KEY]], EXAMPLE_STATEMENT),
        refuses(&[&[EXAMPLE_SETTLEMENT, Literal::Text("2026-13"), EXAMPLE_KEY]], Code::Statement),
        refuses(&[&[EXAMPLE_SETTLEMENT, EXAMPLE_PERIOD, Literal::Bytes("00")]], Code::SecretLength),
    ],
    kernel: Kernel::Scalar(|args| {
        let [Value::Json(settlement), Value::Text(period), Value::Bytes(key)] = args else {
            return Err(unchecked());
        };
        let key = StatementKey::from_bytes(key)?;
        let settlement = Settlement::parse(settlement)?;
        Ok(json(Statement::new(settlement, Period::parse(period)?, &key)?.to_json()))
    }),
};

pub(super) const STATEMENT_LINE: Function = Function {
    name: "precise_statement_line",
    family: "royalty",
    since: "0.2.0",
    args: &[
        arg("statement", Type::Json, "what precise_statement gave"),
        CONTRIBUTOR,
        arg("key", Type::Bytes, "the key of the statement, 32 bytes"),
    ],
    required: 3,
    returns: Type::Json,
    doc: "What shows a contributor its line of a statement. Beside it stand the sums of other \
          lines, and not whose they are.",
    examples: &[
        returns(&[&[EXAMPLE_STATEMENT, Literal::Text("acme"), EXAMPLE_KEY]], EXAMPLE_LINE),
        refuses(&[&[EXAMPLE_STATEMENT, Literal::Text("Acme"), EXAMPLE_KEY]], Code::NoStatementLine),
        refuses(&[&[EXAMPLE_SETTLEMENT, Literal::Text("acme"), EXAMPLE_KEY]], Code::Statement),
    ],
    kernel: Kernel::Prepared(|| Box::new(LineOf::default())),
};

pub(super) const VERIFY_STATEMENT_LINE: Function = Function {
    name: "precise_verify_statement_line",
    family: "royalty",
    since: "0.2.0",
    args: &[arg("line", Type::Json, "what precise_statement_line gave"), POLICY],
    required: 1,
    returns: Type::Json,
    doc: "The verdict on a statement line: each step with what was found, and the first that \
          failed. Without `policy` nobody says that the statement is in a log.",
    examples: &[
        returns(
            &[&[EXAMPLE_LINE]],
            Literal::Json(
                r#"{"failed":null,"steps":[{"detail":"line 0 of 3","name":"line","ok":true},{"detail":"leaf 0 of 3, SHA-256(0x10 ‖ SHA-256(salt ‖ line) ‖ amount) = 0x4a4afd72b0d973843b6da4b0e5295927872d6f0ecffc66f01a501fa74b687fc4, amount 12.30; the path, of length 2, leads to 0x9663066670cbf153d944bdd228512c55a6ade0aeaf6d2d33239f65ea21fe60d1 of sum 12.31, the head's sum_root and total","name":"sum","ok":true},{"detail":"not checked","name":"entry","ok":null},{"detail":"not checked","name":"log","ok":null},{"detail":"not checked","name":"checkpoint","ok":null}],"verdict":true}"#,
            ),
        ),
        returns(
            &[&[Literal::Json("{}")]],
            Literal::Json(
                r#"{"failed":"line","steps":[{"detail":"PR609 a statement is malformed: the member head is missing","name":"line","ok":false},{"detail":"not checked","name":"sum","ok":null},{"detail":"not checked","name":"entry","ok":null},{"detail":"not checked","name":"log","ok":null},{"detail":"not checked","name":"checkpoint","ok":null}],"verdict":false}"#,
            ),
        ),
        returns(
            &[&[EXAMPLE_LINE, Literal::Text("quorum none\n")]],
            Literal::Json(
                r#"{"failed":"entry","steps":[{"detail":"line 0 of 3","name":"line","ok":true},{"detail":"leaf 0 of 3, SHA-256(0x10 ‖ SHA-256(salt ‖ line) ‖ amount) = 0x4a4afd72b0d973843b6da4b0e5295927872d6f0ecffc66f01a501fa74b687fc4, amount 12.30; the path, of length 2, leads to 0x9663066670cbf153d944bdd228512c55a6ade0aeaf6d2d33239f65ea21fe60d1 of sum 12.31, the head's sum_root and total","name":"sum","ok":true},{"detail":"the line has no entry of a log","name":"entry","ok":false},{"detail":"not checked","name":"log","ok":null},{"detail":"not checked","name":"checkpoint","ok":null}],"verdict":false}"#,
            ),
        ),
    ],
    kernel: Kernel::Prepared(|| Box::new(VerifyLine::default())),
};

pub(super) const LEDGER_ENTRY_ID: Function = Function {
    name: "precise_ledger_entry_id",
    family: "royalty",
    since: "0.2.0",
    args: &[
        arg("proof_hash", Type::Bytes, "the event's proof hash, 32 bytes"),
        CONTRIBUTOR,
        SIGNAL_TYPE,
    ],
    required: 3,
    returns: Type::Bytes,
    doc: "The id of a ledger's entry for what an event makes a contributor due for one kind of \
          signal. An id is in a ledger once.",
    examples: &[
        returns(
            &[&[EXAMPLE_PROOF_HASH, Literal::Text("acme"), Literal::Text("geo")]],
            Literal::Bytes("e024451b4976e1d1f2e8f4b3cf98eae925ac318a885e0a1aa413ec1f4a95db48"),
        ),
        refuses(
            &[&[EXAMPLE_PROOF_HASH, Literal::Text(""), Literal::Text("geo")]],
            Code::Contributors,
        ),
        refuses(
            &[&[Literal::Bytes("11"), Literal::Text("acme"), Literal::Text("geo")]],
            Code::Hash,
        ),
    ],
    kernel: Kernel::Scalar(|args| ledger_id(args, royalty::entry_id)),
};

pub(super) const LEDGER_VOID_ID: Function = Function {
    name: "precise_ledger_void_id",
    family: "royalty",
    since: "0.2.0",
    args: &[
        arg("proof_hash", Type::Bytes, "the event's proof hash, 32 bytes"),
        CONTRIBUTOR,
        SIGNAL_TYPE,
    ],
    required: 3,
    returns: Type::Bytes,
    doc: "The id of the entry that takes that one back when the event's proof has become void.",
    examples: &[
        returns(
            &[&[EXAMPLE_PROOF_HASH, Literal::Text("acme"), Literal::Text("geo")]],
            Literal::Bytes("96dd2fae363c6c596ed699e66497cc44e2fbd666bb2466620a82ff07c04cd698"),
        ),
        refuses(
            &[&[EXAMPLE_PROOF_HASH, Literal::Text("acme"), Literal::Text("")]],
            Code::Contributors,
        ),
    ],
    kernel: Kernel::Scalar(|args| ledger_id(args, royalty::void_id)),
};

const EXAMPLE_PROOF_HASH: Literal =
    Literal::Bytes("1111111111111111111111111111111111111111111111111111111111111111");

/// Makes one kind of id.
type LedgerId = fn(&crate::Hash, &str, &str) -> Result<crate::Hash>;

fn ledger_id(args: &[Value<'_>], id: LedgerId) -> Result<Value<'static>> {
    let [Value::Bytes(proof_hash), Value::Text(contributor), Value::Text(signal_type)] = args
    else {
        return Err(unchecked());
    };
    Ok(id(&hash_from_bytes(proof_hash)?, contributor, signal_type)?.into())
}

/// `precise_statement_line`
#[derive(Debug, Default)]
struct LineOf {
    /// By the key and the statement, one behind the other.
    lines: Kept<StatementLines>,
    source: Vec<u8>,
}

impl Callee for LineOf {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [Value::Json(statement), Value::Text(contributor), Value::Bytes(key)] = args else {
            return Err(unchecked());
        };
        let key = StatementKey::from_bytes(key)?;
        self.source.clear();
        self.source.extend_from_slice(key.as_bytes());
        self.source.extend_from_slice(statement);
        let lines = self
            .lines
            .get(&self.source, |_| StatementLines::new(Statement::parse(statement)?, key))?;
        Ok(json(lines.line(contributor)?.to_json()))
    }
}

/// `precise_verify_statement_line`
#[derive(Debug, Default)]
struct VerifyLine {
    policy: ReadPolicy,
}

impl Callee for VerifyLine {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let (line, policy) = match args {
            [Value::Json(line)] => (line, None),
            [Value::Json(line), Value::Text(policy)] => {
                let read = |policy: &[u8]| Ok(Policy::read(policy));
                (line, Some(self.policy.get(policy.as_bytes(), read)?))
            }
            _ => return Err(unchecked()),
        };
        Ok(json(verify_statement_line(line, policy).to_json()))
    }
}

/// `precise_royalty`
#[derive(Debug, Default)]
struct RoyaltyOf {
    royalty: Royalty,
    policy: Kept<ContributionPolicy>,
}

impl RoyaltyOf {
    /// What is here and what was stored, together.
    fn with(&self, stored: &mut [&mut dyn StoredState]) -> Result<Royalty> {
        let mut whole = Royalty::default();
        whole.add(&self.royalty)?;
        for state in stored {
            whole.merge_stored(*state)?;
        }
        Ok(whole)
    }
}

impl Accumulator for RoyaltyOf {
    fn update(&mut self, args: &[Value<'_>]) -> Result<()> {
        let [Value::Json(event), Value::Integer(rate), Value::Text(policy)] = args else {
            return Err(unchecked());
        };
        let policy = self.policy.get(policy.as_bytes(), |policy| {
            ContributionPolicy::parse(core::str::from_utf8(policy).unwrap_or_default())
        })?;
        self.royalty.push(event, Rate::from_ppm(*rate)?, policy)
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.royalty.merge(state)
    }

    fn state(&mut self) -> Vec<u8> {
        self.royalty.state()
    }

    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.with(stored)?.write(write);
        Ok(())
    }

    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>> {
        let result = |royalty: &Royalty| {
            if royalty.has_rows() { json(royalty.to_json()) } else { Value::Null }
        };
        if stored.is_empty() {
            return Ok(result(&self.royalty));
        }
        Ok(result(&self.with(stored)?))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.royalty.size()
    }
}
