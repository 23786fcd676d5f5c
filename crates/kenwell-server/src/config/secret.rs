//! Secrets: given as they are, or by reference to a variable or a file.

use std::path::Path;

use kenwell::connection::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use super::file_reader::FileReader;
use super::input::{Input, ValueError};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundSecret {
    pub(super) secret: Secret,
    /// `None` when it is part of a `url`.
    pub(super) origin: Option<Origin>,
    /// The text that refers to it, `env:NAME` or `file:PATH`, which may be shown.
    pub(super) reference: Option<String>,
}

impl FoundSecret {
    /// Whether `kenwell.toml` itself holds it.
    pub(super) fn is_literal(&self) -> bool {
        self.origin == Some(Origin::File) && !self.text().is_empty()
    }

    pub(super) fn text(&self) -> &str {
        self.secret.expose()
    }

    /// The path of the file that it is in, or the text; for what is no secret.
    pub(super) fn path_or_text(&self) -> String {
        match self.secret.path() {
            Some(path) => path.display().to_string(),
            None => self.text().to_owned(),
        }
    }

    /// What is shown of it when it is no secret: the reference, if it is given by one.
    pub(super) fn shown(&self) -> String {
        self.reference
            .clone()
            .unwrap_or_else(|| self.path_or_text())
    }
}

/// The text behind `env:NAME`, `file:PATH` or the literal. No complaint shows a secret's value.
pub(super) fn secret(file: &FileReader<'_>, input: &Input<'_>) -> Result<FoundSecret, ValueError> {
    resolve(file, input, |path| {
        Secret::file(path).map_err(|error| {
            ValueError::new(
                format!("cannot read {}: {error}", path.display()),
                "create the file with the secret in it, readable by the user that runs kenwell",
            )
        })
    })
}

/// The same with another way to read a file.
pub(super) fn resolve(
    file: &FileReader<'_>,
    input: &Input<'_>,
    read: impl FnOnce(&Path) -> Result<Secret, ValueError>,
) -> Result<FoundSecret, ValueError> {
    let Some(text) = input.as_text() else {
        return Err(input.not_a("text", "\"…\", \"env:NAME\" or \"file:PATH\""));
    };
    let reference = Some(text.to_owned());
    let (secret, origin, reference) = if let Some(name) = text.strip_prefix("env:") {
        (from_variable(file, name)?, Origin::Environment, reference)
    } else if let Some(path) = text.strip_prefix("file:") {
        let secret = from_file(&file.resolve(path), read)?;
        (secret, Origin::SecretFile, reference)
    } else {
        match input {
            Input::Toml(_) => (Secret::new(text), Origin::File, None),
            Input::Variable(_) => (Secret::variable(text), Origin::Environment, None),
        }
    };
    Ok(FoundSecret {
        secret,
        origin: Some(origin),
        reference,
    })
}

fn from_variable(file: &FileReader<'_>, name: &str) -> Result<Secret, ValueError> {
    file.consulted.borrow_mut().insert(name.to_owned());
    let text = file.environment.get(name);
    text.map(Secret::variable).ok_or_else(|| {
        ValueError::new(
            format!("the environment variable {name} is not set"),
            format!("set {name}, or write the secret as \"file:PATH\""),
        )
    })
}

fn from_file(
    path: &Path,
    read: impl FnOnce(&Path) -> Result<Secret, ValueError>,
) -> Result<Secret, ValueError> {
    let secret = read(path)?;
    if secret.expose().is_empty() {
        return Err(ValueError::new(
            format!("{} is empty", path.display()),
            "write the secret into it",
        ));
    }
    Ok(secret)
}
