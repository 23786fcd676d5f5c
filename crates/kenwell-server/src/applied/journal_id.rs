//! `data_dir/journal-id`: tells this journal from every other one whose offsets may be the same.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
};

use kenwell_journal::{Offset, files};

/// Name of the file in the data directory.
const NAME: &str = "journal-id";
/// Digits of an id.
const DIGITS: usize = 16;

/// A random number that a journal gets when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalId(u64);

impl JournalId {
    /// The id of the journal in this data directory, which goes on at `next`. One that begins at its first offset has
    /// none yet, whatever file an earlier one has left: it is made, durably.
    ///
    /// # Errors
    /// Those of the file system, and of the system's randomness. A file that holds something else is an error, too.
    pub fn open(data_dir: &Path, next: Offset) -> io::Result<Self> {
        let path = data_dir.join(NAME);
        if next == Offset::default() {
            return Self::make(data_dir, &path);
        }
        match files::open(&path) {
            Ok(file) => Self::read(file),
            // A journal of an earlier version.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(data_dir, &path),
            Err(error) => Err(error),
        }
    }

    /// The id that these digits show.
    pub(super) fn from_digits(digits: &str) -> Option<Self> {
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
        if digits.len() != DIGITS || !digits.as_bytes().iter().all(is_digit) {
            return None;
        }
        u64::from_str_radix(digits, 16).ok().map(Self)
    }

    fn read(file: File) -> io::Result<Self> {
        let mut text = String::new();
        file.take(1_024).read_to_string(&mut text)?;
        Self::from_digits(text.trim()).ok_or_else(|| {
            let problem = format!(
                "{NAME} in data_dir does not hold an id of {DIGITS} digits: remove the file, and a new one is made"
            );
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })
    }

    fn make(data_dir: &Path, path: &Path) -> io::Result<Self> {
        let mut bytes = [0; DIGITS / 2];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let id = Self(u64::from_be_bytes(bytes));
        files::make_directory(data_dir)?;
        files::replace(path, format!("{id}\n").as_bytes())?;
        Ok(id)
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_keeps_its_id_and_one_that_begins_gets_another() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let first = JournalId::open(&data_dir, Offset(0)).unwrap();
        assert_eq!(JournalId::open(&data_dir, Offset(7)).unwrap(), first);
        let second = JournalId::open(&data_dir, Offset(0)).unwrap();
        assert_ne!(first, second);
        std::fs::write(data_dir.join(NAME), "short").unwrap();
        let error = JournalId::open(&data_dir, Offset(7)).unwrap_err();
        assert!(error.to_string().contains(NAME), "{error}");
        std::fs::remove_file(data_dir.join(NAME)).unwrap();
        assert!(JournalId::open(&data_dir, Offset(7)).is_ok());
    }
}
