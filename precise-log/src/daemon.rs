//! The committer as a daemon: batches that wait go to the log by size or age, whatever fails is
//! tried again, and nothing that fails stops the rest.
//!
//! Each source has a task of its own, which has one handful of batches at a time: it takes them,
//! hands them to the writer, and takes no more until they are noted or given back. So no queue
//! grows, and a log that fails leaves everything where it waits.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use precise_core::entry::Entry;
use precise_core::status::VoidDocument;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

pub use self::config::{Batch, Config, FilesConfig, Listen, SourceConfig, Status};
use self::health::{Health, of_source, serve};
use crate::commit::{Placed, Writer};
use crate::error::{Error, Result};
use crate::log::Log;
use crate::source::{self, ClosedBatch, CommittedBatch, Source};

mod config;
mod health;

/// How often a source is asked that has told of nothing.
const POLL: Duration = Duration::from_secs(1);

/// How long after a failure to try again: each time twice as long, from the one to the other.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// How long to wait for a source's voids. Without them what is known is published.
const VOIDS_WITHIN: Duration = Duration::from_mins(1);

/// The part of the daemon that writes the log.
const LOG: &str = "log";

/// The part that says what is void.
const STATUS: &str = "status";

/// Comes when the process is asked to end: SIGTERM, or SIGINT. A second time it ends at once, which
/// loses nothing that a crash would not lose, and that is nothing.
pub fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let failed = |error| Error::failed("wait for signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        // Whoever does not listen has ended.
        let _ = tell.send(());
        next().await;
        warn!("asked a second time: ending at once");
        std::process::exit(1);
    });
    Ok(async move {
        if told.await.is_err() {
            pending::<()>().await;
        }
    })
}

