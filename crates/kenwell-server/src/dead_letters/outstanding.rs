//! The outstanding letters of one destination, and what newer events take from them.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use kenwell::profile::{Layout, ProfileUpdate};
use kenwell_journal::ErrorChain;
use tokio::task::spawn_blocking;

use super::error::Error;
use super::files::io;
use super::letter::DeadLetter;
use super::log::Log;
use super::log_follower::LogFollower;
use super::log_line::{FieldsLine, SupersededFields};
use super::newer_write::{NewerWrite, delivered};
use super::refusal_reports::RefusalReports;
use super::supersede_guard::SupersedeGuard;
use crate::mutex::lock;

/// The outstanding letters of one destination. None of them ever puts an older value over a newer one: whoever
/// writes to keys that letters are outstanding for calls [`OutstandingLetters::supersede_older`] before, and
/// [`OutstandingLetters::retry`] leaves those fields alone.
#[derive(Debug)]
pub struct OutstandingLetters {
    pub(super) log: Arc<Log>,
    pub(super) follower: LogFollower,
    /// How many letters there are by code; `None` before the log was read for the first time.
    counts: Mutex<Option<BTreeMap<String, u64>>>,
    /// How many times the log may have got letters, beginning with those it had before this process.
    appends: AtomicU64,
    /// How many of `appends` the index has. Only set when the log was read to its end: whoever finds it behind
    /// while somebody else reads must wait for that one, not take the index as it was.
    appends_indexed: AtomicU64,
    reports: Mutex<RefusalReports>,
    /// Why the log could not be read the last time, if it could not.
    read_error: Mutex<Option<String>>,
}

impl OutstandingLetters {
    pub(super) fn new(log: Arc<Log>, layout: Layout) -> Self {
        Self {
            follower: LogFollower::new(Arc::clone(&log), layout),
            log,
            counts: Mutex::default(),
            appends: AtomicU64::new(1),
            appends_indexed: AtomicU64::new(0),
            reports: Mutex::default(),
            read_error: Mutex::default(),
        }
    }

    /// How the keys are named.
    pub fn layout(&self) -> &Layout {
        &self.follower.layout
    }

    /// How many letters are outstanding for each code of a refusal, as of the last refresh; `None` before
    /// the first one. Does not block.
    pub fn counts(&self) -> Option<BTreeMap<String, u64>> {
        lock(&self.counts).clone()
    }

