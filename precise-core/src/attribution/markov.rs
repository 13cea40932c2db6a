//! Paths as a Markov chain, and what would be lost without a cohort (SPEC.md section 9.4).
//!
//! Counts are integers. The chain is solved in binary64 by + × ÷ alone, in an order that the
//! specification fixes and without fused operations, so that every CPU gets the same bits.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::model::ORDERS;
use super::path::{TouchPath, check_cohort};
use crate::document::{Document, MAX_INTEGER, Members, Writer};
use crate::error::{Code, Error, Result};
use crate::names::{Names, Recent, mix};

/// States that one chain may have, the one before the first touch included.
const MAX_STATES: usize = 4096;

/// Transitions that one chain may have.
const MAX_TRANSITIONS: usize = 1 << 20;

/// The longest memory.
const MAX_ORDER: usize = *ORDERS.end() as usize;

/// The state before the first touch.
const BEGINNING: u32 = 0;

/// The last cohorts that were touched, as their numbers and 1; 0 where there are fewer.
type Memory = [u32; MAX_ORDER];

/// How often paths went from one state to another: a chain of order 1 to 3.
#[derive(Clone, Debug)]
pub struct Transitions {
    order: usize,
    names: Names,
    states: Vec<State>,
    numbers: BTreeMap<Memory, u32>,
    steps: Vec<Step>,
    /// By the state from which they go, and the cohort that is touched.
    step_numbers: BTreeMap<(u32, u32), u32>,
    recent: Recent,
    /// How many there are, not counting those of a state to itself.
    len: usize,
}

#[derive(Clone, Debug)]
struct State {
    memory: Memory,
    conversions: u128,
    nulls: u128,
}

/// A touch in a state. One that leads to the same state is not counted.
#[derive(Clone, Debug)]
struct Step {
    from: u32,
    cohort: u32,
    to: u32,
    count: u128,
}

/// Where a transition goes, seen from where it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Conversion,
    Null,
    Cohort(&'a [u8]),
}

/// What leads out of one state.
struct Exits {
    state: u32,
    /// Sorted: the place of the state to which it goes among all states, and the step's number.
    steps: Vec<(u32, u32)>,
}

impl Transitions {
    /// A chain whose states remember `order` touches.
    ///
    /// Error: PR507.
    pub fn new(order: u32) -> Result<Self> {
        if !ORDERS.contains(&order) {
            let detail = alloc::format!("there is no order {order}");
            return Err(Error::new(Code::Model).because(detail));
        }
        Ok(Self::of_order(order))
    }

    /// The same of an order that is known to be one.
    pub(super) fn of_order(order: u32) -> Self {
        let beginning = State { memory: Memory::default(), conversions: 0, nulls: 0 };
        Self {
            order: order as usize,
            names: Names::default(),
            numbers: [(beginning.memory, BEGINNING)].into(),
            states: alloc::vec![beginning],
            steps: Vec::new(),
            step_numbers: BTreeMap::new(),
            recent: Recent::default(),
            len: 0,
        }
    }

    /// Counts a path that was taken by journeys which converted and by journeys which did not.
    ///
    /// Errors: PR906, PR907.
    pub fn push(&mut self, path: &TouchPath, conversions: u64, nulls: u64) -> Result<()> {
        let count = u128::from(conversions) + u128::from(nulls);
        if count == 0 {
            return Ok(());
        }
        let mut state = BEGINNING;
        for cohort in path.cohorts() {
            let cohort = self.names.number(cohort)?;
            let number = self.step(state, cohort)?;
            let step = &mut self.steps[number];
            if step.to != state {
                step.count = super::sum(step.count, count)?;
            }
            state = step.to;
        }
        self.add_exits(state, conversions.into(), nulls.into())
    }

