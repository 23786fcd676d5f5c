//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Users in the text of an event: twelve digits, as `redis-benchmark` makes its random keys.
const MAX_USERS: u64 = 1_000_000_000_000;
/// Requests that a gateway takes at most, 4,096,000 bytes, hold about this many events.
const MAX_BATCH: u64 = 5_000;

/// Sends identify events to a running Kenwell, as fast as it takes them or at a rate, waits until all are visible
/// in Redis, and prints what it measured as one line of JSON.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The gateway
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// With an https URL: the PEM file of the authority that issued its certificate
    #[arg(long)]
    pub(crate) ca: Option<PathBuf>,
    /// What to do: everything, only send (needs no Redis and no metrics), or only wait for what was sent before, by the
    /// same options, to a Kenwell that had written nothing until then
    #[arg(long, value_enum, default_value_t = Part::All)]
    pub(crate) part: Part,
    /// Kenwell's metrics page, which tells when nothing is queued any more
    #[arg(long, default_value = "http://127.0.0.1:8081/metrics")]
    pub(crate) metrics: String,
    /// Kenwell's admin key, which opens the metrics page
    #[arg(
        long,
        env = "KENWELL_ADMIN_KEY",
        hide_env_values = true,
        default_value = ""
    )]
    pub(crate) admin_key: String,
    /// The Redis that the destination writes to; must be empty at the start
    #[arg(long, default_value = "127.0.0.1:6379")]
    pub(crate) redis: String,
    /// Write key of the source; several, separated by commas, share the connections
    #[arg(long, default_value = "bench", value_delimiter = ',')]
    pub(crate) write_key: Vec<String>,
    /// Destinations on that Redis which get every event, each with a prefix of its own but one
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) destinations: u64,
    /// Many events a request (/v1/batch), or one (/v1/identify)
    #[arg(long, value_enum, default_value_t = Mode::Batch)]
    pub(crate) mode: Mode,
    /// Whose SDK made the events: a server's (485 bytes with 8 fields) or a browser's (1.2 KB)
    #[arg(long, value_enum, default_value_t = Shape::Server)]
    pub(crate) shape: Shape,
    /// Events to send
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,
    /// Distinct users among them
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..MAX_USERS))]
    pub(crate) users: u64,
    /// How often each user has an event: all as often, or the first twice as often as the second, and so on
    #[arg(long, value_enum, default_value_t = Distribution::Uniform)]
    pub(crate) distribution: Distribution,
    /// Connections, each with one request under way
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) connections: u64,
    /// Events of a request, with --mode batch
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=MAX_BATCH))]
    pub(crate) batch: u64,
    /// Fields of the hash that an event becomes; two of them are a nested object
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(3..=200))]
    pub(crate) fields: u64,
    /// Events a second, each request by the clock, whatever became of those before (an open loop); latencies count from
    /// then. 0 is as fast as the gateway answers
    #[arg(long, default_value_t = 0)]
    pub(crate) rate: u64,
    /// Watch one event in so many until it is visible in Redis (from 6.0 on); 0 is none. Each needs a user of its own
    #[arg(long, default_value_t = 0)]
    pub(crate) watch_every: u64,
    /// What each answer waits for; latencies are until then
    #[arg(long, value_enum)]
    pub(crate) wait: Option<Wait>,
    /// Seconds to wait for the last event to be visible
    #[arg(long, default_value_t = 300)]
    pub(crate) timeout: u64,
    /// Print the key, fields and values of an event as a JSON list, with `__rand_int__` for the user,
    /// and send nothing
    #[arg(long)]
    pub(crate) print_hset: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Send, and wait until all is visible.
    All,
    /// Send.
    Send,
    /// Wait until all is visible.
    Wait,
}

/// Whose SDK made the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// A server's: traits and little else.
    Server,
    /// A browser's: the same traits, and what it knows of page, screen and campaign.
    Browser,
}

/// How often each user has an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Distribution {
    /// Each in turn.
    Uniform,
    /// By Zipf's law, exponent 1.
    Zipf,
}

/// What an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    /// Its events are in Redis.
    Applied,
}

/// Which route takes the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// `POST /v1/batch`
    Batch,
    /// `POST /v1/identify`
    Single,
}

impl Mode {
    /// The route's path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Batch => "/v1/batch",
            Self::Single => "/v1/identify",
        }
    }
}

impl Options {
    /// The path of each request, with its query.
    pub(crate) fn path(&self) -> String {
        let query = match self.wait {
            None => "",
            Some(Wait::Applied) => "?wait=applied",
        };
        format!("{}{query}", self.mode.path())
    }

    /// Events of one request.
    pub(crate) fn events_a_request(&self) -> u64 {
        match self.mode {
            Mode::Batch => self.batch,
            Mode::Single => 1,
        }
    }

    /// What a single option cannot know by itself.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        let batch = self.events_a_request();
        anyhow::ensure!(
            self.events > 0 && self.events.is_multiple_of(batch),
            "--events must be a multiple of --batch: {} is none of {batch}",
            self.events
        );
        let own_users = self.users >= self.events && self.distribution == Distribution::Uniform;
        anyhow::ensure!(
            self.watch_every == 0 || (own_users && self.part == Part::All),
            "--watch-every needs --part all and a user of its own for each event: --distribution uniform, and as many \
             --users as --events"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_batch_is_refused() {
        let parsed = |line: &str| Options::parse_from(line.split(' ')).validate();
        assert!(parsed("load --events 250").is_err());
        assert!(parsed("load --events 250 --mode single").is_ok());
    }

    #[test]
    fn a_user_with_two_events_cannot_be_watched() {
        let parsed = |line: &str| Options::parse_from(line.split(' ')).validate();
        assert!(parsed("load --events 200 --watch-every 7 --users 200").is_ok());
        assert!(parsed("load --events 200 --watch-every 7 --users 199").is_err());
        assert!(parsed("load --events 200 --watch-every 7 --distribution zipf").is_err());
    }
}
