//! `precise committer`: the daemon.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use precise_core::merkle::PART_LIMIT;
use precise_log::daemon::{Config, Daemon, FilesConfig, SourceConfig, asked_to_end};
use precise_log::source::Source;
use precise_log::source::postgres::Postgres;
use tracing::level_filters::LevelFilter;

use crate::args::{self, Committer, Place, Unlock};
use crate::commit::Reading;
use crate::failure::Result;
use crate::leaves::Leaves;
use crate::log::{Ours, block_on, now};
use crate::proofs::HASH_COLUMN;
use crate::spool::Spool;

pub(crate) fn run(command: &Committer) -> Result<ExitCode> {
    let config = Config::read(&command.config)?;
    // Lines for people on a terminal, JSON for those who collect them.
    let log = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(io::stderr);
    if io::stderr().is_terminal() {
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        log.with_ansi(colour).with_target(false).init();
    } else {
        log.json().flatten_event(true).with_target(false).init();
    }
    block_on(commit(config))
}

async fn commit(config: Config) -> Result<ExitCode> {
    let end = asked_to_end()?;
    let place = Place { log: config.log.clone(), state: config.state.clone() };
    let unlock = Unlock {
        passphrase_file: config.passphrase_file.clone(),
        identity: config.identity_file.clone(),
    };
    let key = args::Key { key: config.key.clone(), unlock };
    let ours = Ours::open(&place).await?;
    let writer = ours.writer(&key, false).await?;
    let mut status_log = ours.status_log(&key.unlock).await?;
    let sources: Vec<Box<dyn Source>> =
        config.sources.iter().map(|source| open(source, &ours)).collect::<Result<_>>()?;
    let daemon = Daemon::listen(config).await?;
    let publish = async |voids: Vec<_>| {
        status_log.voids().merge(&voids)?;
        status_log.publish(now()?).await?;
        Ok(())
    };
    daemon.run(writer, sources, publish, end).await;
    Ok(ExitCode::SUCCESS)
}

fn open(source: &SourceConfig, ours: &Ours) -> Result<Box<dyn Source>> {
    Ok(match source {
        SourceConfig::Files(FilesConfig { folder, label, column }) => {
            let column = column.clone().unwrap_or_else(|| HASH_COLUMN.into());
            let reading =
                Reading { column, label: label.clone(), part_limit: PART_LIMIT, blinded: false };
            Box::new(Spool::open(folder, reading, Leaves::open(&ours.leaves(None))?)?)
        }
        SourceConfig::Postgres(address) => {
            Box::new(Postgres::new(address, &|name| std::env::var(name).ok())?)
        }
    })
}