    /// Reads a JSON array of transitions, in any order and with repeats, which are added.
    ///
    /// Errors: PR515, PR517, PR906.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let elements = Document::read(json, Code::Transitions)?.into_elements(Code::Transitions)?;
        let mut transitions: Option<Self> = None;
        for element in elements {
            let mut members = element.into_members(Code::Transitions)?;
            let order = u32::try_from(members.take_integer("k")?)
                .ok()
                .filter(|order| ORDERS.contains(order))
                .ok_or_else(|| malformed("k is 1, 2 or 3"))?;
            let transitions = match &mut transitions {
                Some(transitions) => transitions,
                none => none.insert(Self::new(order)?),
            };
            if transitions.order != order as usize {
                return Err(malformed("k is the same in all of them"));
            }
            transitions.take(&mut members)?;
            members.finish()?;
        }
        transitions.map_or_else(|| Self::new(*ORDERS.start()), Ok)
    }

    /// Adds what the members of one transition say.
    fn take(&mut self, members: &mut Members) -> Result<()> {
        let count = read_count(&members.take("n")?)?;
        let from = read_cohorts(members.take("from")?)?;
        let from: Vec<&[u8]> = from.iter().map(String::as_bytes).collect();
        if from.len() > self.order {
            return Err(malformed("a state has more than k cohorts"));
        }
        let to = members.take("to")?;
        let to = match &to {
            Document::String(to) if to == "conversion" => {
                return self.add(&from, Target::Conversion, count);
            }
            Document::String(to) if to == "null" => return self.add(&from, Target::Null, count),
            Document::Array(_) => read_cohorts(to)?,
            _ => return Err(malformed("to is a state, \"conversion\" or \"null\"")),
        };
        let to: Vec<&[u8]> = to.iter().map(String::as_bytes).collect();
        let Some((&last, before)) = to.split_last() else {
            return Err(malformed("none goes to the beginning"));
        };
        let kept = if from.len() == self.order { &from[1..] } else { &from[..] };
        if before != kept {
            return Err(malformed("to has the last k cohorts of from and of one touch more"));
        }
        self.add(&from, Target::Cohort(last), count)
    }

    /// Adds a transition from the state that remembers `from`, at most as many as the order.
    ///
    /// Errors: PR517 for one from the beginning to an end, or from a state to itself; PR906, PR907.
    pub(super) fn add(&mut self, from: &[&[u8]], to: Target<'_>, count: u128) -> Result<()> {
        match to {
            Target::Cohort(cohort) => {
                if from.len() == self.order && from.iter().all(|before| *before == cohort) {
                    return Err(malformed("none goes from a state to itself"));
                }
            }
            Target::Conversion | Target::Null => {
                if from.is_empty() {
                    return Err(malformed("a path has at least one touch"));
                }
            }
        }
        if count == 0 {
            return Ok(());
        }
        let mut memory = Memory::default();
        for (place, cohort) in memory.iter_mut().zip(from) {
            *place = self.names.number(cohort)? + 1;
        }
        let state = self.state(memory)?;
        match to {
            Target::Conversion => self.add_exits(state, count, 0),
            Target::Null => self.add_exits(state, 0, count),
            Target::Cohort(cohort) => {
                let cohort = self.names.number(cohort)?;
                let number = self.step(state, cohort)?;
                let step = &mut self.steps[number];
                step.count = super::sum(step.count, count)?;
                Ok(())
            }
        }
    }

    /// The number of the step from `state` by a touch of `cohort`.
    #[inline]
    fn step(&mut self, state: u32, cohort: u32) -> Result<usize> {
        let hash = mix(u64::from(state) << 32 | u64::from(cohort));
        let recent = self.recent.get(hash);
        match self.steps.get(recent as usize) {
            Some(step) if step.from == state && step.cohort == cohort => Ok(recent as usize),
            _ => self.find_or_add_step(state, cohort, hash),
        }
    }

    fn find_or_add_step(&mut self, from: u32, cohort: u32, hash: u64) -> Result<usize> {
        let number = if let Some(&number) = self.step_numbers.get(&(from, cohort)) {
            number
        } else {
            let mut memory = self.states[from as usize].memory;
            let memory_in_use = &mut memory[..self.order];
            let free = memory_in_use.iter().position(|&place| place == 0);
            if free.is_none() {
                memory_in_use.rotate_left(1);
            }
            memory_in_use[free.unwrap_or(self.order - 1)] = cohort + 1;
            let to = self.state(memory)?;
            if to != from {
                self.count_one()?;
            }
            let number = self.steps.len() as u32;
            self.steps.push(Step { from, cohort, to, count: 0 });
            self.step_numbers.insert((from, cohort), number);
            self.recent.fit(self.steps.len());
            number
        };
        self.recent.put(hash, number);
        Ok(number as usize)
    }

    fn state(&mut self, memory: Memory) -> Result<u32> {
        if let Some(&number) = self.numbers.get(&memory) {
            return Ok(number);
        }
        if self.states.len() == MAX_STATES {
            let detail = alloc::format!("more than {MAX_STATES} states");
            return Err(Error::new(Code::CohortCount).because(detail));
        }
        let number = self.states.len() as u32;
        self.states.push(State { memory, conversions: 0, nulls: 0 });
        self.numbers.insert(memory, number);
        Ok(number)
    }

    fn add_exits(&mut self, state: u32, conversions: u128, nulls: u128) -> Result<()> {
        let State { conversions: converted, nulls: lost, .. } = &mut self.states[state as usize];
        let new = [(*converted, conversions), (*lost, nulls)];
        *converted = super::sum(*converted, conversions)?;
        *lost = super::sum(*lost, nulls)?;
        for _ in new.iter().filter(|(before, more)| *before == 0 && *more > 0) {
            self.count_one()?;
        }
        Ok(())
    }

    fn count_one(&mut self) -> Result<()> {
        self.len += 1;
        if self.len > MAX_TRANSITIONS {
            let detail = alloc::format!("more than {MAX_TRANSITIONS} transitions");
            return Err(Error::new(Code::CohortCount).because(detail));
        }
        Ok(())
    }

    /// The order.
    pub fn order(&self) -> u32 {
        self.order as u32
    }

    /// How many transitions go to the conversion.
    ///
    /// Error: PR907.
    pub(super) fn conversions(&self) -> Result<u128> {
        self.states.iter().try_fold(0, |total, state| super::sum(total, state.conversions))
    }

    /// As a JSON array in JCS form, sorted by the state from which they go, then by where to.
    ///
    /// Error: PR515 for a count above 2^53 − 1, which JSON does not carry everywhere.
    pub fn to_json(&self) -> Result<String> {
        let mut objects = Vec::with_capacity(self.len);
        for exits in self.sorted() {
            let State { memory, conversions, nulls } = &self.states[exits.state as usize];
            let from = self.memory_json(memory);
            let mut add = |to: &str, count: u128| {
                let Some(count) = u64::try_from(count).ok().filter(|&n| n <= MAX_INTEGER) else {
                    let detail = alloc::format!("n of a transition is {count}, above 2^53 - 1");
                    return Err(Error::new(Code::Counts).because(detail));
                };
                if count > 0 {
                    let mut writer = Writer::object();
                    writer.key("from").raw(&from);
                    writer.key("k").integer(self.order as u64);
                    writer.key("n").integer(count);
                    writer.key("to").raw(to);
                    objects.push(writer.finish());
                }
                Ok(())
            };
            for (_, step) in exits.steps {
                let step = &self.steps[step as usize];
                add(&self.memory_json(&self.states[step.to as usize].memory), step.count)?;
            }
            add("\"conversion\"", *conversions)?;
            add("\"null\"", *nulls)?;
        }
        Ok(super::array(objects.into_iter()))
    }

    fn memory_json(&self, memory: &Memory) -> String {
        super::array(self.cohorts(memory).map(super::quoted))
    }

    fn cohorts(&self, memory: &Memory) -> impl Iterator<Item = &[u8]> {
        memory.iter().take_while(|&&place| place > 0).map(|place| self.names.text(place - 1))
    }

    /// The place of each cohort among all, sorted by their bytes.
    fn ranks(&self) -> Vec<u32> {
        let mut ranks = alloc::vec![0; self.names.len()];
        for (rank, (_, number)) in (0..).zip(self.names.sorted()) {
            ranks[number as usize] = rank;
        }
        ranks
    }

    /// All states in their order, with what leads out of each.
    fn sorted(&self) -> Vec<Exits> {
        let ranks = self.ranks();
        let key = |state: &State| {
            state.memory.map(|place| if place > 0 { ranks[place as usize - 1] + 1 } else { 0 })
        };
        let mut sorted: Vec<u32> = (0..self.states.len() as u32).collect();
        sorted.sort_unstable_by_key(|&state| key(&self.states[state as usize]));
        let mut places = alloc::vec![0; sorted.len()];
        for (place, &state) in (0..).zip(&sorted) {
            places[state as usize] = place;
        }
        let mut exits: Vec<Exits> =
            sorted.into_iter().map(|state| Exits { state, steps: Vec::new() }).collect();
        for (number, step) in (0..).zip(&self.steps) {
            if step.from != step.to {
                let from = places[step.from as usize];
                exits[from as usize].steps.push((places[step.to as usize], number));
            }
        }
        for exits in &mut exits {
            exits.steps.sort_unstable();
        }
        exits
    }

    /// Gives each transition as an entry of a state of the aggregate (SPEC.md section 9.6), sorted.
    pub(super) fn entries(&self, mut each: impl FnMut(&[u8], u128)) {
        let mut key = Vec::new();
        for exits in self.sorted() {
            let State { memory, conversions, nulls } = &self.states[exits.state as usize];
            key.clear();
            for cohort in self.cohorts(memory) {
                key.extend_from_slice(cohort);
                key.push(b'\n');
            }
            key.push(0);
            let front = key.len();
            let ends = [(&[][..], *conversions), (&[NULL][..], *nulls)];
            let steps = exits.steps.iter().map(|&(_, number)| {
                let step = &self.steps[number as usize];
                (self.names.text(step.cohort), step.count)
            });
            for (to, count) in ends.into_iter().filter(|&(_, count)| count > 0).chain(steps) {
                key.truncate(front);
                key.extend_from_slice(to);
                each(&key, count);
            }
        }
    }

    /// Takes what [`entries`](Transitions::entries) gave; none if it is no entry.
    pub(super) fn add_entry(&mut self, key: &[u8], count: u128) -> Result<Option<()>> {
        let Some(end) = key.iter().position(|&byte| byte == 0) else { return Ok(None) };
        let (from, to) = (&key[..end], &key[end + 1..]);
        let from: Vec<&[u8]> = match from.strip_suffix(b"\n") {
            Some(from) => from.split(|&byte| byte == b'\n').collect(),
            None if from.is_empty() => Vec::new(),
            None => return Ok(None),
        };
        let to = match to {
            [] => Target::Conversion,
            [NULL] => Target::Null,
            cohort => Target::Cohort(cohort),
        };
        let is_cohort = |cohort: &[u8]| check_cohort(cohort).is_ok();
        let cohorts = from.iter().copied().chain(match to {
            Target::Cohort(cohort) => Some(cohort),
            Target::Conversion | Target::Null => None,
        });
        if from.len() > self.order || !{ cohorts }.all(is_cohort) {
            return Ok(None);
        }
        match self.add(&from, to, count) {
            Err(fault) if fault.code() == Code::Transitions => Ok(None),
            added => added.map(Some),
        }
    }

    /// Bytes of memory held, nearly.
    pub(super) fn size(&self) -> usize {
        // Entries of the trees are in nodes that are not full.
        self.names.size()
            + self.states.capacity() * (size_of::<State>() + 32)
            + self.steps.capacity() * (size_of::<Step>() + 24)
            + self.recent.size()
    }
}

