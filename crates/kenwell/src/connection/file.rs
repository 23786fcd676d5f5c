//! Files that settings name: read at start, and again at each new connection.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes that such a file may have: 1 MiB, more than the certificates of all public
/// authorities together.
const MAX_BYTES: u64 = 1 << 20;

/// The text of a regular file. Anything else, such as a pipe, might keep us waiting for ever, and
/// gives its content only once.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let about = |problem: &str| {
        let problem = format!("{}: {problem}", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    };
    if !std::fs::metadata(path)?.is_file() {
        return Err(about("this is no regular file"));
    }
    let mut text = String::new();
    let read = File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_BYTES) {
        return Err(about("it has more than 1 MiB"));
    }
    Ok(text)
}

/// The same, without the newline that editors put at the end.
pub(super) fn read_line(path: &Path) -> io::Result<String> {
    let mut text = read(path)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_bounded_regular_and_lose_one_newline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (content, line) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            (" a \n\n", " a \n"),
            ("\n", ""),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read_line(&path).unwrap(), line);
        }
        std::fs::write(&path, vec![b'a'; 1 << 20]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1 << 20);
        std::fs::write(&path, vec![b'a'; (1 << 20) + 1]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("1 MiB"));
        let folder = read(folder.path()).unwrap_err().to_string();
        assert!(folder.contains("no regular file"), "{folder}");
    }
}
