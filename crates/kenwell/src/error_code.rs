//! A stable word for each kind of error, so that no program has to parse sentences.

use crate::Error;
use crate::cause::{NotRedis, find_cause};
use crate::reply::LoginProblem;

impl Error {
    /// A stable word for the kind of error, for programs that tell kinds apart:
    ///
    /// | code | what went wrong |
    /// |---|---|
    /// | `settings` | a [setting](Self::setting) cannot work |
    /// | `unreachable` | no connection could be opened |
    /// | `tls_not_trusted` | the server's certificate is not accepted |
    /// | `tls_failed` | the TLS handshake failed for another reason |
    /// | `timeout`, `silent` | there was no answer in time; no byte moved for too long |
    /// | `connection_lost` | the connection broke; what was sent may or may not have been executed |
    /// | `not_redis` | what came is no reply of Redis, or more than the command can answer with |
    /// | `no_permission` | the user may not run the command, or not on this key |
    /// | `refused` | Redis answered with another error, see [`Reply::code`](crate::Reply::code) |
    /// | `connection_dropped` | Redis closes the connection whenever it gets this command |
    /// | `wrong_password` | user or password is wrong |
    /// | `password_missing` | Redis wants a password and none is set |
    /// | `password_not_needed` | a password is set and Redis has none |
    /// | `wrong_kind_of_server` | cluster, standalone server or Sentinel, not as the settings say |
    /// | `not_master`, `unknown_master` | a replica instead of the master; no Sentinel knows the master |
    /// | `closed` | this program has closed the connection |
    /// | `no_runtime` | the call was made outside of a runtime of tokio |
    /// | `within_async` | a blocking call was made within async code |
    /// | `unexpected_reply` | a reply that the command never gives |
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "settings",
            Self::Connect { .. } => "unreachable",
            Self::Tls { source, .. } if is_about_trust(source) => "tls_not_trusted",
            Self::Tls { .. } => "tls_failed",
            Self::Silent { .. } => "silent",
            Self::Timeout { .. } => "timeout",
            Self::Lost { source, .. } if find_cause::<NotRedis>(source).is_some() => "not_redis",
            Self::Lost { .. } => "connection_lost",
            Self::Refused { reply, .. }
            | Self::Needed { reply, .. }
            | Self::RefusedAlone { reply, .. }
            | Self::Opening { reply, .. } => match reply.code() {
                "NOPERM" => "no_permission",
                _ => "refused",
            },
            Self::Dropped { .. } => "connection_dropped",
            Self::Login { reply, .. } => match reply.login_problem() {
                Some(LoginProblem::WrongPassword) => "wrong_password",
                Some(LoginProblem::PasswordNotNeeded) => "password_not_needed",
                Some(LoginProblem::PasswordMissing) | None => "password_missing",
            },
            Self::OtherKind { .. } => "wrong_kind_of_server",
            Self::NotMaster { .. } => "not_master",
            Self::UnknownMaster { .. } => "unknown_master",
            Self::Closed { .. } => "closed",
            Self::NoRuntime { .. } => "no_runtime",
            Self::WithinAsync { .. } => "within_async",
            Self::Unexpected { .. } => "unexpected_reply",
        }
    }

    /// The setting that cannot work, in the configuration's spelling, for errors with the code `settings`.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Settings { setting, .. } => Some(setting),
            _ => None,
        }
    }

    /// What is wrong, without the name of the setting, and what to do if it says so. The sentences of
    /// [`Settings`](Self::Settings) put that behind their last semicolon.
    pub fn into_problem_and_cure(self) -> (String, Option<String>) {
        let text = match self {
            Self::Settings { problem, .. } => problem,
            other => other.to_string(),
        };
        match text.rsplit_once("; ") {
            Some((problem, cure)) => (problem.to_owned(), Some(cure.to_owned())),
            None => (text, None),
        }
    }
}

/// Whether a handshake failed because the certificate is not accepted.
#[cfg(feature = "tls")]
fn is_about_trust(source: &std::io::Error) -> bool {
    let cause = find_cause(source);
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}

/// There are no handshakes.
#[cfg(not(feature = "tls"))]
fn is_about_trust(_source: &std::io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;
    use crate::Reply;

    fn login(code: &str, text: &str) -> Error {
        Error::Login {
            address: "h:1".into(),
            reply: Reply::new(code, text),
            cure: "".into(),
        }
    }

    fn tls(source: rustls::Error) -> Error {
        Error::Tls {
            address: "h:1".into(),
            problem: "p".to_owned(),
            cure: "c".to_owned(),
            source: Arc::new(io::Error::new(io::ErrorKind::InvalidData, source)),
        }
    }

    fn lost(source: io::Error) -> Error {
        Error::Lost {
            address: "h:1".into(),
            command: "GET",
            source: source.into(),
        }
    }

    fn refused(code: &str) -> Error {
        Error::Refused {
            address: "h:1".into(),
            command: "GET",
            reply: Reply::new(code, "text"),
        }
    }

    #[test]
    fn each_kind_has_its_word() {
        use rustls::{AlertDescription, CertificateError};
        let not_redis = NotRedis("it sent nonsense".to_owned());
        let reset = io::ErrorKind::ConnectionReset;
        for (error, code) in [
            (Error::wrong_setting("url", "no"), "settings"),
            (login("WRONGPASS", "no"), "wrong_password"),
            (login("ERR", "invalid password"), "wrong_password"),
            (login("NOAUTH", "no"), "password_missing"),
            (
                login("ERR", "Client sent AUTH, but no password is set"),
                "password_not_needed",
            ),
            (
                tls(CertificateError::UnknownIssuer.into()),
                "tls_not_trusted",
            ),
            (
                tls(rustls::Error::AlertReceived(AlertDescription::UnknownCA)),
                "tls_failed",
            ),
            (lost(reset.into()), "connection_lost"),
            (lost(io::Error::new(reset, not_redis)), "not_redis"),
            (refused("NOPERM"), "no_permission"),
            (refused("WRONGTYPE"), "refused"),
            (refused("NOPERM").while_opening(), "no_permission"),
        ] {
            assert_eq!(error.code(), code, "{error}");
        }
    }

    #[test]
    fn a_setting_is_named_apart_from_what_is_wrong_and_what_to_do() {
        let error = Error::wrong_setting("url", "it has a; b; write c");
        assert_eq!(error.setting(), Some("url"));
        let parts = ("it has a; b".to_owned(), Some("write c".to_owned()));
        assert_eq!(error.into_problem_and_cure(), parts);
        let error = Error::wrong_setting("url", "no");
        assert_eq!(error.into_problem_and_cure(), ("no".to_owned(), None));
        assert_eq!(refused("OOM").setting(), None);
    }
}