/// The byte that stands for null behind a state, where no cohort begins with it.
const NULL: u8 = 1;

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::Transitions).because(detail)
}

fn read_count(count: &Document) -> Result<u128> {
    let Document::Number(count) = count else { return Err(malformed("n is not a number")) };
    match count.parse::<u64>() {
        Ok(count) if count <= MAX_INTEGER => Ok(count.into()),
        Err(_) if count.contains('.') && !count.contains("e+") || count.contains("e-") => {
            Err(malformed("n is not an integer"))
        }
        _ => {
            let detail = alloc::format!("n is {count}, and not from 0 to 2^53 - 1");
            Err(Error::new(Code::Counts).because(detail))
        }
    }
}

fn read_cohorts(state: Document) -> Result<Vec<String>> {
    let cohorts = state.into_elements(Code::Transitions)?;
    let cohort = |cohort| match cohort {
        Document::String(cohort) => {
            check_cohort(cohort.as_bytes()).map_err(malformed)?;
            Ok(cohort)
        }
        _ => Err(malformed("a cohort is not a string")),
    };
    cohorts.into_iter().map(cohort).collect()
}

/// The part of conversions that would be lost without one cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// The cohort.
    pub cohort: String,
    /// From 0 to 1.
    pub effect: f64,
}

/// The removal effect of each cohort, sorted by cohort.
pub fn solve(transitions: &Transitions) -> Vec<Removal> {
    let ranks = transitions.ranks();
    let exits = transitions.sorted();
    let chain = Chain::of(transitions, &exits);
    let remembered: Vec<Vec<u32>> = exits
        .iter()
        .map(|exits| {
            let memory = transitions.states[exits.state as usize].memory.iter();
            memory.take_while(|&&place| place > 0).map(|&place| ranks[place as usize - 1]).collect()
        })
        .collect();
    let mut effects = alloc::vec![0.0; ranks.len()];
    if !effects.is_empty() {
        chain.effects(0..ranks.len() as u32, &remembered, &mut effects);
    }
    let cohorts = transitions.names.sorted().zip(effects);
    let removal = |((cohort, _), effect): ((&[u8], u32), f64)| Removal {
        cohort: String::from_utf8_lossy(cohort).into_owned(),
        effect,
    };
    cohorts.map(removal).collect()
}

