//! The rows of the family `cohort`: SPEC.md section 8.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Arg, Function, Kernel, Literal, arg, refuses, returns, unchecked};
use crate::canonical::Canonicalizer;
use crate::error::{Code, Result};
use crate::performance::{FactsReader, Performance, STATE_LEN};
use crate::ruleset::{Matcher, Ruleset};
use crate::statistics::Share;
use crate::value::{Accumulator, Callee, Kept, StoredState, Type, Value, json};

const RULES: Arg = arg(
    "rules",
    Type::Json,
    "a rule set: {\"cohorts\":[{\"all\":[{\"eq\":\"rent\",\"signal\":\"housing\"}],\"geo\":\"zip\",\
     \"name\":\"renters\"}],\"version\":\"1\"}",
);

/// Two cohorts: people who rent, by zip code, and people who care.
const EXAMPLE_RULES: Literal = Literal::Json(
    r#"{"cohorts":[{"all":[{"eq":"rent","signal":"housing"}],"geo":"zip","name":"renters"},{"any":[{"gte":0.6,"signal":"scores.eco"},{"in":["ev","bike"],"signal":"owns"}],"name":"eco"}],"version":"2026-11"}"#,
);

/// One name begins the other.
const EXAMPLE_CLASH: Literal = Literal::Json(
    r#"{"cohorts":[{"all":[{"exists":true,"signal":"a"}],"name":"eco"},{"all":[{"exists":true,"signal":"b"}],"name":"eco_urban"}],"version":"1"}"#,
);

