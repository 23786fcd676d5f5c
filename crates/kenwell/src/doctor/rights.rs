//! What the user may do, and the line that grants what is missing.

use redis::Cmd;

use super::explain;
use super::finding::{Check, Finding};
use super::login;
use super::probe::probe_user;
use crate::connection::{Settings, StagedConnection};
use crate::profile::Layout;
use crate::{Class, Error};

/// The commands that the user may run on the keys of users.
pub(super) struct Rights(Vec<&'static str>);

impl Rights {
    pub(super) fn allow(&self, command: &str) -> bool {
        self.0.contains(&command)
    }
}

/// A command that is tried in a form that changes nothing.
struct Trial {
    name: &'static str,
    /// As `ACL SETUSER` takes it.
    grant: &'static str,
    command: Cmd,
    need: Need,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// No profile is written without it.
    Must,
    /// Something works less well without it.
    Should,
    /// Only the doctor's probe wants it.
    Probe,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Allowed,
    NoCommand,
    NoKey,
    Unknown,
}

/// Tries every command that Kenwell uses.
pub(super) async fn examine(
    staged: &mut StagedConnection,
    layout: &Layout,
    findings: &mut Vec<Finding>,
) -> Option<Rights> {
    let trials = trials(&layout.key(&probe_user()), staged.settings());
    let mut answers = Vec::with_capacity(trials.len());
    for trial in &trials {
        match staged.ask(trial.name, &trial.command).await {
            Err(error @ (Error::Lost { .. } | Error::Timeout { .. })) => {
                findings.push(explain::failed(Check::Rights, &error));
                return None;
            }
            reply => answers.push((trial, answer(reply.err().as_ref()))),
        }
    }
    let user = login::user(staged.settings());
    findings.push(judge(&answers, &user, &layout.pattern()));
    let allowed = answers
        .iter()
        .filter(|(_, answer)| *answer == Answer::Allowed)
        .map(|(trial, _)| trial.name);
    Some(Rights(allowed.collect()))
}

/// Redis checks rights before it executes: `HSET` with a name that has no value, `CLIENT KILL` of a
/// connection that cannot exist, `CLIENT LIST` of that one, and `EXPIRE` and `DEL` of a key that nobody has made, change nothing.
fn trials(key: &[u8], settings: &Settings) -> Vec<Trial> {
    let trial = |name: &'static str, grant, need, arguments: &[&[u8]]| {
        let mut command = Cmd::new();
        for word in name.split(' ') {
            command.arg(word);
        }
        for argument in arguments {
            command.arg(*argument);
        }
        Trial {
            name,
            grant,
            command,
            need,
        }
    };
    let nobody = i64::MAX.to_string();
    let by_id: &[&[u8]] = &[b"ID", nobody.as_bytes()];
    let nobody: &[&[u8]] = &[b"ID", nobody.as_bytes(), b"ADDR", b"0.0.0.0:0"];
    let name: &[&[u8]] = &[b"kenwell:doctor"];
    let mut trials = vec![
        trial("HSET", "+hset", Need::Must, &[key, b"a", b"1", b"b"]),
        trial("HGETALL", "+hgetall", Need::Should, &[key]),
        trial("CLIENT INFO", "+client|info", Need::Should, &[]),
        trial("CLIENT KILL", "+client|kill", Need::Should, nobody),
        trial("CLIENT LIST", "+client|list", Need::Should, by_id),
        trial("CLIENT SETNAME", "+client|setname", Need::Should, name),
        trial("EXPIRE", "+expire", Need::Probe, &[key, b"1"]),
        trial("DEL", "+del", Need::Probe, &[key]),
    ];
    if settings.cluster_mode {
        trials.push(trial("CLUSTER SLOTS", "+cluster|slots", Need::Must, &[]));
        trials.push(trial("ASKING", "+asking", Need::Must, &[]));
    }
    if settings.database != 0 {
        let number = settings.database.to_string();
        trials.push(trial("SELECT", "+select", Need::Must, &[number.as_bytes()]));
    }
    trials
}

