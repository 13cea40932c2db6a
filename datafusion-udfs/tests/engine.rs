//! What no vector shows: behaviour of the engine around the functions.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use conformance::{Expected, Form, family};
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::types::Int32Type;
use datafusion::arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    FixedSizeBinaryArray, Float32Array, Int32Array, Int64Array, IntervalMonthDayNanoArray,
    ListArray, MapBuilder, NullArray, RecordBatch, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray, new_empty_array,
};
use datafusion::arrow::datatypes::{
    DataType, Field, Fields, IntervalMonthDayNano, Schema, SchemaRef, UnionFields, UnionMode,
};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions_aggregate::count::count;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{
    CsvReadOptions, ParquetReadOptions, SessionConfig, SessionContext, col, lit,
};
use datafusion::scalar::ScalarValue;
use datafusion_udfs::{FunctionError, functions, register_all, udfs};
use precise_core::catalog::{FUNCTIONS, Function};
use precise_core::merkle::Batch;
use precise_core::proof::{self, Minter};
use precise_core::row::TimeUnit;
use precise_core::{Code, Hash};
use tokio::runtime::Runtime;

/// A session with every function.
fn context(config: SessionConfig) -> SessionContext {
    let mut context = SessionContext::new_with_config(config);
    register_all(&mut context).unwrap();
    context
}

fn plain() -> SessionContext {
    context(SessionConfig::new().with_target_partitions(4))
}

fn block<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

fn query(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    block(async { context.sql(sql).await?.collect().await })
}

/// The cells of a result, row by row.
fn rows(context: &SessionContext, sql: &str) -> Vec<Vec<ScalarValue>> {
    let batches = query(context, sql).unwrap();
    let cells = |batch: &RecordBatch, row| -> Vec<ScalarValue> {
        let cell = |column: &ArrayRef| ScalarValue::try_from_array(column, row).unwrap();
        batch.columns().iter().map(cell).collect()
    };
    batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
        .map(|(batch, row)| cells(batch, row))
        .collect()
}

/// The one cell of a result.
fn cell(context: &SessionContext, sql: &str) -> ScalarValue {
    let rows = rows(context, sql);
    assert!(matches!(rows.as_slice(), [row] if row.len() == 1), "{rows:?}");
    rows[0][0].clone()
}

fn text(text: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(text.into()))
}

fn bytes(bytes: &[u8]) -> ScalarValue {
    ScalarValue::Binary(Some(bytes.to_vec()))
}

fn failure(context: &SessionContext, sql: &str) -> DataFusionError {
    query(context, sql).expect_err(sql)
}

fn register(context: &SessionContext, name: &str, partitions: Vec<Vec<RecordBatch>>) {
    let schema = partitions.iter().flatten().next().unwrap().schema();
    let table = MemTable::try_new(schema, partitions).unwrap();
    context.register_table(name, Arc::new(table)).unwrap();
}

/// A batch of nullable columns.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// BLAKE3 of i in decimal digits, as the vectors of many rows have it.
fn hash(i: u64) -> Hash {
    proof::hash(i.to_string().as_bytes(), None)
}

fn hashes(numbers: impl IntoIterator<Item = u64>) -> BinaryArray {
    numbers.into_iter().map(|i| Some(hash(i))).collect()
}

/// The root in the vector `id`.
fn vector_root(id: &str) -> Vec<u8> {
    let vectors = family("merkle").unwrap().vectors;
    match vectors.into_iter().find(|vector| vector.id == id).unwrap().expected {
        Expected::Result(Form::Bytes(root)) => root,
        other => panic!("{id} gives {other:?}"),
    }
}

#[test]
fn a_root_does_not_depend_on_partitions_order_or_batches() {
    for (len, batch_len) in [(1025, 1), (1025, 100), (65_537, 65_536), (65_537, 8192)] {
        let root = bytes(&vector_root(&format!("merkle/root-of-{len}")));
        for partitions in [1, 2, 8] {
            let context = context(SessionConfig::new().with_target_partitions(partitions));
            // 4,099 is prime and divides neither length: each number comes once.
            let shuffled: Vec<u64> = (0..len).map(|i| i * 4099 % len).collect();
            let mut parts = vec![Vec::new(); partitions];
            for (i, numbers) in shuffled.chunks(batch_len).enumerate() {
                let hashes: ArrayRef = Arc::new(hashes(numbers.iter().copied()));
                parts[i % partitions].push(batch(vec![("hash", hashes)]));
            }
            register(&context, "t", parts);
            let found = cell(&context, "SELECT precise_merkle_root(hash) FROM t");
            assert_eq!(found, root, "{len} rows, {batch_len} a batch, {partitions} partitions");
        }
    }
}

