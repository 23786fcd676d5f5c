//! Where a server listens: a host and port, or a socket file.

use std::fmt;
use std::path::PathBuf;

use crate::{Error, is_printable};

/// The longest name of a host that is taken from a server, in bytes: the longest that there is (RFC 1035).
const MAX_HOST: usize = 255;

/// A parsed address. Errors never show any part of what was given: people paste passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A host name or IP address without brackets, and a port.
    Tcp { host: String, port: u16 },
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Reads addresses separated by commas; a socket's path may hold commas itself.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, Error> {
        if text.trim().starts_with("unix:") {
            return Ok(vec![Self::parse(text)?]);
        }
        if text.contains('=') {
            return Err(problem(
                "it is a connection string with options; give it as url, or the options as settings of their own",
            ));
        }
        text.split(',').map(Self::parse).collect()
    }

    /// Whether a text that a server gives can be a host: a name or an IP address.
    pub(super) fn is_host(text: &str) -> bool {
        let is_part = |c: char| is_printable(c) && !c.is_whitespace();
        !text.is_empty() && text.len() <= MAX_HOST && text.chars().all(is_part)
    }

    pub(super) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// Reads `host:port`, `[ipv6]:port` or `unix:/path`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err(problem("a path must follow `unix:`"))
            } else {
                Ok(Self::Unix(PathBuf::from(path)))
            };
        }
        if text.contains("://") {
            return Err(problem("write host:port, not a URL"));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(problem("the port is missing; write host:port"));
        };
        let host = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
            Some(Some(ipv6)) => ipv6,
            None if !host.contains(':') => host,
            _ => {
                return Err(problem(
                    "there is more than one colon; write an IPv6 address in brackets, as in [::1]:6379, and a password as a setting of its own",
                ));
            }
        };
        // Said in words of its own: the text may hold a password.
        if host.contains(|c: char| c.is_whitespace() || c.is_control() || "@/?#=\"'\\".contains(c))
        {
            return Err(problem(
                "the host has a character that no host has; write host:port, and a password as a setting of its own",
            ));
        }
        if host.is_empty() {
            return Err(problem("the host is missing; write host:port"));
        }
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self::Tcp {
                host: host.to_owned(),
                port,
            }),
            _ => Err(problem("the port must be a number from 1 to 65535")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(formatter, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

fn problem(problem: &str) -> Error {
    Error::wrong_setting("address", problem)
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn reads_what_it_prints() {
        for text in [
            "127.0.0.1:6379",
            "redis.internal:1",
            "[::1]:65535",
            "unix:/run/redis.sock",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Address::parse(" h:1 ").unwrap().to_string(), "h:1");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, says) in [
            ("", "port is missing"),
            ("localhost", "port is missing"),
            (":6379", "host is missing"),
            ("h:0", "number from 1"),
            ("h:65536", "number from 1"),
            ("h:http", "number from 1"),
            ("::1:6379", "brackets"),
            ("[::1:6379", "brackets"),
            ("redis://h:1", "not a URL"),
            ("unix:", "path"),
            ("hunter2@h:1", "no host has"),
            (":hunter2@h:1", "more than one colon"),
            ("h:1:hunter2", "more than one colon"),
            ("redis-cli -a hunter2 -h h:1", "no host has"),
            ("redis-cli -h h -p 1 -a hunter2", "port is missing"),
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }
}
