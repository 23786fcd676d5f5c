//! What can be typed after `kenwell`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kenwell::connection::Secret;

use super::help;

/// The command line of `kenwell`.
#[derive(Debug, Parser)]
#[command(name = "kenwell", version, max_term_width = 100, after_help = help::TOP)]
#[command(about = "Real-time user profiles in Redis, from the events your SDKs already send")]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// How log lines (on stderr) look
    #[arg(
        long,
        global = true,
        env = "KENWELL_LOG_FORMAT",
        hide_env_values = true
    )]
    #[arg(value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server
    #[command(after_help = help::SERVE)]
    Serve(Serve),
    /// Run everything on this machine: the server, a Redis of its own, a ready-made configuration
    #[command(after_help = help::DEV)]
    Dev(Dev),
    /// Look at the configuration
    #[command(subcommand, after_help = help::CONFIG)]
    Config(ConfigCommand),
    /// Make a configuration from that of another system
    #[command(subcommand, after_help = help::IMPORT)]
    Import(ImportCommand),
    /// Deliver events again that are still in the journal, while the server does not run
    #[command(after_help = help::REPLAY)]
    Replay(Replay),
    /// Go the whole way to each Redis, and say what is wrong and how to put it right
    #[command(after_help = help::DOCTOR)]
    Doctor(Doctor),
    /// Send one identify, to try things
    #[command(after_help = help::IDENTIFY)]
    Identify(Identify),
    /// Look at profiles in Redis
    #[command(subcommand, after_help = help::PROFILE)]
    Profile(ProfileCommand),
    /// The key that opens the console and its API
    #[command(subcommand, after_help = help::ADMIN_KEY)]
    AdminKey(AdminKeyCommand),
    /// Look at the journal
    #[command(subcommand, after_help = help::JOURNAL)]
    Journal(JournalCommand),
    /// Look at what waits for which destination, also for those that are not configured any more
    #[command(subcommand, after_help = help::DESTINATIONS)]
    Destinations(DestinationsCommand),
    /// Look at events that Redis refused for good, and retry them
    #[command(subcommand, after_help = help::DEAD_LETTERS)]
    DeadLetters(DeadLettersCommand),
}

#[derive(Debug, Args)]
pub(super) struct ConfigFile {
    /// The configuration file
    #[arg(
        long = "config",
        short,
        value_name = "FILE",
        default_value = "kenwell.toml"
    )]
    #[arg(env = "KENWELL_CONFIG", hide_env_values = true)]
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Begin with an empty configuration file when there is none, to be filled in the console
    #[arg(long)]
    pub(super) init: bool,
    /// Know that events wait for destinations that are not configured: /ready is not degraded by them
    #[arg(long)]
    pub(super) accept_retired: bool,
}

#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Where configuration, journal and Redis data are kept; made when missing
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(super) data_dir: PathBuf,
    /// Where SDKs send to [default: 127.0.0.1:8080, or a free port when that is taken]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) gateway_listen: Option<SocketAddr>,
    /// Where the console, its API and /metrics are [default: 127.0.0.1:8081, or a free port when that is taken]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) private_listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong with a file, or what it sets up
    #[command(after_help = help::CONFIG_CHECK)]
    Check(ConfigCheck),
    /// Print the JSON Schema of the file, so that editors complete and check it
    #[command(after_help = help::CONFIG_SCHEMA)]
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct ConfigCheck {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "kenwell.toml")]
    #[arg(env = "KENWELL_CONFIG", hide_env_values = true)]
    pub(super) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Take over sources and Redis destinations of a RudderStack workspaceConfig.json
    #[command(after_help = help::IMPORT_RUDDERSTACK)]
    Rudderstack(ImportRudderstack),
}

#[derive(Debug, Args)]
pub(super) struct ImportRudderstack {
    /// The exported configuration
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Where to write the result, which must not exist yet; without it, to stdout
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Which destination; can be left out when there is only one
    #[arg(long, value_name = "ID")]
    pub(super) destination: Option<String>,
    /// From when on: a time (2026-11-22T14:00:00Z), or how long ago (2h, 90m, 1d)
    #[arg(long, value_name = "TIME", value_parser = super::replay::from)]
    pub(super) from: jiff::Timestamp,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Only this destination; without it, all that are enabled
    #[arg(long, value_name = "ID")]
    pub(super) destination: Option<String>,
    /// Print JSON, a line for each destination
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Identify {
    /// The user's id
    #[arg(value_name = "USER")]
    pub(super) user: String,
    /// Traits; a dotted key makes nested objects, a value that is JSON is sent as JSON
    #[arg(value_name = "KEY=VALUE")]
    pub(super) traits: Vec<String>,
    /// The write key of the source to send as
    #[arg(
        long,
        value_name = "KEY",
        allow_hyphen_values = true,
        value_parser = secret,
        env = "KENWELL_WRITE_KEY",
        hide_env_values = true
    )]
    pub(super) write_key: Secret,
    /// The data plane
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    #[arg(env = "KENWELL_URL", hide_env_values = true)]
    pub(super) url: String,
    /// PEM file of the authority that signed the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// An anonymous id to send along
    #[arg(long, value_name = "ID")]
    pub(super) anonymous_id: Option<String>,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// Print a user's profile
    #[command(after_help = help::PROFILE_GET)]
    Get(ProfileGet),
}

#[derive(Debug, Args)]
pub(super) struct ProfileGet {
    /// The user's id
    #[arg(value_name = "USER")]
    pub(super) user: String,
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Which destination to read; can be left out when there is only one
    #[arg(long, value_name = "ID")]
    pub(super) destination: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminKeyCommand {
    /// Make a new one and print it; the old one is refused from then on
    #[command(after_help = help::ADMIN_KEY_RESET)]
    Reset(ConfigFile),
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Print how full it is and how far each destination has got
    #[command(after_help = help::JOURNAL_STATS)]
    Stats(JournalStats),
}

#[derive(Debug, Args)]
pub(super) struct JournalStats {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum DestinationsCommand {
    /// Print each destination, and how many events wait for it since when
    #[command(after_help = help::DESTINATIONS_LIST)]
    List(DestinationsList),
    /// Give up the events that wait for a destination that is not configured
    #[command(after_help = help::DESTINATIONS_FORGET)]
    Forget(DestinationsForget),
}

#[derive(Debug, Args)]
pub(super) struct DestinationsWhere {
    /// The private listener of the running server [default: as configured]
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// PEM file of the authority that signed the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DestinationsList {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    #[command(flatten)]
    pub(super) place: DestinationsWhere,
    /// Print JSON, a line for each destination
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DestinationsForget {
    /// Which destination
    #[arg(value_name = "ID")]
    pub(super) id: String,
    #[command(flatten)]
    pub(super) config: ConfigFile,
    #[command(flatten)]
    pub(super) place: DestinationsWhere,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// Print them, oldest first
    #[command(after_help = help::DEAD_LETTERS_LIST)]
    List(DeadLettersWhich),
    /// Apply them to Redis again; those that are refused again stay
    #[command(after_help = help::DEAD_LETTERS_RETRY)]
    Retry(DeadLettersWhich),
}

#[derive(Debug, Args)]
pub(super) struct DeadLettersWhich {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Only those of this destination
    #[arg(long, value_name = "ID")]
    pub(super) destination: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Keeps what was typed out of `Debug`.
#[expect(clippy::unnecessary_wraps, reason = "the signature that clap wants")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}
