//! Batches that wait in PostgreSQL, in the extension's table `precise.batch`.
//!
//! What was taken is locked in an open transaction, which other committers pass over, and which
//! ends with what is noted of it. Whatever dies, the server takes the transaction back, and the
//! batches wait as before: a log that has them already says where.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use precise_core::entry::{BatchEntry, BatchKind, Entry};
use precise_core::error::Code;
use precise_core::merkle::Hash;
use precise_core::row::UtcSecond;
use precise_core::status::{Reason, VoidDocument};
use precise_core::{canonical, proof};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::{debug, error, info};

use self::address::Address;
use super::{ClosedBatch, CommittedBatch, Source};
use crate::error::{Error, Result};

mod address;
mod tls;

/// How often to look for more while a transaction is open: notifications come between transactions.
const LOOK: Duration = Duration::from_millis(20);

/// Batches that one statement marks: some 1,000 proofs of 1 kB are a message of 1 MB.
const MARKED_AT_ONCE: usize = 1000;

/// What holds in every session. A committer that sleeps for five minutes has lost what it took.
const SETTINGS: &str = "SET search_path = pg_catalog; \
    SET client_min_messages = warning; \
    SET timezone = 'UTC'; \
    SET lock_timeout = 0; \
    SET statement_timeout = '1min'; \
    SET idle_session_timeout = 0; \
    SET idle_in_transaction_session_timeout = '5min'; \
    SET tcp_keepalives_idle = 30; \
    SET tcp_keepalives_interval = 10; \
    SET tcp_keepalives_count = 3";

/// Whether the database has what a committer needs.
const SURVEY: &str = "SELECT current_database()::text, current_user::text, pg_is_in_recovery(), \
        (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'pg_precise'), \
        EXISTS ( \
            SELECT FROM pg_attribute AS a \
            JOIN pg_class AS c ON c.oid = a.attrelid \
            JOIN pg_namespace AS n ON n.oid = c.relnamespace \
            WHERE n.nspname = 'precise' AND c.relname = 'batch' AND a.attname = 'log_entry' \
                AND NOT a.attisdropped \
        )";

/// Whether the role may do what a committer does.
const RIGHTS: &str = "SELECT has_table_privilege('precise.batch', 'SELECT') \
        AND has_column_privilege('precise.batch', 'log_entry', 'UPDATE') \
        AND has_table_privilege('precise.void', 'SELECT')";

/// The oldest that wait, but for some, and that nobody else has taken.
const TAKE: &str = "SELECT id, kind, label, part::text, batch_root, count, entry, document, \
        to_char(closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
    FROM precise.batch WHERE state <> 'committed' AND id <> ALL ($1) \
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED";

const MARK: &str = "UPDATE precise.batch AS b \
    SET state = 'committed', log_origin = c.log_origin, log_index = c.log_index, \
        log_entry = NULLIF(c.entry, b.entry), tlog_proof = c.tlog_proof, \
        checkpoint = c.checkpoint, committed_at = clock_timestamp() \
    FROM unnest($1, $2, $3, $4, $5, $6) \
        AS c (id, log_origin, log_index, entry, tlog_proof, checkpoint) \
    WHERE b.id = c.id AND b.state <> 'committed'";

const VOIDS: &str = "SELECT proof_hash, reason, salt, \
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
    FROM precise.void";

/// A database with the extension.
pub struct Postgres {
    name: String,
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// None before the first use, and after anything went wrong.
    session: Option<Session>,
    /// Rows that are passed over until the next session.
    refused: BTreeSet<i64>,
}

struct Session {
    client: Client,
    /// Something was notified, or the connection has ended.
    told: Arc<Notify>,
    /// What the open transaction holds. Empty: none is open.
    taken: BTreeSet<i64>,
}

/// A row of `precise.batch`.
struct Stored {
    kind: String,
    label: String,
    part: Option<String>,
    batch_root: Vec<u8>,
    count: i64,
    entry: String,
    document: Option<String>,
    closed_at: Option<String>,
}

impl Postgres {
    /// A database by its address: a URL or keywords, as libpq has them. What they leave out, and
    /// the password above all, is asked of `environment`, and of `~/.pgpass`. It connects when it
    /// is first used.
    ///
    /// Errors: an address that is none, without what was wrong in it; certificates that cannot be
    /// read.
    pub fn new(address: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let Address { name, config, trust } = Address::parse(address, environment)?;
        let tls = trust.map(|trust| tls::connector(&trust)).transpose()?;
        Ok(Self { name, config, tls, session: None, refused: BTreeSet::new() })
    }

