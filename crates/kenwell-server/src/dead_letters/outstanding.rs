//! What is outstanding for one destination: kept up to date with the log, whoever changes it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kenwell::profile::{Flattener, Layout, ProfileUpdate};
use tokio::task::spawn_blocking;

use super::error::Error;
use super::files::{self, io};
use super::index::{Index, Write};
use super::letter::DeadLetter;
use super::line::{Line, SupersededFields};
use super::log::{Kind, Log, is_same};
use super::notices::Notices;

/// The outstanding letters of one destination, and the one who sees to it that none of them ever puts an
/// older value over a newer one.
///
/// Whoever writes to a key that letters are outstanding for says so before, by [`OutstandingLetters::supersede_older`];
/// [`OutstandingLetters::retry`] leaves those fields alone.
#[derive(Debug)]
pub struct OutstandingLetters {
    pub(super) log: Arc<Log>,
    layout: Layout,
    /// How far the log was read.
    followed: Mutex<Followed>,
    pub(super) index: Mutex<Index>,
    /// For those who look; `None` before the log was read for the first time.
    counts: Mutex<Option<BTreeMap<String, u64>>>,
    /// How many times the log may have got letters, beginning with those it had before this process.
    appends: AtomicU64,
    /// How many of `appends` the index has. Only set when the log was read to its end: whoever looks while
    /// somebody else reads must wait for that one, not take the index as it was.
    known: AtomicU64,
    notices: Mutex<Notices>,
    /// Why the log could not be read at the latest look, if it could not.
    trouble: Mutex<Option<String>>,
}

/// Fields that letters have lost to writes under way. While it is there, no letter is retried.
#[derive(Debug, Default)]
pub struct SupersedeGuard {
    _lock: Option<File>,
    superseded: Vec<SupersededFields>,
    /// The newest events of those writes of which nothing was written.
    refused: Vec<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The file, kept open so that no other one gets its number; `None` when there is none.
    pub(super) file: Option<File>,
    /// Bytes of it that are in the index.
    read: u64,
}

