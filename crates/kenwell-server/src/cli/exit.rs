//! How a command ends.

use std::process::ExitCode;

use crate::config::Problems;

/// Why a command did not succeed; decides the exit code.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line or the configuration is wrong: exit code 2.
    Usage(String),
    /// There is no such profile, field or dead letter: exit code 3.
    Absent(String),
    /// It failed: exit code 1.
    Failed(anyhow::Error),
    /// The reader of stdout has closed it, like `head` does. That is success.
    OutputClosed,
}

impl Failure {
    /// A failure with a text of its own.
    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(what.into()))
    }

    /// The text for stderr, if there is something to say.
    pub(super) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(text) | Self::Absent(text) => Some(text.clone()),
            Self::Failed(error) => Some(format!("error: {error:#}")),
            Self::OutputClosed => None,
        }
    }

    /// The exit code, as `kenwell --help` documents it.
    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Failed(_) => ExitCode::FAILURE,
            Self::Usage(_) => ExitCode::from(2),
            Self::Absent(_) => ExitCode::from(3),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Usage(problems.to_string())
    }
}

impl From<kenwell::Error> for Failure {
    fn from(error: kenwell::Error) -> Self {
        // Its text says what caused it already.
        Self::failed(error.to_string())
    }
}

impl From<crate::dead_letters::Error> for Failure {
    fn from(error: crate::dead_letters::Error) -> Self {
        Self::Failed(error.into())
    }
}