/// The daemon, which says how it is and does nothing yet.
pub struct Daemon {
    config: Config,
    health: Arc<Health>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Daemon {
    /// Begins to serve metrics and health.
    ///
    /// Error: it cannot listen there.
    pub async fn listen(config: Config) -> Result<Self> {
        let health = Arc::new(Health::new(config.listen.tolerance));
        let (stop, stopped) = watch::channel(false);
        let address = serve(config.listen.address, health.clone(), is_true(stopped)).await?;
        Ok(Self { config, health, address, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Commits what waits in the sources, and has what is void by them published, until `end`. Then
    /// it finishes the commit in hand and gives the rest back. Whatever fails is tried again.
    pub async fn run(
        self,
        mut writer: Writer,
        sources: Vec<Box<dyn Source>>,
        publish: impl AsyncFnMut(Vec<VoidDocument>) -> Result<()>,
        end: impl Future<Output = ()>,
    ) {
        let Self { config, health, address, stop } = self;
        health.log_size.set(writer.log().size() as i64);
        info!(
            log = %writer.log().store(),
            origin = writer.log().origin(),
            size = writer.log().size(),
            metrics = %format_args!("http://{address}/metrics"),
            sources = sources.len(),
            "the committer is ready"
        );
        // A share for each, so that none waits for another's.
        let share = (config.batch.max_entries / sources.len().max(1)).max(1);
        let (send, handfuls) = mpsc::channel(sources.len().max(1));
        let (asks, drawers): (Vec<Asks>, Vec<JoinHandle<()>>) = sources
            .into_iter()
            .map(|source| {
                let (ask, asked) = mpsc::channel(1);
                let drawer = Drawer {
                    part: format!("source {}", source.name()),
                    source,
                    share,
                    max_age: config.batch.max_age,
                    handfuls: send.clone(),
                    asked,
                    health: health.clone(),
                    stopped: stop.subscribe(),
                };
                (ask, tokio::spawn(drawer.run()))
            })
            .unzip();
        drop(send);
        tokio::join!(
            commit_handfuls(&mut writer, handfuls, &health, stop.subscribe()),
            publish_voids(publish, &asks, config.status.interval, &health, stop.subscribe()),
            async {
                end.await;
                info!("asked to end");
                // Whoever has ended already need not hear of it.
                let _ = stop.send(true);
            }
        );
        for ended in join_all(drawers).await {
            if let Err(error) = ended {
                warn!("a source's task has not ended well: {error}");
            }
        }
        info!(size = writer.log().size(), "the committer has ended");
    }
}

/// Comes when the daemon is to stop.
async fn is_true(mut stopped: watch::Receiver<bool>) {
    // An error says that who would tell is gone, and so is the daemon.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// What a source has taken, and waits to hear of.
struct Handful {
    batches: Vec<ClosedBatch>,
    answer: oneshot::Sender<Answer>,
}

/// What became of a handful. None at all: nothing.
enum Answer {
    /// It is in the log. Whether that was noted is answered.
    Committed(Vec<CommittedBatch>, oneshot::Sender<()>),
    /// The log failed. Take it again after this time.
    Failed(Duration),
}

/// Asks a source what is void.
type Asks = mpsc::Sender<oneshot::Sender<Vec<VoidDocument>>>;

/// Waits longer each time.
struct BackOff(Duration);

impl BackOff {
    fn new() -> Self {
        Self(BACK_OFF.0)
    }

    fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(BACK_OFF.1);
        now
    }
}

/// The writer: what has come goes to the log as one.
async fn commit_handfuls(
    writer: &mut Writer,
    mut handfuls: mpsc::Receiver<Handful>,
    health: &Health,
    stopped: watch::Receiver<bool>,
) {
    let mut back_off = BackOff::new();
    loop {
        let first = tokio::select! {
            biased;
            () = is_true(stopped.clone()) => break,
            first = handfuls.recv() => first,
        };
        let Some(first) = first else { break };
        let mut hand = vec![first];
        while let Ok(more) = handfuls.try_recv() {
            hand.push(more);
        }
        let began = Instant::now();
        match commit(writer, &mut hand, health).await {
            Ok(()) => {
                health.works(LOG);
                health.committed(began.elapsed());
                back_off = BackOff::new();
            }
            Err(error) => {
                health.log_failures.inc();
                health.fails(LOG, &error);
                let after = back_off.next();
                for handful in hand {
                    // A source that has ended does not wait for it.
                    let _ = handful.answer.send(Answer::Failed(after));
                }
            }
        }
    }
}

/// Puts handfuls into the log, and has their sources note it. Those that were told are gone from
/// `hand`.
async fn commit(writer: &mut Writer, hand: &mut Vec<Handful>, health: &Health) -> Result<()> {
    let entries: Vec<Entry> = hand
        .iter()
        .flat_map(|handful| &handful.batches)
        .map(|batch| Entry::Batch(batch.entry.clone()))
        .collect();
    let placed = writer
        .commit(&entries, async |log: &Log, placed: &[Placed]| {
            let batches = hand.iter().flat_map(|handful| &handful.batches);
            let mut committed = source::prove(log, batches, placed).await?;
            let told = hand.drain(..).map(|handful| {
                let rest = committed.split_off(handful.batches.len());
                let (noted, answer) = oneshot::channel();
                let batches = std::mem::replace(&mut committed, rest);
                // Whether they were noted: if not, they are taken again, and found in the log.
                let _ = handful.answer.send(Answer::Committed(batches, noted));
                answer
            });
            join_all(told.collect::<Vec<_>>()).await;
            Ok(())
        })
        .await?;
    let known = placed.iter().filter(|placed| placed.known).count();
    health.entries.inc_by((placed.len() - known) as u64);
    health.known.inc_by(known as u64);
    health.log_size.set(writer.log().size() as i64);
    info!(entries = placed.len(), known, size = writer.log().size(), "committed");
    Ok(())
}

/// A source's task.
struct Drawer {
    part: String,
    source: Box<dyn Source>,
    /// As many as it may take at once.
    share: usize,
    max_age: Duration,
    handfuls: mpsc::Sender<Handful>,
    asked: mpsc::Receiver<oneshot::Sender<Vec<VoidDocument>>>,
    health: Arc<Health>,
    stopped: watch::Receiver<bool>,
}

impl Drawer {
    async fn run(mut self) {
        let mut back_off = BackOff::new();
        while !*self.stopped.borrow() {
            let after = match self.draw().await {
                Ok(after) => {
                    back_off = BackOff::new();
                    after
                }
                Err(error) => {
                    self.health.source_failures.get_or_create(&self.label()).inc();
                    self.health.fails(&self.part, &error);
                    Some(back_off.next())
                }
            };
            self.health.taken.get_or_create(&self.label()).set(0);
            if let Some(after) = after {
                self.release().await;
                tokio::select! {
                    () = is_true(self.stopped.clone()) => {}
                    () = sleep(after) => {}
                }
            }
        }
        self.release().await;
        debug!("{} has ended", self.part);
    }

    /// Takes a handful and waits for what becomes of it. The time after which to try again, if the
    /// log failed.
    async fn draw(&mut self) -> Result<Option<Duration>> {
        while let Ok(asker) = self.asked.try_recv() {
            let voids = self.source.voids().await?;
            // An asker that has gone took what there was.
            let _ = asker.send(voids);
        }
        let Some((batches, began)) = self.take().await? else { return Ok(None) };
        let (answer, answered) = oneshot::channel();
        let handful = Handful { batches, answer };
        if self.handfuls.send(handful).await.is_err() {
            return Ok(None);
        }
        match answered.await {
            Ok(Answer::Committed(batches, noted)) => {
                let marked = self.source.mark(&batches).await;
                // The commit goes on whether it was noted or not.
                let _ = noted.send(());
                marked?;
                self.health.works(&self.part);
                self.health.wait_seconds.observe(began.elapsed().as_secs_f64());
                Ok(None)
            }
            Ok(Answer::Failed(after)) => Ok(Some(after)),
            Err(_) => Ok(None),
        }
    }

    /// What waits, and since when: a share, or what has come until the first is old enough. None,
    /// if there was nothing or it is time to stop.
    async fn take(&mut self) -> Result<Option<(Vec<ClosedBatch>, Instant)>> {
        let mut batches = Vec::new();
        let mut began = None;
        while batches.len() < self.share {
            let stopped = is_true(self.stopped.clone());
            let taken = tokio::select! {
                biased;
                () = stopped => return Ok(None),
                taken = self.source.closed(self.share - batches.len()) => taken?,
            };
            batches.extend(taken);
            self.health.works(&self.part);
            self.health.taken.get_or_create(&self.label()).set(batches.len() as i64);
            self.health.refused.get_or_create(&self.label()).set(self.source.refused() as i64);
            let left = if batches.is_empty() {
                POLL
            } else {
                let began = *began.get_or_insert_with(Instant::now);
                self.max_age.saturating_sub(began.elapsed())
            };
            if left.is_zero() {
                break;
            }
            tokio::select! {
                () = is_true(self.stopped.clone()) => return Ok(None),
                waited = self.source.wait(left) => waited?,
                Some(asker) = self.asked.recv(), if batches.is_empty() => {
                    let voids = self.source.voids().await?;
                    let _ = asker.send(voids);
                }
            }
            if batches.is_empty() {
                return Ok(None);
            }
        }
        Ok(began.map(|began| (batches, began)))
    }

    async fn release(&mut self) {
        if let Err(error) = self.source.release().await {
            warn!("{}: {error}", self.part);
        }
    }

    fn label(&self) -> [(&'static str, String); 1] {
        of_source(&self.source.name())
    }
}

/// Has what is void published each interval, also when nothing has changed: who verifies wants to
/// know that it was so lately.
async fn publish_voids(
    mut publish: impl AsyncFnMut(Vec<VoidDocument>) -> Result<()>,
    asks: &[Asks],
    interval: Duration,
    health: &Health,
    stopped: watch::Receiver<bool>,
) {
    let mut back_off = BackOff::new();
    loop {
        let voids = tokio::select! {
            biased;
            () = is_true(stopped.clone()) => return,
            voids = ask_voids(asks) => voids,
        };
        let after = match publish(voids).await {
            Ok(()) => {
                health.works(STATUS);
                health.published();
                back_off = BackOff::new();
                interval
            }
            Err(error) => {
                health.fails(STATUS, &error);
                back_off.next()
            }
        };
        tokio::select! {
            () = is_true(stopped.clone()) => return,
            () = sleep(after) => {}
        }
    }
}

/// What is void by all sources that answer.
async fn ask_voids(asks: &[Asks]) -> Vec<VoidDocument> {
    let answers = asks.iter().map(async |ask| {
        let (asker, answer) = oneshot::channel();
        ask.send(asker).await.ok()?;
        answer.await.ok()
    });
    let answers = answers.map(|answer| timeout(VOIDS_WITHIN, answer));
    let answers = join_all(answers).await;
    answers.into_iter().flatten().flatten().flatten().collect()
}
