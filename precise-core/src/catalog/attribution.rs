//! The rows of the family `attribution`: SPEC.md section 9.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Arg, Function, Kernel, Literal, arg, refuses, returns, unchecked};
use crate::attribution::contributions::{self, Policy, contributions};
use crate::attribution::markov::Transitions;
use crate::attribution::shapley::{self, Game};
use crate::attribution::{
    self, Attribution, Model, TouchPath, credit_transitions, credits_to_json, touch_credit_json,
};
use crate::error::{Code, Result};
use crate::json::Reader;
use crate::value::{Accumulator, Callee, Kept, StoredState, Type, Value, json};

const MODEL: Arg = arg(
    "model",
    Type::Text,
    "`first`, `last`, `linear`, `position`, `time_decay(604800)` (seconds in which a weight is \
     halved), `shapley`, or over all paths `markov(1)` to `markov(3)`",
);
const PATH: Arg = arg(
    "path",
    Type::Json,
    "the touches: [\"a\",\"b\"] in order, or [{\"at\":\"2026-11-22T20:00:00Z\",\"cohort\":\"a\"}, …] in \
     any, or {\"converted_at\":…,\"touches\":[…]}",
);
const CONVERSIONS: Arg =
    arg("conversions", Type::Integer, "journeys that took the path and converted; left out: 1");
const NULLS: Arg =
    arg("nulls", Type::Integer, "journeys that took the path and did not; left out: 0");

/// An impression for 19 USD a thousand, with the data of two contributors.
const EXAMPLE_EVENT: Literal = Literal::Json(
    r#"{"attribution":{"data_contributors":[{"id":"bolt","signal_type":"intent","weight":0.7},{"id":"acme","signal_type":"geo","weight":0.3}]},"event_type":"impression","metadata":{"clearing_price":19.00,"currency":"USD"}}"#,
);