impl OutstandingLetters {
    pub(super) fn new(log: Arc<Log>, layout: Layout) -> Self {
        Self {
            log,
            layout,
            followed: Mutex::default(),
            index: Mutex::default(),
            counts: Mutex::default(),
            appends: AtomicU64::new(1),
            known: AtomicU64::new(0),
            notices: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// How the keys are named.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many letters are outstanding for each code of a refusal, as of the last look; `None` before the
    /// first one. Does not block.
    pub fn counts(&self) -> Option<BTreeMap<String, u64>> {
        lock(&self.counts).clone()
    }

    /// Writes letters, all or none; returns when they are on disk. Older letters get back what the refused ones
    /// among the writes under way had taken from them. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Full`] when they do not fit, and [`Error::Io`]; nothing was kept then.
    pub fn append(&self, letters: &[DeadLetter], writes: &SupersedeGuard) -> Result<(), Error> {
        let mut lines = Vec::new();
        for letter in letters {
            letter
                .write_line(&mut lines)
                .map_err(self.log.cannot_encode())?;
        }
        self.push_restored(writes, &mut lines)?;
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.log.append(&lines, Kind::Letters)?;
        self.refresh_after_change();
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for letter in letters {
            *reasons.entry(letter.code()).or_default() += 1;
        }
        for (reason, letters) in reasons {
            if let Some(letters) = lock(&self.notices).add(reason, letters, Instant::now()) {
                self.tell(reason, letters);
            }
        }
        Ok(())
    }

    /// Gives back to older letters what these writes, of which nothing was written, had taken.
    pub(super) fn restore(&self, writes: &SupersedeGuard) -> Result<(), Error> {
        let mut lines = Vec::new();
        self.push_restored(writes, &mut lines)?;
        self.log.append(&lines, Kind::Superseded)?;
        self.refresh()
    }

    fn push_restored(&self, writes: &SupersedeGuard, lines: &mut Vec<u8>) -> Result<(), Error> {
        let superseded = writes.superseded.iter();
        for fields in superseded.filter(|fields| writes.refused.contains(&fields.by)) {
            Line::Restored(fields.clone())
                .write(lines)
                .map_err(self.log.cannot_encode())?;
        }
        Ok(())
    }

    /// Follows the log, and tells of new letters what has waited for its time. Blocks on files.
    pub(super) fn look_after(&self) {
        let trouble = self.refresh().err().map(|error| error.to_string());
        let mut known = lock(&self.trouble);
        if let Some(error) = trouble.as_ref().filter(|_| *known != trouble) {
            tracing::warn!(
                destination.id = self.log.destination,
                error,
                "the dead letters cannot be read; what is shown of them may be old"
            );
        }
        *known = trouble;
        drop(known);
        let due = lock(&self.notices).due(Instant::now());
        for (reason, letters) in due {
            self.tell(&reason, letters);
        }
    }

    /// Tells of new letters what was not told yet.
    pub(super) fn tell_rest(&self) {
        let rest = lock(&self.notices).rest();
        for (reason, letters) in rest {
            self.tell(&reason, letters);
        }
    }

    fn tell(&self, reason: &str, letters: u64) {
        tracing::warn!(
            destination.id = self.log.destination,
            reason,
            letters,
            "Redis refused events for good; they are in the dead-letter log: kenwell dead-letters list"
        );
    }

    /// Takes a change of the log over that has happened already, and so cannot fail any more. Blocks on
    /// files.
    pub fn refresh_after_change(&self) {
        if let Err(error) = self.refresh() {
            tracing::warn!(destination.id = self.log.destination, %error, "the dead letters cannot be read back after a change; that is tried again before anything is written to their keys");
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
        if self.appends.load(Ordering::SeqCst) != self.known.load(Ordering::SeqCst) {
            self.blocking(Self::refresh).await?;
        }
        let concerned: Vec<(u64, ProfileUpdate)> = {
            let index = lock(&self.index);
            let concerned = updates.iter().filter(|it| index.has_key_of(it.as_ref()));
            concerned
                .map(|update| (newest(update), update.as_ref().clone()))
                .collect()
        };
        let none = |write: &Write<'_>| lock(&self.index).overtaken(write).is_empty();
        if delivered(&concerned).all(|write| none(&write)) {
            return Ok(SupersedeGuard::default());
        }
        let held = self.hold().await?;
        let taken = self.blocking(move |this| this.supersede(delivered(&concerned)));
        Ok(SupersedeGuard {
            superseded: taken.await?,
            _lock: Some(held),
            refused: Vec::new(),
        })
    }

    /// Waits until nobody else takes fields from letters or writes what they hold.
    pub(super) async fn hold(&self) -> Result<File, Error> {
        let held = self.log.files.hold().await?;
        held.ok_or_else(|| Error::Busy {
            destination: self.log.destination.clone(),
        })
    }

    /// Takes from older letters what these writes set, durably. The caller holds.
    pub(super) fn supersede<'a>(
        &self,
        writes: impl Iterator<Item = Write<'a>>,
    ) -> Result<Vec<SupersededFields>, Error> {
        self.refresh()?;
        let mut taken = Vec::new();
        for write in writes {
            taken.extend(lock(&self.index).overtaken(&write));
        }
        let mut lines = Vec::new();
        for overtaken in &taken {
            Line::Superseded(overtaken.clone())
                .write(&mut lines)
                .map_err(self.log.cannot_encode())?;
        }
        self.log.append(&lines, Kind::Superseded)?;
        self.refresh()?;
        Ok(taken)
    }

    /// Reads what the log has that is not known yet. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Io`]; what was known before stays.
    pub fn refresh(&self) -> Result<(), Error> {
        let mut followed = lock(&self.followed);
        let appends = self.appends.load(Ordering::SeqCst);
        self.catch_up(&mut followed)?;
        *lock(&self.counts) = Some(lock(&self.index).counts());
        self.known.store(appends, Ordering::SeqCst);
        Ok(())
    }

    fn catch_up(&self, followed: &mut Followed) -> Result<(), Error> {
        let files = &self.log.files;
        let failed = io("read", &files.log);
        let (file, end) = {
            let _lock = files.lock()?;
            let Some(mut file) = files.open_log()? else {
                *followed = Followed::default();
                *lock(&self.index) = Index::default();
                return Ok(());
            };
            let end = files::whole_lines(&mut file, &files.log)?;
            (file, end)
        };
        // From here on without the lock: lines of this file, once whole, do not change.
        let same = followed.file.as_ref().map(|known| is_same(known, &file));
        let goes_on = same.transpose().map_err(&failed)?.unwrap_or(false) && followed.read <= end;
        if goes_on {
            let read = &mut followed.read;
            return self.read(&file, read, end, |add| add(&mut lock(&self.index)));
        }
        self.log.make_durable(&file)?;
        let (mut index, mut read) = (Index::default(), 0);
        self.read(&file, &mut read, end, |add| add(&mut index))?;
        *lock(&self.index) = index;
        *followed = Followed {
            file: Some(file),
            read,
        };
        Ok(())
    }

    /// Reads the lines from `from` to `end`, and moves `from` behind each that was added.
    fn read(
        &self,
        file: &File,
        from: &mut u64,
        end: u64,
        mut add: impl FnMut(&dyn Fn(&mut Index)),
    ) -> Result<(), Error> {
        let path = &self.log.files.log;
        let mut file = file;
        file.seek(SeekFrom::Start(*from))
            .map_err(io("read", path))?;
        let mut lines = BufReader::new(file.take(end.saturating_sub(*from)));
        let mut flattener = Flattener::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = lines
                .read_until(b'\n', &mut line)
                .map_err(io("read", path))?;
            if length == 0 {
                return Ok(());
            }
            match Line::parse(&line) {
                Ok(Line::Letter(letter)) => {
                    let update = flattener.update(&letter.event, &self.layout).ok();
                    let position = *from;
                    add(&|index| index.add((position, length), &letter, update.as_ref()));
                }
                Ok(Line::Superseded(overtaken)) => add(&|index| index.supersede(&overtaken)),
                Ok(Line::Restored(overtaken)) => add(&|index| index.restore(&overtaken)),
                Err(error) => {
                    tracing::error!(path = %path.display(), position = *from, %error, "a line of the dead letters cannot be read; it is kept");
                }
            }
            *from += length as u64;
        }
    }

    /// The index and the file that it is about, which stay together until they are dropped.
    pub(super) fn reading(&self) -> (MutexGuard<'_, Followed>, MutexGuard<'_, Index>) {
        (lock(&self.followed), lock(&self.index))
    }

    /// Whether nobody reads the log at the moment.
    #[cfg(test)]
    pub(super) fn is_at_rest(&self) -> bool {
        self.followed.try_lock().is_ok()
    }

    /// Runs what waits for files where nobody waits behind it.
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

impl SupersedeGuard {
    /// What the letters of a retry take from others, and the newest events of those that were refused. The
    /// caller holds the lock.
    pub(super) fn of_retry(superseded: Vec<SupersededFields>, refused: Vec<u64>) -> Self {
        Self {
            _lock: None,
            superseded,
            refused,
        }
    }

    /// Nothing was written of the write whose newest event has this offset.
    pub fn refused(&mut self, newest: u64) {
        self.refused.push(newest);
    }

    /// Whether nothing was written of one of the writes.
    pub fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writes of events that are delivered: letters of the same event lose their fields too.
fn delivered(updates: &[(u64, ProfileUpdate)]) -> impl Iterator<Item = Write<'_>> {
    updates.iter().map(|(offset, update)| {
        let names = update.fields().map(|(name, _)| name);
        Write {
            key: update.key(),
            by: *offset,
            below: names.map(|name| (name, offset.saturating_add(1))).collect(),
        }
    })
}

/// The writes of letters, several of a key as one: each field with the offset of the last that sets it.
/// The letters themselves keep their fields, in case they are refused again.
pub(super) fn retried<'a>(
    updates: impl Iterator<Item = (u64, &'a ProfileUpdate)>,
) -> impl Iterator<Item = Write<'a>> {
    let mut writes: HashMap<&[u8], Write<'_>> = HashMap::new();
    for (offset, update) in updates {
        let write = writes.entry(update.key()).or_insert_with(|| Write {
            key: update.key(),
            by: offset,
            below: HashMap::new(),
        });
        write.by = write.by.max(offset);
        for (name, _) in update.fields() {
            let below = write.below.entry(name).or_insert(offset);
            *below = offset.max(*below);
        }
    }
    writes.into_values()
}
