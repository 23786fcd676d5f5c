//! Reading a URL: `redis://`, `rediss://`, `redis-sentinel://` and `unix://`, or a connection string.

use std::str::FromStr;

use super::Url;
use super::connection_string;
use super::parts::{database, decode, login, problem, with_ports};
use super::query;
use crate::Error;

/// Where Redis listens unless the URL says otherwise.
const DEFAULT_PORT: u16 = 6379;
/// Where a Sentinel does.
const DEFAULT_SENTINEL_PORT: u16 = 26_379;

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
        query::read(&mut url, pair)?;
    }
    Ok(url)
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
