//! The user name and password of a login, as the settings and the files that they name have them at this moment.

use std::path::Path;

use super::file;
use super::secret::Secret;
use super::server_kind::ServerKind;
use super::settings::Settings;
use crate::Error;
use crate::reply::LoginProblem;
use crate::resp::Command;

/// A user's name and password for one login.
pub(super) struct Credentials {
    username: Option<String>,
    password: String,
}

impl Credentials {
    /// Reads them; `None` when no password is set, and then nothing is sent.
    pub(super) fn read(settings: &Settings, expected: ServerKind) -> Result<Option<Self>, Error> {
        let (name, password) = names(expected);
        let Some(secret) = &settings.password else {
            return Ok(None);
        };
        let text = secret
            .current()
            .map_err(|error| unreadable(password, secret.path(), &error))?;
        if text.is_empty() {
            return Err(Error::wrong_setting(
                password,
                "it is empty; write the password into it",
            ));
        }
        let username = match &settings.username_file {
            Some(path) => {
                Some(file::read_line(path).map_err(|error| unreadable(name, Some(path), &error))?)
            }
            None => settings.username.clone(),
        };
        Ok(Some(Self {
            username,
            password: text.into_owned(),
        }))
    }

    /// `AUTH` with a name, as Redis 6 and later have it.
    pub(super) fn named(&self) -> Command {
        Command::new("AUTH")
            .arg(self.username.as_deref().unwrap_or("default"))
            .arg(&self.password)
            .take()
    }

    /// `AUTH` as older servers want it, if no name was given.
    pub(super) fn unnamed(&self) -> Option<Command> {
        let unnamed = || Command::new("AUTH").arg(&self.password).take();
        self.username.is_none().then(unnamed)
    }
}

impl Settings {
    /// The name of the user to be shown: as its file has it now if there is one.
    pub(crate) fn user_now(&self) -> Option<String> {
        if self.username_shown.is_some() {
            return self.username_shown.clone();
        }
        match &self.username_file {
            Some(path) => file::read_line(path).ok(),
            None => self.username.clone(),
        }
    }
}

/// A refused login, with the setting to change; any other error as it is.
pub(super) fn explained(error: Error, settings: &Settings, expected: ServerKind) -> Error {
    let Error::Refused { address, reply, .. } = &error else {
        return error;
    };
    let (username, password) = names(expected);
    let cure = match reply.login_problem() {
        None => return error,
        Some(LoginProblem::WrongPassword) => {
            let from = match settings.password.as_ref().and_then(Secret::path) {
                Some(path) => format!(" (read from {})", path.display()),
                None => String::new(),
            };
            format!("correct `{password}`{from} or `{username}`")
        }
        Some(LoginProblem::PasswordNotNeeded) => {
            format!("remove `{password}`, or give Redis that password (`requirepass`)")
        }
        Some(LoginProblem::PasswordMissing) => {
            format!("set `{password}`, and `{username}` if it belongs to an ACL user")
        }
    };
    Error::Login {
        address: address.clone(),
        reply: reply.clone(),
        cure: cure.into(),
    }
}

/// The settings of the user and the password for this kind of server.
fn names(expected: ServerKind) -> (&'static str, &'static str) {
    match expected {
        ServerKind::Sentinel => ("sentinel_username", "sentinel_password"),
        _ => ("username", "password"),
    }
}

/// The error for a file that cannot be read. The operating system's words never hold its content.
pub(super) fn unreadable(
    setting: &'static str,
    path: Option<&Path>,
    error: &std::io::Error,
) -> Error {
    let path = path.map_or_else(String::new, |path| path.display().to_string());
    Error::wrong_setting(
        setting,
        format!("cannot read {path}: {error}; make it a file that Kenwell may read"),
    )
}
