//! The settings as the rest of the server sees them: plain values, checked, secrets resolved.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kenwell::{
    connection::{Secret, Settings},
    profile::{Layout, Prefix},
};

use super::allowed::AllowedReferences;
use super::secret::Origin;

use crate::listener::ServerIdentity;

/// Largest request body, in bytes after decompression. Fixed by the wire contract (4000 KiB), so it is
/// not a setting: a sender must be able to rely on it.
pub const MAX_BODY_BYTES: usize = 4_096_000;

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
}

/// When an append to the journal counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// After fdatasync: survives a power cut.
    Fsync,
    /// After the write: survives a killed process, not a power cut.
    Os,
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
}

impl Config {
    /// How the keys of a destination are named.
    pub fn layout(&self, destination: &Destination) -> Layout {
        Layout {
            prefix: Prefix::parse(&destination.prefix),
            workspace_id: self.workspace_id.clone(),
            destination_id: destination.id.clone(),
        }
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

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            max_connections: 4096,
            // Longer than any load balancer in front keeps a connection (Google's: 600 s), so that none of them
            // sends a request on one that is just being closed. RudderStack's.
            idle_timeout: Duration::from_mins(12),
            body_timeout: Duration::from_secs(30),
            rate_limit: 0,
            public_url: None,
            tls: None,
        }
    }
}

impl Default for Private {
    fn default() -> Self {
        Self {
            admin_key: None,
            hosts: Vec::new(),
            allowed_references: AllowedReferences::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            tls: None,
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            max_bytes: 8 << 30,
            retain: Duration::from_hours(24),
            retain_bytes: 1 << 30,
            durability: Durability::Fsync,
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            batch_records: 4000,
            lanes: 4,
        }
    }
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self { max_bytes: 1 << 30 }
    }
}
