//! Secrets: given as they are, or by reference to a variable or a file.

use std::path::Path;

use kenwell::connection::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use super::certificate;
use super::section::Reading;
use super::value::{Input, Wrong};

/// Where a secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// In `kenwell.toml` itself.
    File,
    /// In an environment variable.
    Environment,
    /// In a file of its own.
    SecretFile,
}

/// A secret and where it is written.
pub(super) struct Resolved {
    pub(super) secret: Secret,
    pub(super) origin: Origin,
    /// The text that refers to it, `env:NAME` or `file:PATH`, which may be shown.
    pub(super) reference: Option<String>,
}

impl Resolved {
    /// Whether `kenwell.toml` itself holds it.
    pub(super) fn is_literal(&self) -> bool {
        self.origin == Origin::File
    }

    pub(super) fn text(&self) -> &str {
        self.secret.expose()
    }
}

/// The text behind `env:NAME`, `file:PATH` or the literal. No complaint shows a secret's value.
pub(super) fn secret(reading: &Reading<'_>, input: &Input<'_>) -> Result<Resolved, Wrong> {
    resolve(reading, input, |path| {
        Secret::file(path).map_err(|error| {
            Wrong::new(
                format!("cannot read {}: {error}", path.display()),
                "create the file with the secret in it, readable by the user that runs kenwell",
            )
        })
    })
}

/// The same for what is PEM: in a file it may have anything around it.
pub(super) fn pem(
    setting: &'static str,
    reading: &Reading<'_>,
    input: &Input<'_>,
) -> Result<Resolved, Wrong> {
    resolve(reading, input, |path| {
        Secret::pem_file(setting, path).map_err(certificate::wrong)
    })
}

fn resolve(
    reading: &Reading<'_>,
    input: &Input<'_>,
    read: impl FnOnce(&Path) -> Result<Secret, Wrong>,
) -> Result<Resolved, Wrong> {
    let Some(text) = input.as_text() else {
        return Err(input.not_a("text", "\"…\", \"env:NAME\" or \"file:PATH\""));
    };
    let reference = Some(text.to_owned());
    if let Some(name) = text.strip_prefix("env:") {
        return from_variable(reading, name, reference);
    }
    if let Some(path) = text.strip_prefix("file:") {
        return from_file(&reading.resolve(path), reference, read);
    }
    Ok(match input {
        Input::Toml(_) => Resolved {
            secret: Secret::new(text),
            origin: Origin::File,
            reference: None,
        },
        Input::Variable(_) => Resolved {
            secret: Secret::variable(text),
            origin: Origin::Environment,
            reference: None,
        },
    })
}

fn from_variable(
    reading: &Reading<'_>,
    name: &str,
    reference: Option<String>,
) -> Result<Resolved, Wrong> {
    reading.consulted.borrow_mut().insert(name.to_owned());
    match reading.environment.get(name) {
        Some(text) => Ok(Resolved {
            secret: Secret::variable(text),
            origin: Origin::Environment,
            reference,
        }),
        None => Err(Wrong::new(
            format!("the environment variable {name} is not set"),
            format!("set {name}, or write the secret as \"file:PATH\""),
        )),
    }
}

fn from_file(
    path: &Path,
    reference: Option<String>,
    read: impl FnOnce(&Path) -> Result<Secret, Wrong>,
) -> Result<Resolved, Wrong> {
    let secret = read(path)?;
    if secret.expose().is_empty() {
        return Err(Wrong::new(
            format!("{} is empty", path.display()),
            "write the secret into it",
        ));
    }
    Ok(Resolved {
        secret,
        origin: Origin::SecretFile,
        reference,
    })
}
