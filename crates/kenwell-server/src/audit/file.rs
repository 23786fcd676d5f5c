//! `audit.jsonl` in the data directory: one JSON object a line, the newest last. When it is full it becomes
//! `audit.old.jsonl`, in place of the one before, and a new one begins: so the last MiB is always there, and never more
//! than two.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kenwell_journal::files;

use super::AuditEntry;

/// Bytes of one file.
const MAX_BYTES: u64 = 1024 * 1024;
/// The names in the data directory.
pub(super) const NAME: &str = "audit.jsonl";
pub(super) const OLD_NAME: &str = "audit.old.jsonl";

/// The file, open to append to.
pub(super) struct AuditFile {
    path: PathBuf,
    old: PathBuf,
    file: File,
    bytes: u64,
}

/// All entries in this data directory, the newest first. Lines that are none are left out. It writes nothing, so that
/// a full disk hides no deed.
pub(super) fn read_all(data_dir: &Path) -> io::Result<Vec<AuditEntry>> {
    let mut entries = Vec::new();
    for name in [NAME, OLD_NAME] {
        let text = read(&data_dir.join(name))?;
        let lines = text.split(|byte| *byte == b'\n').rev();
        entries.extend(lines.filter_map(|line| serde_json::from_slice::<AuditEntry>(line).ok()));
    }
    Ok(entries)
}

impl AuditFile {
    /// Opens it, or makes it. A line that a crash has cut short is ended.
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(NAME);
        let mut file = files::open_or_make(&path)?;
        let mut bytes = file.seek(SeekFrom::End(0))?;
        if bytes > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        let old = data_dir.join(OLD_NAME);
        Ok(Self {
            path,
            old,
            file,
            bytes,
        })
    }

    /// Appends an entry. It is not synced: it tells of what was done, and is no part of it.
    pub(super) fn append(&mut self, entry: &AuditEntry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > MAX_BYTES {
            fs::rename(&self.path, &self.old)?;
            self.file = files::make_anew(&self.path)?;
            self.bytes = 0;
        }
        self.file.write_all(&line)?;
        self.bytes += length;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match files::open(path) {
        // No file of ours is larger.
        Ok(file) => drop(file.take(MAX_BYTES).read_to_end(&mut text)?),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::{AuditResult, Who};
    use super::*;

    fn entry(deed: &str) -> AuditEntry {
        AuditEntry {
            at: "2026-01-31T12:00:00.000Z".to_owned(),
            who: Who::AdminKey,
            address: Some("192.0.2.1".to_owned()),
            deed: deed.to_owned(),
            about: Some("profiles".to_owned()),
            settings: vec!["address".repeat(100)],
            result: AuditResult::Done,
            status: Some(200),
        }
    }

    fn deeds(directory: &Path) -> Vec<String> {
        let entries = read_all(directory).unwrap().into_iter();
        entries.map(|entry| entry.deed).collect()
    }

    #[test]
    fn the_last_ones_are_kept_and_never_more_than_two_files() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = AuditFile::open(directory.path()).unwrap();
        for number in 0..4_000 {
            file.append(&entry(&number.to_string())).unwrap();
        }
        let size = |name| fs::metadata(directory.path().join(name)).unwrap().len();
        assert!(size(NAME) <= MAX_BYTES && size(OLD_NAME) <= MAX_BYTES);
        let all = deeds(directory.path());
        assert!((1_000..3_000).contains(&all.len()), "{}", all.len());
        let wanted: Vec<_> = (0..4_000)
            .rev()
            .map(|it| it.to_string())
            .take(all.len())
            .collect();
        assert_eq!(all, wanted, "none is missing in between");
    }

    #[test]
    fn a_line_that_was_cut_short_spoils_no_other_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = AuditFile::open(directory.path()).unwrap();
        file.append(&entry("first")).unwrap();
        let path = directory.path().join(NAME);
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(b"{\"at\":\"20");
        fs::write(&path, text).unwrap();
        let mut file = AuditFile::open(directory.path()).unwrap();
        file.append(&entry("second")).unwrap();
        assert_eq!(deeds(directory.path()), ["second", "first"]);
    }
}
