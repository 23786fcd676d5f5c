//! Everything `kenwell dev` does, in order: lock, configuration, Redis, server, and back.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use kenwell::connection::{Secret, Settings};
use kenwell_journal::files;
use tokio_util::sync::CancellationToken;

use super::program_places::Places;
use super::redis::Redis;
use super::setup::RedisChoice;
use super::{lock, ports, program, setup, stale};
use crate::config::{Config, Environment};
use crate::private::Access;
use crate::runtime::ConfigFile;
use crate::serve::{self, Signals};

// What a person may choose. The comments of the fields are the command's help.
#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// Where configuration, journal and Redis data are kept; made when missing
    #[arg(long, value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Where SDKs send to [default: 127.0.0.1:8080, or a free port when that is taken]
    #[arg(long, value_name = "ADDRESS")]
    gateway_listen: Option<SocketAddr>,
    /// Where the console, its API and /metrics are [default: 127.0.0.1:8081, or a free port when that is taken]
    #[arg(long, value_name = "ADDRESS")]
    private_listen: Option<SocketAddr>,
    // As `help` and no comment, in which it would be a link.
    #[arg(long, value_name = "URL", value_parser = redis_url)]
    #[arg(
        help = "A Redis that runs already: its URL, or env:NAME or file:PATH; kept in the configuration [default: one of its own]"
    )]
    redis: Option<Secret>,
}

/// Keeps what was typed out of `Debug`. What names a variable or a file is read with the configuration.
fn redis_url(text: &str) -> Result<Secret, String> {
    if !(text.starts_with("env:") || text.starts_with("file:")) {
        Settings::from_url(text).map_err(|error| error.to_string())?;
    }
    Ok(Secret::new(text))
}

/// What a person needs to know once events are accepted.
#[derive(Debug, Clone)]
pub(crate) struct DevStarted {
    /// Where SDKs send to.
    pub gateway: SocketAddr,
    /// `http` or `https`.
    pub gateway_scheme: &'static str,
    /// Where the console is.
    pub private: SocketAddr,
    /// `http` or `https`.
    pub private_scheme: &'static str,
    /// The key that opens it; `None` when it was made earlier and is kept as a hash only.
    pub admin_key: Option<Secret>,
    /// The write key of the first enabled source.
    pub write_key: Secret,
    /// The token of the link that signs in to the console once; `None` when the system gave no random numbers.
    pub sign_in_token: Option<Secret>,
    /// What is typed to look into the Redis.
    pub redis_command: String,
    /// Where configuration, journal and the data of an own Redis are.
    pub data_dir: PathBuf,
    /// The configuration file in use.
    pub config_file: PathBuf,
}

/// Runs until `shutdown` is cancelled, then stops the server and, after it, Redis. `announce` is
/// called once events are accepted.
pub(crate) async fn run(
    options: DevOptions,
    announce: impl FnOnce(&DevStarted),
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let redis_directory = options.data_dir.join("redis");
    files::make_directory(&redis_directory)
        .with_context(|| format!("cannot make {}", redis_directory.display()))?;
    let _lock = lock::take(&options.data_dir)?;
    stale::stop(&redis_directory).await?;
    let config_file = options.data_dir.join("kenwell.toml");
    let choice = setup::prepare(&config_file, options.redis.as_ref())?;
    let file = ConfigFile::open(&config_file, Environment::of_process())?;
    let config = effective(&file, &options);
    let write_key = write_key(&config)?;

    let redis = match choice {
        RedisChoice::Running => None,
        RedisChoice::Own(port) => {
            let program = program::find(&Places::of_process()).await?;
            match Redis::start(program, &redis_directory, port, &shutdown).await? {
                None => return Ok(()), // stopped before it was up
                started => started,
            }
        }
    };
    let redis_command = redis_command(&config, choice);
    let admin_key = config.private.admin_key.clone();
    let scheme = |is_secure| if is_secure { "https" } else { "http" };
    let gateway_scheme = scheme(config.gateway.tls.is_some());
    let private_scheme = scheme(config.private.tls.is_some());
    let started = |served: serve::Started| {
        announce(&DevStarted {
            gateway: served.addresses.gateway,
            gateway_scheme,
            private: served.addresses.private,
            private_scheme,
            admin_key: admin_key.or(served.new_admin_key),
            write_key,
            sign_in_token: sign_in_token(&served.access),
            redis_command,
            data_dir: options.data_dir,
            config_file,
        });
    };
    // A terminal that is closed ends everything, as it always did: no reload at SIGHUP here.
    let signals = Signals {
        shutdown,
        ..Signals::default()
    };
    let served = serve::run(file, config, started, signals).await;
    if let Some(redis) = redis {
        redis.stop().await;
    }
    served
}

/// What is typed to look into the Redis of the profiles; without its password, which the file has.
fn redis_command(config: &Config, choice: RedisChoice) -> String {
    match choice {
        RedisChoice::Own(port) => format!("redis-cli -p {port}"),
        RedisChoice::Running => {
            let destination = setup::destination_of(config);
            let address = destination.map_or("", |it| &it.connection.address);
            format!("{address}, as the configuration says")
        }
    }
}

fn sign_in_token(access: &Access) -> Option<Secret> {
    match access.new_one_time_token() {
        Ok(token) => Some(token),
        Err(error) => {
            tracing::warn!(%error, "no random numbers for a link that signs in; use the admin key");
            None
        }
    }
}

/// What the file says, with the addresses that were asked for or are free.
fn effective(file: &ConfigFile, options: &DevOptions) -> Config {
    let mut config = file.loaded().config.clone();
    config.gateway.listen = match options.gateway_listen {
        Some(address) => address,
        None => ports::preferred_or_free(config.gateway.listen, "gateway"),
    };
    config.private.listen = match options.private_listen {
        Some(address) => address,
        None => ports::preferred_or_free(config.private.listen, "private"),
    };
    config
}

fn write_key(config: &Config) -> anyhow::Result<Secret> {
    let source = config.sources.iter().find(|source| source.enabled);
    source.map(|source| source.write_key.clone()).context(
        "the configuration has no enabled source: add one, or remove the file to get a new one",
    )
}