/// A path, and one with times.
const EXAMPLE_PATH: Literal = Literal::Json(r#"["search","social","search"]"#);
const EXAMPLE_TIMED_PATH: Literal = Literal::Json(
    r#"[{"at":"2026-11-22T20:00:00Z","cohort":"social"},{"at":"2026-11-21T20:00:00Z","cohort":"search"}]"#,
);

pub(super) const CONTRIBUTIONS: Function = Function {
    name: "precise_contributions",
    family: "attribution",
    since: "0.2.0",
    args: &[
        arg("event", Type::Json, "an event with its `attribution.data_contributors`"),
        arg(
            "policy",
            Type::Text,
            "`split`: the weights sum to 1; `each`: every contributor is due its own; `split(USD)`: \
             the same, with the currency of events that name none",
        ),
    ],
    required: 2,
    returns: Type::Json,
    doc: "Whose data stands behind an event: for each contributor and kind of signal its weight in \
          parts per million, and what it is due of the price, exactly.",
    examples: &[
        returns(
            &[&[EXAMPLE_EVENT, Literal::Text("split")]],
            Literal::Json(
                r#"[{"amount":"0.0057","contributor":"acme","currency":"USD","signal_type":"geo","weight_ppm":300000},{"amount":"0.0133","contributor":"bolt","currency":"USD","signal_type":"intent","weight_ppm":700000}]"#,
            ),
        ),
        returns(&[&[Literal::Json("{}"), Literal::Text("each")]], Literal::Json("[]")),
        refuses(
            &[&[
                Literal::Json(
                    r#"{"attribution":{"data_contributors":[{"id":"acme","signal_type":"geo","weight":0.3}]}}"#,
                ),
                Literal::Text("split"),
            ]],
            Code::WeightSum,
        ),
        refuses(&[&[EXAMPLE_EVENT, Literal::Text("half")]], Code::ContributionPolicy),
    ],
    kernel: Kernel::Prepared(|| Box::new(Contributions::default())),
};

pub(super) const TOUCH_CREDIT: Function = Function {
    name: "precise_touch_credit",
    family: "attribution",
    since: "0.2.0",
    args: &[MODEL, PATH],
    required: 2,
    returns: Type::Json,
    doc: "Which touch of one path is credited with how much: integers that sum to 10^12. `markov` \
          credits no single path.",
    examples: &[
        returns(
            &[&[Literal::Text("linear"), EXAMPLE_PATH]],
            Literal::Json(
                r#"[{"cohort":"search","credit":333333333334,"method":"linear","v":1},{"cohort":"social","credit":333333333333,"method":"linear","v":1},{"cohort":"search","credit":333333333333,"method":"linear","v":1}]"#,
            ),
        ),
        returns(
            &[&[Literal::Text("time_decay(86400)"), EXAMPLE_TIMED_PATH]],
            Literal::Json(
                r#"[{"at":"2026-11-21T20:00:00Z","cohort":"search","credit":333333333333,"method":"time_decay(86400)","v":1},{"at":"2026-11-22T20:00:00Z","cohort":"social","credit":666666666667,"method":"time_decay(86400)","v":1}]"#,
            ),
        ),
        refuses(&[&[Literal::Text("markov(1)"), EXAMPLE_PATH]], Code::Model),
        refuses(&[&[Literal::Text("time_decay(86400)"), EXAMPLE_PATH]], Code::TouchPath),
        refuses(&[&[Literal::Text("last"), Literal::Json("[]")]], Code::TouchPath),
    ],
    kernel: Kernel::Prepared(|| Box::new(TouchCredit::default())),
};

pub(super) const ATTRIBUTION: Function = Function {
    name: "precise_attribution",
    family: "attribution",
    since: "0.2.0",
    args: &[
        MODEL,
        PATH,
        CONVERSIONS,
        NULLS,
        arg(
            "value",
            Type::Decimal,
            "what the conversions of this row are worth together, 0 and not NULL for nothing; left \
             out: nothing is said",
        ),
    ],
    required: 2,
    returns: Type::Json,
    doc: "Which cohorts brought the conversions of a group of paths. Each conversion is 10^12 units \
          of credit; a value is divided in the same parts, exactly. With `markov` there is the \
          removal effect too: the part of conversions that would be lost without the cohort.",
    examples: &[
        returns(
            &[
                &[
                    Literal::Text("position"),
                    EXAMPLE_PATH,
                    Literal::Integer(3),
                    Literal::Integer(0),
                    Literal::Decimal("12.50"),
                ],
                &[
                    Literal::Text("position"),
                    Literal::Json(r#"["mail"]"#),
                    Literal::Integer(0),
                    Literal::Integer(9),
                    Literal::Decimal("0"),
                ],
            ],
            Literal::Json(
                r#"[{"cohort":"mail","credit":"0","method":"position","v":1,"value":"0"},{"cohort":"search","credit":"2400000000000","method":"position","v":1,"value":"10"},{"cohort":"social","credit":"600000000000","method":"position","v":1,"value":"2.5"}]"#,
            ),
        ),
        returns(
            &[
                &[
                    Literal::Text("markov(1)"),
                    EXAMPLE_PATH,
                    Literal::Integer(1),
                    Literal::Integer(0),
                ],
                &[
                    Literal::Text("markov(1)"),
                    Literal::Json(r#"["search"]"#),
                    Literal::Integer(1),
                    Literal::Integer(1),
                ],
            ],
            Literal::Json(
                r#"[{"cohort":"search","credit":"1600000000000","method":"markov(1)","removal_effect":1,"v":1},{"cohort":"social","credit":"400000000000","method":"markov(1)","removal_effect":0.25,"v":1}]"#,
            ),
        ),
        returns(&[], Literal::Null),
        refuses(
            &[&[Literal::Text("first"), EXAMPLE_PATH], &[Literal::Text("last"), EXAMPLE_PATH]],
            Code::ArgumentVaries,
        ),
        refuses(&[&[Literal::Text("first"), EXAMPLE_PATH, Literal::Integer(-1)]], Code::Counts),
    ],
    kernel: Kernel::Aggregate(|| Box::new(AttributionOf::default())),
};

/// The transitions of the example's path.
const EXAMPLE_TRANSITIONS: Literal = Literal::Json(
    r#"[{"from":[],"k":1,"n":2,"to":["search"]},{"from":["search"],"k":1,"n":2,"to":["social"]},{"from":["search"],"k":1,"n":1,"to":"conversion"},{"from":["search"],"k":1,"n":1,"to":"null"},{"from":["social"],"k":1,"n":2,"to":["search"]}]"#,
);

pub(super) const PATH_TRANSITIONS: Function = Function {
    name: "precise_path_transitions",
    family: "attribution",
    since: "0.2.0",
    args: &[
        arg("k", Type::Integer, "how many touches a state remembers: 1, 2 or 3"),
        PATH,
        CONVERSIONS,
        NULLS,
    ],
    required: 2,
    returns: Type::Json,
    doc: "The transitions of one path, for engines without this aggregate: put the arrays of all \
          rows together, and precise_markov_solve gives what precise_attribution would.",
    examples: &[
        returns(
            &[&[Literal::Integer(1), EXAMPLE_PATH, Literal::Integer(1), Literal::Integer(1)]],
            EXAMPLE_TRANSITIONS,
        ),
        refuses(&[&[Literal::Integer(4), EXAMPLE_PATH]], Code::Model),
        refuses(&[&[Literal::Integer(1), EXAMPLE_PATH, Literal::Integer(-1)]], Code::Counts),
    ],
    kernel: Kernel::Scalar(|args| {
        let [Value::Integer(order), Value::Json(path), counts @ ..] = args else {
            return Err(unchecked());
        };
        // What does not fit is no order either.
        let mut transitions = Transitions::new(u32::try_from(*order).unwrap_or(u32::MAX))?;
        let (conversions, nulls, _) = read_counts(counts)?;
        let (conversions, nulls) = attribution::check_counts(conversions, nulls)?;
        transitions.push(&TouchPath::parse(path)?, conversions, nulls)?;
        Ok(json(transitions.to_json()?))
    }),
};

pub(super) const MARKOV_SOLVE: Function = Function {
    name: "precise_markov_solve",
    family: "attribution",
    since: "0.2.0",
    args: &[arg("transitions", Type::Json, "what precise_path_transitions gave, of all rows")],
    required: 1,
    returns: Type::Json,
    doc: "The credit of each cohort from transitions in any order, of which equal ones are added.",
    examples: &[
        returns(
            &[&[EXAMPLE_TRANSITIONS]],
            Literal::Json(
                r#"[{"cohort":"search","credit":"666666666667","method":"markov(1)","removal_effect":1,"v":1},{"cohort":"social","credit":"333333333333","method":"markov(1)","removal_effect":0.5,"v":1}]"#,
            ),
        ),
        returns(&[&[Literal::Json("[]")]], Literal::Json("[]")),
        refuses(&[&[Literal::Json("{}")]], Code::Transitions),
    ],
    kernel: Kernel::Scalar(|args| {
        let [Value::Json(transitions)] = args else { return Err(unchecked()) };
        let transitions = Transitions::parse(transitions)?;
        let credits = credit_transitions(&transitions)?;
        Ok(json(credits_to_json(&credits, Model::Markov(transitions.order()))))
    }),
};

pub(super) const SHAPLEY: Function = Function {
    name: "precise_shapley",
    family: "attribution",
    since: "0.2.0",
    args: &[arg(
        "v",
        Type::Json,
        "what sets of cohorts are worth: [{\"cohorts\":[\"a\",\"b\"],\"value\":\"12.5\"}, …], of at most \
         20 cohorts in all; a set that is not there is worth 0",
    )],
    required: 1,
    returns: Type::Json,
    doc: "The Shapley values of a game, exact to 10^-12; they sum to what all cohorts together are \
          worth more than none.",
    examples: &[
        returns(
            &[&[Literal::Json(
                r#"[{"cohorts":["a"],"value":4},{"cohorts":["b","a"],"value":"12.5"}]"#,
            )]],
            Literal::Json(
                r#"[{"cohort":"a","method":"shapley","v":1,"value":"8.25"},{"cohort":"b","method":"shapley","v":1,"value":"4.25"}]"#,
            ),
        ),
        refuses(&[&[Literal::Json("[]")]], Code::Game),
    ],
    kernel: Kernel::Scalar(|args| {
        let [Value::Json(game)] = args else { return Err(unchecked()) };
        Ok(json(shapley::to_json(&shapley::values(&Game::parse(game)?))))
    }),
};

/// Conversions, nulls, and in 10^-9 their value.
fn read_counts(args: &[Value<'_>]) -> Result<(i64, i64, Option<i128>)> {
    match args {
        [] => Ok((1, 0, None)),
        [Value::Integer(conversions)] => Ok((*conversions, 0, None)),
        [Value::Integer(conversions), Value::Integer(nulls)] => Ok((*conversions, *nulls, None)),
        [Value::Integer(conversions), Value::Integer(nulls), Value::Decimal(value)] => {
            Ok((*conversions, *nulls, Some(attribution::parse_value(value)?)))
        }
        _ => Err(unchecked()),
    }
}

/// The argument, which is text, as a model.
fn read_model(text: &[u8]) -> Result<Model> {
    Model::parse(core::str::from_utf8(text).unwrap_or_default())
}

/// `precise_contributions`
#[derive(Debug, Default)]
struct Contributions {
    policy: Kept<Policy>,
}

impl Callee for Contributions {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [Value::Json(event), Value::Text(policy)] = args else { return Err(unchecked()) };
        let policy = self.policy.get(policy.as_bytes(), |policy| {
            Policy::parse(core::str::from_utf8(policy).unwrap_or_default())
        })?;
        Ok(json(contributions::to_json(&contributions(event, policy)?)))
    }
}

/// `precise_touch_credit`
#[derive(Debug, Default)]
struct TouchCredit {
    model: Kept<Model>,
    reader: Reader,
    path: TouchPath,
}

impl Callee for TouchCredit {
    fn call(&mut self, args: &[Value<'_>]) -> Result<Value<'static>> {
        let [Value::Text(model), Value::Json(path)] = args else { return Err(unchecked()) };
        let model = *self.model.get(model.as_bytes(), read_model)?;
        self.path.read(&mut self.reader, path)?;
        Ok(json(touch_credit_json(model, &self.path)?))
    }
}

/// `precise_attribution`
#[derive(Debug, Default)]
struct AttributionOf {
    /// None before the first row.
    attribution: Option<Attribution>,
    model: Kept<Model>,
    reader: Reader,
    path: TouchPath,
}

impl AttributionOf {
    /// Of the model, if it is the one of the rows before.
    fn of(&mut self, model: Model) -> Result<&mut Attribution> {
        match &mut self.attribution {
            Some(attribution) => {
                attribution.check_model(model)?;
                Ok(attribution)
            }
            none => Ok(none.insert(Attribution::new(model))),
        }
    }

    /// What is here and what was stored, together.
    fn with(&self, stored: &mut [&mut dyn StoredState]) -> Result<Option<Attribution>> {
        let mut whole = self.attribution.clone();
        for state in stored {
            match &mut whole {
                Some(attribution) => attribution.merge_stored(*state)?,
                none => *none = Attribution::from_stored(*state)?,
            }
        }
        Ok(whole)
    }
}

impl Accumulator for AttributionOf {
    fn update(&mut self, args: &[Value<'_>]) -> Result<()> {
        let [Value::Text(model), Value::Json(path), counts @ ..] = args else {
            return Err(unchecked());
        };
        let model = *self.model.get(model.as_bytes(), read_model)?;
        self.path.read(&mut self.reader, path)?;
        let (conversions, nulls, value) = read_counts(counts)?;
        // The path is lent to it, and comes back with its memory.
        let path = core::mem::take(&mut self.path);
        let pushed = self.of(model)?.push(&path, conversions, nulls, value);
        self.path = path;
        pushed
    }

    fn merge(&mut self, mut state: &[u8]) -> Result<()> {
        match &mut self.attribution {
            Some(attribution) => attribution.merge(state),
            none => {
                *none = Attribution::from_stored(&mut state)?;
                Ok(())
            }
        }
    }

    fn state(&mut self) -> Vec<u8> {
        self.attribution.take().map_or_else(Vec::new, |mut attribution| attribution.state())
    }

    fn join(
        &mut self,
        stored: &mut [&mut dyn StoredState],
        write: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        if let Some(attribution) = self.with(stored)? {
            attribution.write(write);
        }
        Ok(())
    }

    fn finish_over(&mut self, stored: &mut [&mut dyn StoredState]) -> Result<Value<'static>> {
        let attribution = match &self.attribution {
            Some(attribution) if stored.is_empty() => return Ok(json(attribution.to_json()?)),
            _ => self.with(stored)?,
        };
        attribution.map_or(Ok(Value::Null), |attribution| Ok(json(attribution.to_json()?)))
    }

    fn size(&self) -> usize {
        let attribution = self.attribution.as_ref().map_or(0, Attribution::size);
        size_of_val(self) + attribution + self.path.size()
    }
}