    /// The session, taken out: whoever gives up half-way leaves none behind, and no open
    /// transaction.
    async fn session(&mut self) -> Result<Session> {
        match self.session.take() {
            Some(session) if !session.client.is_closed() => Ok(session),
            _ => {
                self.refused.clear();
                let session = self.connect().await?;
                info!(source = self.name, "connected");
                Ok(session)
            }
        }
    }

    async fn connect(&self) -> Result<Session> {
        let failed = |error| self.failed("connect to", &error);
        let told = Arc::new(Notify::new());
        let client = if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await.map_err(failed)?;
            drive(connection, told.clone());
            client
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
            drive(connection, told.clone());
            client
        };
        client.batch_execute(SETTINGS).await.map_err(failed)?;
        self.survey(&client).await?;
        client.batch_execute("LISTEN precise_batch").await.map_err(failed)?;
        Ok(Session { client, told, taken: BTreeSet::new() })
    }

    /// Refuses a database that a committer can do nothing with, and says what it lacks.
    async fn survey(&self, client: &Client) -> Result<()> {
        let failed = |error| self.failed("read", &error);
        let row = client.query_typed_one(SURVEY, &[]).await.map_err(failed)?;
        let column = |error| self.failed("read", &error);
        let database: String = row.try_get(0).map_err(column)?;
        let role: String = row.try_get(1).map_err(column)?;
        let is_standby: bool = row.try_get(2).map_err(column)?;
        let version: Option<String> = row.try_get(3).map_err(column)?;
        let is_current: bool = row.try_get(4).map_err(column)?;
        let lacks = |what: String| Err(Error::failed(format_args!("use {}", self.name), what));
        if is_standby {
            return lacks(
                "it is a standby, and a committer writes; name the primary server, or all of them \
                 and target_session_attrs=read-write"
                    .into(),
            );
        }
        match version {
            None => {
                return lacks(format!(
                    "database {database} does not have the extension; as a superuser: CREATE \
                     EXTENSION pg_precise"
                ));
            }
            Some(version) if !is_current => {
                return lacks(format!(
                    "its extension is of version {version}, and a committer needs 0.2.0; as a \
                     superuser: ALTER EXTENSION pg_precise UPDATE"
                ));
            }
            Some(_) => {}
        }
        let may: bool = client
            .query_typed_one(RIGHTS, &[])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| self.failed("use", &error))?;
        if may {
            return Ok(());
        }
        lacks(format!(
            "role {role} is no committer; as who may grant that: GRANT precise_committer TO {role}"
        ))
    }

    /// Takes what waits, up to `limit`, and passes over what is no batch.
    async fn take(
        &mut self,
        session: &mut Session,
        limit: usize,
    ) -> std::result::Result<Vec<ClosedBatch>, tokio_postgres::Error> {
        if session.taken.is_empty() {
            session.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        }
        let mut batches = Vec::new();
        loop {
            let passed: Vec<i64> = session.taken.union(&self.refused).copied().collect();
            let rest = (limit - batches.len()) as i64;
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&passed, Type::INT8_ARRAY), (&rest, Type::INT8)];
            let rows = session.client.query_typed(TAKE, &parameters).await?;
            let before = self.refused.len();
            for row in &rows {
                let id: i64 = row.try_get(0)?;
                match Stored::of(row)?.entry() {
                    Ok(entry) => {
                        session.taken.insert(id);
                        batches.push(ClosedBatch { key: id.to_string(), entry });
                    }
                    Err(fault) => {
                        self.refused.insert(id);
                        error!(
                            source = self.name,
                            batch = id,
                            code = fault.code().name(),
                            hint = fault.hint(),
                            "batch {id} is passed over: {fault}"
                        );
                    }
                }
            }
            // What stands in the way does not keep what is behind it.
            if self.refused.len() == before || batches.len() == limit {
                break;
            }
        }
        if session.taken.is_empty() {
            session.client.batch_execute("ROLLBACK").await?;
        }
        Ok(batches)
    }

    fn failed(&self, verb: &str, error: &tokio_postgres::Error) -> Error {
        Error::failed(format_args!("{verb} {}", self.name), describe(error))
    }
}

