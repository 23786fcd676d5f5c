//! Notices that the file was edited by hand, or that somebody asks to have it read again.

use std::{fs, os::unix::fs::MetadataExt, path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::Live;

/// How often the file is looked at. An edit by hand is noticed at one look, and read at the next one if
/// nobody wrote meanwhile: editors that empty a file before they fill it are not to be caught in between.
/// Looking works on every file system and through every kind of link, which notifications do not.
const INTERVAL: Duration = Duration::from_millis(500);

/// What tells a version of the file from another without reading it.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Look {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Live {
    /// Carries out edits by hand until `stop`. `reload` has the file read again in any case, with the
    /// secrets and certificates that it names.
    pub async fn watch(self, reload: Arc<Notify>, stop: CancellationToken) {
        let path = self.state().path;
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut seen, mut taken) = (None, None);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => self.reload().await,
                _ = ticks.tick() => {
                    let now = Some(look(&path));
                    if now == seen && now != taken {
                        taken = now;
                        self.look_again().await;
                    }
                    seen = now;
                }
            }
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