/// The weights between some of the states; the first is always the beginning.
#[derive(Clone)]
struct Chain {
    /// Their places among all states, ascending.
    states: Vec<u32>,
    /// What leads out of each: columns, ascending, and weights that are not 0. A column is a place
    /// in `states`; behind them come conversion and null.
    rows: Vec<Vec<(u32, f64)>>,
}

impl Chain {
    fn of(transitions: &Transitions, exits: &[Exits]) -> Self {
        let conversion = exits.len() as u32;
        let row = |exits: &Exits| {
            let State { conversions, nulls, .. } = transitions.states[exits.state as usize];
            let step = |&(to, step): &(u32, u32)| (to, transitions.steps[step as usize].count);
            let ends = [(conversion, conversions), (conversion + 1, nulls)];
            let counts = exits.steps.iter().map(step).chain(ends).filter(|&(_, count)| count > 0);
            counts.map(|(to, count)| (to, count as f64)).collect()
        };
        Self { states: (0..conversion).collect(), rows: exits.iter().map(row).collect() }
    }

    /// Finds the effects of cohorts whose ranks are `cohorts`, at least one. States that remember
    /// none of them are gone, but for the beginning.
    fn effects(&self, cohorts: Range<u32>, remembered: &[Vec<u32>], effects: &mut [f64]) {
        if cohorts.len() == 1 {
            effects[cohorts.start as usize] = self.effect();
            return;
        }
        let middle = cohorts.start + cohorts.len() as u32 / 2;
        for half in [cohorts.start..middle, middle..cohorts.end] {
            let keeps = |&state: &u32| {
                state == BEGINNING
                    || remembered[state as usize].iter().any(|cohort| half.contains(cohort))
            };
            self.without(keeps).effects(half, remembered, effects);
        }
    }

