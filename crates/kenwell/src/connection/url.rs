//! All about a server in one line: `rediss://user:password@host:6380/5`.

mod connection_string;
mod parse;
mod parts;
mod query;

use std::str::FromStr;

use super::{Secret, Settings};
use crate::Error;

/// What a Redis URL says, and what it leaves open.
///
/// `redis[s]://[[username][:password]@]host[:port][/database]`,
/// `unix://[[username][:password]@]/path[?db=database]`, or
/// `redis-sentinel://[[username][:password]@]host[:port][,host[:port]…]/master[/database]`, whose hosts
/// are the Sentinels and whose user and password are for the master. `valkey` and `valkeys` are the same as `redis`
/// and `rediss`. What has a meaning in URLs is percent-encoded in user name, password and path. Of the queries of
/// Python's clients `db` and `ssl_cert_reqs` are understood. Errors never show any part of the URL.
///
/// Instead of a URL it may be a connection string of .NET and Azure:
/// `host:6380,password=…,ssl=True,abortConnect=False`.
///
/// ```
/// use kenwell::connection::{Settings, Url};
///
/// let url: Url = "rediss://kenwell:p%40ss@redis.internal/5".parse()?;
/// assert_eq!(url.address, "redis.internal:6379");
/// assert_eq!(url.database, Some(5));
///
/// let settings = Settings::from(url);
/// assert!(settings.secure);
/// assert_eq!(settings.password.unwrap().expose(), "p@ss");
/// # Ok::<(), kenwell::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Url {
    /// The address, as in [`Settings::address`]; port 6379 unless given.
    pub address: String,
    /// The user, if one is named.
    pub username: Option<String>,
    /// The password, if there is one.
    pub password: Option<Secret>,
    /// The database, if one is named.
    pub database: Option<i64>,
    /// Whether the URL asks for TLS: `rediss` and `valkeys` do.
    pub secure: bool,
    /// Whether any certificate will do (`?ssl_cert_reqs=none`).
    pub skip_verify: bool,
    /// The name that the server's certificate must carry (`sslHost` of a connection string).
    pub server_name: Option<String>,
    /// The name of the master, if the address is that of its Sentinels.
    pub sentinel_master: Option<String>,
}

impl From<Url> for Settings {
    fn from(url: Url) -> Self {
        let mut settings = Self::new(url.address);
        settings.username = url.username;
        settings.password = url.password;
        settings.database = url.database.unwrap_or_default();
        settings.secure = url.secure;
        settings.skip_verify = url.skip_verify;
        settings.server_name = url.server_name;
        settings.sentinel_master = url.sentinel_master;
        settings
    }
}

impl Settings {
    /// Settings from a URL such as `rediss://user:password@host:6380/5`; see [`Url`].
    pub fn from_url(url: &str) -> Result<Self, Error> {
        url.parse().map(|url: Url| url.into())
    }
}

impl FromStr for Settings {
    type Err = Error;

