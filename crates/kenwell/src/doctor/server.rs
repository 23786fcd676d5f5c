//! What kind of server it is: topology, role, version.

use super::finding::{Check, Finding};
use super::info::Info;
use crate::connection::Settings;

/// The oldest Redis that Kenwell is made for.
const OLDEST: (u64, u64) = (6, 2);

pub(super) fn examine(info: &Info, settings: &Settings) -> [Finding; 3] {
    let topology = Topology::of(info);
    [
        topology.map_or_else(
            || info.silent(Check::Topology),
            |found| found.judge(settings.cluster_mode),
        ),
        role(
            info,
            topology == Some(Topology::Cluster) && settings.cluster_mode,
        ),
        version(info),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Topology {
    Standalone,
    Cluster,
    Sentinel,
}

impl Topology {
    fn of(info: &Info) -> Option<Self> {
        // Valkey has a name of its own for the first.
        let mode = info.get("redis_mode").or_else(|| info.get("server_mode"));
        match (mode, info.get("cluster_enabled")) {
            (Some("sentinel"), _) => Some(Self::Sentinel),
            (Some("cluster"), _) | (_, Some("1")) => Some(Self::Cluster),
            (Some(_), _) | (_, Some("0")) => Some(Self::Standalone),
            _ => None,
        }
    }

    fn judge(self, cluster_mode: bool) -> Finding {
        match (self, cluster_mode) {
            (Self::Sentinel, _) => Check::Topology.failed(
                "this is a Redis Sentinel, which holds no data",
                "set `sentinel_master` to the name of the master that it watches, or write the master's host and port in `address`",
            ),
            (Self::Standalone, true) => Check::Topology.failed(
                "cluster_mode is true, but this Redis is standalone",
                "set `cluster_mode = false`",
            ),
            (Self::Cluster, false) => Check::Topology.failed(
                "cluster_mode is false, but this Redis is a node of a Redis Cluster",
                "set `cluster_mode = true`, or write the address of a standalone Redis",
            ),
            (Self::Standalone, false) => {
                Check::Topology.ok("standalone, as cluster_mode = false says")
            }
            (Self::Cluster, true) => Check::Topology.ok("a Redis Cluster, as cluster_mode says"),
        }
    }
}

/// In a cluster any node will do: it names the master of each key.
fn role(info: &Info, any: bool) -> Finding {
    match info.get("role") {
        Some("master") => Check::Role.ok("master"),
        Some(_) if any => Check::Role.ok("a replica in a cluster, which names the masters"),
        Some("slave" | "replica") => {
            let master = info
                .get("master_host")
                .zip(info.get("master_port"))
                .map_or_else(String::new, |(host, port)| format!(" of {host}:{port}"));
            Check::Role.failed(
                format!("a replica{master}: it takes no writes, or loses them at the next resync"),
                "write the master's host and port in `address`",
            )
        }
        Some(other) => Check::Role.failed(
            format!("the role is {other}, which takes no writes"),
            "write the master's host and port in `address`",
        ),
        None => info.silent(Check::Role),
    }
}

fn version(info: &Info) -> Finding {
    let redis = info.get("redis_version");
    let is_keydb = info.get("mvcc_depth").is_some()
        || info
            .get("executable")
            .is_some_and(|path| path.contains("keydb"));
    if let Some(version) = info.get("valkey_version") {
        return Check::Version.ok(format!("Valkey {version}"));
    }
    if let Some(version) = info.get("dragonfly_version") {
        return Check::Version.ok(format!("Dragonfly {version}"));
    }
    let Some(version) = redis else {
        return info.silent(Check::Version);
    };
    let name = if is_keydb { "KeyDB" } else { "Redis" };
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().ok());
    let number = numbers.next().flatten().zip(numbers.next().flatten());
    if number.is_some_and(|number| number < OLDEST) {
        return Check::Version.warning(
            format!("{name} {version} is older than 6.2, the oldest that Kenwell is made for"),
            "update Redis",
        );
    }
    Check::Version.ok(format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    fn findings(info: &str, cluster_mode: bool) -> [Finding; 3] {
        let settings = Settings {
            cluster_mode,
            ..Settings::new("h:1")
        };
        examine(&Info::of(info), &settings)
    }

    #[test]
    fn topology_must_be_what_the_setting_says() {
        for (info, cluster_mode, status) in [
            ("redis_mode:standalone", false, Status::Ok),
            ("redis_mode:standalone", true, Status::Failed),
            ("redis_mode:cluster", true, Status::Ok),
            ("redis_mode:cluster", false, Status::Failed),
            ("server_mode:cluster", false, Status::Failed),
            ("cluster_enabled:1", false, Status::Failed),
            ("redis_mode:sentinel", false, Status::Failed),
            ("redis_mode:sentinel", true, Status::Failed),
            ("", true, Status::Skipped),
        ] {
            let [topology, ..] = findings(info, cluster_mode);
            assert_eq!(topology.status, status, "{info} {cluster_mode}");
        }
    }

    #[test]
    fn a_replica_is_right_only_in_a_cluster() {
        for (info, cluster_mode, status) in [
            ("role:master", false, Status::Ok),
            ("role:slave", false, Status::Failed),
            ("redis_mode:cluster\r\nrole:slave", true, Status::Ok),
            ("redis_mode:standalone\r\nrole:slave", true, Status::Failed),
            ("role:sentinel", false, Status::Failed),
        ] {
            let [_, role, _] = findings(info, cluster_mode);
            assert_eq!(role.status, status, "{info} {cluster_mode}");
        }
    }

    /// First lines of real servers.
    #[test]
    fn names_flavours() {
        for (info, says, status) in [
            ("redis_version:7.0.15\r\n", "Redis 7.0.15", Status::Ok),
            ("redis_version:6.2.0", "Redis 6.2.0", Status::Ok),
            ("redis_version:5.0.14", "Redis 5.0.14", Status::Warning),
            ("redis_version:6.0.16", "Redis 6.0.16", Status::Warning),
            (
                "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n",
                "Valkey 8.1.1",
                Status::Ok,
            ),
            (
                "redis_version:7.4.0\r\ndragonfly_version:df-v1.30.0\r\n",
                "Dragonfly df-v1.30.0",
                Status::Ok,
            ),
            (
                "redis_version:6.3.4\r\n# KeyDB\r\nmvcc_depth:0\r\n",
                "KeyDB 6.3.4",
                Status::Ok,
            ),
        ] {
            let [_, _, version] = findings(info, false);
            assert!(version.says.starts_with(says), "{version:?}");
            assert_eq!(version.status, status);
        }
    }
}
