//! The one test body, and what it found.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use precise_core::value::Value;
use precise_core::{hex, proof};

use crate::engine::{Engine, Outcome};
use crate::vector::{Expected, Form, Vector, family, without_detail};

/// The longest value shown whole in a report.
const SHOWN: usize = 300;

/// What became of the vectors of one family on one engine.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many gave what they should.
    pub passed: usize,
    /// Those that did not.
    pub failed: Vec<Mismatch>,
    /// Those the engine cannot be asked.
    pub skipped: Vec<Skip>,
}

/// A vector that gave something else.
#[derive(Debug)]
pub struct Mismatch {
    /// The vector's id.
    pub id: String,
    /// What the file says, shortened for reading.
    pub expected: String,
    /// What the engine gave, shortened for reading.
    pub got: String,
}

/// A vector that was not run.
#[derive(Debug)]
pub struct Skip {
    /// The vector's id.
    pub id: String,
    /// Why the engine cannot be asked.
    pub reason: String,
}

/// Runs the vectors of the family `name` on `engine`, all of them whatever fails, and prints how
/// many there were and which were skipped.
///
/// Panics if there is no such family, or its file is malformed.
pub fn run(engine: &mut dyn Engine, name: &str) -> Tally {
    let family = family(name).unwrap_or_else(|fault| panic!("{fault}"));
    let tally = Tally::of(engine, &family.vectors);
    // Not `print!`, which the test harness hides when a test passes: a skipped vector is to be
    // seen on every run.
    let report = format!("{name} on {}: {}\n", engine.surface().name, tally.summary());
    std::io::stderr().write_all(report.as_bytes()).expect("the standard error takes a report");
    tally
}

impl Tally {
    fn of(engine: &mut dyn Engine, vectors: &[Vector]) -> Self {
        let mut tally = Self::default();
        for vector in vectors {
            match (engine.surface().covers)(vector) {
                Ok(()) => tally.add(vector, &engine.call(vector.function.name, &vector.rows())),
                Err(reason) => tally.skipped.push(Skip { id: vector.id.clone(), reason }),
            }
        }
        tally
    }

    /// Panics with every mismatch if there is one, and if nothing was there to run.
    pub fn demand_passed(&self) {
        assert!(self.failed.is_empty(), "{self}");
        assert!(self.passed + self.skipped.len() > 0, "no vector was found");
    }

    /// The counts, and what was skipped.
    fn summary(&self) -> String {
        let Self { passed, failed, skipped } = self;
        let mut summary =
            format!("{passed} passed, {} failed, {} skipped", failed.len(), skipped.len());
        for Skip { id, reason } in skipped {
            let _ = write!(summary, "\n  skipped {id}: {reason}");
        }
        summary
    }

    fn add(&mut self, vector: &Vector, outcome: &Outcome) {
        if meets(&vector.expected, outcome) {
            self.passed += 1;
        } else {
            self.failed.push(Mismatch {
                id: vector.id.clone(),
                expected: shortened(shown_expected(&vector.expected)),
                got: shortened(shown_outcome(outcome)),
            });
        }
    }
}

/// The summary, and every mismatch.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())?;
        for Mismatch { id, expected, got } in &self.failed {
            write!(f, "\n  failed {id}\n    expected {expected}\n    got      {got}")?;
        }
        Ok(())
    }
}

fn meets(expected: &Expected, outcome: &Outcome) -> bool {
    match (expected, outcome) {
        (Expected::Refusal(code), Outcome::Refused(given)) => code == given,
        (Expected::Result(form), Outcome::Returned(value)) => form.value() == *value,
        (Expected::Digest(digest), Outcome::Returned(value)) => match value {
            Value::Bytes(bytes) | Value::Json(bytes) => proof::hash(bytes, None) == *digest,
            Value::Decimal(text) | Value::Text(text) => {
                proof::hash(text.as_bytes(), None) == *digest
            }
            Value::Boolean(_) | Value::Float(_) | Value::Integer(_) | Value::Null => false,
        },
        (Expected::Undetailed(form), Outcome::Returned(Value::Json(json))) => without_detail(json)
            .is_some_and(|json| form.value() == Value::Json(json.into_bytes().into())),
        _ => false,
    }
}

fn shown_expected(expected: &Expected) -> String {
    match expected {
        Expected::Digest(digest) => format!("what has BLAKE3 {}", hex::format_hash(digest)),
        Expected::Refusal(code) => format!("error {code}"),
        Expected::Result(form) => form.to_json(),
        Expected::Undetailed(form) => format!("but for details {}", form.to_json()),
    }
}

fn shown_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Broken(what) => format!("neither result nor code: {what}"),
        Outcome::Refused(code) => format!("error {code}"),
        Outcome::Returned(value) => Form::of(value).to_json(),
    }
}

fn shortened(whole: String) -> String {
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use precise_core::Code;

    use super::*;
    use crate::engine::{Argument, Surface};

    const PARROT: Surface = Surface { name: "parrot", covers: |_| Ok(()) };
    const MUTE: Surface = Surface { name: "mute", covers: |_| Err("it has no voice".into()) };

    /// Says the same to everything.
    struct Parrot(Outcome);

    impl Engine for Parrot {
        fn surface(&self) -> &Surface {
            &PARROT
        }

        fn call(&mut self, _: &str, _: &[Vec<Argument>]) -> Outcome {
            self.0.clone()
        }
    }

    /// Cannot be asked anything.
    struct Mute;

    impl Engine for Mute {
        fn surface(&self) -> &Surface {
            &MUTE
        }

        fn call(&mut self, _: &str, _: &[Vec<Argument>]) -> Outcome {
            unreachable!("it covers nothing")
        }
    }

    fn vectors() -> Vec<Vector> {
        let vectors = family("proof").unwrap().vectors.into_iter();
        vectors.filter(|vector| vector.function.name == "precise_blind").collect()
    }

    #[test]
    fn a_wrong_answer_is_collected_for_every_vector() {
        let mut parrot = Parrot(Outcome::Returned(Value::Boolean(true)));
        let tally = Tally::of(&mut parrot, &vectors());
        assert_eq!(tally.passed, 0);
        assert_eq!(tally.failed.len(), vectors().len());
        assert!(tally.to_string().contains("got      {\"bool\": true}"));
    }

    #[test]
    fn a_right_answer_is_counted() {
        let mut parrot = Parrot(Outcome::Refused(Code::SecretLength));
        let tally = Tally::of(&mut parrot, &vectors());
        let refused =
            |vector: &&Vector| matches!(vector.expected, Expected::Refusal(Code::SecretLength));
        assert_eq!(tally.passed, vectors().iter().filter(refused).count());
        assert!(tally.passed > 0);
    }

    #[test]
    fn a_broken_engine_passes_nothing() {
        let tally = Tally::of(&mut Parrot(Outcome::Broken("gone".into())), &vectors());
        assert_eq!(tally.passed, 0);
        assert!(std::panic::catch_unwind(|| tally.demand_passed()).is_err());
    }

    #[test]
    fn skipped_vectors_are_named_with_their_reason() {
        let tally = Tally::of(&mut Mute, &vectors());
        assert_eq!((tally.passed, tally.failed.len()), (0, 0));
        assert!(tally.to_string().contains(": it has no voice"));
        tally.demand_passed();
    }

    #[test]
    fn nothing_to_run_does_not_pass() {
        assert!(std::panic::catch_unwind(|| Tally::default().demand_passed()).is_err());
        assert!(std::panic::catch_unwind(|| run(&mut Mute, "nothing")).is_err());
    }
}
