//! `precise`: mint, prove and verify without a database.
//!
//! Each command is a file named after it. None of them decides anything about bytes: they read,
//! call `precise-core`, and write.

mod args;
mod attribute;
mod audience;
mod canonical;
mod cohorts;
mod commit;
mod committer;
mod demo;
mod explain;
mod failure;
mod fields;
mod functions;
mod input;
mod interrupt;
mod leaves;
mod log;
mod mint;
mod names;
mod output;
mod progress;
mod proof;
mod proofs;
mod prove;
mod receipt;
mod reconcile;
mod rejects;
mod releases;
mod root;
mod royalty;
mod runs;
mod sample;
mod settle;
mod spool;
mod sql;
mod status;
mod table;
mod verify;
mod void;
mod workers;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, Log, LogCommand};

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(last_words) = last_words(&args.command) {
        interrupt::install(last_words);
    }
    let done = match args.command {
        Command::Canonical(command) => canonical::run(&command),
        Command::Mint(command) => command.run(args.json),
        Command::Audience(command) => command.run(args.json),
        Command::Cohorts(command) => command.run(args.json),
        Command::Attribute(command) => command.run(args.json),
        Command::Royalty(command) => command.run(args.json),
        Command::Settle(command) => command.run(args.json),
        Command::Reconcile(command) => command.run(args.json),
        Command::Root(command) => root::run(&command, args.json),
        Command::Prove(command) => prove::run(&command, args.json),
        Command::Proof(command) => proof::run(&command),
        Command::Log(command) => log::run(&command, args.json),
        Command::Commit(command) => commit::run(&command, args.json),
        Command::Committer(command) => committer::run(&command),
        Command::Receipt(command) => receipt::run(&command),
        Command::Verify(command) => verify::run(&command, args.json),
        Command::Void(command) => void::run(&command, args.json),
        Command::Status(command) => status::run(&command),
        Command::Functions(command) => functions::run(&command, args.json),
        Command::Sql(command) => sql::run(&command),
        Command::Sample(command) => sample::run(&command),
        Command::Demo(command) => demo::run(&command),
    };
    done.unwrap_or_else(|failure| {
        failure.print(args.json);
        failure.exit_code()
    })
}

/// What is true when a command was interrupted; none of those that end in their own way.
fn last_words(command: &Command) -> Option<&'static str> {
    match command {
        Command::Committer(_)
        | Command::Log(Log { command: LogCommand::Monitor(_) | LogCommand::Serve(_) })
        | Command::Sql(_) => None,
        Command::Commit(_) | Command::Log(_) | Command::Status(_) | Command::Void(_) => {
            Some("run it again: what was begun is completed, and nothing is done twice")
        }
        _ => Some("no output was written"),
    }
}
