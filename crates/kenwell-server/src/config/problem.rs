//! What is wrong with a configuration, where, and how to put it right.

use std::fmt;
use std::path::{Path, PathBuf};

use kenwell::printable;

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file as a whole.
    File(PathBuf),
    /// At a line and column of the file, both counted from 1; columns count characters.
    Line(PathBuf, usize, usize),
    /// In the environment variable of this name.
    Variable(String),
}

/// One error or warning. Its text never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// Path of the setting, such as `destinations.profiles.address`; empty when there is none.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Everything found wrong with a configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// Why it cannot be used; never empty. In the order of the file.
    pub errors: Vec<Problem>,
    /// What is doubtful besides.
    pub warnings: Vec<Problem>,
}

impl Problem {
    /// A problem in the file as a whole.
    pub(crate) fn of_file(
        path: &Path,
        key: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            place: Place::File(path.to_path_buf()),
            key: key.into(),
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl From<Vec<Problem>> for Problems {
    /// These errors, and nothing doubtful besides.
    fn from(errors: Vec<Problem>) -> Self {
        let warnings = Vec::new();
        Self { errors, warnings }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Line(path, line, column) => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A key or a value may hold what would end the line or steer a terminal.
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", printable(&self.key))?;
        }
        let (what, fix) = (printable(&self.what), printable(&self.fix));
        write!(f, "{what}\n  fix: {fix}")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.errors.iter().map(|problem| ("error", problem));
        let warnings = self.warnings.iter().map(|problem| ("warning", problem));
        for (count, (severity, problem)) in errors.chain(warnings).enumerate() {
            let newline = if count == 0 { "" } else { "\n" };
            write!(f, "{newline}{severity}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
