//! The laws of what is summed: paths, the states of aggregates, transitions.

use precise_core::attribution::markov::{self, Transitions};
use precise_core::attribution::{Attribution, Model, TouchPath, UNITS, touch_credit};
use precise_core::canonical::canonicalize;
use precise_core::{Code, Error};

/// A path hands out exactly 10^12 units by every model that credits a path, and its canonical form
/// is the same path.
pub fn touch_path(data: &[u8]) {
    let Ok(path) = TouchPath::parse(data) else { return };
    let again = canonicalize(data).and_then(|canonical| TouchPath::parse(&canonical));
    let is_timed = path.touches().all(|(_, at)| at.is_some());
    for model in [
        Model::First,
        Model::Last,
        Model::Linear,
        Model::Position,
        Model::Shapley,
        Model::TimeDecay(60),
    ] {
        let credit = touch_credit(model, &path);
        assert_eq!(
            again
                .as_ref()
                .map_err(Error::code)
                .and_then(|again| { touch_credit(model, again).map_err(|error| error.code()) }),
            credit.as_ref().cloned().map_err(Error::code)
        );
        match credit {
            Ok(units) => {
                assert_eq!(units.len(), path.len());
                assert_eq!(units.iter().sum::<u64>(), UNITS, "{model}");
            }
            Err(error) => {
                assert_eq!(error.code(), Code::TouchPath, "{model}");
                assert!(matches!(model, Model::TimeDecay(_)) && !is_timed);
            }
        }
    }
}

/// Bytes that are taken for a state are that of some rows: what comes of them is a state again, and
/// merged with nothing it stays the same.
pub fn attribution_state(data: &[u8]) {
    let codes = [Code::Arguments, Code::CohortCount, Code::SumSize];
    let name = data.split_first().and_then(|(&len, rest)| rest.get(..len.into()));
    let model = name.and_then(|name| Model::parse(&String::from_utf8_lossy(name)).ok());
    let mut attribution = Attribution::new(model.unwrap_or(Model::Linear));
    match attribution.merge(data) {
        Ok(()) => assert!(model.is_some() || data.is_empty()),
        Err(error) => return assert!(codes.contains(&error.code()), "{error}"),
    }
    if let Err(error) = attribution.credits() {
        assert_eq!(error.code(), Code::SumSize);
    }
    let state = attribution.state();
    let mut whole = Attribution::new(attribution.model());
    assert_eq!(whole.merge(&state), Ok(()));
    assert_eq!(whole.state(), state);
}

/// Transitions that are read are written so that they are read again, and are solved the same.
pub fn transitions(data: &[u8]) {
    let Ok(read) = Transitions::parse(data) else { return };
    // A sum of counts may be beyond what JSON keeps.
    let Ok(json) = read.to_json() else { return };
    let solved = |transitions: &Transitions| -> Vec<(String, u64)> {
        let removals = markov::solve(transitions).into_iter();
        removals.map(|removal| (removal.cohort, removal.effect.to_bits())).collect()
    };
    match Transitions::parse(json.as_bytes()) {
        Ok(again) => {
            assert_eq!(again.to_json().as_ref(), Ok(&json));
            // Of no transitions the order is forgotten, and nothing else.
            assert_eq!(solved(&again), solved(&read));
        }
        Err(error) => panic!("what was written is read: {error}"),
    }
}
