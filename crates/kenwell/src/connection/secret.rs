//! A password or key that no log line can show.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::file;
#[cfg(feature = "tls")]
use super::pem;
#[cfg(feature = "tls")]
use crate::Error;

/// A secret text, given as it is or by the file that holds it: `Debug` prints `***`, and there is no
/// `Display`.
///
/// Comparing two secrets with `==` is meant for noticing a changed configuration. It is not
/// constant-time: compare what a stranger sent with [`expose`](Self::expose) and a constant-time
/// comparison.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    text: String,
    /// Where it was read, if it was.
    file: Option<PathBuf>,
}

impl Secret {
    /// Wraps a secret text.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            text: secret.into(),
            file: None,
        }
    }

    /// Reads a secret from a regular file of at most 1 MiB, without the newline at its end.
    ///
    /// A [`Connection`](super::Connection) reads the file again before each login, so that a secret
    /// that was replaced is taken up.
    pub fn file(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        Ok(Self {
            text: file::read_line(&path)?,
            file: Some(path),
        })
    }

    /// Reads a PEM file, as [`pem::read_file`] does.
    ///
    /// # Errors
    /// Those of [`pem::read_file`].
    #[cfg(feature = "tls")]
    pub fn pem_file(setting: &'static str, path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        Ok(Self {
            text: pem::read_file(setting, &path)?,
            file: Some(path),
        })
    }

    /// A secret from an environment variable, without the line end at its end, as one from a file.
    pub fn variable(value: &str) -> Self {
        Self::new(file::without_line_end(value))
    }

    /// The text itself, for the one place that sends or compares it; of a file, what was in it when
    /// it was read.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The file that it was read from, if it was.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The text as it is now: what is in the file, if there is one.
    pub(super) fn current(&self) -> io::Result<Cow<'_, str>> {
        match &self.file {
            Some(path) => file::read_line(path).map(Cow::Owned),
            None => Ok(Cow::Borrowed(&self.text)),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }

    #[test]
    fn one_line_end_is_no_part_of_a_variable() {
        for (value, secret) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\r", "a"),
            (" a \n\n", " a \n"),
        ] {
            assert_eq!(Secret::variable(value).expose(), secret);
        }
    }

    #[test]
    fn a_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        assert!(Secret::file(&path).is_err());
        std::fs::write(&path, "old\n").unwrap();
        let secret = Secret::file(&path).unwrap();
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(secret.expose(), "old");
        assert_eq!(secret.current().unwrap(), "new");
        std::fs::remove_file(&path).unwrap();
        assert!(secret.current().is_err());
        assert_eq!(Secret::new("same").current().unwrap(), "same");
    }
}