/// How many groups there are in the tests of many: in a debug build as many as take a few seconds.
const GROUPS: u64 = if cfg!(debug_assertions) { 1 << 17 } else { 1 << 20 };

/// A table of two hashes for each group, which come far apart.
fn many_groups(groups: u64) -> Vec<Vec<RecordBatch>> {
    let numbers: Vec<u64> = (0..2 * groups).collect();
    let batch = |numbers: &[u64]| {
        let group = numbers.iter().map(|i| (i % groups) as i64);
        batch(vec![
            ("g", Arc::new(Int64Array::from_iter_values(group))),
            ("hash", Arc::new(hashes(numbers.iter().copied()))),
        ])
    };
    let batches: Vec<RecordBatch> = numbers.chunks(1024).map(batch).collect();
    batches.chunks(batches.len().div_ceil(4)).map(<[RecordBatch]>::to_vec).collect()
}

/// Checks the root of each group of [`many_groups`]; gives how many there were.
fn check_groups(batches: &[RecordBatch], groups: u64) -> u64 {
    let mut seen = vec![false; groups as usize];
    for batch in batches {
        let keys = batch.column(0).as_primitive::<datafusion::arrow::array::types::Int64Type>();
        let roots = batch.column(1).as_binary::<i32>();
        for (key, root) in keys.values().iter().zip(roots) {
            let group = *key as u64;
            assert!(!seen[group as usize], "the group {group} came twice");
            seen[group as usize] = true;
            let expected = Batch::new(vec![hash(group), hash(group + groups)]).unwrap().root();
            assert_eq!(root, Some(&expected[..]), "group {group}");
        }
    }
    seen.into_iter().filter(|seen| *seen).count() as u64
}

#[test]
fn a_query_may_have_a_million_groups() {
    let context = plain();
    register(&context, "t", many_groups(GROUPS));
    let sql = "SELECT g, precise_merkle_root(hash) AS root FROM t GROUP BY g";
    assert_eq!(check_groups(&query(&context, sql).unwrap(), GROUPS), GROUPS);
}

/// The sum of a metric over the operators of a plan.
fn counted(plan: &Arc<dyn ExecutionPlan>, of: fn(&MetricsSet) -> Option<usize>) -> usize {
    let own = plan.metrics().and_then(|metrics| of(&metrics)).unwrap_or(0);
    own + plan.children().into_iter().map(|child| counted(child, of)).sum::<usize>()
}

#[test]
fn groups_that_do_not_fit_in_memory_are_spilled_and_merged() {
    let groups = 1 << 14;
    let pool = Arc::new(FairSpillPool::new(4 << 20));
    let environment = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
    let config = SessionConfig::new().with_target_partitions(2).with_batch_size(1024);
    let mut context = SessionContext::new_with_config_rt(config, environment);
    register_all(&mut context).unwrap();
    register(&context, "t", many_groups(groups));
    block(async {
        let sql = "SELECT g, precise_merkle_root(hash) AS root FROM t GROUP BY g";
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let batches = collect(plan.clone(), context.task_ctx()).await.unwrap();
        assert_eq!(check_groups(&batches, groups), groups);
        assert!(counted(&plan, MetricsSet::spill_count) > 0, "the limit was not met");
    });
}

#[test]
fn rows_may_become_states_of_their_own_where_gathering_them_is_not_worth_it() {
    let probing = "datafusion.execution.skip_partial_aggregation_probe";
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .set_usize(&format!("{probing}_rows_threshold"), 1000)
        .set(&format!("{probing}_ratio_threshold"), &ScalarValue::Float64(Some(0.5)));
    let context = context(config);
    let groups = 1 << 14;
    register(&context, "t", many_groups(groups));
    block(async {
        let root = "precise_merkle_root(hash) FILTER (WHERE g >= 0)";
        let sql = format!("SELECT g, {root} AS root FROM t GROUP BY g");
        let plan = context.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
        let batches = collect(plan.clone(), context.task_ctx()).await.unwrap();
        assert_eq!(check_groups(&batches, groups), groups);
        let skipped = |metrics: &MetricsSet| {
            metrics.sum_by_name("skipped_aggregation_rows").map(|count| count.as_usize())
        };
        assert!(counted(&plan, skipped) > 0, "every row was gathered");
    });
}

