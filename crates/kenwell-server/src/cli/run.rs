//! What can be typed after `kenwell`, and from there to an exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::{
    admin_key::{self, AdminKeyCommand},
    config::{self, ConfigCommand},
    dead_letters::{self, DeadLettersCommand},
    destinations::{self, DestinationsCommand},
    dev, doctor,
    exit::Failure,
    help, identify,
    import::{self, ImportCommand},
    journal::{self, JournalCommand},
    log_writer::LogFormat,
    logging, metrics,
    migrate::MigrateCommand,
    migrate_jovo, migrate_rudderstack, output, packaging,
    profile::{self, ProfileCommand},
    profile_why, replay, serve, tail, top,
};
use crate::dev::DevOptions;

/// The command line of `kenwell`.
#[derive(Debug, Parser)]
#[command(name = "kenwell", version, max_term_width = 100, after_help = help::TOP)]
#[command(about = "Real-time user profiles in Redis, from the events your SDKs already send")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// How log lines (on stderr) look
    #[arg(
        long,
        global = true,
        env = "KENWELL_LOG_FORMAT",
        hide_env_values = true
    )]
    #[arg(value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = help::SERVE)]
    Serve(serve::Serve),
    /// Run everything on this machine: the server, a Redis of its own, a ready-made configuration
    #[command(after_help = help::DEV)]
    Dev(DevOptions),
    /// Look at the configuration
    #[command(subcommand, after_help = help::CONFIG)]
    Config(ConfigCommand),
    /// Make a configuration from that of another system
    #[command(subcommand, after_help = help::IMPORT)]
    Import(ImportCommand),
    /// Move over from another system, with proof
    #[command(subcommand, after_help = help::MIGRATE)]
    Migrate(MigrateCommand),
    /// Watch what the running server does, on one screen
    #[command(after_help = help::TOP_SCREEN)]
    Top(top::TopOptions),
    /// Watch what becomes of events, as they come to the running server
    #[command(after_help = help::TAIL)]
    Tail(tail::TailOptions),
    /// Deliver events again that are still in the journal
    #[command(after_help = help::REPLAY)]
    Replay(replay::Replay),
    /// Go the whole way to each Redis, and say what is wrong and how to put it right
    #[command(after_help = help::DOCTOR)]
    Doctor(doctor::Doctor),
    /// Send one identify, to try things
    #[command(after_help = help::IDENTIFY)]
    Identify(identify::Identify),
    /// Look at profiles in Redis
    #[command(subcommand, after_help = help::PROFILE)]
    Profile(ProfileCommand),
    /// The key that opens the console and its API
    #[command(subcommand, after_help = help::ADMIN_KEY)]
    AdminKey(AdminKeyCommand),
    /// Look at the journal
    #[command(subcommand, after_help = help::JOURNAL)]
    Journal(JournalCommand),
    /// Look at what waits for which destination, also for those that are not configured any more; pause them
    #[command(subcommand, after_help = help::DESTINATIONS)]
    Destinations(DestinationsCommand),
    /// Look at events that Redis refused for good, retry and discard them
    #[command(subcommand, after_help = help::DEAD_LETTERS)]
    DeadLetters(DeadLettersCommand),
    /// List the metrics, or print a Grafana dashboard or Prometheus alert rules for them
    #[command(after_help = help::METRICS)]
    Metrics(metrics::ListMetrics),
    /// Print a script that completes commands and options in a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions(packaging::Completions),
    /// Write the manual pages, for packages
    #[command(hide = true, after_help = help::MAN)]
    Man(packaging::Man),
}

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
        Command::Config(ConfigCommand::Check(command)) => config::check(&command),
        Command::Config(ConfigCommand::Schema) => config::schema(),
        Command::Import(ImportCommand::Rudderstack(command)) => import::rudderstack(&command),
        Command::Migrate(MigrateCommand::Rudderstack(command)) => {
            runtime()?.block_on(migrate_rudderstack::run(&command))
        }
        Command::Migrate(MigrateCommand::Jovo(command)) => {
            runtime()?.block_on(migrate_jovo::jovo(&command))
        }
        Command::Top(command) => runtime()?.block_on(top::top(&command)),
        Command::Tail(command) => runtime()?.block_on(tail::tail(&command)),
        Command::Replay(command) => runtime()?.block_on(replay::replay(&command)),
        Command::Doctor(command) => runtime()?.block_on(doctor::doctor(&command)),
        Command::Identify(command) => runtime()?.block_on(identify::identify(&command)),
        Command::Profile(ProfileCommand::Get(command)) => {
            runtime()?.block_on(profile::get(&command))
        }
        Command::Profile(ProfileCommand::Why(command)) => {
            runtime()?.block_on(profile_why::why(&command))
        }
        Command::AdminKey(AdminKeyCommand::Reset(command)) => admin_key::reset(&command),
        Command::Journal(JournalCommand::Stats(command)) => journal::stats(&command),
        Command::Destinations(DestinationsCommand::List(command)) => {
            runtime()?.block_on(destinations::list(&command))
        }
        Command::Destinations(DestinationsCommand::Pause(command)) => {
            runtime()?.block_on(destinations::pause(&command))
        }
        Command::Destinations(DestinationsCommand::Resume(command)) => {
            runtime()?.block_on(destinations::resume(&command))
        }
        Command::Destinations(DestinationsCommand::Forget(command)) => {
            runtime()?.block_on(destinations::forget(&command))
        }
        Command::Metrics(command) => metrics::list(&command),
        Command::Completions(command) => packaging::completions(&command, Arguments::command()),
        Command::Man(command) => packaging::man(&command, Arguments::command()),
        Command::DeadLetters(command) => runtime()?.block_on(dead_letters(&command)),
    }
}

async fn dead_letters(command: &DeadLettersCommand) -> Result<(), Failure> {
    match command {
        DeadLettersCommand::List(command) => dead_letters::list(command).await,
        DeadLettersCommand::Show(command) => dead_letters::show(command).await,
        DeadLettersCommand::Retry(command) => dead_letters::retry(command).await,
        DeadLettersCommand::Discard(command) => dead_letters::discard(command).await,
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