    /// The effect of the one cohort that all states but the beginning remember.
    fn effect(&self) -> f64 {
        let without = self.weight_to_conversion();
        let mut chain = self.clone();
        let conversion = chain.states.len() as u32;
        chain.rows[0].retain(|&(to, _)| to != conversion);
        let with = chain.without(|&state| state == BEGINNING).weight_to_conversion();
        if with > 0.0 { with / (without + with) } else { 0.0 }
    }

    /// The weight that goes from the beginning straight to conversion.
    fn weight_to_conversion(&self) -> f64 {
        let conversion = self.states.len() as u32;
        let found = self.rows[0].iter().find(|&&(to, _)| to == conversion);
        found.map_or(0.0, |&(_, weight)| weight)
    }

    /// Eliminates the states that are not kept, from the last to the first.
    ///
    /// What each weight grows by, and in which order, does not depend on which row is worked on
    /// when, as long as a row takes in only rows that have taken in all they will. So rows come a
    /// few at a time, to stay in the cache: those to be eliminated, last first, then those that
    /// are kept.
    fn without(&self, keeps: impl Fn(&u32) -> bool) -> Self {
        let (kept, gone): (Vec<usize>, Vec<usize>) =
            (0..self.states.len()).partition(|&i| keeps(&self.states[i]));
        let mut matrix = Matrix::of(self, &kept, &gone);
        matrix.eliminate();
        let row = |row: &[f64]| {
            let weights = (0..).zip(&row[..kept.len() + 2]);
            weights.filter(|(_, weight)| **weight > 0.0).map(|(to, weight)| (to, *weight)).collect()
        };
        let mut rows: Vec<Vec<(u32, f64)>> =
            matrix.weights.chunks(matrix.width).skip(gone.len()).map(row).collect();
        for (i, row) in (0..).zip(&mut rows) {
            // What came back to where it went from.
            row.retain(|&(to, _)| to != i);
        }
        Self { states: kept.iter().map(|&i| self.states[i]).collect(), rows }
    }
}