#[test]
fn memory_that_the_states_hold_is_counted() {
    let pool = Arc::new(FairSpillPool::new(1 << 20));
    let environment = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
    let config = SessionConfig::new().with_target_partitions(1);
    let mut context = SessionContext::new_with_config_rt(config, environment);
    register_all(&mut context).unwrap();
    register(&context, "t", many_groups(1 << 16));
    // One group cannot be spilled: its 4 MiB of hashes are over the limit, and that is said.
    let error = failure(&context, "SELECT precise_merkle_root(hash) FROM t");
    let root = error.find_root();
    assert!(matches!(root, DataFusionError::ResourcesExhausted(_)), "{error}");
}

/// Rows 0 to 5 of two good records and a bad one, in a dictionary.
fn words() -> RecordBatch {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["[1.0]", "{", "\"x\"", "{}"]));
    let keys = Int32Array::from(vec![Some(0), Some(1), None, Some(2), Some(0), Some(2)]);
    let words = DictionaryArray::try_new(keys, values).unwrap();
    let numbers = Int32Array::from_iter_values(0..6);
    batch(vec![("nr", Arc::new(numbers)), ("word", Arc::new(words))])
}

#[test]
fn a_dictionary_stays_one_and_its_unused_values_are_not_computed() {
    let context = plain();
    register(&context, "t", vec![vec![words()]]);
    let sql = "SELECT precise_canonical(word) AS c, precise_proof_hash(word) AS h FROM t \
               WHERE nr <> 1 ORDER BY nr";
    for batch in query(&context, sql).unwrap() {
        let canonical = batch.column(0).as_dictionary::<Int32Type>();
        let texts = canonical.downcast_dict::<StringArray>().unwrap();
        let texts: Vec<Option<&str>> = texts.into_iter().collect();
        assert_eq!(texts, [Some("[1]"), None, Some("\"x\""), Some("[1]"), Some("\"x\"")]);
        let hashes = batch.column(1).as_dictionary::<Int32Type>();
        let hashes = hashes.downcast_dict::<BinaryArray>().unwrap();
        let own: Vec<Option<Hash>> =
            texts.iter().map(|text| text.map(|text| proof::hash(text.as_bytes(), None))).collect();
        let hashes: Vec<Option<&[u8]>> = hashes.into_iter().collect();
        assert_eq!(hashes, own.iter().map(|h| h.as_ref().map(|h| &h[..])).collect::<Vec<_>>());
    }
    let error = failure(&context, "SELECT precise_canonical(word) FROM t");
    assert_eq!(FunctionError::find(&error).unwrap().error().code(), Code::UnexpectedEnd);
    // No row at all, and a constant.
    assert_eq!(rows(&context, "SELECT precise_canonical(word) FROM t WHERE nr > 9").len(), 0);
    let constant = "SELECT precise_canonical(arrow_cast('[1.0]', 'Dictionary(Int8, Utf8)')) AS c";
    let ScalarValue::Dictionary(_, constant) = cell(&context, constant) else { panic!() };
    assert_eq!(*constant, text("[1]"));
}

#[test]
fn a_dictionary_without_values_gives_null() {
    let context = plain();
    for values in [DataType::Utf8, DataType::Binary, DataType::Utf8View, DataType::Null] {
        let values = new_empty_array(&values);
        let keys = Int32Array::from(vec![None, None]);
        let words: ArrayRef = Arc::new(DictionaryArray::try_new(keys, values).unwrap());
        context.deregister_table("t").unwrap();
        register(&context, "t", vec![vec![batch(vec![("word", words.clone())])]]);
        let sql = "SELECT precise_check(word), precise_mint_proof(word) FROM t";
        for row in rows(&context, sql) {
            assert!(row.iter().all(ScalarValue::is_null), "{}: {row:?}", words.data_type());
        }
    }
}

