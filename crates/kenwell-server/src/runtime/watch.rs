//! Notices that the file was edited by hand, or that somebody asks to have it read again.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    Runtime,
    change_cause::ReloadReason,
    reload::{SETTLED, Unsettled},
};
use crate::{
    clock,
    service_manager::{Notice, tell},
    ticks::ticks,
};

/// How often the file is looked at. An edit by hand is noticed at one look, and read at the next one if
/// nobody wrote meanwhile: editors that empty a file before they fill it are not to be caught in between.
/// Looking works on every file system and through every kind of link, which notifications do not.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long a changed file has to be as it is before it is read: a look that came late is followed by the next one soon.
const SETTLES: Duration = Duration::from_millis(300);

/// What tells a version of the file from another without reading it.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Fingerprint {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Runtime {
    /// Carries out edits by hand until `stop`. `reload` has the file read again in any case, with the
    /// secrets and certificates that it names.
    pub async fn watch(self, reload: Arc<Notify>, stop: CancellationToken) {
        let path = self.state().path;
        let mut ticks = ticks(INTERVAL);
        let (mut seen, mut changed_at) = (None, Instant::now());
        // How long a changed file has to be as it is until it is read; `None` once it was.
        let mut unread = None;
        loop {
            let reason = tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => Some(ReloadReason::Asked),
                _ = ticks.tick() => {
                    clock::check_for_jumps();
                    let now = Some(fingerprint(&path));
                    if now == seen {
                        self.reason(unread, changed_at.elapsed())
                    } else {
                        (seen, changed_at, unread) = (now, Instant::now(), Some(SETTLES));
                        None
                    }
                }
            };
            if let Some(reason) = reason {
                let is_asked = reason == ReloadReason::Asked;
                if is_asked {
                    tell(Notice::Reloading);
                }
                let taken_over = self.take_over(reason).await;
                if is_asked {
                    tell(self.notice());
                }
                unread = taken_over.err().map(|Unsettled| SETTLED);
            }
            self.close_idle().await;
        }
    }

    /// What systemd is told after a reload.
    fn notice(&self) -> Notice {
        let status = if self.state().problems.is_empty() {
            "accepting events"
        } else {
            "accepting events; the configuration file cannot be used, and what it said before goes on"
        };
        Notice::Ready { status }
    }

    /// Why a file that has been `unchanged` for so long is to be read now, if it is.
    fn reason(&self, unread: Option<Duration>, unchanged: Duration) -> Option<ReloadReason> {
        if let Some(wait) = unread {
            return (unchanged >= wait).then_some(ReloadReason::Changed { unchanged });
        }
        let retry_at = self.read(|snapshot| snapshot.retry_at)?;
        (Instant::now() >= retry_at).then_some(ReloadReason::Retry)
    }
}

/// `None` when there is no file.
fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let metadata = fs::metadata(path).ok()?;
    Some(Fingerprint {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.size(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}