/// All weights of a chain. Columns: states that are kept, conversion, null, states to be
/// eliminated, so that what is left while these go is always the front of a row. Rows: states to be
/// eliminated, the last first, then those that are kept.
struct Matrix {
    weights: Vec<f64>,
    width: usize,
    kept: usize,
    /// The columns of all states in their order, then those of conversion and null.
    columns: Vec<usize>,
}

/// Rows that are worked on together: 256 KB of them at most.
const TOGETHER: usize = 8;

impl Matrix {
    fn of(chain: &Chain, kept: &[usize], gone: &[usize]) -> Self {
        let width = chain.states.len() + 2;
        let mut columns = alloc::vec![0; width];
        for (column, &i) in kept.iter().enumerate() {
            columns[i] = column;
        }
        for (column, &i) in (kept.len() + 2..).zip(gone) {
            columns[i] = column;
        }
        (columns[width - 2], columns[width - 1]) = (kept.len(), kept.len() + 1);
        let mut weights = alloc::vec![0.0; width * chain.states.len()];
        for (row, &i) in weights.chunks_mut(width).zip(gone.iter().rev().chain(kept)) {
            for &(to, weight) in &chain.rows[i] {
                row[columns[to as usize]] = weight;
            }
        }
        Self { weights, width, kept: kept.len(), columns }
    }

    fn eliminate(&mut self) {
        let Self { weights, width, kept, columns } = self;
        let (width, ends) = (*width, *kept + 2);
        let rows = width - 2;
        let gone = width - ends;
        for first in (0..rows).step_by(TOGETHER) {
            let (finished, rest) = weights.split_at_mut(first * width);
            let rest = &mut rest[..TOGETHER.min(rows - first) * width];
            for (i, source) in finished.chunks(width).take(gone).enumerate() {
                let own = width - 1 - i;
                for row in rest.chunks_mut(width) {
                    take_in(row, source, own);
                }
            }
            for i in first..gone.min(first + TOGETHER) {
                let own = width - 1 - i;
                let (before, behind) = rest.split_at_mut((i - first + 1) * width);
                let source = &mut before[(i - first) * width..];
                finish(source, own, ends, columns);
                for row in behind.chunks_mut(width) {
                    take_in(row, source, own);
                }
            }
        }
    }
}

