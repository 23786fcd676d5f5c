//! What the user may do, and the line that grants what is missing.

use std::hash::{BuildHasher, RandomState};

use super::explain;
use super::finding::{Check, Finding};
use super::login;
use crate::connection::{Settings, StagedConnection};
use crate::profile::{DataType, Expiry, Layout, TtlFrom, clocks_key};
use crate::resp::Command;
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
    command: Command,
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
    let tests = tests(layout, &key, staged.settings(), expiry);
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
    findings.push(judge(&permissions, &user, layout));
    let allowed = permissions
        .iter()
        .filter(|(_, permission)| *permission == Permission::Allowed)
        .map(|(test, _)| test.name);
    Some(Rights(allowed.collect()))
}

/// Redis checks rights before it executes: `HSET` with a name that has no value, what writes documents with a text
/// that is no JSON, `CLIENT KILL` of a connection that cannot exist, `CLIENT LIST` of that one, and `EXPIRE` and
/// `DEL` of a key that does not exist change nothing, nor do other times to live of it.
fn tests(layout: &Layout, key: &[u8], settings: &Settings, expiry: &Expiry) -> Vec<RightsTest> {
    use Importance::{ProbeOnly, Recommended, Required};
    let test = |name: &'static str, grant, importance, arguments: &[&[u8]]| {
        let mut command = Command::default();
        for word in name.split(' ') {
            command.arg(word);
        }
        command.args(arguments);
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
    let mut tests = match layout.data_type {
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
    let clocks = clocks_key(key);
    for name in layout.script_commands() {
        // `SET` with an option that there is not, and a script that does nothing or is not known, change nothing.
        let (grant, arguments): (_, &[&[u8]]) = match *name {
            "EVALSHA" => ("+evalsha", &[b"0", b"0"]),
            "EVAL" => ("+eval", &[b"return 0", b"0"]),
            "GET" => ("+get", &[&clocks]),
            "SET" => ("+set", &[&clocks, b"", b"none"]),
            "HKEYS" => ("+hkeys", &[key]),
            "HDEL" => ("+hdel", &[key, b"a"]),
            "HGET" => ("+hget", &[key, b"a"]),
            "HLEN" => ("+hlen", &[key]),
            _ => ("+exists", &[key]),
        };
        tests.push(test(name, grant, Required, arguments));
    }
    if layout.rules.is_by_time() && !settings.cluster_mode {
        let clocks_key = &*clocks;
        let clocks: &[&[u8]] = &[clocks_key];
        tests.push(test("WATCH", "+watch", Recommended, clocks));
        tests.push(test("UNWATCH", "+unwatch", Recommended, &[]));
        tests.push(test("MGET", "+mget", Recommended, clocks));
        // Nothing to put there, so nothing is put there.
        let nothing: &[&[u8]] = &[clocks_key, b"0", b""];
        tests.push(test("SETRANGE", "+setrange", Recommended, nothing));
        // Without a `MULTI` before it, which would hold back what comes after it.
        tests.push(test("EXEC", "+multi +exec", Recommended, &[]));
    }
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

fn judge(permissions: &[(&RightsTest, Permission)], user: &str, layout: &Layout) -> Finding {
    let pattern = layout.pattern();
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
        let keys = [pattern.clone(), layout.clocks_pattern()];
        let is_denied = |clocks: bool| no_key.iter().any(|name| is_about_clocks(name) == clocks);
        let denied = keys.iter().zip([is_denied(false), is_denied(true)]);
        let denied = denied.filter_map(|(keys, is_denied)| is_denied.then_some(keys.as_str()));
        let denied: Vec<&str> = denied.collect();
        says.push(format!(
            "{user} may not use the keys {}",
            denied.join(" and ")
        ));
    }
    let cure = format!(
        "as an administrator of Redis: {}",
        grant(permissions, user, layout)
    );
    let says = says.join("; ");
    if must {
        Check::Rights.failed(says, cure)
    } else {
        Check::Rights.warning(format!("{says}{}", without(&forbidden)), cure)
    }
}

/// Whether a command is only used on clocks.
fn is_about_clocks(name: &str) -> bool {
    matches!(name, "GET" | "SET" | "WATCH" | "MGET" | "SETRANGE")
}

/// What is lost without the commands that are not needed for writing.
fn without(forbidden: &[&str]) -> &'static str {
    if forbidden.iter().any(|name| name.starts_with("CLIENT")) {
        ": after a broken connection, or a restart of Kenwell, Redis cannot be told to forget what it still holds of the old one, which could overwrite newer values"
    } else if forbidden.contains(&"HGETALL") {
        ": profiles cannot be read back"
    } else {
        ": the script writes every event, which costs Redis twice as much"
    }
}

