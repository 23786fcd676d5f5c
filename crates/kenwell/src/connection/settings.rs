//! What a person says about a Redis server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;
use super::address::Address;
use super::address_map::{AddressMap, AddressSource};
use super::credentials::Credentials;
use super::file;
use super::resolver::Resolver;
use super::sentinel::SentinelMaster;
use super::server_kind::ServerKind;
use super::tls;
use crate::Error;

/// How long connecting, and how long one pipeline, may take unless the settings say otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most addresses that one setting can list.
const MAX_ADDRESSES: usize = 64;

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

    /// Checks all that can be checked without the server.
    pub fn validate(&self) -> Result<(), Error> {
        Credentials::read(self, ServerKind::Master)?;
        self.targets().map(drop)
    }

    /// Each address with its TLS set-up, if any; at least one.
    pub(super) fn targets(&self) -> Result<Vec<Target>, Error> {
        self.check_combination()?;
        let expected = match (self.cluster_mode, &self.sentinel_master) {
            (true, _) => ServerKind::ClusterNode,
            (false, Some(_)) => ServerKind::Sentinel,
            (false, None) => ServerKind::Standalone,
        };
        let addresses = Address::parse_list(&self.address)?;
        if expected != ServerKind::Standalone && addresses.iter().any(Address::is_unix) {
            return Err(Error::setting(
                "address",
                "a Unix socket is no cluster and no Sentinel",
            ));
        }
        if addresses.len() > MAX_ADDRESSES {
            return Err(Error::setting(
                "address",
                "more than 64 addresses; a few are enough to find the others",
            ));
        }
        if expected == ServerKind::Standalone && addresses.len() > 1 {
            return Err(Error::setting(
                "address",
                "several addresses need cluster_mode = true, or sentinel_master; a standalone server has one",
            ));
        }
        let targets = addresses.into_iter();
        targets
            .map(|address| self.target(address, expected, None))
            .collect()
    }

    /// The servers to start from: those of the address, or the master that the Sentinels name now.
    pub(crate) async fn servers(&self) -> Result<Vec<String>, Error> {
        let targets = self.targets()?;
        match &self.sentinel_master {
            Some(name) => Ok(vec![
                SentinelMaster::new(self, name, targets)?.find().await?,
            ]),
            None => Ok(targets
                .iter()
                .map(|target| target.address.to_string())
                .collect()),
        }
    }

    /// The name of the user to be shown: as its file has it now if there is one.
    pub(crate) fn user_now(&self) -> Option<String> {
        if self.username_shown.is_some() {
            return self.username_shown.clone();
        }
        match &self.username_file {
            Some(path) => file::read_line(path).ok(),
            None => self.username.clone(),
        }
    }

    fn check_combination(&self) -> Result<(), Error> {
        if self.database < 0 {
            return Err(Error::setting(
                "database",
                "a database number cannot be negative",
            ));
        }
        if self.cluster_mode && self.database != 0 {
            return Err(Error::setting(
                "database",
                "a Redis Cluster has only database 0",
            ));
        }
        if self.username.is_some() && self.username_file.is_some() {
            return Err(Error::setting(
                "username",
                "it is given twice, as text and as a file; keep one",
            ));
        }
        let is_standalone = !self.cluster_mode && self.sentinel_master.is_none();
        if is_standalone && !self.address_map.is_empty() {
            return Err(Error::setting(
                "address_map",
                "it has no use without cluster_mode = true or sentinel_master: only a cluster and Sentinels name addresses",
            ));
        }
        AddressMap::read(&self.address_map)?;
        match &self.sentinel_master {
            Some(_) if self.cluster_mode => Err(Error::setting(
                "sentinel_master",
                "a Redis Cluster has no Sentinels; remove it, or set cluster_mode = false",
            )),
            Some(name) if name.is_empty() => Err(Error::setting(
                "sentinel_master",
                "it is empty; give the name in the Sentinels' `sentinel monitor` line",
            )),
            None if self.sentinel_username.is_some() || self.sentinel_password.is_some() => {
                Err(Error::setting(
                    "sentinel_master",
                    "it is missing, so sentinel_username and sentinel_password have no use",
                ))
            }
            _ => Ok(()),
        }
    }

    /// What it takes to dial this address.
    pub(super) fn target(
        &self,
        address: Address,
        expected: ServerKind,
        address_source: Option<AddressSource>,
    ) -> Result<Target, Error> {
        let tls = if self.secure {
            Some(tls::Tls::new(self, &address)?)
        } else {
            None
        };
        Ok(Target {
            address,
            tls,
            expected,
            address_source,
            names: Resolver::default(),
        })
    }
}

/// Settings, understood, for one of the servers.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) tls: Option<tls::Tls>,
    pub(super) expected: ServerKind,
    /// Who named the address, if nobody wrote it.
    pub(super) address_source: Option<AddressSource>,
    /// The look-up of its host.
    pub(super) names: Resolver,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    #[test]
    fn says_which_setting_is_wrong() {
        let cluster = |address: &str| Settings {
            cluster_mode: true,
            ..Settings::new(address)
        };
        let sentinel = |name: &str| Settings {
            sentinel_master: Some(name.to_owned()),
            ..Settings::new("h:1,h:2")
        };
        let database = Settings {
            database: 1,
            ..cluster("h:1")
        };
        let both = Settings {
            cluster_mode: true,
            ..sentinel("mymaster")
        };
        let unused = Settings {
            sentinel_username: Some("u".to_owned()),
            ..Settings::new("h:1")
        };
        let negative = Settings {
            database: -1,
            ..Settings::new("h:1")
        };
        let pem = Settings {
            secure: true,
            ca_certificate: Some("not PEM".to_owned()),
            ..Settings::new("h:1")
        };
        for (settings, word) in [
            (Settings::new("h:1,h:2"), "cluster_mode"),
            (cluster("h:1,"), "address"),
            (cluster("unix:/redis.sock"), "Unix socket"),
            (cluster(&vec!["h:1"; 65].join(",")), "64"),
            (database, "database 0"),
            (both, "no Sentinels"),
            (sentinel(""), "is empty"),
            (unused, "sentinel_username"),
            (negative, "database"),
            (pem, "ca_certificate"),
            (Settings::new("no-port"), "address"),
        ] {
            let error = settings.validate().unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.class(), Class::Configuration);
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let mut settings = Settings::new("h:1");
        settings.password = Some(Secret::new("hunter2"));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
