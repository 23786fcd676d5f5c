//! The settings as the rest of the server sees them: plain values, checked, secrets resolved.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kenwell::{
    connection::{Secret, Settings},
    profile::Layout,
};
use kenwell_journal::Durability;

use super::allowed::AllowedReferences;
use super::keys::{dead_letters, delivery, gateway, journal, private, source, top};
use super::listener;
use super::secret::Origin;
use super::values::Values;
use crate::listener::ServerIdentity;

/// Everything `kenwell.toml` and the environment say, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Directory of the journal and the dead letters, absolute or relative to the working directory
    /// (relative paths in the file were resolved against the file's directory).
    pub data_dir: PathBuf,
    /// Used only in the keys of "Profiles" events.
    pub workspace_id: String,
    /// Whether it is known that events wait for destinations that are not configured.
    pub accept_retired: bool,
    /// The HTTP listener that SDKs talk to.
    pub gateway: Gateway,
    /// The HTTP listener of the console, its API, metrics and readiness.
    pub private: Private,
    /// The durable log between the gateway and the destinations.
    pub journal: Journal,
    /// How the journal is drained into each destination.
    pub delivery: Delivery,
    /// The log of events that Redis refused for good.
    pub dead_letters: DeadLetters,
    /// Who may send. Ids and write keys are unique, disabled sources included.
    pub sources: Vec<Source>,
    /// Where profiles go. Ids are unique.
    pub destinations: Vec<Destination>,
    /// What the tables say from which all but sources and destinations is made: the top, gateway, private,
    /// journal, delivery, dead letters.
    pub(crate) tables: [Values; 6],
}

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Address to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Connections served at once. One more takes the place of one that keeps us waiting, or is answered 503.
    pub max_connections: usize,
    /// Longest time that a connection may be without a request.
    pub idle_timeout: Duration,
    /// Longest time a request body may take to arrive.
    pub body_timeout: Duration,
    /// Events a second that each source may send; 0 means no limit.
    pub rate_limit: u32,
    /// Where clients reach the gateway, when headers do not say: `https://events.example.com/path`.
    pub public_url: Option<String>,
    /// The certificate to show; without one, plain HTTP is spoken.
    pub tls: Option<ServerIdentity>,
}

/// `[private]`. May be reached from other machines: nothing but readiness is shown without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Private {
    /// The key that opens it; `None` when Kenwell makes one by itself.
    pub admin_key: Option<Secret>,
    /// A key that can only read metrics.
    pub metrics_key: Option<Secret>,
    /// Names besides IP addresses and localhost by which browsers may call it.
    pub hosts: Vec<String>,
    /// Which variables, files and sockets of this machine an edit over the network may name.
    pub allowed_references: AllowedReferences,
    /// Address to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// The certificate to show; without one, plain HTTP is spoken.
    pub tls: Option<ServerIdentity>,
}

/// `[journal]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Most bytes the journal may take on disk; beyond it the gateway answers 503.
    pub max_bytes: u64,
    /// Delivered records are kept this long so that they can be replayed.
    pub retain: Duration,
    /// Delivered records are kept up to this many bytes; never more than `max_bytes`.
    pub retain_bytes: u64,
    /// When an append counts as done.
    pub durability: Durability,
    /// The least time from one write to the next.
    pub commit_delay: Duration,
}

/// `[delivery]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Most records a destination reads from the journal at once.
    pub batch_records: usize,
    /// Pipelines a destination keeps in flight; each has its own share of the users.
    pub lanes: usize,
}

/// `[dead_letters]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Most bytes of dead letters per destination; when full, delivery to it waits.
    pub max_bytes: u64,
}

/// One of `[[sources]]`: somebody who sends events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `[a-z0-9-]`, 1 to 64 characters.
    pub id: String,
    /// For people; the id when the file gives none.
    pub name: String,
    /// The public credential that SDKs send. Never empty, has no `:` and no white space.
    pub write_key: Secret,
    /// Where the write key is written.
    pub write_key_from: Origin,
    /// A disabled source is known but refused.
    pub enabled: bool,
    /// Ids of destinations, each of which exists; no duplicates. May be empty.
    pub destinations: Vec<String>,
}