/// Makes what leads out of a state that is to be eliminated, in column `own`, parts of 1 over all
/// of it: they are kept as the sum in that column, and the weights as they are.
fn finish(row: &mut [f64], own: usize, ends: usize, columns: &[usize]) {
    row[own] = 0.0;
    let total = columns
        .iter()
        .filter(|&&column| column < own)
        .fold(0.0, |total, &column| total + row[column]);
    if total > 0.0 {
        row[own] = total;
    } else {
        row[ends - 1] = 1.0;
        row[own] = 1.0;
    }
}

/// What goes to the state in column `own`, of which `source` is the row, goes where that leads.
#[inline]
fn take_in(row: &mut [f64], source: &[f64], own: usize) {
    let weight = row[own];
    if weight > 0.0 {
        let part = weight / source[own];
        for (weight, more) in row[..own].iter_mut().zip(&source[..own]) {
            *weight += part * more;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn path(cohorts: impl Iterator<Item = usize>) -> Result<TouchPath> {
        TouchPath::of(cohorts.map(|cohort| format!("{cohort}")))
    }

    fn effects(transitions: &Transitions) -> Vec<f64> {
        solve(transitions).into_iter().map(|removal| removal.effect).collect()
    }

    #[test]
    fn where_each_cohort_is_needed_each_has_all() -> Result<()> {
        let mut transitions = Transitions::new(1)?;
        transitions.push(&path(0..500)?, 1, 1)?;
        assert_eq!(effects(&transitions), [1.0; 500]);
        Ok(())
    }

    #[test]
    fn states_are_counted() -> Result<()> {
        let mut transitions = Transitions::new(1)?;
        // The beginning is one of them.
        transitions.push(&path(1..MAX_STATES)?, 1, 1)?;
        // What is known already may come again.
        transitions.push(&path(1..4)?, 1, 0)?;
        let other = path(0..1)?;
        let refused = transitions.push(&other, 1, 0);
        assert_eq!(refused.map_err(|error| error.code()), Err(Code::CohortCount));
        // Nobody took it.
        transitions.push(&other, 0, 0)
    }

    /// 1,025 cohorts, each followed by each other, are 1,049,600 transitions.
    #[test]
    fn transitions_are_counted() -> Result<()> {
        let mut transitions = Transitions::new(1)?;
        let count = 1025;
        let mut refused = None;
        for distance in 1..count {
            for start in 0..count {
                let touches = [start, (start + distance) % count];
                refused = transitions.push(&path(touches.into_iter())?, 0, 1).err();
                if refused.is_some() {
                    break;
                }
            }
            if refused.is_some() {
                break;
            }
        }
        assert_eq!(transitions.len, MAX_TRANSITIONS + 1);
        assert_eq!(refused.map(|error| error.code()), Some(Code::CohortCount));
        Ok(())
    }

    /// Rows are worked on in blocks: more of them than one, and of those that stay, too.
    #[test]
    fn in_a_ring_all_are_alike() -> Result<()> {
        // Journeys go round n cohorts, from each of them, until they convert.
        for n in [2, 7, 8, 9, 16, 17, 40] {
            let mut transitions = Transitions::new(1)?;
            for start in 0..n {
                transitions.push(&path((0..=200).map(|i| (start + i) % n))?, 1, 0)?;
            }
            let effects = effects(&transitions);
            assert_eq!(effects.len(), n);
            for effect in &effects {
                // All are alike, but for the order of sums.
                assert!((effect - effects[0]).abs() < 1e-12, "{effect} of {n}");
                assert!(*effect > 1.0 / n as f64 && *effect <= 1.0, "{effect} of {n}");
            }
        }
        Ok(())
    }
}