#[async_trait]
impl Source for Postgres {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn closed(&mut self, limit: usize) -> Result<Vec<ClosedBatch>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut session = self.session().await?;
        let batches = self.take(&mut session, limit).await;
        let batches = batches.map_err(|error| self.failed("read the batches of", &error))?;
        debug!(source = self.name, count = batches.len(), "took batches");
        self.session = Some(session);
        Ok(batches)
    }

    fn refused(&self) -> usize {
        self.refused.len()
    }

    async fn mark(&mut self, committed: &[CommittedBatch]) -> Result<()> {
        let Some(mut session) = self.session.take() else {
            return Err(Error::failed(
                format_args!("write to {}", self.name),
                "the connection was lost; what was taken will be taken again",
            ));
        };
        for batches in committed.chunks(MARKED_AT_ONCE) {
            let ids: Vec<i64> = batches.iter().filter_map(|batch| batch.key.parse().ok()).collect();
            let is_taken = ids.len() == batches.len();
            let is_taken = is_taken && ids.iter().all(|id| session.taken.contains(id));
            let marked = mark(&session.client, &ids, batches);
            let marked = marked.await.map_err(|error| self.failed("write to", &error))?;
            if !is_taken || marked != ids.len() as u64 {
                return Err(Error::failed(
                    format_args!("write to {}", self.name),
                    "a batch is not there as it was taken; all will be taken again",
                ));
            }
        }
        let ended = session.client.batch_execute("COMMIT").await;
        ended.map_err(|error| self.failed("write to", &error))?;
        session.taken.clear();
        self.session = Some(session);
        Ok(())
    }

    async fn release(&mut self) -> Result<()> {
        let Some(mut session) = self.session.take() else { return Ok(()) };
        if !session.taken.is_empty() {
            // Where this fails the connection is no more, and with it the transaction.
            if let Err(error) = session.client.batch_execute("ROLLBACK").await {
                debug!(source = self.name, "{}", describe(&error));
                return Ok(());
            }
            session.taken.clear();
        }
        self.session = Some(session);
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> Result<()> {
        match &self.session {
            // The next call finds out why.
            None => {}
            Some(session) if !session.taken.is_empty() => sleep(at_most.min(LOOK)).await,
            Some(session) => {
                // That it comes late is the same as that it was told.
                let _ = timeout(at_most, session.told.notified()).await;
            }
        }
        Ok(())
    }

    async fn voids(&mut self) -> Result<Vec<VoidDocument>> {
        let session = self.session().await?;
        let failed = |error| self.failed("read what is void in", &error);
        let parameters: [(&(dyn ToSql + Sync), Type); 0] = [];
        let rows = session.client.query_typed_raw(VOIDS, parameters).await.map_err(failed)?;
        let voids = rows.map_ok(|row| void_document(&row)).try_collect::<Vec<_>>().await;
        let voids = voids.map_err(failed)?.into_iter().collect::<Result<Vec<_>>>();
        self.session = Some(session);
        voids
    }
}

impl Stored {
    fn of(row: &Row) -> std::result::Result<Self, tokio_postgres::Error> {
        Ok(Self {
            kind: row.try_get(1)?,
            label: row.try_get(2)?,
            part: row.try_get(3)?,
            batch_root: row.try_get(4)?,
            count: row.try_get(5)?,
            entry: row.try_get(6)?,
            document: row.try_get(7)?,
            closed_at: row.try_get(8)?,
        })
    }

    /// What the log is to have of it: the stored text, if it is an entry and says what the columns
    /// say.
    ///
    /// Errors: PR407, PR905.
    fn entry(&self) -> precise_core::Result<BatchEntry> {
        let other =
            |detail: &'static str| Err(precise_core::Error::new(Code::Entry).because(detail));
        let entry = match Entry::parse(self.entry.as_bytes())? {
            Entry::Batch(entry) => entry,
            Entry::Status(_) => return other("it is a status log's"),
        };
        if entry.kind.name() != self.kind {
            return other("its kind is not the row's");
        }
        // What names a document has no label in public; the row has the document's proof id in
        // that place.
        let named = match entry.kind {
            BatchKind::Audience { audience_hash: hash }
            | BatchKind::Settlement { statement_hash: hash } => Some(hash),
            BatchKind::Records => None,
        };
        let (label, stored) = match &named {
            Some(hash) => (None, proof::format_id(hash)),
            None => (Some(&self.label), self.label.clone()),
        };
        if entry.label.as_ref() != label || self.label != stored {
            return other("its label is not the row's");
        }
        if entry.batch_root[..] != self.batch_root[..] {
            return other("its batch_root is not the row's");
        }
        if i64::try_from(entry.count) != Ok(self.count) {
            return other("its count is not the row's");
        }
        if self.closed_at.as_ref() != Some(&entry.closed_at.to_string()) {
            return other("its closed_at is not the row's");
        }
        let part = self.part.as_ref().map(|part| canonical::canonicalize(part.as_bytes()));
        let part = part.transpose()?;
        if part != entry.part.map(|part| part.to_json().into()) {
            return other("its part is not the row's");
        }
        if let Some(hash) = named {
            let document = self.document.as_deref().unwrap_or_default();
            let document = canonical::canonicalize(document.as_bytes())?;
            if proof::hash(&document, None) != hash {
                return other("the document that it names is not the row's");
            }
        }
        Ok(entry)
    }
}

