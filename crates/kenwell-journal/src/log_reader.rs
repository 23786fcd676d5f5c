//! Follows the log from an offset on: from memory when it keeps up, else from files.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::error::Error;
use crate::file_reader::{FileReader, LoadedRecords};
use crate::frame_slice::FrameSlice;
use crate::mutex::lock;
use crate::offset::Offset;
use crate::reader::Limit;
use crate::records::Records;
use crate::segment_reader::SegmentReader;
use crate::state::{JournalState, PublishedEnd};

/// Hands out records in order. Somebody else sees to it that they are not deleted meanwhile.
#[derive(Debug)]
pub(crate) struct LogReader {
    pub(crate) shared: Arc<JournalState>,
    published: watch::Receiver<PublishedEnd>,
    /// The first offset that was not handed out.
    reached: u64,
    /// The first offset that is neither handed out nor in `waiting`.
    fetched: u64,
    /// Read but not handed out. Offsets missing before and between them are lost to damage.
    waiting: VecDeque<FrameSlice>,
    source: Option<FileReader>,
    place: Option<SegmentReader>,
    /// An answer to come from the thread. Kept here, so that a dropped future loses nothing.
    loading: Option<oneshot::Receiver<Result<LoadedRecords, Error>>>,
}

impl LogReader {
    pub(crate) fn new(shared: Arc<JournalState>, start: u64) -> Self {
        Self {
            published: shared.published.subscribe(),
            shared,
            reached: start,
            fetched: start,
            waiting: VecDeque::new(),
            source: None,
            place: None,
            loading: None,
        }
    }

    /// The first offset that was not handed out.
    pub(crate) fn reached(&self) -> u64 {
        self.reached
    }

    /// Goes on at `position`, whatever was handed out.
    pub(crate) fn go_to(&mut self, position: u64) {
        self.reached = position;
        self.fetched = position;
        self.waiting.clear();
        self.place = None;
        self.loading = None;
    }

    /// The next records within the limit, and what is lost before and behind them; waits for the first one. Dropping
    /// the future loses no record.
    pub(crate) async fn next(&mut self, limit: Limit) -> Result<Records, Error> {
        loop {
            let PublishedEnd { next, closed } = *self.published.borrow_and_update();
            if closed {
                return Err(Error::Closed);
            }
            self.top_up(limit, next);
            if !self.waiting.is_empty() || self.reached < self.fetched {
                return Ok(self.hand_out(limit));
            }
            if self.fetched < next {
                self.load().await?;
            } else if self.published.changed().await.is_err() {
                return Err(Error::Closed);
            }
        }
    }

    /// Takes from memory what the limit still allows.
    fn top_up(&mut self, limit: Limit, next: u64) {
        if self.loading.is_some() || self.fetched >= next {
            return;
        }
        let records: u64 = self.waiting.iter().map(FrameSlice::records).sum();
        let bytes: usize = self.waiting.iter().map(FrameSlice::record_bytes).sum();
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
        let mut lost = Vec::new();
        while let Some(mut run) = self.waiting.pop_front() {
            // Always one record, whatever its size; after that only what fits.
            let fits = records > 0 && used.saturating_add(run.first_bytes()) <= limit.bytes;
            if !runs.is_empty() && !fits {
                self.waiting.push_front(run);
                break;
            }
            if self.reached < run.first() {
                lost.push(Offset(self.reached)..Offset(run.first()));
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
        if self.waiting.is_empty() && self.reached < self.fetched {
            lost.push(Offset(self.reached)..Offset(self.fetched));
            self.reached = self.fetched;
        }
        Records::new(runs, lost, self.reached)
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

    fn order(&mut self) -> Result<oneshot::Receiver<Result<LoadedRecords, Error>>, Error> {
        let place = self.place.take();
        let source = match &self.source {
            Some(source) => source,
            None => self
                .source
                .insert(FileReader::start(Arc::clone(&self.shared))?),
        };
        Ok(source.order(place, self.fetched))
    }
}
