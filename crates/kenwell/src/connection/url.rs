//! All about a server in one line: `rediss://user:password@host:6380/5`.

use std::str::FromStr;

use super::{Secret, Settings, connection_string};
use crate::Error;

/// Where Redis listens unless the URL says otherwise.
const DEFAULT_PORT: u16 = 6379;
/// Where a Sentinel does.
const DEFAULT_SENTINEL_PORT: u16 = 26_379;

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

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.starts_with("redis-cli") || text.starts_with("valkey-cli") {
            return Err(problem(
                "it is a command line; write only the URL behind -u, or host, port, user and password as keys of their own",
            ));
        }
        if connection_string::is_one(text) {
            return connection_string::parse(text);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(problem(
                "it does not start with redis://, rediss://, valkey://, valkeys://, redis-sentinel:// or unix://",
            ));
        };
        if rest.contains('#') {
            return Err(problem("it has a #; write # as %23"));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "redis" | "valkey" => server(rest, false),
            "rediss" | "valkeys" => server(rest, true),
            "redis-sentinel" => sentinels(rest),
            "unix" => socket(rest),
            _ => Err(problem(
                "its scheme is not known; use redis:// (plain), rediss:// (TLS), redis-sentinel:// or unix:// (a socket file)",
            )),
        }
    }
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

fn server(rest: &str, secure: bool) -> Result<Url, Error> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (username, password, hosts) = login(authority)?;
    let mut url = Url {
        address: with_ports(hosts, DEFAULT_PORT)?,
        username,
        password,
        database: database(
            path,
            "what follows the host must be a database number, as in /5; write / in a password as %2F",
        )?,
        secure,
        ..Url::default()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        ask(&mut url, pair)?;
    }
    Ok(url)
}

/// Takes what a query of other clients' URLs asks for, or names the key that it is here.
fn ask(url: &mut Url, pair: &str) -> Result<(), Error> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    match name {
        "db" => {
            let number = database(value, "db must be a database number, as in ?db=5")?;
            if url.database.is_some() && number != url.database {
                return Err(problem(
                    "it names two databases; keep the one after the host",
                ));
            }
            url.database = number;
        }
        "ssl_cert_reqs" => {
            let value = value.to_ascii_lowercase();
            match value.strip_prefix("cert_").unwrap_or(&value) {
                "none" | "0" => url.skip_verify = url.secure,
                "required" | "optional" | "2" | "1" => {}
                _ => {
                    return Err(problem(
                        "ssl_cert_reqs must be required or none, which is the key skip_verify = true",
                    ));
                }
            }
        }
        "ssl_ca_certs" | "ssl_ca_data" => {
            return Err(problem(
                "ssl_ca_certs is the key ca_certificate here; take it out of the URL",
            ));
        }
        "ssl_certfile" => {
            return Err(problem(
                "ssl_certfile is the key client_certificate here; take it out of the URL",
            ));
        }
        "ssl_keyfile" => {
            return Err(problem(
                "ssl_keyfile is the key client_key here; take it out of the URL",
            ));
        }
        "ssl_check_hostname" => {
            return Err(problem(
                "ssl_check_hostname has no key here; take it out, and set server_name to the name in the certificate",
            ));
        }
        "password" | "username" => {
            return Err(problem(
                "user and password stand before the host, as in rediss://user:password@host, or in keys of their own",
            ));
        }
        _ => {
            return Err(problem(
                "it has a ?; write the database as /5 after the host, other settings as keys of their own, and ? in a password as %3F",
            ));
        }
    }
    Ok(())
}

fn sentinels(rest: &str) -> Result<Url, Error> {
    const MASTER: &str =
        "the name of the master is missing; write redis-sentinel://host:26379/mymaster";
    let (authority, path) = rest.split_once('/').ok_or_else(|| problem(MASTER))?;
    let (master, number) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        return Err(problem(MASTER));
    }
    let (username, password, hosts) = login(authority)?;
    Ok(Url {
        address: with_ports(hosts, DEFAULT_SENTINEL_PORT)?,
        username,
        password,
        database: database(
            number,
            "what follows the master's name must be a database number, as in /mymaster/5",
        )?,
        sentinel_master: Some(decode(master, "master's name")?),
        ..Url::default()
    })
}

fn socket(rest: &str) -> Result<Url, Error> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let start = place.find('/').ok_or_else(|| {
        problem("the path of the socket is missing; write unix:///run/redis/redis.sock")
    })?;
    let (authority, path) = place.split_at(start);
    let (username, password, host) = login(authority)?;
    if !host.is_empty() {
        return Err(problem(
            "a socket file has no host; write three slashes: unix:///run/redis/redis.sock",
        ));
    }
    let number = if query.is_empty() {
        ""
    } else {
        query.strip_prefix("db=").ok_or_else(|| {
            problem("after ? only db=NUMBER is known; other settings are keys of their own")
        })?
    };
    Ok(Url {
        address: format!("unix:{}", decode(path, "path")?),
        username,
        password,
        database: database(number, "db must be a database number, as in ?db=5")?,
        ..Url::default()
    })
}

/// User name, password, and what comes after them.
fn login(authority: &str) -> Result<(Option<String>, Option<Secret>, &str), Error> {
    let Some((login, host)) = authority.rsplit_once('@') else {
        return Ok((None, None, authority));
    };
    let (username, password) = match login.split_once(':') {
        Some((username, password)) => (username, Some(password)),
        None => (login, None),
    };
    let filled = |text: &str, what| match text {
        "" => Ok(None),
        text => decode(text, what).map(Some),
    };
    let password = filled(password.unwrap_or_default(), "password")?;
    Ok((
        filled(username, "user name")?,
        password.map(Secret::new),
        host,
    ))
}

pub(super) fn with_ports(hosts: &str, default: u16) -> Result<String, Error> {
    let hosts = hosts.split(',').map(|host| with_port(host, default));
    Ok(hosts.collect::<Result<Vec<_>, _>>()?.join(","))
}

fn with_port(host: &str, default: u16) -> Result<String, Error> {
    let name = host.rsplit_once(']').map_or(host, |(_, after)| after);
    let host = if name.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{default}")
    };
    // Said in words of its own: the text may be a part of a password that was not encoded.
    match super::address::Address::parse(&host) {
        Ok(super::address::Address::Tcp { host: name, .. })
            if !name.contains(|c: char| c.is_whitespace() || "@/%".contains(c)) =>
        {
            Ok(host)
        }
        _ => Err(problem(
            "it has no valid host[:port]; write an IPv6 address in brackets, the port as a number from 1 to 65535, and @ : / ? # % in a password percent-encoded",
        )),
    }
}

fn database(text: &str, otherwise: &str) -> Result<Option<i64>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(number)),
        _ => Err(problem(otherwise)),
    }
}

/// Undoes percent-encoding.
fn decode(text: &str, what: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let pair = digit().zip(digit());
        let decoded = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(decoded.ok_or_else(|| {
            problem(&format!(
                "the {what} has a % that two hexadecimal digits do not follow; write % as %25"
            ))
        })?);
    }
    String::from_utf8(bytes)
        .map_err(|_| problem(&format!("the {what} is not UTF-8 after percent-decoding")))
}

pub(super) fn problem(problem: &str) -> Error {
    Error::setting("url", problem)
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