pub(super) fn answer(error: Option<&Error>) -> Answer {
    match error {
        Some(Error::Refused { reply, .. }) if reply.code() == "NOPERM" => {
            if reply.class() == Class::Unknown {
                Answer::NoKey
            } else {
                Answer::NoCommand
            }
        }
        Some(Error::Refused { reply, .. }) if reply.text().contains("unknown command") => {
            Answer::Unknown
        }
        // Whatever else it says, it says after it has checked the rights.
        _ => Answer::Allowed,
    }
}

fn judge(answers: &[(&Trial, Answer)], user: &str, pattern: &str) -> Finding {
    let ours = || {
        answers
            .iter()
            .filter(|(trial, _)| trial.need != Need::Probe)
    };
    let answered = |of: Answer| -> Vec<&str> {
        ours()
            .filter(|(_, answer)| *answer == of)
            .map(|(trial, _)| trial.name)
            .collect()
    };
    let must = ours().any(|(trial, answer)| trial.need == Need::Must && *answer != Answer::Allowed);
    let unknown = answered(Answer::Unknown);
    if must && !unknown.is_empty() {
        return Check::Rights.failed(
            format!("Redis does not know {}", unknown.join(", ")),
            "remove `rename-command` for it from Redis; if this is a proxy, use one that knows it",
        );
    }
    let (forbidden, no_key) = (answered(Answer::NoCommand), answered(Answer::NoKey));
    if forbidden.is_empty() && no_key.is_empty() {
        let names: Vec<&str> = ours().map(|(trial, _)| trial.name).collect();
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
        grant(answers, user, pattern)
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
fn grant(answers: &[(&Trial, Answer)], user: &str, pattern: &str) -> String {
    let mut words = vec!["ACL SETUSER".to_owned(), quoted(user)];
    let with_key = |trial: &Trial| matches!(trial.name, "HSET" | "HGETALL" | "EXPIRE" | "DEL");
    let keys = || answers.iter().filter(|(trial, _)| with_key(trial));
    let denied = keys().any(|(_, answer)| *answer == Answer::NoKey);
    // Redis looks at the command first: without any such command it does not tell about the keys.
    let untold = keys().all(|(_, answer)| *answer != Answer::Allowed);
    if denied || untold {
        words.push(quoted(&format!("~{pattern}")));
    }
    for (trial, answer) in answers {
        if trial.need != Need::Probe && *answer == Answer::NoCommand {
            words.push(trial.grant.to_owned());
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

    fn judged(denied: &[(&str, Answer)], user: &str, pattern: &str) -> Finding {
        let settings = Settings {
            database: 3,
            ..Settings::new("h:1")
        };
        let trials = trials(b"user:x", &settings);
        let answers: Vec<_> = trials
            .iter()
            .map(|trial| {
                let found = denied.iter().find(|(name, _)| *name == trial.name);
                (trial, found.map_or(Answer::Allowed, |(_, answer)| *answer))
            })
            .collect();
        judge(&answers, user, pattern)
    }

    #[test]
    fn grants_what_is_missing_and_no_more() {
        use Answer::{NoCommand, NoKey};
        for (denied, line) in [
            (&[("HSET", NoCommand)][..], "ACL SETUSER u +hset"),
            (
                &[("HSET", NoKey), ("HGETALL", NoCommand)],
                "ACL SETUSER u ~user:* +hgetall",
            ),
            (
                &[("CLIENT KILL", NoCommand), ("DEL", NoCommand)],
                "ACL SETUSER u +client|kill",
            ),
            (&[("SELECT", NoCommand)], "ACL SETUSER u +select"),
        ] {
            let cure = judged(denied, "u", "user:*").cure.unwrap();
            assert!(cure.ends_with(&format!(": {line}")), "{cure}");
        }
    }

    #[test]
    fn quotes_as_redis_cli_reads() {
        let denied = [("HSET", Answer::NoKey)];
        let cure = judged(&denied, "u", r"a \*:user:*").cure.unwrap();
        assert!(cure.ends_with(r#"ACL SETUSER u "~a \\*:user:*""#), "{cure}");
    }

    #[test]
    fn the_rights_of_the_probe_are_not_asked_for() {
        let denied = [("EXPIRE", Answer::NoCommand), ("DEL", Answer::NoCommand)];
        assert_eq!(judged(&denied, "u", "user:*").cure, None);
    }
}