#[test]
fn a_bad_row_fails_minting_but_not_trying_and_checking() {
    let context = plain();
    let lines = ["{\"a\":1}", "{\"a\":[0,{\"b\":1,\"b\":2}]}", "[]"];
    let batches: Vec<Vec<RecordBatch>> = lines
        .iter()
        .map(|line| vec![batch(vec![("line", Arc::new(StringArray::from(vec![*line])))])])
        .collect();
    register(&context, "t", batches);
    let error = failure(&context, "SELECT precise_mint_proof(line) FROM t");
    let found = FunctionError::find(&error).expect("it is a refusal");
    assert_eq!(found.function(), "precise_mint_proof");
    assert_eq!(found.error().code(), Code::DuplicateKey);
    assert_eq!(found.error().path(), Some("$.a[1].b"));
    assert_eq!(found.error().offset(), Some(20));
    let message = "PR106 an object has the same key twice, at $.a[1].b (byte 20), in \
                   precise_mint_proof. Readers disagree on which one counts, so neither is taken.";
    assert!(error.to_string().contains(message), "{error}");
    // The error as it travels: its type, and what it comes from.
    let DataFusionError::External(inner) = error.find_root() else { panic!("{error:?}") };
    assert!(inner.is::<FunctionError>());
    assert!(inner.source().unwrap().is::<precise_core::Error>());

    let sql =
        "SELECT count(*), count(precise_try_mint_proof(line)), max(precise_check(line)) FROM t";
    let three = |n| ScalarValue::Int64(Some(n));
    assert_eq!(rows(&context, sql), [[three(3), three(2), text("PR106 $.a[1].b")]]);
    let other = failure(&context, "SELECT no_such_column FROM t");
    assert!(FunctionError::find(&other).is_none());
}

#[test]
fn a_target_that_varies_is_refused_within_a_partition_and_between_them() {
    let row = |i| {
        let target: ArrayRef = Arc::new(hashes([i]));
        batch(vec![("hash", Arc::new(hashes([7])) as ArrayRef), ("target", target)])
    };
    let layouts = [vec![vec![row(1), row(2)]], vec![vec![row(1)], vec![row(2)]]];
    for partitions in layouts {
        let context = plain();
        register(&context, "t", partitions);
        for by in ["", " GROUP BY hash"] {
            let error =
                failure(&context, &format!("SELECT precise_inclusion(hash, target) FROM t{by}"));
            assert_eq!(FunctionError::find(&error).unwrap().error().code(), Code::ArgumentVaries);
        }
        let sql = "SELECT target, precise_inclusion(hash, target) FROM t GROUP BY target";
        assert_eq!(rows(&context, sql).len(), 2);
    }
}

#[test]
fn aggregates_over_no_rows_are_null() {
    let context = plain();
    let calls = "precise_merkle_root(hash), precise_inclusion(hash, hash)";
    register(&context, "t", vec![vec![batch(vec![("hash", Arc::new(hashes([])))])]]);
    for from in ["t", "(SELECT hash FROM t WHERE hash = X'00')", "(SELECT X'00' AS hash LIMIT 0)"] {
        let found = rows(&context, &format!("SELECT {calls} FROM {from}"));
        assert_eq!(found.len(), 1, "{from}");
        assert!(found[0].iter().all(ScalarValue::is_null), "{from}");
        let grouped = format!("SELECT hash, {calls} FROM {from} GROUP BY hash");
        assert_eq!(rows(&context, &grouped).len(), 0, "{from}");
    }
}

#[test]
fn files_without_rows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let schema = Schema::new(vec![Field::new("payload", DataType::Utf8, true)]);
    let parquet = folder.path().join("empty.parquet");
    write_parquet(&parquet, &RecordBatch::new_empty(Arc::new(schema.clone())));
    let csv = folder.path().join("empty.csv");
    std::fs::write(&csv, "").unwrap();
    let context = plain();
    block(async {
        let (parquet, csv) = (parquet.to_str().unwrap(), csv.to_str().unwrap());
        let options = ParquetReadOptions::default();
        context.register_parquet("of_parquet", parquet, options).await.unwrap();
        let options = CsvReadOptions::new().schema(&schema);
        context.register_csv("of_csv", csv, options).await.unwrap();
    });
    for table in ["of_parquet", "of_csv"] {
        let minted = "precise_mint_proof(payload), precise_mint_row(payload)";
        assert_eq!(rows(&context, &format!("SELECT {minted} FROM {table}")).len(), 0);
        let root = "precise_merkle_root(precise_proof_hash(payload))";
        assert_eq!(
            cell(&context, &format!("SELECT {root} FROM {table}")),
            ScalarValue::Binary(None)
        );
    }
}

#[test]
fn registering_twice_changes_nothing() {
    let mut context = plain();
    let before =
        (context.state().scalar_functions().len(), context.state().aggregate_functions().len());
    register_all(&mut context).unwrap();
    let state = context.state();
    assert_eq!((state.scalar_functions().len(), state.aggregate_functions().len()), before);
    let sql = "SELECT precise_mint_row(a, b) = precise_mint_row('a', 1, 'b', 'x') \
               FROM (VALUES (1, 'x')) AS t (a, b)";
    assert_eq!(cell(&context, sql), ScalarValue::Boolean(Some(true)));
}

