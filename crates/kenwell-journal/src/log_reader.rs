//! Reads the log from an offset on: from memory while it keeps up, otherwise from files.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::error::Error;
use crate::file_reader::{FileReader, LoadedRecords};
use crate::frame_slice::FrameSlice;
use crate::mutex::lock;
use crate::offset::Offset;
use crate::records::{Limit, Records};
use crate::segment_reader::SegmentReader;
use crate::state::{JournalState, PublishedEnd};

/// Hands out records in order. A cursor or a held offset must keep them from being deleted meanwhile.
#[derive(Debug)]
pub(crate) struct LogReader {
    pub(crate) state: Arc<JournalState>,
    published: watch::Receiver<PublishedEnd>,
    /// The first offset that was not handed out.
    reached: u64,
    /// The first offset that is neither handed out nor in `buffered`.
    fetched: u64,
    /// Read but not handed out. Offsets missing before and between them are lost to damage.
    buffered: VecDeque<FrameSlice>,
    files: Option<FileReader>,
    /// The segment in which the files were read last.
    segment: Option<SegmentReader>,
    /// The answer that the thread will give. Kept here, so that a dropped future loses nothing.
    loading: Option<oneshot::Receiver<Result<LoadedRecords, Error>>>,
}

impl LogReader {
    pub(crate) fn new(state: Arc<JournalState>, start: u64) -> Self {
        Self {
            published: state.published.subscribe(),
            state,
            reached: start,
            fetched: start,
            buffered: VecDeque::new(),
            files: None,
            segment: None,
            loading: None,
        }
    }

    /// The first offset that was not handed out.
    pub(crate) fn reached(&self) -> u64 {
        self.reached
    }

    /// Goes on at `position`, whatever was handed out before.
    pub(crate) fn go_to(&mut self, position: u64) {
        self.reached = position;
        self.fetched = position;
        self.buffered.clear();
        self.segment = None;
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
            self.take_from_memory(limit, next);
            if !self.buffered.is_empty() || self.reached < self.fetched {
                return Ok(self.hand_out(limit));
            }
            if self.fetched < next {
                self.load().await?;
                continue;
            }
            // What comes next is in memory: nobody knows for how long the file and what was read of it would be kept.
            self.segment = None;
            if self.published.changed().await.is_err() {
                return Err(Error::Closed);
            }
        }
    }

    /// Resolves when so many records are there that were not handed out, or the journal is closed. Dropping the future
    /// changes nothing.
    pub(crate) async fn wait_for(&mut self, records: u64) {
        loop {
            let PublishedEnd { next, closed } = *self.published.borrow_and_update();
            let is_there = next.saturating_sub(self.reached) >= records;
            if closed || is_there || self.published.changed().await.is_err() {
                return;
            }
        }
    }

    /// Takes from memory what the limit still allows.
    fn take_from_memory(&mut self, limit: Limit, next: u64) {
        if self.loading.is_some() || self.fetched >= next {
            return;
        }
        let records: u64 = self.buffered.iter().map(FrameSlice::records).sum();
        let bytes: usize = self.buffered.iter().map(FrameSlice::record_bytes).sum();
        let more = limit
            .records
            .max(1)
            .saturating_sub(usize::try_from(records).unwrap_or(usize::MAX));
        let more_bytes = limit.bytes.max(1).saturating_sub(bytes);
        let recent = lock(&self.state.recent);
        recent.share(self.fetched, more, more_bytes, &mut self.buffered);
        drop(recent);
        if let Some(last) = self
            .buffered
            .back()
            .filter(|last| last.next() > self.fetched)
        {
            self.fetched = last.next();
            // From here on memory has the records: close the file, which may be deleted soon.
            self.segment = None;
        }
    }

    fn hand_out(&mut self, limit: Limit) -> Records {
        let (mut records, mut used) = (limit.records.max(1), 0usize);
        let mut slices = Vec::new();
        let mut lost = Vec::new();
        while let Some(mut slice) = self.buffered.pop_front() {
            // Always one record, whatever its size; after that only as many as fit.
            let fits = records > 0 && used.saturating_add(slice.first_bytes()) <= limit.bytes;
            if !slices.is_empty() && !fits {
                self.buffered.push_front(slice);
                break;
            }
            if self.reached < slice.first() {
                lost.push(Offset(self.reached)..Offset(slice.first()));
            }
            let front = slice.split_front(records, limit.bytes.saturating_sub(used));
            let taken = usize::try_from(front.records()).unwrap_or(usize::MAX);
            records = records.saturating_sub(taken);
            used = used.saturating_add(front.record_bytes());
            self.reached = front.next();
            slices.push(front);
            if slice.records() > 0 {
                self.buffered.push_front(slice);
                break;
            }
        }
        if self.buffered.is_empty() && self.reached < self.fetched {
            lost.push(Offset(self.reached)..Offset(self.fetched));
            self.reached = self.fetched;
        }
        Records::new(slices, lost, self.reached)
    }

    /// Waits for records from files, which it asks for unless that was done.
    async fn load(&mut self) -> Result<(), Error> {
        let loading = match self.loading.take() {
            Some(loading) => loading,
            None => self.request()?,
        };
        // While this waits, the receiver stays where a dropped future does not take it along.
        let loaded = {
            let loading = self.loading.insert(loading);
            loading.await
        };
        self.loading = None;
        let loaded = loaded.unwrap_or(Err(Error::Closed))?;
        self.buffered.extend(loaded.slices);
        self.fetched = loaded.next;
        self.segment = loaded.segment;
        if self.fetched < self.state.next() && !lock(&self.state.recent).covers(self.fetched) {
            self.loading = Some(self.request()?);
        }
        Ok(())
    }

    fn request(&mut self) -> Result<oneshot::Receiver<Result<LoadedRecords, Error>>, Error> {
        let segment = self.segment.take();
        let files = match &self.files {
            Some(files) => files,
            None => self
                .files
                .insert(FileReader::start(Arc::clone(&self.state))?),
        };
        Ok(files.request(segment, self.fetched))
    }
}