    /// The same as [`from_url`](Self::from_url).
    fn from_str(url: &str) -> Result<Self, Error> {
        Self::from_url(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_the_same_as_the_fields() {
        let fields =
            |address: &str, user: Option<&str>, password: Option<&str>, database, secure| {
                let mut settings = Settings::new(address);
                settings.username = user.map(str::to_owned);
                settings.password = password.map(Secret::new);
                settings.database = database;
                settings.secure = secure;
                settings
            };
        for (url, same) in [
            ("redis://h", fields("h:6379", None, None, 0, false)),
            (" REDISS://h:1/ ", fields("h:1", None, None, 0, true)),
            ("redis://[::1]", fields("[::1]:6379", None, None, 0, false)),
            ("redis://[::1]:7/5", fields("[::1]:7", None, None, 5, false)),
            ("redis://u@h", fields("h:6379", Some("u"), None, 0, false)),
            ("redis://:p@h", fields("h:6379", None, Some("p"), 0, false)),
            ("redis://:@h", fields("h:6379", None, None, 0, false)),
            ("valkey://h?db=5", fields("h:6379", None, None, 5, false)),
            (
                "VALKEYS://:p@h:1/5?ssl_cert_reqs=required",
                fields("h:1", None, Some("p"), 5, true),
            ),
            (
                "rediss://u:p%40%3a%2f%25%C3%96:@h:1/15",
                fields("h:1", Some("u"), Some("p@:/%Ö:"), 15, true),
            ),
            (
                "redis://u%3A:a@b@h",
                fields("h:6379", Some("u:"), Some("a@b"), 0, false),
            ),
            (
                "unix:///run/r%20s.sock",
                fields("unix:/run/r s.sock", None, None, 0, false),
            ),
            (
                "unix://u:p@/r.sock?db=3",
                fields("unix:/r.sock", Some("u"), Some("p"), 3, false),
            ),
        ] {
            assert_eq!(Settings::from_url(url).unwrap(), same, "{url}");
            assert_eq!(url.parse::<Settings>().unwrap(), same, "{url}");
        }
    }

    #[test]
    fn what_other_clients_call_it_leads_to_the_setting() {
        for none in ["none", "None", "CERT_NONE", "0"] {
            let url = format!("rediss://:p@h:1?ssl_cert_reqs={none}");
            assert!(Settings::from_url(&url).unwrap().skip_verify, "{url}");
        }
        for required in ["required", "CERT_REQUIRED"] {
            let url = format!("rediss://:p@h:1?ssl_cert_reqs={required}");
            assert!(!Settings::from_url(&url).unwrap().skip_verify, "{url}");
        }
    }

    #[test]
    fn names_sentinels_and_their_master() {
        let settings =
            Settings::from_url("redis-sentinel://u:p@a,b:7,[::1]/my%20master/3").unwrap();
        let mut same = Settings::new("a:26379,b:7,[::1]:26379");
        same.username = Some("u".to_owned());
        same.password = Some(Secret::new("p"));
        same.sentinel_master = Some("my master".to_owned());
        same.database = 3;
        assert_eq!(settings, same);
    }

    #[test]
    fn complains_without_showing_anything() {
        for (url, says) in [
            ("hunter2", "redis-sentinel:// or unix://"),
            ("redis-sentinel://:hunter2@h", "name of the master"),
            ("redis-sentinel://:hunter2@h/", "name of the master"),
            ("redis-sentinel://:hunter2@h/m/x", "as in /mymaster/5"),
            ("http://:hunter2@h", "scheme is not known"),
            ("redis://:hunter2@", "valid host"),
            ("redis://:hunter2@h:0", "valid host"),
            ("redis://:hunter2@h:port", "valid host"),
            ("redis://:hunter2@::1", "valid host"),
            ("redis://:hunter2@h/five", "database number"),
            ("redis://:hunter2@h/-1", "database number"),
            ("redis://:hunter2@h/+1", "database number"),
            ("redis://:hunter2@h/1/2", "database number"),
            ("redis://:hunter2@h?x=1", "as /5"),
            ("redis://:hunter2?x@h", "encoded"),
            ("redis://:hunter2@h/2?db=1", "two databases"),
            ("redis://h?password=hunter2", "before the host"),
            ("rediss://:hunter2@h?ssl_cert_reqs=maybe", "skip_verify"),
            ("rediss://:hunter2@h?ssl_ca_certs=/ca.pem", "ca_certificate"),
            ("redis-cli -u redis://:hunter2@h:1", "behind -u"),
            ("redis-cli -h h -p 6379 -a hunter2", "command line"),
            ("h:6379:hunter2", "does not start with"),
            (":hunter2@h", "does not start with"),
            ("redis://:hunter2#x@h", "%23"),
            ("redis://:hunter2/x@h", "encoded"),
            ("redis://:hunter2%4@h", "password has a %"),
            ("redis://hunter2%zz:p@h", "user name has a %"),
            ("redis://:hunter2%ff@h", "not UTF-8"),
            ("unix://hunter2", "path of the socket"),
            ("unix://hunter2/r.sock", "three slashes"),
            ("unix:///hunter2?database=1", "db=NUMBER"),
            ("unix:///hunter2?db=x", "?db=5"),
        ] {
            let error = Settings::from_url(url).unwrap_err().to_string();
            assert!(error.contains("setting `url`"), "{url}: {error}");
            assert!(error.contains(says), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
        let debug = format!("{:?}", "redis://u:hunter2@h".parse::<Url>().unwrap());
        assert!(!debug.contains("hunter2"), "{debug}");
    }
}
