//! An error that Redis answered with, and the table that says what it means for us.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::class::Class;
use crate::printable::{printable, words};

/// The longest part of a server's message that is kept, in bytes.
const MAX_TEXT: usize = 200;

/// The code of our own scripts when somebody else was faster.
pub(crate) const CHANGED: &str = "CHANGED";

/// How RedisJSON words `WRONGTYPE`, in words that have no code of their own.
const WRONG_JSON_TYPE: &str = "Existing key has wrong Redis type";

/// An error reply of the server.
///
/// Redis repeats keys, values and the user's name in some messages; those parts are cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: Arc<str>,
    text: Arc<str>,
    class: Class,
}

/// What is wrong with a login, as Redis says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginProblem {
    WrongPassword,
    PasswordMissing,
    PasswordNotNeeded,
}

impl Reply {
    pub(crate) fn new(code: &str, text: &str) -> Self {
        // When `EXEC` itself is refused, Redis puts the reason behind these words.
        if let Some(reason) = text.strip_prefix("Transaction discarded because of: ") {
            let reason = reason.strip_prefix('-').unwrap_or(reason);
            let (code, text) = reason.split_once(' ').unwrap_or((reason, ""));
            return Self::new(code, text);
        }
        if WRONG_JSON_TYPE.split_once(' ') == Some((code, text)) {
            return Self::new("WRONGTYPE", WRONG_JSON_TYPE);
        }
        // Redis 6 puts the place in the script before what it says itself of a command within one.
        if code == "@user_script:"
            && let Some((_, reason)) = text.split_once(": ")
        {
            let reason = reason.trim_end();
            let coded = reason.strip_prefix('-').unwrap_or("");
            let (code, text) = coded.split_once(' ').unwrap_or(("ERR", reason));
            return Self::new(code, text);
        }
        let class = class_of(code, text);
        let text = match code {
            "NOPERM" if about_a_key(text) => "no permission to access this key".into(),
            "NOPERM" | "ERR" => nameless(text.strip_prefix(IN_SCRIPT).unwrap_or(text)),
            _ => text.into(),
        };
        let text = presentable(&text);
        let mut text = printable(text).into_owned();
        if lacks_json(&text) {
            text.push_str(NO_JSON);
        }
        Self {
            code: words(&code).into(),
            text: text.into(),
            class,
        }
    }

    /// The reply's first word, such as `WRONGTYPE`; `ERR` when the server gives no reason of its own.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The rest of the reply, without keys, values and the user's name.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the same command will be refused as long as nobody changes the server, its users or its settings.
    pub(crate) fn is_lasting(&self) -> bool {
        let is_known = matches!(self.class, Class::Configuration | Class::Record);
        (*self.code == *"NOPERM" || is_known) && !self.spoils_connection()
    }

    /// What is wrong with the login, if this is about one.
    pub(crate) fn login_problem(&self) -> Option<LoginProblem> {
        let says = |words: &str| self.text.contains(words);
        // Protected mode speaks of passwords too, but it is about where we come from.
        if &*self.code == "DENIED" {
            return None;
        }
        if &*self.code == "WRONGPASS" || says("invalid password") {
            Some(LoginProblem::WrongPassword)
        } else if says("no password is set") || says("without any password configured") {
            Some(LoginProblem::PasswordNotNeeded)
        } else if &*self.code == "NOAUTH" || says("operation not permitted") {
            Some(LoginProblem::PasswordMissing)
        } else {
            None
        }
    }

    /// What to do about it.
    pub fn class(&self) -> Class {
        self.class
    }

    /// After these a new connection may well fare better: another server may answer to the same
    /// name after a failover, and a new login uses the current password.
    pub(crate) fn spoils_connection(&self) -> bool {
        matches!(
            &*self.code,
            "READONLY" | "NOAUTH" | "WRONGPASS" | "MASTERDOWN"
        ) || self.text.contains("max number of clients")
            // Redis hangs up after these words.
            || self.text.contains("Protocol error")
            || &*self.code == "DENIED"
            // What was begun with `MULTI` would go on.
            || (self.text.starts_with("unknown command") && self.text.contains("EXEC"))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.code, self.text)
    }
}

/// What Redis 7.2 and later put before a refusal of a command within a script.
const IN_SCRIPT: &str = "ACL failure in script: ";

/// A refusal of a command as Redis 6 words it. Later ones name the user, whose name may be a secret.
fn nameless(text: &str) -> Cow<'_, str> {
    const REFUSED: &str = " has no permissions";
    let rest = text
        .strip_prefix("User ")
        .and_then(|text| text.rsplit_once(REFUSED));
    rest.map_or(Cow::Borrowed(text), |(_, rest)| {
        Cow::Owned(format!("this user{REFUSED}{rest}"))
    })
}

/// What the words of a server that has no RedisJSON do not say.
const NO_JSON: &str = ": `json` is true, and this server has no RedisJSON, or one before 2.6; use Redis 8, Redis Stack or another server with it, or remove `json`";

