//! SQL in, outcomes out.
//!
//! Planning takes far longer than running here, so that a plan is kept with its table left open:
//! what is in the table is put there before each run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use conformance::{Form, Outcome};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, collect};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;
use datafusion_udfs::{FunctionError, register_all};
use precise_core::Code;
use precise_core::catalog::Function;
use precise_core::value::{Type, Value};
use tokio::runtime::Runtime;

/// The column of every result.
pub(crate) const RESULT: &str = "result";

/// How a session runs its queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// One partition: aggregates have one phase.
    Single,
    /// Four partitions and batches of two rows.
    Small,
    /// Four partitions and batches of the usual size.
    Parallel,
    /// As `Small`, and groups are not gathered before they move: each row becomes a partial state.
    RawStates,
}

/// The sessions, one for each mode.
pub(crate) struct Sessions {
    runtime: Runtime,
    contexts: HashMap<Mode, SessionContext>,
    plans: HashMap<(Mode, String, Fields, usize), Prepared>,
}

/// A plan, and the table it reads.
struct Prepared {
    plan: Arc<dyn ExecutionPlan>,
    partitions: Vec<Arc<Slot>>,
}

/// One partition of a table, filled before each run.
#[derive(Debug)]
struct Slot {
    schema: SchemaRef,
    batches: Mutex<Vec<RecordBatch>>,
}

impl PartitionStream for Slot {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self.batches.lock().unwrap().clone();
        Box::pin(MemoryStream::try_new(batches, self.schema.clone(), None).unwrap())
    }
}

/// What a query called `t` reads.
pub(crate) struct Table {
    pub(crate) schema: SchemaRef,
    /// The batches of each partition.
    pub(crate) partitions: Vec<Vec<RecordBatch>>,
}

impl Table {
    /// One partition of one batch.
    pub(crate) fn of(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), partitions: vec![vec![batch]] }
    }

    /// The rows of one batch, each at the place and in the batch that `layout` says: a list of
    /// row counts for each partition.
    pub(crate) fn cut(batch: &RecordBatch, layout: &[&[usize]]) -> Self {
        let mut from = 0;
        let partitions = layout
            .iter()
            .map(|lens| {
                lens.iter()
                    .map(|&len| {
                        from += len;
                        batch.slice(from - len, len)
                    })
                    .collect()
            })
            .collect();
        assert_eq!(from, batch.num_rows(), "every row has its place");
        Self { schema: batch.schema(), partitions }
    }
}

impl Sessions {
    pub(crate) fn new() -> Self {
        let config = |partitions| SessionConfig::new().with_target_partitions(partitions);
        let probing = "datafusion.execution.skip_partial_aggregation_probe";
        let raw_states = config(4)
            .with_batch_size(2)
            .set_usize(&format!("{probing}_rows_threshold"), 0)
            .set(&format!("{probing}_ratio_threshold"), &ScalarValue::Float64(Some(0.0)));
        let contexts = [
            (Mode::Single, config(1)),
            (Mode::Small, config(4).with_batch_size(2)),
            (Mode::Parallel, config(4)),
            (Mode::RawStates, raw_states),
        ];
        let open = |(mode, config)| {
            let mut context = SessionContext::new_with_config(config);
            register_all(&mut context).unwrap();
            (mode, context)
        };
        Self {
            runtime: Runtime::new().unwrap(),
            contexts: contexts.into_iter().map(open).collect(),
            plans: HashMap::new(),
        }
    }

    /// What `sql` gives for the table `t`.
    pub(crate) fn query(&mut self, mode: Mode, sql: &str, t: &Table) -> Result<Vec<RecordBatch>> {
        let key = (mode, sql.to_owned(), t.schema.fields().clone(), t.partitions.len());
        if !self.plans.contains_key(&key) {
            let prepared = self.prepare(mode, sql, t)?;
            self.plans.insert(key.clone(), prepared);
        }
        let Prepared { plan, partitions } = &self.plans[&key];
        for (slot, batches) in partitions.iter().zip(&t.partitions) {
            slot.batches.lock().unwrap().clone_from(batches);
        }
        let plan = reset_plan_states(plan.clone())?;
        let batches = self.runtime.block_on(collect(plan, self.contexts[&mode].task_ctx()));
        for slot in partitions {
            slot.batches.lock().unwrap().clear();
        }
        batches
    }

    fn prepare(&self, mode: Mode, sql: &str, t: &Table) -> Result<Prepared> {
        let context = &self.contexts[&mode];
        let partitions: Vec<Arc<Slot>> = t
            .partitions
            .iter()
            .map(|_| Arc::new(Slot { schema: t.schema.clone(), batches: Mutex::default() }))
            .collect();
        let streams = partitions.iter().map(|slot| slot.clone() as Arc<dyn PartitionStream>);
        let table = StreamingTable::try_new(t.schema.clone(), streams.collect())?;
        context.deregister_table("t")?;
        context.register_table("t", Arc::new(table))?;
        let plan = self
            .runtime
            .block_on(async { context.sql(sql).await?.create_physical_plan().await })?;
        Ok(Prepared { plan, partitions })
    }

    /// What a query over a table gives that need not be planned again.
    pub(crate) fn query_once(&self, sql: &str, t: &Table) -> Result<Vec<RecordBatch>> {
        let Prepared { plan, partitions } = self.prepare(Mode::Single, sql, t)?;
        for (slot, batches) in partitions.iter().zip(&t.partitions) {
            slot.batches.lock().unwrap().clone_from(batches);
        }
        let context = self.contexts[&Mode::Single].task_ctx();
        self.runtime.block_on(collect(plan, context))
    }

