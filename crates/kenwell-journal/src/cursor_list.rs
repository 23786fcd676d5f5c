//! The list of all cursors, in a file of its own. It distinguishes a new cursor from one whose file is missing.

use std::io::{self, Read};
use std::path::Path;

use crate::cursor::CursorName;
use crate::error::Error;
use crate::files;

/// Name of the file that lists the cursors.
pub(crate) const FILE_NAME: &str = "cursors.list";
/// The most that is read of the list: room for many thousands of cursors.
const MAX_BYTES: u64 = 4 << 20;
const FIRST_LINE: &str = "kenwell-journal cursors 1";

/// What the list says.
#[derive(Debug)]
pub(crate) enum CursorList {
    /// These are all cursors.
    Valid(Vec<CursorName>),
    /// There is no list: the directory is new, was written by an older version, or the file was deleted.
    Missing,
    /// It cannot be read.
    Damaged,
}

/// Reads the list in `dir`.
pub(crate) fn read(dir: &Path) -> Result<CursorList, Error> {
    let path = dir.join(FILE_NAME);
    let mut bytes = Vec::new();
    let read = files::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(parse(&bytes).map_or(CursorList::Damaged, CursorList::Valid)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(CursorList::Missing),
        Err(error) => Err(Error::io("read", &path)(error)),
    }
}

/// Replaces the list in `dir`, durably, and at once or not at all.
pub(crate) fn write<'a>(
    dir: &Path,
    names: impl Iterator<Item = &'a CursorName>,
) -> Result<(), Error> {
    let path = dir.join(FILE_NAME);
    files::replace(&path, text(names).as_bytes()).map_err(Error::io("write", &path))
}

fn text<'a>(names: impl Iterator<Item = &'a CursorName>) -> String {
    let mut names: Vec<_> = names.map(CursorName::as_str).collect();
    names.sort_unstable();
    let mut text = format!("{FIRST_LINE}\n");
    for name in names {
        text.push_str(name);
        text.push('\n');
    }
    let checksum = crc32c::crc32c(text.as_bytes());
    format!("{text}{checksum:08x}\n")
}

fn parse(bytes: &[u8]) -> Option<Vec<CursorName>> {
    let all = std::str::from_utf8(bytes).ok()?;
    let names = all.strip_prefix(FIRST_LINE)?.strip_prefix('\n')?;
    let (names, _checksum) = names.split_at_checked(names.len().checked_sub(9)?)?;
    let names: Option<Vec<_>> = names
        .lines()
        .map(|name| CursorName::new(name).ok())
        .collect();
    names.filter(|names| text(names.iter()) == all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<CursorName> {
        names
            .iter()
            .map(|name| CursorName::new(name).unwrap())
            .collect()
    }

    #[test]
    fn a_list_comes_back_and_damage_is_noticed() {
        for list in [names(&[]), names(&["a"]), names(&["a", "profiles-2"])] {
            let text = text(list.iter());
            assert_eq!(parse(text.as_bytes()), Some(list));
            for at in 0..text.len() {
                let mut damaged = text.clone().into_bytes();
                damaged[at] ^= 1;
                assert_eq!(parse(&damaged), None, "byte {at} of {text}");
                assert_eq!(parse(&text.as_bytes()[..at]), None, "{at} bytes of {text}");
            }
        }
    }
}
