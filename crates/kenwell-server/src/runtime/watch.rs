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
    reload::{Occasion, Outcome, SETTLED},
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
struct Look {
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
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut seen, mut since) = (None, Instant::now());
        let mut due = None;
        loop {
            let read = tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => Some(Occasion::Asked),
                _ = ticks.tick() => {
                    clock::look();
                    let now = Some(look(&path));
                    if now == seen {
                        due.and_then(|due: Due| due.occasion(since))
                    } else {
                        (seen, since, due) = (now, Instant::now(), Some(Due::CHANGED));
                        None
                    }
                }
            };
            if let Some(occasion) = read {
                due = Due::after(self.take_over(occasion).await);
            }
            self.settle_idle().await;
        }
    }
}

/// When the file is to be read, and why.
#[derive(Clone, Copy)]
enum Due {
    /// It changed: once it has been as it is for so long.
    Changed(Duration),
    /// Once more, from this moment on.
    Again(Instant),
}

impl Due {
    const CHANGED: Self = Self::Changed(Duration::ZERO);

    fn after(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Done => None,
            Outcome::Unsettled => Some(Self::Changed(SETTLED)),
            Outcome::Again => Some(Self::Again(Instant::now() + RETRY)),
        }
    }

    /// Why it is to be read now, if it is, after it was last seen to change at `since`.
    fn occasion(self, since: Instant) -> Option<Occasion> {
        let unchanged = since.elapsed();
        match self {
            Self::Changed(wait) => (unchanged >= wait).then_some(Occasion::Changed { unchanged }),
            Self::Again(at) => (Instant::now() >= at).then_some(Occasion::Again),
        }
    }
}

/// `None` when there is no file.
fn look(path: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    Some(Look {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.size(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}
