//! DataFusion, set up: functions, memory, threads, files by their paths.

use std::env;
use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryPool, TrackConsumersPool,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::args::{Args, Pool};
use crate::failure::{Failure, Result, words};
use crate::files;

/// What differs from DataFusion's defaults. The environment may still say otherwise.
const DEFAULTS: &[(&str, &str)] = &[
    // SHOW TABLES, SHOW FUNCTIONS and DESCRIBE are answered from it.
    ("datafusion.catalog.information_schema", "true"),
    // A line inside of quotes is no row of its own, wherever a thread begins to read.
    ("datafusion.catalog.newlines_in_values", "true"),
    // A TIMESTAMP WITH TIME ZONE has one, and is the instant it is in PostgreSQL.
    ("datafusion.execution.time_zone", "+00:00"),
    // Otherwise a Parquet column of UUIDs comes as plain bytes, and its rows are other records.
    ("datafusion.execution.parquet.skip_metadata", "false"),
    // 12.5 is an exact number, as in PostgreSQL, and not a binary fraction.
    ("datafusion.sql_parser.parse_float_as_decimal", "true"),
    // An empty cell in a table could as well be an empty text.
    ("datafusion.format.null", "NULL"),
];

/// How many of the largest users of memory an error names when the limit is reached.
const NAMED_USERS: NonZeroUsize = NonZeroUsize::new(5).expect("5 is not 0");

/// A session with every function of ours.
pub(crate) fn open(args: &Args) -> Result<SessionContext> {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config(args)?)
        .with_runtime_env(environment(args)?)
        .build();
    let mut context = files::enable(state)?;
    datafusion_udfs::register_all(&mut context)?;
    Ok(context)
}

fn config(args: &Args) -> Result<SessionConfig> {
    let mut config = SessionConfig::from_env()
        .map_err(|error| Failure::Usage(format!("an environment variable: {}", words(&error))))?;
    for (key, value) in DEFAULTS {
        if env::var_os(key.to_uppercase().replace('.', "_")).is_none() {
            config.options_mut().set(key, value)?;
        }
    }
    if let Some(threads) = args.threads {
        config = config.with_target_partitions(threads.into());
    }
    Ok(config)
}

fn environment(args: &Args) -> Result<Arc<RuntimeEnv>> {
    // Directories are listed anew by each query: a shell is asked about files that were just
    // written, by itself and by others.
    let mut builder = RuntimeEnvBuilder::new().with_object_list_cache_limit(0);
    if let Some(limit) = args.memory_limit {
        let pool: Arc<dyn MemoryPool> = match args.memory_pool {
            Pool::Greedy => {
                Arc::new(TrackConsumersPool::new(GreedyMemoryPool::new(limit), NAMED_USERS))
            }
            Pool::Fair => Arc::new(TrackConsumersPool::new(FairSpillPool::new(limit), NAMED_USERS)),
        };
        builder = builder.with_memory_pool(pool);
    }
    Ok(builder.build_arc()?)
}
