//! What an error means to the person who set this up, and the cure.

use super::finding::{Check, Finding, Status};
use crate::connection::was_announced;
use crate::{Error, Reply};

/// A finding for an error that has no better explanation where it happened.
pub(super) fn failed(check: Check, error: &Error) -> Finding {
    let (says, cure) = explain(error);
    check.failed(says, cure)
}

/// `took longer than 5000 ms`.
pub(super) fn took(error: &Error) -> String {
    match error {
        Error::Timeout { limit, .. } => format!("took longer than {} ms", limit.as_millis()),
        _ => "failed".to_owned(),
    }
}

/// Says that the Sentinels named this address of a server that cannot be reached.
pub(super) fn announced(finding: &mut Finding, address: &str) {
    if finding.status == Status::Failed && matches!(finding.check, Check::Name | Check::Connect) {
        finding.says.push_str("; the Sentinels named this address");
        let cure = finding.cure.take().unwrap_or_default();
        finding.cure = Some(format!("{cure}; {}", cure_of_announced(address)));
    }
}

/// The cure where servers know each other by other addresses than ours: the setting as the file would have it, with
/// `HOST` for what only the reader knows.
fn cure_of_announced(address: &str) -> String {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    format!(
        "if the server has another host from here, map the one that was named to it, `address_map = {{ \"{host}\" = \"HOST\" }}`, \
         or let the servers announce one that leads there (`cluster-announce-ip`, `replica-announce-ip`, `sentinel monitor`)"
    )
}

fn explain(error: &Error) -> (String, String) {
    let (says, cure) = match error {
        Error::Connect { address, .. } | Error::Timeout { address, .. } if was_announced(error) => {
            return (error.to_string(), cure_of_announced(address));
        }
        Error::Settings { setting, problem } => {
            return (
                format!("{setting}: {problem}"),
                format!("correct `{setting}`"),
            );
        }
        Error::Refused { command, reply, .. } => return explain_reply(command, reply),
        Error::Tls { problem, cure, .. } => return (problem.clone(), cure.clone()),
        Error::Timeout { action, .. } => (
            format!("{action} {}", took(error)),
            "see whether Redis is overloaded or stopped, and whether the network loses packets",
        ),
        // We closed it then, and know why.
        Error::Lost {
            command, source, ..
        } if error.code() == "not_redis" => (
            format!("what answers is no Redis (seen during {command}): {source}"),
            "see whether `address` leads to a Redis, or to a proxy that mixes answers up",
        ),
        Error::Lost { command, .. } => (
            format!("Redis closed the connection during {command}"),
            "see the log of Redis; if it is a proxy, see whether that reaches its Redis",
        ),
        // Not expected after the earlier checks, unless something has changed since.
        other => (
            other.to_string(),
            "correct the setting that it names, or run the doctor again",
        ),
    };
    (says, cure.to_owned())
}

fn explain_reply(command: &str, reply: &Reply) -> (String, String) {
    let (says, cure) = match reply.code() {
        "NOAUTH" => (
            "Redis wants a password, and none is set",
            "set `password`, and `username` if it belongs to an ACL user",
        ),
        "DENIED" => (
            "Redis is in protected mode: it has no password and serves its own machine only",
            "give Redis a password (`requirepass`, or an ACL user) and set `password` to it",
        ),
        "LOADING" => (
            "Redis is still loading its data",
            "wait until it has; Kenwell waits too and loses nothing",
        ),
        "READONLY" => (
            "this Redis is a replica and takes no writes",
            "write the master's host and port in `address`",
        ),
        "MASTERDOWN" => (
            "this Redis is a replica that has lost its master",
            "write the master's host and port in `address`",
        ),
        "OOM" => (
            "Redis has reached its memory limit and takes no writes",
            "raise `maxmemory` of Redis, or remove other data from it",
        ),
        "MISCONF" => (
            "Redis cannot write to its disk and therefore takes no writes",
            "make room on the disk of Redis; its log says what failed",
        ),
        "CLUSTERDOWN" => (
            "the Redis Cluster is down",
            "see `redis-cli CLUSTER INFO`: a master is missing or slots are not assigned",
        ),
        "MOVED" | "ASK" => (
            "this Redis is a node of a Redis Cluster",
            "set `cluster_mode = true`",
        ),
        "NOREPLICAS" => (
            "Redis takes no writes because too few replicas are connected",
            "start the replicas, or lower `min-replicas-to-write` of Redis",
        ),
        "BUSY" => (
            "Redis is busy with a script",
            "wait, or end it: redis-cli SCRIPT KILL",
        ),
        "NOPERM" => {
            return (
                format!("the user may not run {command}"),
                "see rights".to_owned(),
            );
        }
        _ => return explain_text(command, reply),
    };
    (says.to_owned(), cure.to_owned())
}

/// The cure where Redis does not know these commands.
pub(super) fn unknown_command(names: &[&str]) -> &'static str {
    if names.iter().any(|name| name.starts_with("JSON.")) {
        "load the module RedisJSON, 2.6 or later, or use a Redis that has it (Redis 8, Redis Stack); or remove `json`, for profiles that are hashes"
    } else {
        "remove `rename-command` for it from Redis; if this is a proxy, use one that knows it"
    }
}

fn explain_text(command: &str, reply: &Reply) -> (String, String) {
    let (says, cure) = if reply.text().contains("max number of clients") {
        (
            "Redis has as many clients as it allows".to_owned(),
            "raise `maxclients` of Redis, or close other clients",
        )
    } else if reply.text().contains("unknown command") {
        (
            format!("Redis does not know {command}"),
            unknown_command(&[command]),
        )
    } else {
        (
            format!("Redis answers {command} with: {reply}"),
            "see the log of Redis",
        )
    };
    (says, cure.to_owned())
}