/// Whether the server does not know a command of RedisJSON.
fn lacks_json(text: &str) -> bool {
    let command = text.strip_prefix("unknown command ");
    // Of a command within a script servers do not say which one it is. The script that writes hashes does; the others
    // call what only some servers know.
    command.is_some_and(|command| command.contains("JSON."))
        || UNKNOWN_IN_SCRIPT
            .iter()
            .any(|words| text.starts_with(words))
}

/// How servers refuse a command within a script that they do not know: Redis, and Valkey.
const UNKNOWN_IN_SCRIPT: [&str; 2] = [
    "Unknown Redis command called from script",
    "Unknown command called from script",
];

/// The message up to the point where Redis starts to quote the command's arguments.
fn presentable(text: &str) -> &str {
    let text = text
        .split_once(", with args beginning with")
        .map_or(text, |(before, _)| before);
    let end = text
        .char_indices()
        .map(|(at, _)| at)
        .find(|&at| at >= MAX_TEXT)
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end()
}

/// What a reply means. Only the few refusals that are known to be a record's own fault condemn it.
/// Everything that no server is known to say, such as the quota of a provider or the words of a proxy,
/// says nothing about the record.
fn class_of(code: &str, text: &str) -> Class {
    match code {
        "WRONGTYPE" | "CROSSSLOT" => Class::Record,
        // It may be this key, or all keys that we ever name.
        "NOPERM" if about_a_key(text) => Class::Unknown,
        "NOPERM" | "DENIED" | "NOPROTO" | "NOAUTH" | "WRONGPASS" => Class::Configuration,
        "LOADING" | "READONLY" | "CLUSTERDOWN" | "TRYAGAIN" | "MOVED" | "ASK" | "REDIRECT"
        | "OOM" | "MASTERDOWN" | "BUSY" | "MISCONF" | "NOREPLICAS" | "UNBLOCKED" | "EXECABORT"
        | "NOTBUSY" | CHANGED | "FAILOVER" | "INPROG" | "NOGOODSLAVE" | "NOSCRIPT" => {
            Class::Transient
        }
        "ERR" => class_of_err(text),
        _ => Class::Unknown,
    }
}

/// Redis 6: "… to access one of the keys used as arguments"; since 7.0: "No permissions to access a
/// key", or with the key's name in quotes.
fn about_a_key(text: &str) -> bool {
    text.contains("access a key")
        || text.contains("access one of the keys")
        || text.ends_with("' key")
}

