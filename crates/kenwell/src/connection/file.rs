//! Files that settings name: read at start, and again at each new connection.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes that such a file may have: 1 MiB, more than the certificates of all public
/// authorities together.
const MAX_BYTES: u64 = 1 << 20;

/// The bytes of a regular file. Anything else, such as a pipe, might keep us waiting for ever, and
/// gives its content only once.
pub(super) fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let about = |problem: &str| {
        let problem = format!("{}: {problem}", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    };
    if !std::fs::metadata(path)?.is_file() {
        return Err(about("this is no regular file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_BYTES) {
        return Err(about("it has more than 1 MiB"));
    }
    Ok(bytes)
}

/// The text of such a file.
fn read(path: &Path) -> io::Result<String> {
    String::from_utf8(read_bytes(path)?).map_err(|_| {
        let problem = format!("{}: it is no UTF-8 text", path.display());
        io::Error::new(io::ErrorKind::InvalidData, problem)
    })
}

/// The same, without the newline that editors put at the end.
pub(super) fn read_line(path: &Path) -> io::Result<String> {
    let mut text = read(path)?;
    text.truncate(without_line_end(&text).len());
    Ok(text)
}

/// The text without one line end, such as `echo` and editors put behind a secret.
pub(super) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
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
