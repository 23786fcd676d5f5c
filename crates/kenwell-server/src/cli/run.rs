//! From arguments to an exit code.

use std::path::Path;
use std::process::ExitCode;

use super::arguments::{
    AdminKeyCommand, Arguments, Command, ConfigCommand, DeadLettersCommand, DestinationsCommand,
    ImportCommand, JournalCommand, ProfileCommand,
};
use super::exit::Failure;
use super::{
    admin_key, configuration, dead_letters, destinations, dev, doctor, identify, import, journal,
    logging, output, profile, replay, serve,
};
use crate::config::{Config, Environment};

/// Runs the command and says on stderr why it failed, if it did.
pub fn run(arguments: Arguments) -> ExitCode {
    match try_run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                output::complain(&message);
            }
            failure.code()
        }
    }
}

fn try_run(arguments: Arguments) -> Result<(), Failure> {
    let level = match arguments.command {
        Command::Serve(_) | Command::Dev(_) => "info",
        _ => "warn",
    };
    logging::start(arguments.log_format, level)?;
    match arguments.command {
        Command::Serve(command) => runtime()?.block_on(serve::serve(&command)),
        Command::Dev(command) => runtime()?.block_on(dev::dev(command)),
        Command::Config(ConfigCommand::Check(command)) => configuration::check(&command),
        Command::Config(ConfigCommand::Schema) => configuration::schema(),
        Command::Import(ImportCommand::Rudderstack(command)) => import::rudderstack(&command),
        Command::Replay(command) => runtime()?.block_on(replay::replay(&command)),
        Command::Doctor(command) => runtime()?.block_on(doctor::doctor(&command)),
        Command::Identify(command) => runtime()?.block_on(identify::identify(&command)),
        Command::Profile(ProfileCommand::Get(command)) => {
            runtime()?.block_on(profile::get(&command))
        }
        Command::AdminKey(AdminKeyCommand::Reset(command)) => admin_key::reset(&command),
        Command::Journal(JournalCommand::Stats(command)) => journal::stats(&command),
        Command::Destinations(DestinationsCommand::List(command)) => {
            runtime()?.block_on(destinations::list(&command))
        }
        Command::Destinations(DestinationsCommand::Forget(command)) => {
            runtime()?.block_on(destinations::forget(&command))
        }
        Command::DeadLetters(DeadLettersCommand::List(command)) => dead_letters::list(&command),
        Command::DeadLetters(DeadLettersCommand::Retry(command)) => {
            runtime()?.block_on(dead_letters::retry(&command))
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::Failed(anyhow::Error::new(error).context("cannot start the async runtime"))
        })
}

/// The configuration in `file`, for commands that only need it to find their way.
pub(super) fn load(file: &Path) -> Result<Config, Failure> {
    Ok(Config::load(file, &Environment::of_process())?.config)
}
