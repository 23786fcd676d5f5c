//! `data_dir/installation-id`: tells this Kenwell from others that use the same Redis.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use kenwell::connection::Connection;
use kenwell_journal::files;

/// Name of the file in the data directory.
const NAME: &str = "installation-id";
/// Random bytes in an id; it has two digits for each.
const BYTES: usize = 16;

/// The id of the installation with this data directory; made, durably, when there is none.
///
/// # Errors
/// Those of the file system, and of the system's randomness. A file that holds something else is an
/// error, too: a new id would be another installation.
pub fn id(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join(NAME);
    match files::open(&path) {
        Ok(file) => read(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data_dir, &path),
        Err(error) => Err(error),
    }
}

/// The connection, under the name of a retry of a destination's dead letters. There is one retry at a time; what one
/// that was killed had sent is ended by the next one, and by the next delivery. Where the installation's id cannot be
/// kept, the connection has no name, and nothing ends what a killed retry had sent.
pub fn for_retry(connection: &Connection, data_dir: &Path, destination: &str) -> Connection {
    match id(data_dir) {
        Ok(installation) => connection.named(&format!("{installation}:{destination}:retry")),
        Err(error) => {
            tracing::warn!(destination.id = destination, %error, "the installation's id cannot be kept in data_dir; if this retry is killed, what it has sent could overwrite newer values");
            connection.another()
        }
    }
}

fn read(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(1_024).read_to_string(&mut text)?;
    let id = text.trim();
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    if id.len() == 2 * BYTES && id.as_bytes().iter().all(is_digit) {
        return Ok(id.to_owned());
    }
    let problem = format!(
        "{NAME} in data_dir does not hold an id of {} digits: remove the file, and a new one is made",
        2 * BYTES
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

fn make(data_dir: &Path, path: &Path) -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let id = format!("{:032x}", u128::from_be_bytes(bytes));
    files::make_directory(data_dir)?;
    files::replace(path, format!("{id}\n").as_bytes())?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_a_damaged_one_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let made = id(&data_dir).unwrap();
        assert_eq!(made.len(), 32);
        assert_eq!(id(&data_dir).unwrap(), made);
        std::fs::write(data_dir.join(NAME), "short").unwrap();
        assert!(id(&data_dir).unwrap_err().to_string().contains(NAME));
    }
}