    /// What a query without a table gives.
    pub(crate) fn constants(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let context = &self.contexts[&Mode::Single];
        self.runtime.block_on(async { context.sql(sql).await?.collect().await })
    }

    /// What a call with constants gives, as a program makes and evaluates it.
    pub(crate) fn expression(&self, call: Expr) -> Result<Vec<RecordBatch>> {
        let context = &self.contexts[&Mode::Single];
        let physical = context.create_physical_expr(call, &DFSchema::empty())?;
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let no_columns = Arc::new(Schema::empty());
        let row = RecordBatch::try_new_with_options(no_columns, vec![], &options)?;
        let result = physical.evaluate(&row)?.into_array(1)?;
        Ok(vec![RecordBatch::try_from_iter([(RESULT, result)])?])
    }
}

impl Sessions {
    /// What an aggregate of constants gives over one row.
    pub(crate) fn aggregate(&self, call: Expr) -> Result<Vec<RecordBatch>> {
        let context = &self.contexts[&Mode::Single];
        let frame = context.read_empty()?.aggregate(vec![], vec![call.alias(RESULT)])?;
        self.runtime.block_on(frame.collect())
    }
}

/// The outcomes of one vector's shapes.
#[derive(Default)]
pub(crate) struct Found(Vec<(String, Outcome)>);

impl Found {
    pub(crate) fn add(&mut self, shape: impl Into<String>, outcome: Outcome) {
        self.0.push((shape.into(), outcome));
    }

    /// The outcome, if there is only one.
    pub(crate) fn outcome(self) -> Outcome {
        let Some((first, outcome)) = self.0.first() else {
            return Outcome::Broken("no shape can hold the arguments".into());
        };
        let others: Vec<String> = self
            .0
            .iter()
            .filter(|(_, other)| other != outcome)
            .map(|(shape, other)| format!("{shape}: {}", shown(other)))
            .collect();
        if others.is_empty() {
            return outcome.clone();
        }
        Outcome::Broken(format!("{first}: {}, but {}", shown(outcome), others.join("; ")))
    }
}

fn shown(outcome: &Outcome) -> String {
    let whole = match outcome {
        Outcome::Broken(what) => what.clone(),
        Outcome::Refused(code) => code.name().into(),
        Outcome::Returned(value) => format!("{:?}", Form::of(value)),
    };
    whole.chars().take(300).collect()
}

/// One row of a result whose columns are `marks` and the function's result.
pub(crate) struct Answer {
    pub(crate) marks: Vec<ScalarValue>,
    pub(crate) value: Value<'static>,
}

/// Every row of a result; its last column is the function's.
pub(crate) fn answers(function: &Function, batches: &[RecordBatch]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for batch in batches {
        let (result, marks) = batch.columns().split_last().expect("a query has a column");
        for row in 0..batch.num_rows() {
            let mark = |column: &ArrayRef| ScalarValue::try_from_array(column, row).unwrap();
            let value = value(function, result, row);
            answers.push(Answer { marks: marks.iter().map(mark).collect(), value });
        }
    }
    answers
}

fn value(function: &Function, column: &ArrayRef, row: usize) -> Value<'static> {
    let mut scalar = ScalarValue::try_from_array(column, row).unwrap();
    while let ScalarValue::Dictionary(_, inner) = scalar {
        scalar = *inner;
    }
    match (function.returns, scalar) {
        (_, scalar) if scalar.is_null() => Value::Null,
        (Type::Boolean, ScalarValue::Boolean(Some(boolean))) => Value::Boolean(boolean),
        (Type::Bytes, ScalarValue::Binary(Some(bytes))) => Value::Bytes(bytes.into()),
        (Type::Decimal, ScalarValue::Utf8(Some(text))) => Value::Decimal(text.into()),
        (Type::Float, ScalarValue::Float64(Some(float))) => Value::Float(float),
        (Type::Integer, ScalarValue::Int64(Some(integer))) => Value::Integer(integer),
        (Type::Json, ScalarValue::Utf8(Some(text))) => Value::Json(text.into_bytes().into()),
        (Type::Text, ScalarValue::Utf8(Some(text))) => Value::Text(text.into()),
        (of, _) => panic!("{} gives {of}, not {}", function.name, column.data_type()),
    }
}

/// The outcome of a query all of whose rows must be the same; none if there is no row.
pub(crate) fn only(function: &Function, result: Result<Vec<RecordBatch>>) -> Option<Outcome> {
    let batches = match result {
        Ok(batches) => batches,
        Err(error) => return Some(refusal(function, &error)),
    };
    same(answers(function, &batches).into_iter().map(|answer| answer.value))
}

/// The value that all of `values` are; none if there are none.
pub(crate) fn same(values: impl IntoIterator<Item = Value<'static>>) -> Option<Outcome> {
    let mut values = values.into_iter();
    let first = values.next()?;
    Some(match values.find(|value| *value != first) {
        None => Outcome::Returned(first),
        Some(other) => Outcome::Broken(format!("one row gives {first:?}, another {other:?}")),
    })
}

/// The code in an error: carried by it, or, where the planner speaks, in its text.
pub(crate) fn refusal(function: &Function, error: &DataFusionError) -> Outcome {
    if let Some(found) = FunctionError::find(error) {
        return if found.function() == function.name {
            Outcome::Refused(found.error().code())
        } else {
            Outcome::Broken(format!("{} is said to have refused: {error}", found.function()))
        };
    }
    let text = error.to_string();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    match (error.find_root(), words.find_map(Code::from_name)) {
        (DataFusionError::Plan(_), Some(code)) => Outcome::Refused(code),
        _ => Outcome::Broken(text),
    }
}
