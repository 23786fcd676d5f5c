//! Whether profiles stay: eviction and persistence.

use super::certificate::now;
use super::finding::{Check, Finding};
use super::info::Info;
use crate::profile::Expiry;

/// A snapshot time so close to the server's start is the start itself, in seconds.
const START_TOLERANCE: u64 = 2;

pub(super) fn examine(info: &Info, expiry: &Expiry) -> [Finding; 2] {
    [eviction(info, expiry), persistence(info)]
}

/// Policies for keys that expire leave profiles alone that do not.
fn eviction(info: &Info, expiry: &Expiry) -> Finding {
    let Some(policy) = info.get("maxmemory_policy") else {
        return info.silent(Check::Eviction);
    };
    if policy == "noeviction" {
        return Check::Eviction.ok("maxmemory-policy noeviction: profiles stay");
    }
    let concerns_what_expires = policy.starts_with("volatile-");
    if concerns_what_expires && expiry.ttl.is_none() {
        return Check::Eviction.ok(format!(
            "maxmemory-policy {policy}: profiles stay, because they do not expire"
        ));
    }
    let when = if info.number("maxmemory") == Some(0) {
        "as soon as a memory limit is set"
    } else {
        "when memory is short"
    };
    let why = if concerns_what_expires {
        ", because `ttl` lets them expire"
    } else {
        ""
    };
    Check::Eviction.warning(
        format!("maxmemory-policy {policy}: Redis throws profiles away {when}{why}"),
        "set `maxmemory-policy noeviction` in Redis",
    )
}

fn persistence(info: &Info) -> Finding {
    let Some(log) = info.get("aof_enabled") else {
        return info.silent(Check::Persistence);
    };
    let has_log = log == "1";
    let failing = (has_log && info.get("aof_last_write_status") == Some("err"))
        || info.get("rdb_last_bgsave_status") == Some("err");
    if failing {
        return Check::Persistence.warning(
            "Redis could not save its data the last time it tried",
            "make room on the disk of Redis; its log says what failed",
        );
    }
    if has_log {
        return Check::Persistence.ok("append-only file");
    }
    if has_snapshot(info) {
        let changes = info.number("rdb_changes_since_last_save").unwrap_or(0);
        return Check::Persistence.ok(format!(
            "snapshots only; a crash now would lose {changes} changes of all clients"
        ));
    }
    Check::Persistence.warning(
        "nothing is saved: no append-only file, and no snapshot since Redis started",
        "set `appendonly yes` in Redis; otherwise a restart may lose profiles",
    )
}

/// A server that never made a snapshot gives its own start as the time of the last one.
fn has_snapshot(info: &Info) -> bool {
    if let Some(saves) = info.number("rdb_saves") {
        return saves > 0;
    }
    let now = info
        .number("server_time_usec")
        .map(|micros| micros / 1_000_000)
        .or_else(|| u64::try_from(now()?).ok());
    let start = now
        .zip(info.number("uptime_in_seconds"))
        .map(|(now, uptime)| now.saturating_sub(uptime));
    info.number("rdb_last_save_time")
        .zip(start)
        .is_some_and(|(saved, start)| saved > start + START_TOLERANCE)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::Status;

    #[test]
    fn only_evicting_policies_are_a_risk() {
        for (info, status) in [
            ("maxmemory_policy:noeviction", Status::Ok),
            ("maxmemory_policy:volatile-lru", Status::Ok),
            ("maxmemory_policy:allkeys-lru", Status::Warning),
            ("maxmemory_policy:allkeys-random", Status::Warning),
            ("maxmemory:0\r\nmaxmemory_policy:eviction", Status::Warning),
            ("", Status::Skipped),
        ] {
            let [eviction, _] = examine(&Info::of(info), &Expiry::default());
            assert_eq!(eviction.status, status, "{info}");
        }
    }

    #[test]
    fn what_expires_is_evicted_by_a_policy_for_that() {
        let expiry = Expiry {
            ttl: Some(Duration::from_hours(1)),
            ..Expiry::default()
        };
        for (policy, status) in [
            ("noeviction", Status::Ok),
            ("volatile-ttl", Status::Warning),
            ("allkeys-lru", Status::Warning),
        ] {
            let info = Info::of(&format!("maxmemory_policy:{policy}"));
            assert_eq!(examine(&info, &expiry)[0].status, status, "{policy}");
        }
    }

    #[test]
    fn something_must_be_saved() {
        for (info, status) in [
            ("aof_enabled:1", Status::Ok),
            ("aof_enabled:0\r\nrdb_saves:0", Status::Warning),
            ("aof_enabled:0\r\nrdb_saves:3", Status::Ok),
            (
                "aof_enabled:0\r\nrdb_last_save_time:1000\r\nuptime_in_seconds:500\r\nserver_time_usec:1500000000",
                Status::Warning,
            ),
            (
                "aof_enabled:0\r\nrdb_last_save_time:1400\r\nuptime_in_seconds:500\r\nserver_time_usec:1500000000",
                Status::Ok,
            ),
            (
                "aof_enabled:1\r\naof_last_write_status:err",
                Status::Warning,
            ),
            ("", Status::Skipped),
        ] {
            let [_, persistence] = examine(&Info::of(info), &Expiry::default());
            assert_eq!(persistence.status, status, "{info}");
        }
    }
}