/// One of `[[destinations]]`: a Redis that profiles are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// `[a-z0-9-]`, 1 to 64 characters.
    pub id: String,
    /// For people; the id when the file gives none.
    pub name: String,
    /// A disabled destination gets nothing; what waits for it already is kept until it is enabled again.
    pub enabled: bool,
    /// A paused destination still gets its share, which waits in the journal until it goes on.
    pub paused: bool,
    /// Whether a Redis that came back with less gets what it lost by itself, as far as the journal has it.
    pub heal: bool,
    /// How to reach the Redis.
    pub connection: Settings,
    /// What is shown in place of the user's name: `env:NAME` or `file:PATH`, when it is given so.
    pub username_reference: Option<String>,
    /// Where the password is written; `None` when there is none, or it is part of `url`.
    pub password_from: Option<Origin>,
    /// As written in the file; [`kenwell::profile::Prefix`] gives it its meaning.
    pub prefix: String,
    /// The same by its keys.
    pub(crate) values: Values,
}

impl Config {
    /// From what the tables say, in the order of [`Config::tables`], and from those of which there are several.
    pub(crate) fn of(
        tables: [Values; 6],
        sources: Vec<Source>,
        destinations: Vec<Destination>,
    ) -> Self {
        let [top, gateway, private, journal, delivery, dead_letters] = &tables;
        Self {
            data_dir: top.path(top::DATA_DIR),
            workspace_id: top.text(top::WORKSPACE_ID),
            accept_retired: top.flag(top::ACCEPT_RETIRED),
            gateway: Gateway::of(gateway),
            private: Private::of(private),
            journal: Journal::of(journal),
            delivery: Delivery::of(delivery),
            dead_letters: DeadLetters::of(dead_letters),
            sources,
            destinations,
            tables,
        }
    }

    /// How the keys of a destination are named, and by which rules they are written.
    pub fn layout(&self, destination: &Destination) -> Layout {
        destination.layout(&self.workspace_id)
    }

    /// Whether the source of the one id feeds the destination of the other.
    pub fn feeds(&self, source: &str, destination: &str) -> bool {
        let mut sources = self.sources.iter().filter(|it| it.id == source);
        sources.any(|it| it.destinations.iter().any(|id| id == destination))
    }

    /// The destination with this id.
    pub fn destination(&self, id: &str) -> Option<&Destination> {
        let mut all = self.destinations.iter();
        all.find(|destination| destination.id == id)
    }
}

impl Gateway {
    fn of(values: &Values) -> Self {
        Self {
            listen: values.listen(gateway::LISTEN),
            max_connections: values.number(gateway::MAX_CONNECTIONS),
            idle_timeout: values.duration(gateway::IDLE_TIMEOUT),
            body_timeout: values.duration(gateway::BODY_TIMEOUT),
            rate_limit: values.number(gateway::RATE_LIMIT),
            public_url: values.optional_text(gateway::PUBLIC_URL),
            tls: listener::identity(values),
        }
    }
}

impl Private {
    fn of(values: &Values) -> Self {
        let admin_key = values.secret(private::ADMIN_KEY);
        let metrics_key = values.secret(private::METRICS_KEY);
        let allowed = values.list(private::ALLOWED_REFERENCES);
        Self {
            admin_key: admin_key.map(|found| found.secret.clone()),
            metrics_key: metrics_key.map(|found| found.secret.clone()),
            hosts: values.list(private::HOSTS),
            allowed_references: AllowedReferences::of(&allowed).unwrap_or_default(),
            listen: values.listen(private::LISTEN),
            tls: listener::identity(values),
        }
    }
}

impl Journal {
    fn of(values: &Values) -> Self {
        let durability = match values.text(journal::DURABILITY).as_str() {
            "os" => Durability::Os,
            _ => Durability::Fsync,
        };
        Self {
            max_bytes: values.number(journal::MAX_BYTES),
            retain: values.duration(journal::RETAIN),
            retain_bytes: values.number(journal::RETAIN_BYTES),
            durability,
            commit_delay: values.duration(journal::COMMIT_DELAY),
        }
    }
}

impl Delivery {
    fn of(values: &Values) -> Self {
        Self {
            batch_records: values.number(delivery::BATCH_RECORDS),
            lanes: values.number(delivery::LANES),
        }
    }
}

impl DeadLetters {
    fn of(values: &Values) -> Self {
        Self {
            max_bytes: values.number(dead_letters::MAX_BYTES),
        }
    }
}

impl Source {
    /// `None` when something it cannot do without is missing.
    pub(super) fn of(values: &Values) -> Option<Self> {
        let id = values.optional_text(source::ID)?;
        let name = values.optional_text(source::NAME);
        let write_key = values.secret(source::WRITE_KEY)?;
        Some(Self {
            name: name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| id.clone()),
            id,
            write_key: write_key.secret.clone(),
            write_key_from: write_key.origin.unwrap_or(Origin::File),
            enabled: values.flag(source::ENABLED),
            destinations: values.list(source::DESTINATIONS),
        })
    }
}
