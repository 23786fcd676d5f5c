//! Getting in: the password, and the database.

use super::explain;
use super::finding::{Check, Finding};
use crate::Error;
use crate::connection::{Settings, Socket, StagedConnection};
use crate::reply::LoginProblem;
use crate::resp::Command;

/// The user that the settings log in as.
pub(super) fn user(settings: &Settings) -> String {
    let user = settings.password.as_ref().and_then(|_| settings.user_now());
    user.unwrap_or_else(|| "default".to_owned())
}

/// Logs in. Whatever Redis says to a newcomer shows here.
pub(super) async fn log_in(
    staged: &mut StagedConnection,
    socket: Socket,
    findings: &mut Vec<Finding>,
) -> Option<()> {
    let result = staged.log_in(socket).await;
    let settings = staged.settings();
    findings.push(match &result {
        Ok(()) if settings.password.is_some() => {
            Check::Login.ok(format!("logged in as {}", user(settings)))
        }
        Ok(()) => Check::Login.ok("no password is set and Redis wants none"),
        Err(error) => refused(error, settings),
    });
    result.ok()
}

fn refused(error: &Error, settings: &Settings) -> Finding {
    let problem = match error {
        Error::Refused { reply, .. } => reply.login_problem(),
        _ => None,
    };
    match (problem, error) {
        (Some(LoginProblem::WrongPassword), _) => {
            let user = user(settings);
            let says = format!("Redis refuses this password for the user {user}");
            let cure = if user == "default" {
                "correct `password`; set `username` if it belongs to an ACL user"
            } else {
                "correct `password` or `username` (redis-cli ACL LIST shows the users; the user must be `on`)"
            };
            Check::Login.failed(says, cure)
        }
        (Some(LoginProblem::PasswordNotNeeded), _) => Check::Login.failed(
            "a password is set, but Redis has none",
            "remove `password`, or give Redis that password (`requirepass`)",
        ),
        (_, Error::Lost { .. }) if !settings.secure => Check::Login.failed(
            "what listens there does not answer as Redis does in plain text",
            "if that port speaks TLS, set `secure = true`; otherwise correct the port in `address`",
        ),
        (_, Error::Timeout { .. }) => Check::Login.failed(
            format!("logging in {}", explain::took(error)),
            "see whether Redis is stopped or overloaded, and whether `address` is a Redis at all",
        ),
        (_, error) => explain::failed(Check::Login, error),
    }
}

/// Selects the database.
pub(super) async fn select(
    staged: &mut StagedConnection,
    findings: &mut Vec<Finding>,
) -> Option<()> {
    let database = staged.settings().database;
    if database == 0 {
        findings.push(Check::Database.ok("database 0"));
        return Some(());
    }
    let command = Command::new("SELECT").arg(database).take();
    let result = staged.ask("SELECT", &command).await;
    findings.push(match &result {
        Ok(_) => Check::Database.ok(format!("database {database}")),
        Err(Error::Refused { reply, .. }) if reply.text().contains("out of range") => {
            Check::Database.failed(
                format!("Redis has no database {database}"),
                "set `database` to a lower number (0 always exists), or raise `databases` of Redis",
            )
        }
        Err(Error::Refused { reply, .. }) if reply.text().contains("cluster mode") => {
            Check::Database.failed(
                format!("a Redis Cluster has only database 0, not {database}"),
                "set `database = 0`",
            )
        }
        Err(error) => explain::failed(Check::Database, error),
    });
    match result {
        Err(Error::Lost { .. } | Error::Timeout { .. }) => None,
        // The rest of the server can be examined from any database.
        _ => Some(()),
    }
}
