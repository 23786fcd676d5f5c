//! What others hold of the audit log: a way to the thread that writes it.

use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::AuditEntry;
use super::file::AuditFile;

/// Entries that wait to be written; more are in the log only.
const WAITING: usize = 1_024;
/// The most entries that are told at once.
pub(crate) const MAX_ENTRIES: usize = 500;

/// The audit log. Clones write to the same.
#[derive(Debug, Clone)]
pub(crate) struct AuditLog {
    messages: mpsc::Sender<Message>,
}

#[derive(Debug)]
enum Message {
    Note(AuditEntry),
    Read {
        limit: usize,
        answer: oneshot::Sender<Vec<AuditEntry>>,
    },
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

    /// The last entries, at most so many, the newest first; all that were noted before are among them.
    pub(crate) async fn last(&self, limit: usize) -> Vec<AuditEntry> {
        let (answer, entries) = oneshot::channel();
        let limit = limit.min(MAX_ENTRIES);
        let asked = self.messages.send(Message::Read { limit, answer }).await;
        // The thread lives as long as there is somebody to ask.
        match asked {
            Ok(()) => entries.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
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
            Message::Read { limit, answer } => self.open().and_then(|file| {
                // Nobody waits for it any more, perhaps.
                drop(answer.send(file.last(limit)?));
                Ok(())
            }),
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

    fn open(&mut self) -> std::io::Result<&mut AuditFile> {
        let file = match self.file.take() {
            Some(file) => file,
            None => AuditFile::open(&self.data_dir)?,
        };
        Ok(self.file.insert(file))
    }
}
