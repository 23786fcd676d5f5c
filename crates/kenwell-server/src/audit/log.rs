//! What others hold of the audit log: a way to the thread that writes it.

use std::io;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::AuditEntry;
use super::file::{AuditFile, read_all};

/// Entries that wait to be written; more are in the log only.
const WAITING: usize = 1_024;

/// The audit log. Clones write to the same.
#[derive(Debug, Clone)]
pub(crate) struct AuditLog {
    messages: mpsc::Sender<Message>,
}

#[derive(Debug)]
enum Message {
    Note(AuditEntry),
    Read(oneshot::Sender<io::Result<Vec<AuditEntry>>>),
}

impl AuditLog {
    /// The log in this data directory. Its thread ends with the last clone.
    pub(crate) fn open(data_dir: PathBuf) -> Self {
        let (messages, mut received) = mpsc::channel(WAITING);
        let mut writer = Writer {
            data_dir,
            file: None,
            is_failing: false,
        };
        spawn_blocking(move || {
            while let Some(message) = received.blocking_recv() {
                writer.take(message);
            }
        });
        Self { messages }
    }

    /// Tells of a deed: in the log at once, and on disk in a moment.
    pub(crate) fn note(&self, entry: AuditEntry) {
        entry.log();
        if self.messages.try_send(Message::Note(entry)).is_err() {
            tracing::warn!("a deed is in the log only: the disk is slower than the deeds");
        }
    }

    /// All entries that are kept, the newest first; all that were noted before are among them, unless they could not be
    /// written. They are some thousand: what the two files hold.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) async fn all(&self) -> io::Result<Vec<AuditEntry>> {
        let (answer, entries) = oneshot::channel();
        let asked = self.messages.send(Message::Read(answer)).await;
        // The thread lives as long as there is somebody to ask.
        let ended = || io::Error::other("the thread of the audit log has ended");
        asked.map_err(|_| ended())?;
        entries.await.map_err(|_| ended())?
    }
}

/// What the thread has.
struct Writer {
    data_dir: PathBuf,
    /// `None` before the first message, and after a failure.
    file: Option<AuditFile>,
    /// Whether the log was told of it.
    is_failing: bool,
}

impl Writer {
    fn take(&mut self, message: Message) {
        let taken = match message {
            Message::Note(entry) => self.open().and_then(|file| file.append(&entry)),
            Message::Read(answer) => {
                let entries = read_all(&self.data_dir).inspect_err(|error| {
                    tracing::warn!(%error, "the deeds in the data directory cannot be read");
                });
                // Nobody waits for it any more, perhaps.
                drop(answer.send(entries));
                return;
            }
        };
        match taken {
            Ok(()) => self.is_failing = false,
            Err(error) => {
                self.file = None;
                if !self.is_failing {
                    tracing::warn!(%error, "deeds cannot be kept in the data directory; they are in the log only");
                }
                self.is_failing = true;
            }
        }
    }

    fn open(&mut self) -> io::Result<&mut AuditFile> {
        let file = match self.file.take() {
            Some(file) => file,
            None => AuditFile::open(&self.data_dir)?,
        };
        Ok(self.file.insert(file))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::{AuditResult, Who};
    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            at: "2026-01-31T12:00:00.000Z".to_owned(),
            who: Who::AdminKey,
            address: None,
            deed: "add_source".to_owned(),
            about: None,
            settings: Vec::new(),
            result: AuditResult::Done,
            status: Some(201),
        }
    }

    #[tokio::test]
    async fn what_was_kept_is_told_also_while_nothing_can_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let log = AuditLog::open(directory.path().to_owned());
        log.note(entry());
        assert_eq!(log.all().await.unwrap(), [entry()]);
        // As a full disk leaves it: a line that is cut short, and no room to end it.
        let (path, old) = (
            directory.path().join("audit.jsonl"),
            directory.path().join("audit.old.jsonl"),
        );
        fs::rename(&path, &old).unwrap();
        fs::write(&path, "{\"at\":").unwrap();
        let mut writer = Writer {
            data_dir: directory.path().to_owned(),
            file: None,
            is_failing: true,
        };
        let (answer, entries) = oneshot::channel();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        writer.take(Message::Read(answer));
        assert_eq!(entries.await.unwrap().unwrap(), [entry()]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"at\":");
        // What cannot be read is an error, and not an empty list.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(log.all().await.is_err());
    }
}
