//! What the user may do, and the line that grants what is missing.

use std::hash::{BuildHasher, RandomState};

use redis::Cmd;

use super::explain;
use super::finding::{Check, Finding};
use super::login;
use crate::connection::{Settings, StagedConnection};
use crate::profile::{DataType, Expiry, Layout, TtlFrom};
use crate::{Class, Error};

/// The commands that the user may run on the keys of users.
pub(super) struct Rights(Vec<&'static str>);

impl Rights {
    pub(super) fn allow(&self, command: &str) -> bool {
        self.0.contains(&command)
    }
}

/// A command that is tried in a form that changes nothing.
struct RightsTest {
    name: &'static str,
    /// As `ACL SETUSER` takes it.
    grant: &'static str,
    command: Cmd,
    importance: Importance,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Importance {
    /// No profile is written without it.
    Required,
    /// Something works less well without it.
    Recommended,
    /// Only the doctor's probe wants it.
    ProbeOnly,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    Allowed,
    CommandDenied,
    KeyDenied,
    CommandUnknown,
}

/// Lets fields of a hash expire.
const HASH_FIELDS: &str = "HPEXPIRE";

/// The user whose profile the probe writes: a name that no user has.
pub(super) fn probe_user() -> String {
    // Each state has keys of its own, taken from the system's randomness.
    let random = || RandomState::new().hash_one(0);
    format!("kenwell-doctor-{:016x}{:016x}", random(), random())
}

/// Tries every command that Kenwell uses.
pub(super) async fn examine(
    staged: &mut StagedConnection,
    layout: &Layout,
    expiry: &Expiry,
    findings: &mut Vec<Finding>,
) -> Option<Rights> {
    let key = layout.key(&probe_user());
    let tests = tests(layout.data_type, &key, staged.settings(), expiry);
    let mut permissions = Vec::with_capacity(tests.len());
    for test in &tests {
        match staged.ask(test.name, &test.command).await {
            Err(error @ (Error::Lost { .. } | Error::Timeout { .. })) => {
                findings.push(explain::failed(Check::Rights, &error));
                return None;
            }
            reply => permissions.push((test, permission(reply.err().as_ref()))),
        }
    }
    let user = login::user(staged.settings());
    findings.push(judge(&permissions, &user, &layout.pattern()));
    let allowed = permissions
        .iter()
        .filter(|(_, permission)| *permission == Permission::Allowed)
        .map(|(test, _)| test.name);
    Some(Rights(allowed.collect()))
}

/// Redis checks rights before it executes: `HSET` with a name that has no value, what writes documents with a text
/// that is no JSON, `CLIENT KILL` of a connection that cannot exist, `CLIENT LIST` of that one, and `EXPIRE` and
/// `DEL` of a key that does not exist change nothing, nor do other times to live of it.
fn tests(data_type: DataType, key: &[u8], settings: &Settings, expiry: &Expiry) -> Vec<RightsTest> {
    use Importance::{ProbeOnly, Recommended, Required};
    let test = |name: &'static str, grant, importance, arguments: &[&[u8]]| {
        let mut command = Cmd::new();
        for word in name.split(' ') {
            command.arg(word);
        }
        command.arg(arguments);
        RightsTest {
            name,
            grant,
            command,
            importance,
        }
    };
    let nobody = i64::MAX.to_string();
    let by_id: &[&[u8]] = &[b"ID", nobody.as_bytes()];
    let nobody: &[&[u8]] = &[b"ID", nobody.as_bytes(), b"ADDR", b"0.0.0.0:0"];
    let name: &[&[u8]] = &[b"kenwell:doctor"];
    let mut tests = match data_type {
        DataType::Hash => vec![
            test("HSET", "+hset", Required, &[key, b"a", b"1", b"b"]),
            test("HGETALL", "+hgetall", Recommended, &[key]),
        ],
        DataType::Json => vec![
            test("JSON.MERGE", "+json.merge", Required, &[key, b"$", b""]),
            test("JSON.GET", "+json.get", Required, &[key]),
            test("JSON.SET", "+json.set", Required, &[key, b"$", b""]),
            test("EVAL", "+eval", Required, &[b"return 1", b"1", key]),
        ],
    };
    tests.extend([
        test("CLIENT INFO", "+client|info", Recommended, &[]),
        test("CLIENT KILL", "+client|kill", Recommended, nobody),
        test("CLIENT LIST", "+client|list", Recommended, by_id),
        test("CLIENT SETNAME", "+client|setname", Recommended, name),
        test("EXPIRE", "+expire", ProbeOnly, &[key, b"1"]),
        test("DEL", "+del", ProbeOnly, &[key]),
    ]);
    if settings.cluster_mode {
        tests.push(test("CLUSTER SLOTS", "+cluster|slots", Required, &[]));
        tests.push(test("ASKING", "+asking", Required, &[]));
    }
    if settings.database != 0 {
        let number = settings.database.to_string();
        tests.push(test("SELECT", "+select", Required, &[number.as_bytes()]));
    }
    if expiry.ttl.is_some() {
        tests.push(test("PEXPIRE", "+pexpire", Required, &[key, b"1"]));
        if expiry.ttl_from == TtlFrom::First {
            tests.push(test("PTTL", "+pttl", Required, &[key]));
        }
    }
    if !expiry.field_ttls.is_empty() {
        let nothing: &[&[u8]] = &[key, b"1", b"FIELDS", b"1", b"x"];
        tests.push(test(HASH_FIELDS, "+hpexpire", Required, nothing));
    }
    tests
}

pub(super) fn permission(error: Option<&Error>) -> Permission {
    match error {
        Some(Error::Refused { reply, .. }) if reply.code() == "NOPERM" => {
            if reply.class() == Class::Unknown {
                Permission::KeyDenied
            } else {
                Permission::CommandDenied
            }
        }
        Some(Error::Refused { reply, .. }) if reply.text().contains("unknown command") => {
            Permission::CommandUnknown
        }
        // Whatever else it says, it says after it has checked the rights.
        _ => Permission::Allowed,
    }
}

fn judge(permissions: &[(&RightsTest, Permission)], user: &str, pattern: &str) -> Finding {
    let ours = || {
        permissions
            .iter()
            .filter(|(test, _)| test.importance != Importance::ProbeOnly)
    };
    let answered = |of: Permission| -> Vec<&str> {
        ours()
            .filter(|(_, permission)| *permission == of)
            .map(|(test, _)| test.name)
            .collect()
    };
    let must = ours().any(|(test, permission)| {
        test.importance == Importance::Required && *permission != Permission::Allowed
    });
    let unknown = answered(Permission::CommandUnknown);
    if must && !unknown.is_empty() {
        let cure = if unknown.contains(&HASH_FIELDS) {
            "`field_ttl` takes Redis 7.4 or Valkey 9: use one of them, or remove `field_ttl`"
        } else {
            explain::unknown_command(&unknown)
        };
        let says = format!("Redis does not know {}", unknown.join(", "));
        return Check::Rights.failed(says, cure);
    }
    let (forbidden, no_key) = (
        answered(Permission::CommandDenied),
        answered(Permission::KeyDenied),
    );
    if forbidden.is_empty() && no_key.is_empty() {
        let names: Vec<&str> = ours().map(|(test, _)| test.name).collect();
        return Check::Rights.ok(format!("{user} may run {} on {pattern}", names.join(", ")));
    }
    let mut says = Vec::new();
    if !forbidden.is_empty() {
        says.push(format!("{user} may not run {}", forbidden.join(", ")));
    }
    if !no_key.is_empty() {
        says.push(format!("{user} may not use the keys {pattern}"));
    }
    let cure = format!(
        "as an administrator of Redis: {}",
        grant(permissions, user, pattern)
    );
    let says = says.join("; ");
    if must {
        Check::Rights.failed(says, cure)
    } else {
        Check::Rights.warning(format!("{says}{}", without(&forbidden)), cure)
    }
}

/// What is lost without the commands that are not needed for writing.
fn without(forbidden: &[&str]) -> &'static str {
    if forbidden.iter().any(|name| name.starts_with("CLIENT")) {
        ": after a broken connection, or a restart of Kenwell, Redis cannot be told to forget what it still holds of the old one, which could overwrite newer values"
    } else {
        ": profiles cannot be read back"
    }
}

