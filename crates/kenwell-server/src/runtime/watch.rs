//! Notices that the file was edited by hand, or that somebody asks to have it read again.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    Runtime,
    reload::{ReloadOutcome, ReloadReason, SETTLED},
};
use crate::clock;

/// How often the file is looked at. An edit by hand is noticed at one look, and read at the next one if
/// nobody wrote meanwhile: editors that empty a file before they fill it are not to be caught in between.
/// Looking works on every file system and through every kind of link, which notifications do not.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long after a refusal that may pass by itself the file is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What tells a version of the file from another without reading it.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Fingerprint {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    modified: (i64, i64),
}

/// When the file is to be read, and why.
#[derive(Clone, Copy)]
enum NextRead {
    /// It changed: once it has been as it is for so long.
    Changed(Duration),
    /// Once more, from this moment on.
    Retry(Instant),
}

impl Runtime {
    /// Carries out edits by hand until `stop`. `reload` has the file read again in any case, with the
    /// secrets and certificates that it names.
    pub async fn watch(self, reload: Arc<Notify>, stop: CancellationToken) {
        let path = self.state().path;
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut seen, mut changed_at) = (None, Instant::now());
        let mut next: Option<NextRead> = None;
        loop {
            let reason = tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => Some(ReloadReason::Asked),
                _ = ticks.tick() => {
                    clock::check_for_jumps();
                    let now = Some(fingerprint(&path));
                    if now != seen {
                        (seen, changed_at) = (now, Instant::now());
                        next = Some(NextRead::Changed(Duration::ZERO));
                        None
                    } else {
                        next.and_then(|next| next.reason(changed_at))
                    }
                }
            };
            if let Some(reason) = reason {
                next = match self.take_over(reason).await {
                    ReloadOutcome::Done => None,
                    ReloadOutcome::Unsettled => Some(NextRead::Changed(SETTLED)),
                    ReloadOutcome::Retry => Some(NextRead::Retry(Instant::now() + RETRY)),
                };
            }
            self.close_idle().await;
        }
    }
}

impl NextRead {
    /// Why the file is to be read now, if it is, after it was last seen to change at `changed_at`.
    fn reason(self, changed_at: Instant) -> Option<ReloadReason> {
        let unchanged = changed_at.elapsed();
        match self {
            Self::Changed(wait) => {
                (unchanged >= wait).then_some(ReloadReason::Changed { unchanged })
            }
            Self::Retry(at) => (Instant::now() >= at).then_some(ReloadReason::Retry),
        }
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
