//! From the addresses that a cluster or Sentinels announce to those that lead there from here.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::address::Address;
use crate::Error;

/// The most entries of a map: as many as a cluster has nodes at most.
const MAX_ENTRIES: usize = 1_024;

/// From addresses as they are announced to those that lead there from here: behind address translation, or
/// from outside the network of containers in which the servers see each other.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressMap {
    entries: Arc<HashMap<HostPort, HostPort>>,
}

/// A host, and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct HostPort {
    host: String,
    port: Option<u16>,
}

impl AddressMap {
    /// Reads and checks the entries.
    pub(super) fn read(entries: &BTreeMap<String, String>) -> Result<Self, Error> {
        if entries.len() > MAX_ENTRIES {
            return Err(Error::wrong_setting(
                "address_map",
                format!("it has more than {MAX_ENTRIES} entries"),
            ));
        }
        let read = entries.iter().map(|(from, to)| {
            let place = |text: &str| {
                HostPort::read(text).ok_or_else(|| {
                    let text = crate::printable(text);
                    Error::wrong_setting(
                        "address_map",
                        format!("\"{text}\" is no address; write host:port or a host"),
                    )
                })
            };
            let (named, reached) = (place(from)?, place(to)?);
            if named.port.is_some() != reached.port.is_some() {
                return Err(Error::wrong_setting(
                    "address_map",
                    format!(
                        "\"{}\" and \"{}\" must both have a port, or neither",
                        crate::printable(from),
                        crate::printable(to)
                    ),
                ));
            }
            Ok((named, reached))
        });
        Ok(Self {
            entries: Arc::new(read.collect::<Result<_, Error>>()?),
        })
    }

    /// Where an announced address leads from here.
    pub(super) fn address(&self, host: &str, port: u16) -> Address {
        let place = |port| HostPort {
            host: normal(host),
            port,
        };
        let entry = self.entries.get(&place(Some(port)));
        let entry = entry.or_else(|| self.entries.get(&place(None)));
        match entry {
            Some(reached) => Address::Tcp {
                host: reached.host.clone(),
                port: reached.port.unwrap_or(port),
            },
            None => Address::Tcp {
                host: host.to_owned(),
                port,
            },
        }
    }
}

impl HostPort {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let bare = bare.unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() || !text.contains(':') {
            let is_host = !bare.is_empty() && !bare.contains(['/', '@', ',', ' ', '[', ']']);
            return is_host.then(|| Self {
                host: normal(bare),
                port: None,
            });
        }
        match Address::parse(text).ok()? {
            Address::Tcp { host, port } => Some(Self {
                host: normal(&host),
                port: Some(port),
            }),
            Address::Unix(_) => None,
        }
    }
}

/// A host in one way of writing it.
fn normal(host: &str) -> String {
    host.parse::<IpAddr>()
        .map_or_else(|_| host.to_ascii_lowercase(), |ip| ip.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    fn map(entries: &[(&str, &str)]) -> Result<AddressMap, Error> {
        let entries = entries.iter();
        let entries = entries.map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        AddressMap::read(&entries.collect())
    }

    #[test]
    fn addresses_and_hosts_are_mapped_and_the_rest_stays() {
        let map = map(&[
            ("10.0.0.5:6379", "127.0.0.1:7001"),
            ("10.0.0.5", "gate"),
            ("Redis-1.internal", "127.0.0.1"),
            ("[fd00::0:1]:6379", "[::1]:7002"),
            ("fd00::2", "::1"),
        ])
        .unwrap();
        for (host, port, leads_to) in [
            ("10.0.0.5", 6379, "127.0.0.1:7001"),
            ("10.0.0.5", 6380, "gate:6380"),
            ("redis-1.INTERNAL", 1, "127.0.0.1:1"),
            ("fd00::1", 6379, "[::1]:7002"),
            ("fd00::2", 1, "[::1]:1"),
            ("10.0.0.6", 6379, "10.0.0.6:6379"),
        ] {
            assert_eq!(map.address(host, port).to_string(), leads_to);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (from, to, says) in [
            ("", "h", "is no address"),
            ("h:0", "h:1", "is no address"),
            ("h:1", "redis://h:1", "is no address"),
            ("h", "unix:/x", "is no address"),
            ("h:1", "h", "both have a port"),
            ("h", "h:1", "both have a port"),
        ] {
            let error = map(&[(from, to)]).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(error.class(), Class::Configuration);
        }
        let many = (0..=MAX_ENTRIES).map(|n| (format!("h{n}"), "h".to_owned()));
        assert!(AddressMap::read(&many.collect()).is_err());
    }
}
