//! What a person says about a Redis server.

use std::time::Duration;

use super::Secret;
use super::address::Address;
use super::tls;
use crate::Error;

/// How long connecting, and how long one pipeline, may take unless the settings say otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How to reach one Redis server and get in.
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
    /// `host:port`, `[ipv6]:port`, or `unix:/path/to/redis.sock`.
    pub address: String,
    /// The Redis ACL user; `None` is `default`.
    pub username: Option<String>,
    /// The user's password; `None` skips `AUTH`.
    pub password: Option<Secret>,
    /// The database to `SELECT`; 0 is where every connection starts.
    pub database: i64,
    /// Whether the address belongs to a Redis Cluster. Not supported yet: [`validate`](Self::validate)
    /// refuses it.
    pub cluster_mode: bool,
    /// Whether to speak TLS (1.2 or later). The certificate must match the host of the address.
    pub secure: bool,
    /// Whether to accept any certificate. Wins over `ca_certificate`; logged as a warning.
    pub skip_verify: bool,
    /// The authorities to trust instead of the system's: PEM text, or the path of a PEM file.
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
    /// The longest a pipeline may take from sending to the last reply.
    pub command_timeout: Duration,
}

impl Settings {
    /// Settings for a server without TLS and password.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            username: None,
            password: None,
            database: 0,
            cluster_mode: false,
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
        self.target().map(drop)
    }

    /// The parsed address and the TLS set-up, if any.
    pub(super) fn target(&self) -> Result<Target, Error> {
        if self.cluster_mode {
            return Err(Error::Settings {
                setting: "cluster_mode",
                problem: "Redis Cluster is not supported yet; use a standalone server".to_owned(),
            });
        }
        if self.database < 0 {
            return Err(Error::Settings {
                setting: "database",
                problem: "a database number cannot be negative".to_owned(),
            });
        }
        let address = Address::parse(&self.address)?;
        let tls = if self.secure {
            Some(tls::Tls::new(self, &address)?)
        } else {
            None
        };
        Ok(Target { address, tls })
    }
}

/// Settings, understood.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) tls: Option<tls::Tls>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    #[test]
    fn says_which_setting_is_wrong() {
        let cluster = Settings {
            cluster_mode: true,
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
            (cluster, "cluster_mode"),
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
