//! What kind of server answered, and whether it is the kind that the settings speak of.

use std::sync::Arc;

use crate::resp::Value;
use crate::{Error, Reply};

/// What the settings say about the server at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerKind {
    /// A server that is no part of a cluster; a master or a replica.
    Standalone,
    /// A node of a Redis Cluster. It shows by its answer to `CLUSTER SLOTS`.
    ClusterNode,
    /// What the Sentinels call the master.
    Master,
    /// A Sentinel.
    Sentinel,
}

const UNEXPECTED_CLUSTER: &str =
    "this is a Redis Cluster, but cluster_mode is false; set cluster_mode = true";
const UNEXPECTED_CLUSTER_BEHIND_SENTINELS: &str =
    "the Sentinels lead to a Redis Cluster; set cluster_mode = true and give its nodes instead";

impl ServerKind {
    /// What is wrong when a server answers as only a node of a cluster does: it may be one that did not say
    /// so before, such as one behind a proxy or where `HELLO` is forbidden.
    pub(super) fn redirected(self, reply: &Reply) -> Option<&'static str> {
        let is_of_cluster = matches!(reply.code(), "MOVED" | "ASK");
        match self {
            _ if !is_of_cluster => None,
            Self::Standalone => Some(UNEXPECTED_CLUSTER),
            Self::Master => Some(UNEXPECTED_CLUSTER_BEHIND_SENTINELS),
            Self::ClusterNode | Self::Sentinel => None,
        }
    }

    /// Compares with what the server answered to `HELLO`. A server that does not tell its kind is accepted.
    pub(super) fn check(self, hello: &Value, address: &Arc<str>) -> Result<(), Error> {
        let mode = hello_entry(hello, "mode");
        let problem = match (self, mode) {
            (Self::Standalone, Some("cluster")) => UNEXPECTED_CLUSTER,
            (Self::Standalone, Some("sentinel")) => {
                "this is a Sentinel, but sentinel_master is not set; name the master that it watches"
            }
            (Self::ClusterNode, Some("sentinel")) => {
                "this is a Sentinel, but cluster_mode is true; give the addresses of cluster nodes"
            }
            (Self::Master, Some("cluster")) => UNEXPECTED_CLUSTER_BEHIND_SENTINELS,
            (Self::Sentinel, Some("standalone" | "cluster")) => {
                "this is a Redis server, but sentinel_master is set; give the addresses of the Sentinels, usually port 26379"
            }
            (Self::Master, _)
                if hello_entry(hello, "role").is_some_and(|role| role != "master") =>
            {
                return Err(Error::NotMaster {
                    address: Arc::clone(address),
                });
            }
            _ => return Ok(()),
        };
        Err(Error::OtherKind {
            address: Arc::clone(address),
            problem,
        })
    }
}

/// One entry of a reply to `HELLO`, which in RESP2 is a list of names and values in turns.
fn hello_entry<'a>(hello: &'a Value, name: &str) -> Option<&'a str> {
    let Value::Array(parts) = hello else {
        return None;
    };
    let mut pairs = parts.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => Some((text(name)?, text(value)?)),
        _ => None,
    });
    pairs.find_map(|(found, value)| (found == name).then_some(value))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    fn hello(mode: &str, role: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.into());
        let parts = [text("proto"), Value::Int(2), text("mode"), text(mode)];
        let role = [
            text("role"),
            text(role),
            text("modules"),
            Value::Array(vec![]),
        ];
        Value::Array(parts.into_iter().chain(role).collect())
    }

    #[test]
    fn the_wrong_kind_is_named_with_the_setting() {
        use ServerKind::{ClusterNode, Master, Sentinel, Standalone};
        let address: Arc<str> = "h:1".into();
        for (expected, mode, setting) in [
            (Standalone, "cluster", "cluster_mode = true"),
            (Standalone, "sentinel", "sentinel_master is not set"),
            (ClusterNode, "sentinel", "cluster_mode is true"),
            (Master, "cluster", "cluster_mode = true"),
            (Sentinel, "standalone", "26379"),
        ] {
            let error = expected
                .check(&hello(mode, "master"), &address)
                .unwrap_err();
            assert!(error.to_string().contains(setting), "{error}");
            assert_eq!(error.class(), Class::Configuration);
        }
    }

    #[test]
    fn a_replica_that_should_be_the_master_is_a_matter_of_time() {
        let address: Arc<str> = "h:1".into();
        let replica = hello("standalone", "replica");
        let error = ServerKind::Master.check(&replica, &address).unwrap_err();
        assert_eq!(error.class(), Class::Transient);
        assert!(ServerKind::Standalone.check(&replica, &address).is_ok());
        let master = hello("standalone", "master");
        assert!(ServerKind::Master.check(&master, &address).is_ok());
        assert!(ServerKind::Master.check(&Value::Nil, &address).is_ok());
    }
}
