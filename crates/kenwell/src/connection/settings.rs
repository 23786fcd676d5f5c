//! What a person says about a Redis server: data, without any input or output.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// How long connecting, and how long one pipeline, may take unless the settings say otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How to reach one Redis server, a cluster, or what Sentinels watch, and get in.
///
/// ```
/// use kenwell::connection::{Secret, Settings};
///
/// let mut settings = Settings::new("redis.internal:6379");
/// settings.password = Some(Secret::new("correct horse"));
/// settings.validate()?;
/// # Ok::<(), kenwell::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `host:port`, `[ipv6]:port`, or `unix:/path/to/redis.sock`. For a cluster any of its nodes,
    /// with `sentinel_master` the Sentinels: at most 64, separated by commas, no Unix sockets.
    pub address: String,
    /// The Redis ACL user; `None` is `default`.
    pub username: Option<String>,
    /// The file that holds the name of the user instead, for logins that are given for a time: read at
    /// each login, without the newline at its end.
    pub username_file: Option<PathBuf>,
    /// What the doctor's findings call the user, where its name is not to be shown; `None` is its name.
    pub username_shown: Option<String>,
    /// The user's password; `None` skips `AUTH`. A [`Secret::file`] is read again at each login.
    pub password: Option<Secret>,
    /// The database to `SELECT`; 0 is where every connection starts.
    pub database: i64,
    /// Whether the addresses belong to a Redis Cluster.
    pub cluster_mode: bool,
    /// The name under which the Sentinels at the addresses know the master to write to.
    pub sentinel_master: Option<String>,
    /// The ACL user at the Sentinels, which have users of their own; `None` is `default`.
    pub sentinel_username: Option<String>,
    /// The password at the Sentinels; `None` skips `AUTH` there.
    pub sentinel_password: Option<Secret>,
    /// Where the servers that a cluster or Sentinels name are from here, when they know each other by other
    /// addresses, as behind address translation or in a network of containers: from `host:port` to
    /// `host:port`, or from a host to a host, whose ports then stay. At most 1,024 entries.
    pub address_map: BTreeMap<String, String>,
    /// Whether to speak TLS (1.2 or later). The certificate must match the host of the address.
    pub secure: bool,
    /// Whether to accept any certificate. Wins over `ca_certificate`; logged as a warning.
    pub skip_verify: bool,
    /// The authorities to trust instead of the system's: PEM text, or the path of a PEM file. A file,
    /// here and below, is read again at each connection.
    ///
    /// Their servers may also have old-fashioned certificates: without subjectAltName (the only
    /// common name counts then), of X.509 version 1, or a self-signed one that is exactly this.
    pub ca_certificate: Option<String>,
    /// The certificate that we show to a server that asks for one: PEM text or a path.
    pub client_certificate: Option<String>,
    /// The private key of `client_certificate`, not encrypted: PEM text or a path.
    pub client_key: Option<Secret>,
    /// The name that the server's certificate must carry, and that is sent to the server, when it
    /// is not the host of the address.
    pub server_name: Option<String>,
    /// The longest a connection attempt may take: name look-up, TCP, TLS and login together.
    pub connect_timeout: Duration,
    /// The longest a call may wait for its replies. Pipelines of profile updates have no limit in all: for
    /// them it is the longest time in which no byte moves.
    ///
    /// A call of the [state store](crate::state) answers within the longer of the two limits, counted from
    /// its beginning, whatever it waits for and however often it is sent.
    pub command_timeout: Duration,
}

impl Settings {
    /// Settings for a server without TLS and password.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            username: None,
            username_file: None,
            username_shown: None,
            password: None,
            database: 0,
            cluster_mode: false,
            sentinel_master: None,
            sentinel_username: None,
            sentinel_password: None,
            address_map: BTreeMap::new(),
            secure: false,
            skip_verify: false,
            ca_certificate: None,
            client_certificate: None,
            client_key: None,
            server_name: None,
            connect_timeout: DEFAULT_TIMEOUT,
            command_timeout: DEFAULT_TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password() {
        let mut settings = Settings::new("h:1");
        settings.password = Some(Secret::new("hunter2"));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