#[test]
fn every_function_is_documented() {
    let context = plain();
    let state = context.state();
    for function in FUNCTIONS {
        let documentation = if function.is_aggregate() {
            state.aggregate_functions()[function.name].documentation().cloned()
        } else {
            state.scalar_functions()[function.name].documentation().cloned()
        };
        let documentation = documentation.expect(function.name);
        assert_eq!(documentation.description, function.doc);
        assert!(documentation.syntax_example.starts_with(&format!("{}(", function.name)));
        assert!(documentation.syntax_example.ends_with(')'));
        let arguments = documentation.arguments.unwrap_or_default();
        assert_eq!(arguments.len(), function.args.len(), "{}", function.name);
        for (arg, (name, doc)) in function.args.iter().zip(arguments) {
            assert_eq!((arg.name, arg.doc), (name.as_str(), doc.as_str()));
            assert!(documentation.syntax_example.contains(arg.name), "{}", function.name);
        }
    }
    let mint = udfs::scalar("precise_mint_proof").unwrap();
    let syntax = &mint.documentation().unwrap().syntax_example;
    assert_eq!(syntax, "precise_mint_proof(record [, blind])");
}

#[test]
fn functions_are_found_by_name() {
    let aggregates = FUNCTIONS.iter().filter(|function| function.is_aggregate()).count();
    assert_eq!(udfs::aggregates().count(), aggregates);
    assert_eq!(udfs::scalars().count(), FUNCTIONS.len() - aggregates);
    for function in FUNCTIONS {
        let (scalar, aggregate) = (udfs::scalar(function.name), udfs::aggregate(function.name));
        assert_eq!(aggregate.is_some(), function.is_aggregate(), "{}", function.name);
        assert_eq!(scalar.is_some(), !function.is_aggregate(), "{}", function.name);
        let name = scalar.map(|f| f.name().to_owned()).or(aggregate.map(|f| f.name().to_owned()));
        assert_eq!(name.as_deref(), Some(function.name));
    }
    assert_eq!(udfs::scalar("Precise_CANONICAL").unwrap().name(), "precise_canonical");
    assert!(udfs::scalar("precise_nothing").is_none());
    assert!(udfs::aggregate("precise_canonical").is_none());
    // The same function twice is one to the planner.
    assert_eq!(udfs::scalar("precise_blind"), udfs::scalar("precise_blind"));
    assert_ne!(udfs::scalar("precise_blind"), udfs::scalar("precise_check"));
    assert_eq!(udfs::aggregate("precise_inclusion"), udfs::aggregate("precise_inclusion"));
    assert_ne!(udfs::aggregate("precise_inclusion"), udfs::aggregate("precise_merkle_root"));

    let error = functions::call("precise_nothing", vec![]).unwrap_err().to_string();
    assert!(error.contains("PR190"), "{error}");
}

