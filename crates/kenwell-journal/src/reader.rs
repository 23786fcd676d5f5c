//! A reader: follows the log from its cursor, from memory when it keeps up, else from files.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{oneshot, watch};

use crate::cursor::Cursor;
use crate::error::Error;
use crate::offset::Offset;
use crate::place::Place;
use crate::records::Records;
use crate::run::Run;
use crate::shared::{Published, Shared};
use crate::source::{Loaded, Source};
use crate::sync::lock;

/// How much [`Reader::next`] may return at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Number of records; 0 counts as 1.
    pub records: usize,
    /// Bytes of records; a single record may be larger.
    pub bytes: usize,
}

impl Default for Limit {
    /// 1,024 records, 4 MiB.
    fn default() -> Self {
        Self {
            records: 1024,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// Reads the journal for one cursor, which it owns as long as it lives.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    cursor: Arc<Cursor>,
    published: watch::Receiver<Published>,
    /// The first offset that was not handed out.
    reached: u64,
    /// The first offset that is neither handed out nor in `waiting`.
    fetched: u64,
    /// Read but not handed out.
    waiting: VecDeque<Run>,
    source: Option<Source>,
    place: Option<Place>,
    /// An answer to come from the thread. Kept here, so that a dropped future loses nothing.
    loading: Option<oneshot::Receiver<Result<Loaded, Error>>>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, cursor: Arc<Cursor>) -> Self {
        let start = cursor.position();
        Self {
            published: shared.published.subscribe(),
            shared,
            cursor,
            reached: start,
            fetched: start,
            waiting: VecDeque::new(),
            source: None,
            place: None,
            loading: None,
        }
    }

    /// The next records, as many as there are within the limit; waits for the first one.
    ///
    /// Cancel-safe: dropping the future loses no record. Reading does not move the cursor, [`Reader::ack`] does.
    ///
    /// # Errors
    /// [`Error::Closed`] once the journal was closed; [`Error::Io`] when a file cannot be read, after which the call
    /// can be repeated. Damaged records are skipped, counted and logged, and are no error.
    pub async fn next(&mut self, limit: Limit) -> Result<Records, Error> {
        loop {
            let Published { next, closed } = *self.published.borrow_and_update();
            if closed {
                return Err(Error::Closed);
            }
            self.top_up(limit, next);
            if !self.waiting.is_empty() {
                return Ok(self.hand_out(limit));
            }
            if self.fetched < next {
                self.load().await?;
            } else if self.published.changed().await.is_err() {
                return Err(Error::Closed);
            }
        }
    }

    /// Moves the cursor: all records below `up_to` are dealt with. An offset that was acknowledged before is ignored.
    ///
    /// When this returns, the position survives the death of the process; within a second it survives a power cut.
    ///
    /// # Errors
    /// [`Error::AckAhead`] for records that were not handed out yet, [`Error::Closed`], [`Error::Io`].
    #[expect(
        clippy::unused_async,
        reason = "the file may have to be written elsewhere one day"
    )]
    pub async fn ack(&mut self, up_to: Offset) -> Result<(), Error> {
        if up_to.0 > self.reached {
            return Err(Error::AckAhead {
                up_to: up_to.0,
                reached: self.reached,
            });
        }
        let before = self.cursor.advance(up_to.0)?;
        let release_at = self.shared.release_at.load(Ordering::Acquire);
        if before < release_at && release_at <= up_to.0 {
            self.shared.queue.nudge();
        }
        Ok(())
    }

    /// Moves the cursor back to `to`, to read again what was acknowledged; to the oldest record there is, if that one
    /// is gone. Forward it moves only by [`Reader::ack`]. Tells where the cursor is now: [`Reader::next`] goes on there,
    /// also with what was handed out and not acknowledged.
    ///
    /// It lasts as an ack does: through the death of the process at once, through a power cut within a second.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Io`].
    pub fn rewind(&mut self, to: Offset) -> Result<Offset, Error> {
        let position = self.shared.rewind(&self.cursor, to.0)?;
        self.reached = position;
        self.fetched = position;
        self.waiting.clear();
        self.place = None;
        self.loading = None;
        Ok(Offset(position))
    }

    /// The first offset that [`Reader::next`] has not handed out.
    pub fn reached(&self) -> Offset {
        Offset(self.reached)
    }

    /// The cursor's position: the first offset that is not acknowledged.
    pub fn acked(&self) -> Offset {
        Offset(self.cursor.position())
    }

    /// Takes from memory what the limit still allows.
    fn top_up(&mut self, limit: Limit, next: u64) {
        if self.loading.is_some() || self.fetched >= next {
            return;
        }
        let records: u64 = self.waiting.iter().map(Run::records).sum();
        let bytes: usize = self.waiting.iter().map(Run::record_bytes).sum();
        let more = limit
            .records
            .max(1)
            .saturating_sub(usize::try_from(records).unwrap_or(usize::MAX));
        let more_bytes = limit.bytes.max(1).saturating_sub(bytes);
        let tail = lock(&self.shared.tail);
        tail.share(self.fetched, more, more_bytes, &mut self.waiting);
        drop(tail);
        if let Some(last) = self
            .waiting
            .back()
            .filter(|last| last.next() > self.fetched)
        {
            self.fetched = last.next();
            // Memory has taken over: let go of the file, which may be deleted soon.
            self.place = None;
        }
    }

    fn hand_out(&mut self, limit: Limit) -> Records {
        let (mut records, mut used) = (limit.records.max(1), 0usize);
        let mut runs = Vec::new();
        while let Some(mut run) = self.waiting.pop_front() {
            // Always one record, whatever its size; after that only what fits.
            let fits = records > 0 && used.saturating_add(run.first_bytes()) <= limit.bytes;
            if !runs.is_empty() && !fits {
                self.waiting.push_front(run);
                break;
            }
            let front = run.split_front(records, limit.bytes.saturating_sub(used));
            let taken = usize::try_from(front.records()).unwrap_or(usize::MAX);
            records = records.saturating_sub(taken);
            used = used.saturating_add(front.record_bytes());
            self.reached = front.next();
            runs.push(front);
            if run.records() > 0 {
                self.waiting.push_front(run);
                break;
            }
        }
        Records::new(runs)
    }

    /// Waits for the thread that reads files, after giving it its order.
    async fn load(&mut self) -> Result<(), Error> {
        let loading = match self.loading.take() {
            Some(loading) => loading,
            None => self.order()?,
        };
        // While this waits, the receiver stays where a dropped future does not take it along.
        let loaded = {
            let loading = self.loading.insert(loading);
            loading.await
        };
        self.loading = None;
        let loaded = loaded.unwrap_or(Err(Error::Closed))?;
        self.waiting.extend(loaded.runs);
        self.fetched = loaded.next;
        self.place = loaded.place;
        if self.fetched < self.shared.next() && !lock(&self.shared.tail).covers(self.fetched) {
            self.loading = Some(self.order()?);
        }
        Ok(())
    }

    fn order(&mut self) -> Result<oneshot::Receiver<Result<Loaded, Error>>, Error> {
        let place = self.place.take();
        let source = match &self.source {
            Some(source) => source,
            None => self.source.insert(Source::start(Arc::clone(&self.shared))?),
        };
        Ok(source.order(place, self.fetched))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.cursor.busy.store(false, Ordering::Release);
    }
}
