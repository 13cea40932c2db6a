//! What the daemon says of itself: metrics for Prometheus, and whether it is healthy.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::net::TcpListener;

use crate::error::{Error, Result};

/// Labels of a source's metrics.
type OfSource = [(&'static str, String); 1];

/// What is counted, and what goes wrong at the moment.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) commits: Counter,
    pub(super) entries: Counter,
    pub(super) known: Counter,
    pub(super) log_failures: Counter,
    pub(super) log_size: Gauge,
    pub(super) commit_seconds: Histogram,
    pub(super) wait_seconds: Histogram,
    pub(super) last_commit: Gauge,
    pub(super) last_status: Gauge,
    pub(super) taken: Family<OfSource, Gauge>,
    pub(super) refused: Family<OfSource, Gauge>,
    pub(super) source_failures: Family<OfSource, Counter>,
    registry: Registry,
    tolerance: Duration,
    failing: Mutex<BTreeMap<String, Failing>>,
}

/// What fails, since when, and how it did last.
#[derive(Debug)]
struct Failing {
    since: Instant,
    reason: String,
}

impl Health {
    pub(super) fn new(tolerance: Duration) -> Self {
        // From 1 ms to 33 s, each twice the one before.
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let mut health = Self {
            commits: Counter::default(),
            entries: Counter::default(),
            known: Counter::default(),
            log_failures: Counter::default(),
            log_size: Gauge::default(),
            commit_seconds: seconds(),
            wait_seconds: seconds(),
            last_commit: Gauge::default(),
            last_status: Gauge::default(),
            taken: Family::default(),
            refused: Family::default(),
            source_failures: Family::default(),
            registry: Registry::with_prefix("precise"),
            tolerance,
            failing: Mutex::default(),
        };
        health.register();
        health
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("commits", "Commits to the log", self.commits.clone());
        registry.register("entries", "Entries that were new to the log", self.entries.clone());
        registry.register("known_entries", "Entries that the log had already", self.known.clone());
        registry.register("log_failures", "Commits that failed", self.log_failures.clone());
        registry.register("log_size", "Entries that the log has", self.log_size.clone());
        registry.register("commit_seconds", "Time of a commit", self.commit_seconds.clone());
        registry.register(
            "wait_seconds",
            "From when a batch was taken to when its source knows where in the log it is",
            self.wait_seconds.clone(),
        );
        registry.register(
            "last_commit_timestamp_seconds",
            "When the last commit was, as POSIX time",
            self.last_commit.clone(),
        );
        registry.register(
            "last_status_timestamp_seconds",
            "When the status log last said what is void, as POSIX time",
            self.last_status.clone(),
        );
        registry.register("taken", "Batches that a source handed out", self.taken.clone());
        registry.register("refused", "Batches that a source passes over", self.refused.clone());
        registry.register(
            "source_failures",
            "How often a source could not be read or written",
            self.source_failures.clone(),
        );
    }

    /// A part works.
    pub(super) fn works(&self, part: &str) {
        if self.failing().remove(part).is_some() {
            tracing::info!("{part} works again");
        }
    }

    /// A part fails.
    pub(super) fn fails(&self, part: &str, error: &Error) {
        tracing::error!("{part}: {error}");
        let reason = error.to_string();
        let mut failing = self.failing();
        match failing.get_mut(part) {
            Some(known) => known.reason = reason,
            None => {
                failing.insert(part.into(), Failing { since: Instant::now(), reason });
            }
        }
    }

    pub(super) fn committed(&self, took: Duration) {
        self.commits.inc();
        self.commit_seconds.observe(took.as_secs_f64());
        self.last_commit.set(now());
    }

    pub(super) fn published(&self) {
        self.last_status.set(now());
    }

    fn failing(&self) -> MutexGuard<'_, BTreeMap<String, Failing>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing fails for longer than is tolerated, and what fails.
    fn report(&self) -> (bool, serde_json::Value) {
        let failing = self.failing();
        let is_healthy = failing.values().all(|part| part.since.elapsed() < self.tolerance);
        let failing: Vec<_> = failing
            .iter()
            .map(|(part, Failing { since, reason })| {
                json!({ "part": part, "reason": reason, "seconds": since.elapsed().as_secs() })
            })
            .collect();
        (is_healthy, json!({ "healthy": is_healthy, "failing": failing }))
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64
}

/// Labels a source's metrics.
pub(super) fn of_source(name: &str) -> OfSource {
    [("source", name.into())]
}

/// Serves `/metrics` and `/health` until `stop`. The address is the one it listens at, in which a
/// port of 0 is another.
pub(super) async fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<SocketAddr> {
    let failed = |error| Error::failed(format_args!("listen at {address} (listen.address)"), error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(report))
        .with_state(health);
    let server = axum::serve(listener, routes).with_graceful_shutdown(stop);
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!("metrics and health are no longer served: {error}");
        }
    });
    Ok(address)
}

async fn metrics(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let mut text = String::new();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match encode(&mut text, &health.registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, kind)], text),
    }
}

async fn report(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let (is_healthy, report) = health.report();
    let status = if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{report}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_too_long_is_not_healthy() {
        let error = Error::failed("write", "no space left on device");
        let patient = Health::new(Duration::from_hours(1));
        assert!(patient.report().0);
        patient.fails("log", &error);
        let (is_healthy, report) = patient.report();
        assert!(is_healthy, "{report}");
        assert_eq!(report["failing"][0]["reason"], "cannot write: no space left on device");
        let strict = Health::new(Duration::ZERO);
        strict.fails("log", &error);
        strict.fails("source a", &error);
        let (is_healthy, report) = strict.report();
        assert!(!is_healthy, "{report}");
        assert_eq!(report["failing"][1]["part"], "source a");
        strict.works("log");
        strict.works("source a");
        assert_eq!(strict.report(), (true, json!({ "healthy": true, "failing": [] })));
    }
}
