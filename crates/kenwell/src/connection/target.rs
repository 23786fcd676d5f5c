//! From settings to the servers that they name, checked: which address, how to speak TLS, and what kind of server to expect.

use super::Settings;
use super::address::Address;
use super::address_map::AddressMap;
use super::address_source::AddressSource;
use super::credentials::Credentials;
use super::resolver::Resolver;
use super::server_kind::ServerKind;
use super::tls::TlsClient;
use crate::Error;

/// The most addresses that one setting can list.
const MAX_ADDRESSES: usize = 64;

/// Settings, understood, for one of the servers.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) tls: Option<TlsClient>,
    pub(super) expected: ServerKind,
    /// Which servers announced the address, if it is not in the settings.
    pub(super) address_source: Option<AddressSource>,
    /// The look-up of its host.
    pub(super) resolver: Resolver,
}

impl Settings {
    /// Checks all that can be checked without the server.
    pub fn validate(&self) -> Result<(), Error> {
        Credentials::read(self, ServerKind::Master)?;
        self.targets().map(drop)
    }

    /// Each address with its TLS set-up, if any; at least one.
    pub(super) fn targets(&self) -> Result<Vec<Target>, Error> {
        self.check_combination()?;
        self.check_features()?;
        let expected = match (self.cluster_mode, &self.sentinel_master) {
            (true, _) => ServerKind::ClusterNode,
            (false, Some(_)) => ServerKind::Sentinel,
            (false, None) => ServerKind::Standalone,
        };
        let addresses = Address::parse_list(&self.address)?;
        let is_standalone = expected == ServerKind::Standalone;
        let problem = if !is_standalone && addresses.iter().any(Address::is_unix) {
            "a Unix socket is no cluster and no Sentinel"
        } else if addresses.len() > MAX_ADDRESSES {
            "more than 64 addresses; a few are enough to find the others"
        } else if is_standalone && addresses.len() > 1 {
            "several addresses need cluster_mode = true, or sentinel_master; a standalone server has one"
        } else {
            let targets = addresses.into_iter();
            return targets
                .map(|address| self.target(address, expected, None))
                .collect();
        };
        Err(Error::wrong_setting("address", problem))
    }

    /// What this program was built without.
    fn check_features(&self) -> Result<(), Error> {
        if self.cluster_mode && !cfg!(feature = "cluster") {
            return Err(Error::left_out("cluster_mode", "cluster"));
        }
        if self.sentinel_master.is_some() && !cfg!(feature = "sentinel") {
            return Err(Error::left_out("sentinel_master", "sentinel"));
        }
        Ok(())
    }

    fn check_combination(&self) -> Result<(), Error> {
        let is_standalone = !self.cluster_mode && self.sentinel_master.is_none();
        let (setting, problem) = if self.database < 0 {
            ("database", "a database number cannot be negative")
        } else if self.cluster_mode && self.database != 0 {
            ("database", "a Redis Cluster has only database 0")
        } else if self.username.is_some() && self.username_file.is_some() {
            let problem = "it is given twice, as text and as a file; keep one";
            ("username", problem)
        } else if is_standalone && !self.address_map.is_empty() {
            let problem = "it has no use without cluster_mode = true or sentinel_master: only a cluster and Sentinels name addresses";
            ("address_map", problem)
        } else {
            AddressMap::read(&self.address_map)?;
            let problem = match &self.sentinel_master {
                Some(_) if self.cluster_mode => {
                    "a Redis Cluster has no Sentinels; remove it, or set cluster_mode = false"
                }
                Some(name) if name.is_empty() => {
                    "it is empty; give the name in the Sentinels' `sentinel monitor` line"
                }
                None if self.sentinel_username.is_some() || self.sentinel_password.is_some() => {
                    "it is missing, so sentinel_username and sentinel_password have no use"
                }
                _ => return Ok(()),
            };
            ("sentinel_master", problem)
        };
        Err(Error::wrong_setting(setting, problem))
    }

    /// What it takes to dial this address.
    pub(super) fn target(
        &self,
        address: Address,
        expected: ServerKind,
        address_source: Option<AddressSource>,
    ) -> Result<Target, Error> {
        let tls = if self.secure {
            Some(TlsClient::new(self, &address)?)
        } else {
            None
        };
        Ok(Target {
            address,
            tls,
            expected,
            address_source,
            resolver: Resolver::default(),
        })
    }
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
}