#[test]
fn calls_can_be_made_of_expressions() {
    // Without register_all: the call carries the function.
    let context = SessionContext::new();
    let table = batch(vec![
        ("g", Arc::new(Int32Array::from(vec![1, 2, 1])) as ArrayRef),
        ("line", Arc::new(StringArray::from(vec!["[1]", "[2]", "[3]"]))),
    ]);
    let hash = functions::call("precise_proof_hash", vec![col("line")]).unwrap();
    let root = functions::call("PRECISE_merkle_root", vec![hash.clone()]).unwrap();
    let batches = block(async {
        let frame = context.read_batch(table).unwrap();
        let frame = frame.aggregate(vec![col("g")], vec![root.alias("root"), count(lit(1))]);
        frame.unwrap().sort(vec![col("g").sort(true, true)]).unwrap().collect().await.unwrap()
    });
    let own = |lines: &[&str]| {
        let hashes = lines.iter().map(|line| proof::hash(line.as_bytes(), None)).collect();
        Some(Batch::new(hashes).unwrap().root())
    };
    let roots: Vec<Option<Hash>> = batches
        .iter()
        .flat_map(|batch| batch.column(1).as_binary::<i32>().iter())
        .map(|root| root.map(|root| root.try_into().unwrap()))
        .collect();
    assert_eq!(roots, [own(&["[1]", "[3]"]), own(&["[2]"])]);
    // The planner checks the arguments.
    let wrong = functions::call("precise_proof_hash", vec![col("g")]).unwrap();
    let table = batch(vec![("g", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    let frame = context.read_batch(table).unwrap().select(vec![wrong]);
    let error = frame.expect_err("it is refused while the query is planned").to_string();
    assert!(error.contains("PR191") && error.contains("record is json, not Int32"), "{error}");
}

#[test]
fn the_selftest_counts_no_failure() {
    let count: usize = FUNCTIONS.iter().map(|function| function.examples.len()).sum();
    let expected = format!("{{\"failed\":0,\"passed\":{count}}}");
    assert_eq!(cell(&plain(), "SELECT precise_selftest()"), text(&expected));
}

fn write_parquet(path: &std::path::Path, batch: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn with_extension(field: Field, name: &str) -> Field {
    field.with_metadata(HashMap::from([("ARROW:extension:name".into(), name.into())]))
}

/// One row of many types, columns in columns among them, and a second of NULLs.
fn typed_rows() -> RecordBatch {
    let items = StructArray::from(vec![
        (
            Arc::new(Field::new("Sku", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("n", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![None, Some(1 << 60)])) as ArrayRef,
        ),
    ]);
    let item = Arc::new(Field::new("item", items.data_type().clone(), true));
    let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths([2, 0]);
    let nulls = vec![true, false].into();
    let lists = ListArray::new(item, offsets, Arc::new(items), Some(nulls));
    let mut tags = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    tags.keys().append_value("K");
    tags.values().append_value("v");
    tags.keys().append_value("");
    tags.values().append_null();
    tags.append(true).unwrap();
    tags.append(false).unwrap();
    let tags = tags.finish();
    let price = Decimal128Array::from(vec![Some(1250), None]);
    let price = price.with_precision_and_scale(12, 2).unwrap();
    let word: DictionaryArray<Int32Type> = [Some("Ä"), None].into_iter().collect();
    let uuid: [Option<&[u8]>; 2] = [Some(b"0123456789abcdef"), None];
    let uuid = FixedSizeBinaryArray::try_from_sparse_iter_with_size(uuid.into_iter(), 16).unwrap();
    let micros = TimestampMicrosecondArray::from(vec![Some(-1), None]);
    let columns: Vec<(Field, ArrayRef)> = vec![
        (Field::new("Price", price.data_type().clone(), true), Arc::new(price)),
        (Field::new("items", lists.data_type().clone(), true), Arc::new(lists)),
        (Field::new("tags", tags.data_type().clone(), true), Arc::new(tags)),
        (Field::new("word", word.data_type().clone(), true), Arc::new(word)),
        (
            with_extension(Field::new("key", uuid.data_type().clone(), true), "arrow.uuid"),
            Arc::new(uuid),
        ),
        (
            with_extension(Field::new("extra", DataType::Utf8, true), "arrow.json"),
            Arc::new(StringArray::from(vec![Some("{\"B\":1.0,\"a\":null}"), None])),
        ),
        (
            Field::new("flag", DataType::Boolean, true),
            Arc::new(BooleanArray::from(vec![Some(true), None])),
        ),
        (
            Field::new("ratio", DataType::Float32, true),
            Arc::new(Float32Array::from(vec![Some(0.1), None])),
        ),
        (
            Field::new("day", DataType::Date32, true),
            Arc::new(Date32Array::from(vec![Some(-1), None])),
        ),
        (Field::new("at", micros.data_type().clone(), true), Arc::new(micros.clone())),
        (
            Field::new("sent", micros.with_timezone("UTC").data_type().clone(), true),
            Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None]).with_timezone("UTC")),
        ),
    ];
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// The proofs of [`typed_rows`], told to the core value by value.
fn typed_proofs() -> Vec<ScalarValue> {
    let mut minter = Minter::default();
    let first = minter.push_row(|row| {
        row.name("Price")?;
        row.numeric(1250, 2)?;
        row.name("items")?;
        row.begin_array()?;
        row.begin_struct()?;
        row.name("Sku")?;
        row.text(b"a")?;
        row.name("n")?;
        row.null()?;
        row.end()?;
        row.begin_struct()?;
        row.name("Sku")?;
        row.text(b"b")?;
        row.name("n")?;
        row.integer(1 << 60)?;
        row.end()?;
        row.end()?;
        row.name("tags")?;
        row.begin_map()?;
        row.name("K")?;
        row.text(b"v")?;
        row.name("")?;
        row.null()?;
        row.end()?;
        row.name("word")?;
        row.text("Ä".as_bytes())?;
        row.name("key")?;
        row.uuid(b"0123456789abcdef")?;
        row.name("extra")?;
        row.json(b"{\"B\":1.0,\"a\":null}")?;
        row.name("flag")?;
        row.boolean(true)?;
        row.name("ratio")?;
        row.float4(0.1)?;
        row.name("day")?;
        row.date(-1)?;
        row.name("at")?;
        row.timestamp(-1, TimeUnit::Microsecond, false)?;
        row.name("sent")?;
        row.timestamp(-1, TimeUnit::Microsecond, true)
    });
    first.unwrap();
    let canonical = String::from_utf8(minter.canonical(0).to_vec()).unwrap();
    let expected = concat!(
        r#"{"at":"1969-12-31T23:59:59.999999","day":"1969-12-31","extra":{"B":1,"a":null},"#,
        r#""flag":true,"items":[{"n":null,"sku":"a"},{"n":"1152921504606846976","sku":"b"}],"#,
        r#""key":"30313233-3435-3637-3839-616263646566","price":12.5,"ratio":0.1,"#,
        r#""sent":"1969-12-31T23:59:59.999999Z","tags":{"":null,"K":"v"},"word":"Ä"}"#
    );
    assert_eq!(canonical, expected);
    let second = minter.push_row(|row| {
        for field in typed_rows().schema().fields() {
            row.name(field.name())?;
            row.null()?;
        }
        Ok(())
    });
    second.unwrap();
    let mint = Function::find("precise_mint_proof").unwrap();
    let document = |i| {
        let canonical = precise_core::value::Value::Json(minter.canonical(i).into());
        match mint.call(&[canonical]).unwrap() {
            precise_core::value::Value::Json(json) => text(str::from_utf8(&json).unwrap()),
            other => panic!("{other:?}"),
        }
    };
    vec![document(0), document(1)]
}

#[test]
fn rows_of_a_parquet_file_are_minted_as_the_core_encodes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typed.parquet");
    write_parquet(&path, &typed_rows());
    // By default DataFusion forgets what extension types a file states; then UUIDs are bytes.
    let option = "datafusion.execution.parquet.skip_metadata";
    let context = context(SessionConfig::new().set_bool(option, false));
    block(async {
        let options = ParquetReadOptions::default();
        context.register_parquet("t", path.to_str().unwrap(), options).await.unwrap();
    });
    register(&context, "in_memory", vec![vec![typed_rows()]]);
    let schema = typed_rows().schema();
    let quoted = schema.fields().iter().map(|field| format!("\"{}\"", field.name()));
    let columns = quoted.collect::<Vec<_>>().join(", ");
    for table in ["t", "in_memory"] {
        let sql =
            format!("SELECT precise_mint_row({columns}) FROM {table} ORDER BY flag NULLS LAST");
        let found: Vec<ScalarValue> = rows(&context, &sql).into_iter().flatten().collect();
        assert_eq!(found, typed_proofs(), "{table}");
    }
}

#[test]
fn a_uuid_that_is_the_same_in_all_of_a_file_is_still_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenant.parquet");
    let uuid = FixedSizeBinaryArray::try_from_iter([*b"0123456789abcdef"; 3].iter()).unwrap();
    let json = StringArray::from(vec!["{\"b\":1.0}"; 3]);
    let columns: Vec<(Field, ArrayRef)> = vec![
        (
            with_extension(Field::new("tenant", uuid.data_type().clone(), false), "arrow.uuid"),
            Arc::new(uuid),
        ),
        (with_extension(Field::new("extra", DataType::Utf8, false), "arrow.json"), Arc::new(json)),
        (Field::new("i", DataType::Int32, false), Arc::new(Int32Array::from(vec![1, 2, 3]))),
    ];
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    write_parquet(&path, &batch);
    let option = "datafusion.execution.parquet.skip_metadata";
    let context = context(SessionConfig::new().set_bool(option, false));
    block(async {
        let options = ParquetReadOptions::default();
        context.register_parquet("t", path.to_str().unwrap(), options).await.unwrap();
    });
    register(&context, "m", vec![vec![batch]]);
    // The engine knows from the file's statistics that two columns are constant, and reads them as
    // such where the call is a part of the scan: in an expression, in a condition.
    for call in [
        "precise_mint_row(*)",
        "precise_mint_row(tenant, extra, i)",
        "precise_mint_row('Tenant', tenant, 'i', i, 'extra', extra)",
    ] {
        let hash = format!("precise_proof_hash_of({call})");
        let expected = rows(&context, &format!("SELECT {hash} FROM m ORDER BY i"));
        assert_eq!(rows(&context, &format!("SELECT {hash} FROM t ORDER BY i")), expected, "{call}");
        let same = format!("SELECT count(*) FROM t WHERE {hash} IN (SELECT {hash} FROM m)");
        assert_eq!(cell(&context, &same), ScalarValue::Int64(Some(3)), "{call}");
        let least = |table| format!("SELECT min({hash}) FROM {table}");
        assert_eq!(cell(&context, &least("t")), cell(&context, &least("m")), "{call}");
    }
}

#[test]
fn extension_types_of_a_parquet_file_are_lost_where_its_metadata_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typed.parquet");
    write_parquet(&path, &typed_rows());
    // The default. It is DataFusion's, and the shell sets it otherwise.
    let context = plain();
    block(async {
        let options = ParquetReadOptions::default();
        context.register_parquet("t", path.to_str().unwrap(), options).await.unwrap();
    });
    let sql = "SELECT precise_mint_row(key) = precise_mint_cells('[[\"key\",\"bytes\",\"' || \
               encode(key, 'hex') || '\"]]') FROM t WHERE key IS NOT NULL";
    assert_eq!(cell(&context, sql), ScalarValue::Boolean(Some(true)));
}