/// The `ACL SETUSER` that grants what is missing.
fn grant(permissions: &[(&RightsTest, Permission)], user: &str, pattern: &str) -> String {
    let mut words = vec!["ACL SETUSER".to_owned(), quoted(user)];
    let with_key = |test: &RightsTest| {
        let of_any = matches!(test.name, "EXPIRE" | "DEL" | "EVAL");
        of_any || matches!(test.name, "HSET" | "HGETALL") || test.name.starts_with("JSON.")
    };
    let keys = || permissions.iter().filter(|(test, _)| with_key(test));
    let denied = keys().any(|(_, permission)| *permission == Permission::KeyDenied);
    // Redis looks at the command first: without any such command it does not tell about the keys.
    let untold = keys().all(|(_, permission)| *permission != Permission::Allowed);
    if denied || untold {
        words.push(quoted(&format!("~{pattern}")));
    }
    for (test, permission) in permissions {
        if test.importance != Importance::ProbeOnly && *permission == Permission::CommandDenied {
            words.push(test.grant.to_owned());
        }
    }
    let line = words.join(" ");
    if untold && !denied {
        return format!("{line} (without the ~ word if the user has all keys already)");
    }
    line
}

/// A word as redis-cli reads it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| !(c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\'));
    if word.chars().all(plain) {
        return word.to_owned();
    }
    let mut text = String::from("\"");
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(denied: &[(&str, Permission)], user: &str, pattern: &str) -> Finding {
        judged_as(DataType::Hash, denied, user, pattern)
    }

    fn judged_as(
        data_type: DataType,
        denied: &[(&str, Permission)],
        user: &str,
        pattern: &str,
    ) -> Finding {
        let settings = Settings {
            database: 3,
            ..Settings::new("h:1")
        };
        let tests = tests(data_type, b"user:x", &settings, &Expiry::default());
        let permissions: Vec<_> = tests
            .iter()
            .map(|test| {
                let found = denied.iter().find(|(name, _)| *name == test.name);
                (
                    test,
                    found.map_or(Permission::Allowed, |(_, permission)| *permission),
                )
            })
            .collect();
        judge(&permissions, user, pattern)
    }

    #[test]
    fn grants_what_is_missing_and_no_more() {
        use Permission::{CommandDenied, KeyDenied};
        for (denied, line) in [
            (&[("HSET", CommandDenied)][..], "ACL SETUSER u +hset"),
            (
                &[("HSET", KeyDenied), ("HGETALL", CommandDenied)],
                "ACL SETUSER u ~user:* +hgetall",
            ),
            (
                &[("CLIENT KILL", CommandDenied), ("DEL", CommandDenied)],
                "ACL SETUSER u +client|kill",
            ),
            (&[("SELECT", CommandDenied)], "ACL SETUSER u +select"),
        ] {
            let cure = judged(denied, "u", "user:*").cure.unwrap();
            assert!(cure.ends_with(&format!(": {line}")), "{cure}");
        }
    }

    #[test]
    fn documents_need_other_commands() {
        let denied = [
            ("JSON.MERGE", Permission::CommandDenied),
            ("EVAL", Permission::CommandDenied),
        ];
        let cure = judged_as(DataType::Json, &denied, "u", "user:*")
            .cure
            .unwrap();
        assert!(
            cure.ends_with(": ACL SETUSER u +json.merge +eval"),
            "{cure}"
        );
        let unknown = [("JSON.MERGE", Permission::CommandUnknown)];
        let found = judged_as(DataType::Json, &unknown, "u", "user:*");
        assert_eq!(found.says, "Redis does not know JSON.MERGE");
        assert!(found.cure.unwrap().contains("remove `json`"));
    }

    #[test]
    fn quotes_as_redis_cli_reads() {
        let denied = [("HSET", Permission::KeyDenied)];
        let cure = judged(&denied, "u", r"a \*:user:*").cure.unwrap();
        assert!(cure.ends_with(r#"ACL SETUSER u "~a \\*:user:*""#), "{cure}");
    }

    #[test]
    fn the_rights_of_the_probe_are_not_asked_for() {
        let denied = [
            ("EXPIRE", Permission::CommandDenied),
            ("DEL", Permission::CommandDenied),
        ];
        assert_eq!(judged(&denied, "u", "user:*").cure, None);
    }
}
