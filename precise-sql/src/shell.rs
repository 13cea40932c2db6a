//! One statement: planned, run, printed.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::stream::iter;
use futures::{StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use crate::args::{Args, Format};
use crate::copy::Copy;
use crate::failure::{Failure, Result};
use crate::print::Printer;
use crate::script::Parser;
use crate::{interrupt, session};

/// The stack of each thread that parses, plans and runs. DataFusion works through nested
/// expressions and plans by recursion, and a stack that overflows cannot be caught: an operator
/// takes up to 8 KiB in a debug build, and a statement may have as many in a row as
/// [`script`](crate::script) lets through. Memory is taken as it is used.
pub(crate) const STACK: usize = 128 << 20;

/// How long the end of the program waits for files to be removed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A session, and how its results are printed.
pub(crate) struct Shell {
    pub(crate) context: SessionContext,
    pub(crate) look: Look,
    runtime: Runtime,
}

/// How results are printed.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Look {
    pub(crate) format: Format,
    pub(crate) header: bool,
    /// Whether row counts and times are told.
    pub(crate) counts: bool,
    /// Whether errors are JSON.
    pub(crate) json: bool,
    /// Whether the prompt greets.
    pub(crate) quiet: bool,
}

impl Shell {
    pub(crate) fn open(args: &Args) -> Result<Self> {
        let threads = match args.threads {
            Some(threads) => threads.into(),
            None => available_parallelism().map_or(1, Into::into),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK)
            .enable_all()
            .build()
            .map_err(|error| Failure::Io(format!("cannot start threads: {error}")))?;
        let look = Look {
            format: args.format(),
            header: !args.no_header,
            counts: !args.quiet && io::stderr().is_terminal(),
            json: args.json,
            quiet: args.quiet,
        };
        Ok(Self { context: session::open(args)?, look, runtime })
    }

    /// How the next statement is read.
    pub(crate) fn parser(&self) -> Parser {
        let state = self.context.state_ref();
        let state = state.read();
        let options = &state.config_options().sql_parser;
        Parser { dialect: options.dialect, recursion_limit: options.recursion_limit.get() }
    }

    /// Runs a statement and prints what it gives.
    pub(crate) fn execute(&self, mut statement: Statement) -> Result<()> {
        let copy = Copy::begin(&mut statement)?.map(Arc::new);
        let done = self.run(execute(self.context.clone(), statement, copy.clone(), self.look));
        if copy.is_some() && done.is_err() {
            // What still writes would do so behind the back of whoever removes the files.
            self.settle();
        }
        done
    }

    /// Runs `work` where Ctrl-C can stop it, and where stacks are large.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let task = self.runtime.spawn(work);
        interrupt::begin(task.abort_handle());
        let done = self.runtime.block_on(task);
        if interrupt::end() {
            return Err(Failure::Interrupted);
        }
        done.unwrap_or_else(|error| {
            if error.is_cancelled() {
                return Err(Failure::Interrupted);
            }
            Err(Failure::panicked(error.into_panic().as_ref()))
        })
    }

    /// Waits for what a query has left running, which notices later than the query that it is to
    /// stop, and then removes the files it had begun.
    fn settle(&self) {
        let begun = Instant::now();
        let metrics = self.runtime.metrics();
        while metrics.num_alive_tasks() > 0 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
        // Files are removed by threads that may block: once one is at hand, all have begun.
        let _ = self.runtime.block_on(self.runtime.spawn_blocking(|| ()));
    }

    /// Ends the session once what was begun is cleared away, or nearly at once.
    pub(crate) fn close(self) {
        self.settle();
        drop(self.context);
        self.runtime.shutdown_timeout(PATIENCE);
    }
}

async fn execute(
    context: SessionContext,
    statement: Statement,
    copy: Option<Arc<Copy>>,
    look: Look,
) -> Result<()> {
    let begun = Instant::now();
    let plan = context.state().statement_to_plan(statement).await?;
    let frame = context.execute_logical_plan(plan).await?;
    let options = context.state().config_options().format.clone();
    let mut stream = frame.execute_stream().await?;
    let schema = stream.schema();
    if let Some(copy) = copy {
        // Its count is told when the file is there.
        let counts: Vec<RecordBatch> = stream.try_collect().await?;
        copy.finish()?;
        let counts = iter(counts.into_iter().map(Ok));
        stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), counts));
    }
    // Statements such as CREATE and SET give no columns, and have nothing to print.
    let is_result = !schema.fields().is_empty();
    let mut printer = if is_result { Some(Printer::new(schema, look, options)?) } else { None };
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows();
        if let Some(printer) = &mut printer {
            printer.batch(&batch)?;
        }
        // Results that are there already would leave no moment at which to stop.
        yield_now().await;
    }
    if let Some(printer) = printer {
        printer.finish()?;
    }
    if look.counts {
        let what = match rows {
            _ if !is_result => "done".into(),
            1 => "1 row".into(),
            _ => format!("{rows} rows"),
        };
        // Nothing hangs on it.
        let _ = writeln!(io::stderr(), "{what}, {:.3} s", begun.elapsed().as_secs_f64());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::failure::hold_panics;

    #[test]
    fn a_panic_ends_a_statement_and_not_the_session() {
        hold_panics();
        let shell = Shell::open(&Args::parse_from(["precise-sql"])).unwrap();
        let done: Result<()> = shell.run(async { panic!("no such case") });
        let said = done.unwrap_err().to_string();
        assert!(said.starts_with("a bug, please report it: ") && said.contains("no such case"));
        assert_eq!(shell.run(async { Ok(1) }).unwrap(), 1);
        shell.close();
    }
}