pub(super) const RULESET_HASH: Function = Function {
    name: "precise_ruleset_hash",
    family: "cohort",
    since: "0.2.0",
    args: &[RULES],
    required: 1,
    returns: Type::Bytes,
    doc: "The hash of a rule set, once it is checked: what an audience document names it by. How \
          the set is spelled does not matter.",
    examples: &[
        returns(
            &[&[EXAMPLE_RULES]],
            Literal::Bytes("63ce3693abf3dcf6e784c411420016d2757c871defe850c72fd57f662b1036bd"),
        ),
        returns(&[&[Literal::Null]], Literal::Null),
        refuses(&[&[Literal::Json(r#"{"cohorts":[],"version":"1"}"#)]], Code::Ruleset),
        refuses(&[&[EXAMPLE_CLASH]], Code::CohortNames),
    ],
    kernel: Kernel::Prepared(|| Box::new(RulesetHash::default())),
};

pub(super) const COHORT_IDS: Function = Function {
    name: "precise_cohort_ids",
    family: "cohort",
    since: "0.2.0",
    args: &[
        arg("signals", Type::Json, "what is known of a person, a household or a device"),
        RULES,
    ],
    required: 2,
    returns: Type::Json,
    doc: "The ids of the cohorts that a rule set puts a record in, sorted by bytes. What the record \
          does not say, or says in another type, fits no condition but `exists`.",
    examples: &[
        returns(
            &[&[
                Literal::Json(r#"{"housing":"rent","scores":{"eco":0.60},"zip":"10013"}"#),
                EXAMPLE_RULES,
            ]],
            Literal::Json(r#"["eco","renters_10013"]"#),
        ),
        returns(
            &[&[Literal::Json(r#"{"housing":"rent","scores":{"eco":"0.9"}}"#), EXAMPLE_RULES]],
            Literal::Json(r#"["renters"]"#),
        ),
        returns(&[&[Literal::Json("{}"), EXAMPLE_RULES]], Literal::Json("[]")),
        returns(&[&[Literal::Null, EXAMPLE_RULES]], Literal::Null),
        refuses(&[&[Literal::Json(r#"{"a":1,"a":2}"#), EXAMPLE_RULES]], Code::DuplicateKey),
        refuses(&[&[Literal::Json("{}"), Literal::Json("{}")]], Code::Ruleset),
    ],
    kernel: Kernel::Prepared(|| Box::new(CohortIds::default())),
};

pub(super) const COHORT_CONFIDENCE: Function = Function {
    name: "precise_cohort_confidence",
    family: "cohort",
    since: "0.2.0",
    args: &[arg("k", Type::Integer, "how many converted"), arg("n", Type::Integer, "of how many")],
    required: 2,
    returns: Type::Float,
    doc: "The rate that k of n users show at least, with 95 % of confidence: the lower end of the \
          Wilson score interval. 87 of 100 show 0.79, 9 of 10 show 0.6, 1 of 1 shows 0.2.",
    examples: &[
        returns(
            &[&[Literal::Integer(87), Literal::Integer(100)]],
            Literal::Float(0.790_196_485_599_235_7),
        ),
        returns(&[&[Literal::Integer(0), Literal::Integer(10)]], Literal::Float(0.0)),
        refuses(&[&[Literal::Integer(11), Literal::Integer(10)]], Code::Counts),
        refuses(&[&[Literal::Integer(0), Literal::Integer(0)]], Code::Counts),
    ],
    kernel: Kernel::Scalar(|args| match args {
        [Value::Integer(k), Value::Integer(n)] => {
            Ok(Value::Float(Share::new(*k, *n)?.interval().low))
        }
        _ => Err(unchecked()),
    }),
};

pub(super) const COHORT_PERFORMANCE: Function = Function {
    name: "precise_cohort_performance",
    family: "cohort",
    since: "0.2.0",
    args: &[
        arg("member", Type::Boolean, "whether the user is in the cohort"),
        arg(
            "facts",
            Type::Json,
            "what is known of the user, an object: converted, holdout, value, spend, starts, \
             completes, linear",
        ),
    ],
    required: 2,
    returns: Type::Json,
    doc: "How a cohort did, one row a user: figures with their intervals at 95 % and how many \
          users they are of, null where nothing can be said. What the ads caused, `uplift`, is \
          told only where they were withheld from some members, `holdout`; else the design is \
          observational.",
    examples: &[
        returns(
            &[
                &[TRUE, Literal::Json(r#"{"converted":true,"spend":0.50,"value":"12.90"}"#)],
                &[TRUE, Literal::Json(r#"{"converted":false,"spend":0.50,"value":0}"#)],
                &[FALSE, Literal::Json(r#"{"converted":false}"#)],
            ],
            Literal::Json(
                r#"{"confidence":{"high":0.9054687942657693,"k":1,"low":0.09453120573423071,"n":2,"rate":0.5},"design":"observational","linear_correlation":null,"method":"cohort-performance","performance_prediction":{"high":38.1835354005667,"low":-12.383535400566698,"n":2,"ratio":12.9},"retail_propensity":{"all":{"k":1,"n":3},"k":1,"n":2,"percentile":0.6666666666666667},"rows":3,"streaming_engagement":null,"uplift":null,"v":1}"#,
            ),
        ),
        returns(
            &[
                &[TRUE, Literal::Json(r#"{"converted":true}"#)],
                &[TRUE, Literal::Json(r#"{"converted":false,"holdout":true}"#)],
            ],
            Literal::Json(
                r#"{"confidence":{"high":1,"k":1,"low":0.20654931437723742,"n":1,"rate":1},"design":"holdout","linear_correlation":null,"method":"cohort-performance","performance_prediction":null,"retail_propensity":null,"rows":2,"streaming_engagement":null,"uplift":{"control":{"k":0,"n":1},"difference":1,"high":1,"low":-0.12210872068194178,"relative":null,"treated":{"k":1,"n":1}},"v":1}"#,
            ),
        ),
        refuses(&[&[TRUE, Literal::Json(r#"{"converted":"yes"}"#)]], Code::Facts),
    ],
    kernel: Kernel::Aggregate(|| Box::new(CohortPerformance::default())),
};

const TRUE: Literal = Literal::Boolean(true);
const FALSE: Literal = Literal::Boolean(false);

/// `precise_ruleset_hash`
#[derive(Debug, Default)]
struct RulesetHash {
    ruleset: Kept<Ruleset>,
}

impl Callee for RulesetHash {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [Value::Json(rules)] = args else { return Err(unchecked()) };
        Ok((*self.ruleset.get(rules, Ruleset::parse)?.hash()).into())
    }
}

/// `precise_cohort_ids`
#[derive(Debug, Default)]
struct CohortIds {
    ruleset: Kept<Ruleset>,
    canonicalizer: Canonicalizer,
    canonical: Vec<u8>,
    matcher: Matcher,
}

impl Callee for CohortIds {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [Value::Json(signals), Value::Json(rules)] = args else { return Err(unchecked()) };
        let ruleset = self.ruleset.get(rules, Ruleset::parse)?;
        self.canonical.clear();
        self.canonicalizer.append(signals, &mut self.canonical)?;
        let mut out = String::from("[");
        for (i, id) in self.matcher.ids(ruleset, &self.canonical)?.enumerate() {
            // Letters, digits and _ need no escape.
            out.push_str(if i == 0 { "\"" } else { ",\"" });
            out.push_str(id);
            out.push('"');
        }
        out.push(']');
        Ok(json(out))
    }
}

/// `precise_cohort_performance`. Its state is that of the sums.
#[derive(Debug, Default)]
struct CohortPerformance {
    reader: FactsReader,
    performance: Performance,
}

impl CohortPerformance {
    /// The sums here and in stored states.
    fn joined(&self, stored: &mut [&mut dyn StoredState]) -> Result<Performance> {
        let mut joined = self.performance;
        for state in stored {
            let mut bytes = [0; STATE_LEN];
            let len = state.read(&mut bytes);
            joined.merge(&bytes[..len])?;
        }
        Ok(joined)
    }
}

impl Accumulator for CohortPerformance {
    fn update(&mut self, args: &[Value<'_>]) -> Result<()> {
        let [Value::Boolean(member), Value::Json(facts)] = args else { return Err(unchecked()) };
        let facts = self.reader.read(facts)?;
        self.performance.push(*member, &facts)
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.performance.merge(state)
    }

    fn state(&mut self) -> Vec<u8> {
        core::mem::take(self).performance.state()
    }

    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        write(&self.joined(stored)?.state());
        Ok(())
    }

    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>> {
        let joined = self.joined(stored)?;
        Ok(if joined.rows() == 0 { Value::Null } else { json(joined.report().to_json()) })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.reader.size()
    }
}