#[test]
fn a_struct_column_of_a_parquet_file_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nested.parquet");
    let typed = typed_rows();
    let whole: ArrayRef = Arc::new(StructArray::from(typed));
    write_parquet(&path, &batch(vec![("whole", whole)]));
    let context = plain();
    block(async {
        let options = ParquetReadOptions::default();
        context.register_parquet("t", path.to_str().unwrap(), options).await.unwrap();
    });
    let sql = "SELECT precise_mint_row(whole) FROM t";
    let found: Vec<ScalarValue> = rows(&context, sql).into_iter().flatten().collect();
    assert_eq!(found, typed_proofs());
}

#[test]
fn columns_that_are_not_minted_are_refused_while_the_query_is_planned() {
    let interval = IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 3)]);
    let union_fields: UnionFields =
        [(0, Arc::new(Field::new("i", DataType::Int32, true)))].into_iter().collect();
    let union_type = DataType::Union(union_fields, UnionMode::Sparse);
    let inside = DataType::Struct(Fields::from(vec![Field::new("u", union_type.clone(), true)]));
    let cases = [
        ("span", interval.data_type().clone(), "$.span", "Interval"),
        ("Either", union_type, "$.either", "Union"),
        ("of", inside, "$.of.u", "Union"),
    ];
    for (name, data_type, path, type_name) in cases {
        let context = plain();
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, true),
            Field::new(name, data_type, true),
        ]));
        let table = MemTable::try_new(schema, vec![vec![]]).unwrap();
        context.register_table("t", Arc::new(table)).unwrap();
        let calls = [
            format!("precise_mint_row(id, \"{name}\")"),
            format!("precise_mint_row('id', id, '{name}', \"{name}\")"),
            format!("precise_mint_row(named_struct('id', id, '{name}', \"{name}\"))"),
        ];
        for call in calls {
            // Not run, not even planned for running.
            let planned =
                block(context.state().create_logical_plan(&format!("SELECT {call} FROM t")));
            let error = planned.expect_err(&call);
            let found = FunctionError::find(&error).unwrap_or_else(|| panic!("{error}"));
            assert_eq!(found.function(), "precise_mint_row");
            assert_eq!(found.error().code(), Code::ColumnType, "{call}");
            assert_eq!(found.error().path(), Some(path), "{call}");
            assert!(found.error().detail().unwrap().contains(type_name), "{error}");
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}

#[test]
fn columns_of_no_type_are_null() {
    let context = plain();
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    register(&context, "t", vec![vec![batch(vec![("a", nothing)])]]);
    let sql = "SELECT precise_mint_proof(a), precise_blind(a, a), precise_verify_proof(a, a), \
               precise_merkle_combine(a, a), precise_mint_row(a, a), precise_mint_cells(a) FROM t";
    for row in rows(&context, sql) {
        assert!(row.iter().all(ScalarValue::is_null), "{row:?}");
    }
    let sql = "SELECT precise_merkle_root(a), precise_inclusion(a, a) FROM t";
    assert!(rows(&context, sql)[0].iter().all(ScalarValue::is_null));
    // A column beside others is part of the row.
    let sql =
        "SELECT precise_mint_row('a', a) = precise_mint_cells('[[\"a\",\"text\",null]]') FROM t";
    assert_eq!(rows(&context, sql)[0], [ScalarValue::Boolean(Some(true))]);
}
