//! Every aggregate of the catalogue as one `AggregateUDFImpl`: driven.
//!
//! A partial state is one cell of bytes, which SPEC.md specifies, so that it may move anywhere.

use std::sync::Arc;

use arrow_array::builder::LargeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, not_impl_err};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion_expr::{
    Accumulator, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    Signature, Volatility,
};
use precise_core::catalog::Function;
use precise_core::value::{Accumulator as State, Value};

use crate::columns::{self, Argument, Results, scalar};
use crate::documentation::documentation;
use crate::error::refused;
use crate::types;

/// An aggregate of the catalogue.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CatalogAggregate {
    function: &'static Function,
    signature: Signature,
    documentation: Documentation,
}

impl CatalogAggregate {
    pub(crate) fn new(function: &'static Function) -> Self {
        Self {
            function,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation(function),
        }
    }
}

impl AggregateUDFImpl for CatalogAggregate {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(types::result_type(self.function.returns))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        types::coerce(self.function, arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        refuse_distinct(self.function, &args)?;
        Ok(Box::new(Group { function: self.function, state: begin(self.function)? }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "state");
        Ok(vec![Arc::new(Field::new(name, DataType::LargeBinary, true))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        refuse_distinct(self.function, &args)?;
        Ok(Box::new(Groups { function: self.function, states: Vec::new(), size: 0 }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The engine leaves it to us to pass over repeats, which not every aggregate may do.
fn refuse_distinct(function: &Function, args: &AccumulatorArgs<'_>) -> Result<()> {
    if args.is_distinct {
        let name = function.name;
        return not_impl_err!(
            "{name}(DISTINCT …): leave DISTINCT out, or select the distinct rows in a subquery"
        );
    }
    Ok(())
}

fn begin(function: &'static Function) -> Result<Box<dyn State>> {
    function.accumulator().map_err(|error| refused(function, error))
}

fn arguments<'a>(function: &Function, arrays: &'a [ArrayRef]) -> Result<Vec<Argument<'a>>> {
    arrays
        .iter()
        .zip(function.args)
        .map(|(array, arg)| Argument::new(arg.arg_type, array, false))
        .collect()
}

/// The state of one group.
#[derive(Debug)]
struct Group {
    function: &'static Function,
    state: Box<dyn State>,
}

impl Accumulator for Group {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let arrays = columns::with_documents(self.function, arrays.to_vec())?;
        let arguments = arguments(self.function, &arrays)?;
        let mut values = Vec::with_capacity(arguments.len());
        for row in 0..arrays.first().map_or(0, Array::len) {
            values.clear();
            values.extend(arguments.iter().map(|argument| argument.value(row)));
            self.state.update(&values).map_err(|error| refused(self.function, error))?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for state in states[0].as_binary::<i64>().iter().flatten() {
            self.state.merge(state).map_err(|error| refused(self.function, error))?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::LargeBinary(Some(self.state.state()))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.state.finish().map_err(|error| refused(self.function, error))?;
        scalar(&value, self.function.returns)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.state.size()
    }
}

/// The states of many groups.
struct Groups {
    function: &'static Function,
    states: Vec<Box<dyn State>>,
    /// Bytes that the states hold, kept as they change: there may be millions.
    size: usize,
}

impl Groups {
    /// Makes room for groups up to `count`.
    fn grow(&mut self, count: usize) -> Result<()> {
        while self.states.len() < count {
            let state = begin(self.function)?;
            self.size += state.size();
            self.states.push(state);
        }
        Ok(())
    }

    /// Lets `change` work on one group's state.
    fn change(
        &mut self,
        group: usize,
        change: impl FnOnce(&mut dyn State) -> precise_core::Result<()>,
    ) -> Result<()> {
        let state = self.states[group].as_mut();
        let before = state.size();
        change(state).map_err(|error| refused(self.function, error))?;
        self.size = self.size + state.size() - before;
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Box<dyn State>> {
        let states = emit_to.take_needed(&mut self.states);
        self.size -= states.iter().map(|state| state.size()).sum::<usize>();
        states
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.grow(total_groups)?;
        let arrays = columns::with_documents(self.function, arrays.to_vec())?;
        let arguments = arguments(self.function, &arrays)?;
        let mut values = Vec::with_capacity(arguments.len());
        for (row, &group) in groups.iter().enumerate() {
            if is_chosen(filter, row) {
                values.clear();
                values.extend(arguments.iter().map(|argument| argument.value(row)));
                self.change(group, |state| state.update(&values))?;
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        self.grow(total_groups)?;
        for (state, &group) in states[0].as_binary::<i64>().iter().zip(groups) {
            if let Some(state) = state {
                self.change(group, |whole| whole.merge(state))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut states = self.take(emit_to);
        let mut results = Results::new(self.function.returns, states.len());
        for state in &mut states {
            let value = state.finish().map_err(|error| refused(self.function, error))?;
            results.push(&value)?;
        }
        Ok(results.finish())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut builder = LargeBinaryBuilder::new();
        for mut state in self.take(emit_to) {
            builder.append_value(state.state());
        }
        Ok(vec![Arc::new(builder.finish())])
    }

    fn convert_to_state(
        &self,
        arrays: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let arrays = columns::with_documents(self.function, arrays.to_vec())?;
        let arguments = arguments(self.function, &arrays)?;
        let mut builder = LargeBinaryBuilder::new();
        for row in 0..arrays.first().map_or(0, Array::len) {
            let mut state = begin(self.function)?;
            if is_chosen(filter, row) {
                let values: Vec<Value<'_>> =
                    arguments.iter().map(|argument| argument.value(row)).collect();
                state.update(&values).map_err(|error| refused(self.function, error))?;
            }
            builder.append_value(state.state());
        }
        Ok(vec![Arc::new(builder.finish())])
    }

    fn size(&self) -> usize {
        self.size + self.states.capacity() * size_of::<Box<dyn State>>()
    }
}

/// Whether `FILTER (WHERE …)` lets the row through.
fn is_chosen(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}