/// The `ACL SETUSER` that grants what is missing.
fn grant(permissions: &[(&RightsTest, Permission)], user: &str, layout: &Layout) -> String {
    let mut words = vec!["ACL SETUSER".to_owned(), quoted(user)];
    let with_key = |test: &RightsTest| {
        let is_json = layout.data_type == DataType::Json;
        let of_any = matches!(test.name, "HSET" | "HGETALL" | "EXPIRE" | "DEL");
        let of_script = !matches!(test.name, "EVALSHA" | "EVAL" | "GET" | "SET");
        of_any
            || test.name.starts_with("JSON.")
            || (is_json && test.name == "EVAL")
            || (of_script && layout.script_commands().contains(&test.name))
    };
    let keys = || permissions.iter().filter(|(test, _)| with_key(test));
    let denied = keys().any(|(_, permission)| *permission == Permission::KeyDenied);
    // Redis looks at the command first: without any such command it does not tell about the keys.
    let untold = keys().all(|(_, permission)| *permission != Permission::Allowed);
    if denied || untold {
        words.push(quoted(&format!("~{}", layout.pattern())));
    }
    let mut clocks = permissions
        .iter()
        .filter(|(test, _)| is_about_clocks(test.name));
    if clocks.any(|(_, permission)| *permission == Permission::KeyDenied) {
        words.push(quoted(&format!("~{}", layout.clocks_pattern())));
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
    use crate::doctor::Status;
    use crate::profile::{Order, Prefix, Rules};

    fn judged(denied: &[(&str, Permission)], user: &str, prefix: &str) -> Finding {
        let layout = Layout {
            prefix: Prefix::parse(prefix),
            ..Layout::default()
        };
        judged_by(denied, user, &layout)
    }

    fn judged_by(denied: &[(&str, Permission)], user: &str, layout: &Layout) -> Finding {
        let settings = Settings {
            database: 3,
            ..Settings::new("h:1")
        };
        let tests = tests(layout, b"user:x", &settings, &Expiry::default());
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
        judge(&permissions, user, layout)
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
            let cure = judged(denied, "u", "").cure.unwrap();
            assert!(cure.ends_with(&format!(": {line}")), "{cure}");
        }
    }

    #[test]
    fn documents_need_other_commands() {
        let denied = [
            ("JSON.MERGE", Permission::CommandDenied),
            ("EVAL", Permission::CommandDenied),
        ];
        let documents = Layout {
            data_type: DataType::Json,
            ..Layout::default()
        };
        let cure = judged_by(&denied, "u", &documents).cure.unwrap();
        assert!(
            cure.ends_with(": ACL SETUSER u +json.merge +eval"),
            "{cure}"
        );
        let unknown = [("JSON.MERGE", Permission::CommandUnknown)];
        let found = judged_by(&unknown, "u", &documents);
        assert_eq!(found.says, "Redis does not know JSON.MERGE");
        assert!(found.cure.unwrap().contains("remove `json`"));
    }

    #[test]
    fn rules_take_the_rights_of_their_script() {
        use Permission::{CommandDenied, KeyDenied};
        let order = Order::ByEventTime {
            clock_tolerance: std::time::Duration::ZERO,
        };
        let by_time = Layout {
            rules: Rules {
                order,
                ..Rules::default()
            },
            ..Layout::default()
        };
        for (denied, line) in [
            (&[("EVALSHA", CommandDenied)][..], "ACL SETUSER u +evalsha"),
            (
                &[("GET", KeyDenied), ("HLEN", CommandDenied)],
                "ACL SETUSER u ~kenwell:clocks:*user:* +hlen",
            ),
        ] {
            let finding = judged_by(denied, "u", &by_time);
            assert_eq!(finding.status, Status::Failed);
            assert!(finding.cure.unwrap().ends_with(line));
        }
        let without = [("WATCH", CommandDenied), ("EXEC", CommandDenied)];
        let finding = judged_by(&without, "u", &by_time);
        assert_eq!(finding.status, Status::Warning);
        assert!(finding.says.contains("twice as much"), "{}", finding.says);
        let cure = finding.cure.unwrap();
        assert!(
            cure.ends_with("ACL SETUSER u +watch +multi +exec"),
            "{cure}"
        );
        let plain = judged(&[("EVALSHA", CommandDenied)], "u", "");
        assert_eq!(plain.cure, None);
    }

    #[test]
    fn quotes_as_redis_cli_reads() {
        let denied = [("HSET", Permission::KeyDenied)];
        let cure = judged(&denied, "u", "a *").cure.unwrap();
        assert!(cure.ends_with(r#"ACL SETUSER u "~a \\*:user:*""#), "{cure}");
    }

    #[test]
    fn the_rights_of_the_probe_are_not_asked_for() {
        let denied = [
            ("EXPIRE", Permission::CommandDenied),
            ("DEL", Permission::CommandDenied),
        ];
        assert_eq!(judged(&denied, "u", "").cure, None);
    }
}