fn class_of_err(text: &str) -> Class {
    const CONFIGURATION: &[&str] = &[
        "unknown command",
        UNKNOWN_IN_SCRIPT[0],
        UNKNOWN_IN_SCRIPT[1],
        "DB index is out of range",
        "invalid DB index",
        "cluster support disabled",
        "SELECT is not allowed in cluster mode",
        "no password is set",
        "without any password configured",
        "invalid password",
        "operation not permitted",
        "unsupported command",
        "command not allowed",
        // Within a script: Redis 6.2 to 7.0, and since 7.2.
        "executing the script can't run this command",
        "has no permissions to run",
    ];
    // Old servers and proxies say these without a code of their own.
    const TRANSIENT: &[&str] = &[
        "max number of clients",
        "Connection refused",
        "Connection timed out",
        "Server closed the connection",
        "upstream failure",
        "no upstream host",
        "loading the dataset",
        "try again",
    ];
    const RECORD: &[&str] = &[
        "wrong number of arguments",
        "string exceeds maximum allowed size",
        // Within a script.
        "ACL failure in script: No permissions to access a key",
        "WRONGTYPE",
    ];
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if says(CONFIGURATION) {
        Class::Configuration
    } else if says(TRANSIENT) {
        Class::Transient
    } else if says(RECORD) {
        Class::Record
    } else {
        Class::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Reply {
        let (code, text) = line.split_once(' ').unwrap_or((line, ""));
        Reply::new(code, text)
    }

    /// Replies as Redis 6.2, 7.0, 7.2 and Valkey 8 word them.
    #[test]
    fn server_states_are_transient() {
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "LOADING Valkey is loading the dataset in memory",
            "READONLY You can't write against a read only replica.",
            "CLUSTERDOWN The cluster is down",
            "CLUSTERDOWN Hash slot not served",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "MOVED 3999 127.0.0.1:6381",
            "ASK 3999 127.0.0.1:6381",
            "REDIRECT 127.0.0.1:6380",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            "MISCONF Errors writing to the AOF file: No space left on device",
            "NOREPLICAS Not enough good replicas to write.",
            "UNBLOCKED client unblocked via CLIENT UNBLOCK",
            "ERR max number of clients reached",
            "CHANGED the document was changed by others while it was merged",
        ] {
            assert_eq!(reply(line).class(), Class::Transient, "{line}");
        }
    }

    #[test]
    fn what_an_operator_must_change_is_configuration() {
        for line in [
            "ERR DB index is out of range",
            "ERR invalid DB index",
            "ERR unknown command 'HSET', with args beginning with: 'user:1' 'email' 'a@b.c' ",
            "ERR unknown command 'JSON.MERGE', with args beginning with: 'user:1' '$' '{}' ",
            "ERR Unknown Redis command called from script",
            "ERR Unknown command called from script script: 6db4",
            "ERR unknown command `HSET`, with args beginning with: `user:1`, `email`, ",
            "ERR This instance has cluster support disabled",
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "ERR invalid password",
            "ERR operation not permitted",
            "ERR Client sent AUTH, but no password is set",
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
            "NOPERM this user has no permissions to run the 'hset' command or its subcommand",
            "NOPERM this user has no permissions to run the 'hset' command",
            "NOPERM User kenwell has no permissions to run the 'hset' command",
            "NOPERM No permissions to access database",
            "ERR The user executing the script can't run this command or subcommand",
            "ERR ACL failure in script: User app has no permissions to run the 'get' command",
            "DENIED Redis is running in protected mode because protected mode is enabled",
        ] {
            assert_eq!(reply(line).class(), Class::Configuration, "{line}");
        }
    }

    #[test]
    fn what_only_this_record_can_help_is_record() {
        for line in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "Existing key has wrong Redis type",
            "ERR ACL failure in script: No permissions to access a key",
            "ERR wrong number of arguments for 'hset' command",
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ] {
            assert_eq!(reply(line).class(), Class::Record, "{line}");
        }
    }

    #[test]
    fn what_may_be_anybodys_fault_is_unknown() {
        for line in [
            "NOPERM this user has no permissions to access one of the keys used as arguments",
            "NOPERM No permissions to access a key",
            "NOPERM User kenwell has no permissions to access the 'user:1' key",
            "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000",
            "ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1100031 bytes",
            "ERR illegal address",
            "ERR Protocol error: invalid bulk length",
            "SOMETHINGNEW that no version says yet",
            "nonsense",
        ] {
            assert_eq!(reply(line).class(), Class::Unknown, "{line}");
        }
    }

    #[test]
    fn what_redis_json_says_is_told_in_known_words() {
        let wrong = reply("Existing key has wrong Redis type");
        assert_eq!(wrong.code(), "WRONGTYPE");
        let unknown = reply("ERR unknown command 'JSON.MERGE', with args beginning with: 'user:1'");
        let says = unknown.to_string();
        assert!(
            says.starts_with("ERR unknown command 'JSON.MERGE': `json` is true"),
            "{says}"
        );
        assert!(
            !reply("ERR unknown command 'HSET'")
                .to_string()
                .contains("json")
        );
    }

    #[test]
    fn what_redis_6_says_within_a_script_is_what_it_says_elsewhere() {
        let oom = "@user_script: 13: -OOM command not allowed when used memory > 'maxmemory'.\r\n";
        assert_eq!(
            (reply(oom).code(), reply(oom).class()),
            ("OOM", Class::Transient)
        );
        let replica = "@user_script: 1: -READONLY You can't write against a read only replica.";
        assert!(reply(replica).spoils_connection());
        let right =
            "@user_script: 1: The user executing the script can't run this command or subcommand";
        assert_eq!(reply(right).class(), Class::Configuration);
        assert_eq!(
            reply("NOSCRIPT No matching script.").class(),
            Class::Transient
        );
    }

    #[test]
    fn what_spoilt_a_transaction_is_told() {
        let oom = reply(
            "EXECABORT Transaction discarded because of: -OOM command not allowed when used memory > 'maxmemory'.",
        );
        assert_eq!(oom.code(), "OOM");
        let nested = reply("EXECABORT Transaction discarded because of: READONLY You can't write");
        assert!(nested.spoils_connection());
        let previous = reply("EXECABORT Transaction discarded because of previous errors.");
        assert_eq!(previous.code(), "EXECABORT");
    }

    #[test]
    fn keys_and_values_are_cut_off() {
        let unknown = reply(
            "ERR unknown command 'HSET', with args beginning with: 'user:1' 'email' 'a@b.c' ",
        );
        assert_eq!(unknown.to_string(), "ERR unknown command 'HSET'");
        let command = reply("NOPERM User hunter2 has no permissions to run the 'hset' command");
        let nameless = "NOPERM this user has no permissions to run the 'hset' command";
        assert_eq!(command.to_string(), nameless);
        let words =
            "ERR ACL failure in script: User hunter2 has no permissions to run the 'get' command";
        let nameless = "ERR this user has no permissions to run the 'get' command";
        assert_eq!(reply(words).to_string(), nameless);
        let key = reply("NOPERM User kenwell has no permissions to access the 'user:1' key");
        assert_eq!(key.to_string(), "NOPERM no permission to access this key");
        assert!(
            reply(&format!("ERR {}", "ü".repeat(5000)))
                .to_string()
                .len()
                < 210
        );
    }

    #[test]
    fn a_failover_or_a_login_error_asks_for_a_new_connection() {
        assert!(reply("READONLY You can't write").spoils_connection());
        assert!(reply("NOAUTH Authentication required.").spoils_connection());
        assert!(!reply("LOADING Redis is loading").spoils_connection());
        assert!(!reply("WRONGTYPE Operation").spoils_connection());
    }
}