/// Notes where batches are. How many rows that changed.
async fn mark(
    client: &Client,
    ids: &[i64],
    batches: &[CommittedBatch],
) -> std::result::Result<u64, tokio_postgres::Error> {
    let texts = |text: fn(&CommittedBatch) -> &str| batches.iter().map(text).collect::<Vec<_>>();
    let origins = texts(|batch| &batch.origin);
    let indices: Vec<i64> = batches.iter().map(|batch| batch.index as i64).collect();
    let entries = texts(|batch| &batch.entry);
    let proofs = texts(|batch| &batch.tlog_proof);
    let checkpoints = texts(|batch| &batch.checkpoint);
    client
        .execute_typed(
            MARK,
            &[
                (&ids, Type::INT8_ARRAY),
                (&origins, Type::TEXT_ARRAY),
                (&indices, Type::INT8_ARRAY),
                (&entries, Type::TEXT_ARRAY),
                (&proofs, Type::TEXT_ARRAY),
                (&checkpoints, Type::TEXT_ARRAY),
            ],
        )
        .await
}

/// Error: PR409 for a row that no document says.
fn void_document(row: &Row) -> Result<VoidDocument> {
    let malformed = |detail: &'static str| {
        let error = precise_core::Error::new(Code::VoidDocument).because(detail);
        Error::refused("a row of precise.void", error)
    };
    let hash =
        |column: usize| -> Option<Hash> { row.try_get::<_, &[u8]>(column).ok()?.try_into().ok() };
    let reason: Option<&str> = row.try_get(1).ok();
    let at: Option<&str> = row.try_get(3).ok();
    Ok(VoidDocument {
        at: at.and_then(UtcSecond::parse).ok_or_else(|| malformed("its time is no time"))?,
        proof_hash: hash(0).ok_or_else(|| malformed("its proof hash is not 32 bytes"))?,
        reason: Reason::ALL
            .into_iter()
            .find(|known| Some(known.name()) == reason)
            .ok_or_else(|| malformed("its reason is unknown"))?,
        salt: hash(2).ok_or_else(|| malformed("its salt is not 32 bytes"))?,
    })
}

/// Has a connection do its work, until its client is dropped or the server ends it.
fn drive<S, T>(mut connection: Connection<S, T>, told: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notification(_)) => told.notify_one(),
                Ok(_) => {}
                Err(error) => {
                    debug!("a connection has ended: {}", describe(&error));
                    break;
                }
            }
        }
        drop(connection);
        told.notify_one();
    });
}

/// An error with its cause, which the crate's own words leave out, and what to do about it.
fn describe(error: &tokio_postgres::Error) -> String {
    let hint = match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "; the password is in PGPASSWORD, ~/.pgpass or the address, and pg_hba.conf says who \
             may connect from where"
        }
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "; GRANT precise_committer to the role",
        Some(&SqlState::TOO_MANY_CONNECTIONS) => "; raise max_connections, or use fewer",
        _ => "",
    };
    if let Some(error) = error.as_db_error() {
        return format!("{}{hint}", error.message());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let words = error.to_string();
        // The operating system's words, without its number and its capital.
        match words.split_once(" (os error") {
            Some((words, _)) => text = format!("{text}: {}", words.to_lowercase()),
            None => text = format!("{text}: {words}"),
        }
        cause = error.source();
    }
    if text.contains("password missing") {
        text.push_str("; it is in PGPASSWORD, ~/.pgpass or the address");
    } else if text.starts_with("error connecting") {
        text.push_str("; is the server running, and is that where?");
    }
    text
}