    /// Writes letters, all or none; returns when they are on disk. Older letters get back what the refused ones
    /// among the writes under way had taken from them. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Full`] when they do not fit, and [`Error::Io`]; nothing was kept then.
    pub fn append(&self, letters: &[DeadLetter], writes: &SupersedeGuard) -> Result<(), Error> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.log.append_letters(letters, writes.restored())?;
        self.refresh_after_change();
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for letter in letters {
            *reasons.entry(letter.code()).or_default() += 1;
        }
        for (reason, letters) in reasons {
            if let Some(letters) = lock(&self.reports).add(reason, letters, Instant::now()) {
                self.report(reason, letters);
            }
        }
        Ok(())
    }

    /// Gives back to older letters what the refused ones among these writes had taken.
    pub(super) fn restore(&self, writes: &SupersedeGuard) -> Result<(), Error> {
        self.log.append_fields(writes.restored())?;
        self.refresh()
    }

    /// Reads what is new in the log, and reports the new letters that were not reported yet and are due. Blocks
    /// on files.
    pub(super) fn refresh_and_report(&self) {
        let error = self
            .refresh()
            .err()
            .map(|error| ErrorChain(&error).to_string());
        let mut known = lock(&self.read_error);
        if let Some(error) = error.as_ref().filter(|_| *known != error) {
            tracing::warn!(
                destination.id = self.log.destination,
                error,
                "the dead letters cannot be read; what is shown of them may be old"
            );
        }
        *known = error;
        drop(known);
        let due = lock(&self.reports).due(Instant::now());
        for (reason, letters) in due {
            self.report(&reason, letters);
        }
    }

    /// Reports the new letters that were not reported yet.
    pub(super) fn report_remaining(&self) {
        let remaining = lock(&self.reports).remaining();
        for (reason, letters) in remaining {
            self.report(&reason, letters);
        }
    }

    fn report(&self, reason: &str, letters: u64) {
        tracing::warn!(
            destination.id = self.log.destination,
            reason,
            letters,
            "Redis refused events for good; they are in the dead-letter log: kenwell dead-letters list"
        );
    }

    /// Reads what a change of the log has made new. The change has happened, so a failure is only logged. Blocks
    /// on files.
    pub fn refresh_after_change(&self) {
        if let Err(error) = self.refresh() {
            tracing::warn!(destination.id = self.log.destination, error = %ErrorChain(&error), "the dead letters cannot be read back after a change; that is tried again before anything is written to their keys");
        }
    }

    /// Takes the fields of these updates, which are about to be written, from the letters of older events,
    /// durably; `newest` is the offset of the newest event that an update carries. To be awaited before the
    /// write, and dropped when the updates have an outcome; quick when there are no letters of these keys.
    ///
    /// # Errors
    /// [`Error::Busy`] when a retry goes on for too long, [`Error::Full`] and [`Error::Io`]: the write has
    /// to wait then.
    pub async fn supersede_older<U: AsRef<ProfileUpdate>>(
        self: &Arc<Self>,
        updates: &[U],
        newest: impl Fn(&U) -> u64,
    ) -> Result<SupersedeGuard, Error> {
        if self.appends.load(Ordering::SeqCst) != self.appends_indexed.load(Ordering::SeqCst) {
            self.blocking(Self::refresh).await?;
        }
        let concerned: Vec<(u64, ProfileUpdate)> = {
            let index = self.follower.index();
            let concerned = updates.iter().filter(|it| index.has_key_of(it.as_ref()));
            concerned
                .map(|update| (newest(update), update.as_ref().clone()))
                .collect()
        };
        let takes_nothing = |write| self.follower.index().superseded_by(&write).is_empty();
        if delivered(&concerned, &self.layout().rules).all(takes_nothing) {
            return Ok(SupersedeGuard::default());
        }
        let lock = self.lock_fields().await?;
        let superseded =
            self.blocking(move |this| this.supersede(delivered(&concerned, &this.layout().rules)));
        Ok(SupersedeGuard::new(superseded.await?, Some(lock)))
    }

    /// Waits until nobody else takes fields from letters or writes what they hold.
    pub(super) async fn lock_fields(&self) -> Result<File, Error> {
        let locked = self.log.files.lock_fields().await?;
        locked.ok_or_else(|| Error::Busy {
            destination: self.log.destination.clone(),
        })
    }

    /// Takes from older letters what these writes set, durably. The caller has the lock on the fields.
    pub(super) fn supersede<'a>(
        &self,
        writes: impl Iterator<Item = NewerWrite<'a>>,
    ) -> Result<Vec<SupersededFields>, Error> {
        self.refresh()?;
        let mut superseded = Vec::new();
        for write in writes {
            superseded.extend(self.follower.index().superseded_by(&write));
        }
        let lines = superseded.iter().cloned().map(FieldsLine::Superseded);
        self.log.append_fields(lines)?;
        self.refresh()?;
        Ok(superseded)
    }

    /// Reads what the log has that is not known yet. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Io`]; what was known before stays.
    pub fn refresh(&self) -> Result<(), Error> {
        let mut position = self.follower.position();
        let appends = self.appends.load(Ordering::SeqCst);
        self.follower.catch_up(&mut position)?;
        *lock(&self.counts) = Some(self.follower.index().counts());
        self.appends_indexed.store(appends, Ordering::SeqCst);
        Ok(())
    }

    /// Runs what blocks on files on a thread for that.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = Arc::clone(self);
        let done = spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|error| {
            Err(io("use", &self.log.files.log)(std::io::Error::other(error)))
        })
    }
}
