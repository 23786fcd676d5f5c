//! Where an address comes from that is not in the settings, for the errors of connections that cannot be opened.

use std::io;
use std::sync::Arc;

use crate::Error;
use crate::cause::find_cause;

/// Which kind of server announced an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressSource {
    /// A node of a Redis Cluster, about itself or another one.
    Cluster,
    /// A Sentinel, about the master.
    Sentinel,
}

/// Why an address that was announced cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Announced(String);

/// Whether the address that could not be reached was announced by a server, and is not in the settings.
pub(crate) fn was_announced(error: &Error) -> bool {
    match error {
        Error::Connect { source, .. } => find_cause::<Announced>(&**source).is_some(),
        Error::Timeout { action, .. } => [AddressSource::Cluster, AddressSource::Sentinel]
            .iter()
            .any(|source| source.connecting() == *action),
        _ => false,
    }
}

impl AddressSource {
    /// The error of a connection that could not be opened, with which servers named its address and where that is
    /// set.
    pub(super) fn explain(self, mut error: Error) -> Error {
        match &mut error {
            Error::Connect { source, .. } => {
                let announced = Announced(format!("{source}; {}", self.origin()));
                *source = Arc::new(io::Error::new(source.kind(), announced));
            }
            Error::Timeout { action, .. } if *action == "connecting" => *action = self.connecting(),
            Error::Tls { cure, .. } => *cure = format!("{cure}; {}", self.origin()),
            _ => {}
        }
        error
    }

    fn origin(self) -> &'static str {
        match self {
            Self::Cluster => {
                "the cluster named this address (cluster-announce-ip and cluster-announce-port there); if it is another one from here, say so in address_map"
            }
            Self::Sentinel => {
                "the Sentinels named this address (`sentinel monitor` and `sentinel announce-ip` there, replica-announce-ip and replica-announce-port at the servers); if it is another one from here, say so in address_map"
            }
        }
    }

    fn connecting(self) -> &'static str {
        match self {
            Self::Cluster => {
                "connecting to this address, which the cluster named (cluster-announce-ip and cluster-announce-port there; address_map if it is another one from here),"
            }
            Self::Sentinel => {
                "connecting to this address, which the Sentinels named (`sentinel monitor` there, replica-announce-ip and replica-announce-port at the servers; address_map if it is another one from here),"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_error_tells_who_named_the_address() {
        let address: Arc<str> = "10.0.0.5:6379".into();
        let failures = [
            Error::Connect {
                address: Arc::clone(&address),
                source: Arc::new(io::ErrorKind::ConnectionRefused.into()),
            },
            Error::Timeout {
                address: Arc::clone(&address),
                action: "connecting",
                limit: Duration::from_secs(5),
            },
        ];
        for failure in failures {
            let cluster = AddressSource::Cluster.explain(failure.clone()).to_string();
            for word in ["10.0.0.5:6379", "cluster-announce-ip", "address_map"] {
                assert!(cluster.contains(word), "{cluster}");
            }
            let sentinel = AddressSource::Sentinel.explain(failure).to_string();
            for word in ["Sentinels named", "replica-announce-ip", "address_map"] {
                assert!(sentinel.contains(word), "{sentinel}");
            }
        }
    }
}
