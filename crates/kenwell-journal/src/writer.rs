//! The thread that writes: takes all appends that are queued, and commits them together by one write and one
//! `fdatasync`. It also makes cursors durable and deletes old segments.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crate::append_queue::QueuedAppend;
use crate::commit_group::CommitGroup;
use crate::cursor::Cursor;
use crate::disk::{Disk, sync_dir};
use crate::error::Error;
use crate::error_chain::ErrorChain;
use crate::mutex::lock;
use crate::options::Options;
use crate::retention::Retention;
use crate::segment_header::{NO_PREVIOUS, SegmentHeader, SegmentIdentity};
use crate::segment_writer::SegmentWriter;
use crate::state::JournalState;

/// How often cursors are made durable and old segments looked for.
const TICK: Duration = Duration::from_millis(500);
/// When the disk is nearly full, segments shrink; not below this many bytes.
const MIN_RESERVED: u64 = 64 * 1024;

/// The state of the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    state: Arc<JournalState>,
    retention: Retention,
    /// The newest segment; nothing at a start and after a failed write, until the next append begins one.
    segment: Option<SegmentWriter>,
    /// Offset of the next record.
    next: u64,
    disk: Disk,
    next_segment_id: u64,
    /// A cursor that follows `next`, so that a start notices when less is there.
    end_mark: Option<Cursor>,
    /// Bytes of the append that was last refused for want of space on the disk.
    refused_bytes: u64,
    last_tick: Instant,
    /// Held as long as the writer lives.
    _lock: File,
}

impl Writer {
    pub(crate) fn new(
        state: Arc<JournalState>,
        next_segment_id: u64,
        end_mark: Option<Cursor>,
        lock: File,
    ) -> Self {
        Self {
            next: state.next(),
            disk: Disk::new(&state.options),
            retention: Retention::new(Arc::clone(&state)),
            state,
            segment: None,
            next_segment_id,
            end_mark,
            refused_bytes: 0,
            last_tick: Instant::now(),
            _lock: lock,
        }
    }

    /// Runs until the queue is closed and empty; then the lock is released and everybody told.
    pub(crate) fn run(self) {
        // However this thread ends, also by a panic, those who wait for it are told.
        let state = Arc::clone(&self.state);
        let _guard = ExitGuard(&state);
        self.run_until_closed(&state);
    }

    fn run_until_closed(mut self, state: &JournalState) {
        let mut appends = Vec::new();
        loop {
            let timeout = TICK.saturating_sub(self.last_tick.elapsed());
            let wakeup = state.queue.take(&mut appends, timeout);
            let (began, is_commit) = (Instant::now(), !appends.is_empty());
            self.commit_all(&mut appends);
            if wakeup.closing {
                break;
            }
            if is_commit {
                // More appends gather meanwhile, for the next write.
                thread::sleep(state.options.commit_delay.saturating_sub(began.elapsed()));
            }
            if wakeup.woken || self.last_tick.elapsed() >= TICK {
                self.tick();
            }
        }
        if let Err(error) = self.close() {
            tracing::error!(error = %ErrorChain(&error), "the journal could not be closed cleanly");
            *lock(&state.close_error) = Some(error);
        }
    }

    /// Commits appends in groups: one for each segment that they go to.
    fn commit_all(&mut self, appends: &mut Vec<QueuedAppend>) {
        let is_deleted = self.segment.as_ref().is_some_and(SegmentWriter::is_deleted);
        if !appends.is_empty() && is_deleted {
            tracing::error!(
                "the segment being written was deleted by somebody else; going on in a new one"
            );
            self.give_up_segment();
        }
        let bytes = appends.iter().map(|append| append.frames.len()).sum();
        let mut group = CommitGroup::new(self.next, bytes);
        for append in appends.drain(..) {
            let bytes = append.frames.len();
            if !self.fits(group.bytes + bytes) {
                self.commit(group);
                group = CommitGroup::new(self.next, bytes);
                if !self.fits(bytes)
                    && let Err(error) = self.begin_segment(bytes as u64)
                {
                    append.pending.answer(Err(error));
                    continue;
                }
            }
            let seed = self.segment.as_ref().map_or(0, |segment| segment.seed);
            group.add(append, seed);
        }
        self.commit(group);
    }

    fn fits(&self, frames: usize) -> bool {
        let segment = self.segment.as_ref();
        segment.is_some_and(|segment| segment.fits(frames))
    }

    /// Writes a group, makes it durable, shows it to the readers, and answers its appends.
    fn commit(&mut self, mut group: CommitGroup) {
        let Some(segment) = self.segment.as_mut().filter(|_| group.records > 0) else {
            return;
        };
        let options = &self.state.options;
        if let Err(error) = segment.write(&group, options.durability) {
            self.refused_bytes = group.bytes as u64;
            self.fail(&error);
            for (_, pending) in group.pending {
                pending.answer(Err(error.clone()));
            }
            return;
        }
        segment.segment.set_written_ms(options.clock.now_ms());
        self.next = group.next();
        self.note_end();
        // What is stored is counted before a reader can have it.
        for (first, pending) in &mut group.pending {
            pending.call_on_stored(*first);
        }
        lock(&self.state.recent).push_all(group.buffers);
        let next = self.next;
        self.state.published.send_modify(|end| end.next = next);
        for (first, pending) in group.pending {
            pending.answer(Ok(first));
        }
    }

    /// After a failed write or fdatasync the end of the segment is unknown: it is given up.
    fn fail(&mut self, error: &Error) {
        if matches!(error, Error::NoSpace { .. }) {
            self.note_no_space(error);
        } else {
            tracing::error!(error = %ErrorChain(error), "a write failed; going on in a new segment");
        }
        self.give_up_segment();
    }

    /// Ends the segment that is being written, whose end is not to be trusted.
    fn give_up_segment(&mut self) {
        let Some(segment) = self.segment.take() else {
            return;
        };
        let base = segment.segment.identity.base;
        segment.seal_after_failure(self.next);
        if base == self.next {
            self.retention.delete_empty_newest();
        }
    }

    /// Begins a new segment, with room for `frames` bytes of records at least, and ends the one before.
    fn begin_segment(&mut self, frames: u64) -> Result<(), Error> {
        let created = self.create_segment(Options::file_bytes_for(frames));
        match &created {
            Err(Error::Full { .. }) => self.note_full(),
            Err(error @ Error::NoSpace { .. }) => {
                self.refused_bytes = frames;
                self.note_no_space(error);
            }
            _ => {}
        }
        let segment = created?;
        for (flag, what) in [
            (&self.state.full, "journal"),
            (&self.state.no_space, "disk"),
        ] {
            if flag.swap(false, Ordering::Relaxed) {
                tracing::info!("the {what} has room again");
            }
        }
        self.state.segments.push(Arc::clone(&segment.segment));
        if let Some(before) = self.segment.replace(segment) {
            before.seal(self.next);
        }
        self.retention.apply();
        Ok(())
    }

    fn note_full(&self) {
        if !self.state.full.swap(true, Ordering::Relaxed) {
            tracing::warn!("the journal is full; appends are refused until readers have caught up");
        }
    }

    fn note_no_space(&self, error: &Error) {
        if !self.state.no_space.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = %ErrorChain(error), "the disk is full; appends are refused until there is space");
        }
    }

    /// Makes the file of a new segment: as large as segments are, or as the disk allows, but not below `needed`.
    fn create_segment(&mut self, needed: u64) -> Result<SegmentWriter, Error> {
        let mut bytes = self.retention.make_room(needed)?;
        loop {
            match self.create_segment_of(bytes) {
                Err(Error::NoSpace { path }) => {
                    // Rather than refuse: give up segments kept for a replay only, then make do with less.
                    if self.retention.delete_oldest() {
                        continue;
                    }
                    if bytes / 4 < needed || bytes / 4 < MIN_RESERVED {
                        return Err(Error::NoSpace { path });
                    }
                    bytes /= 4;
                }
                other => return other,
            }
        }
    }

    fn create_segment_of(&mut self, bytes: u64) -> Result<SegmentWriter, Error> {
        let newest = self.state.segments.newest();
        let header = SegmentHeader {
            identity: SegmentIdentity::new(self.next_segment_id, self.next),
            previous: newest.map_or(NO_PREVIOUS, |newest| newest.identity.id),
            created_ms: self.state.options.clock.now_ms(),
            recycled: false,
        };
        // Never the same number twice, even if this one may have failed half-way.
        self.next_segment_id += 1;
        SegmentWriter::create(&self.state.dir, &header, bytes, &self.disk)
    }

    /// Does what is due twice a second, and whenever somebody wakes the writer.
    fn tick(&mut self) {
        self.last_tick = Instant::now();
        for cursor in self.state.cursors() {
            if let Err(error) = cursor.sync() {
                tracing::warn!(cursor = cursor.name.as_str(), error = %ErrorChain(&error), "a cursor is not durable yet");
            }
        }
        if let Err(error) = self.sync_end_mark() {
            tracing::warn!(error = %ErrorChain(&error), "how far the journal was written is not durable yet");
        }
        self.end_idle_segment();
        self.retention.apply();
        self.look_for_space();
    }

    /// Notes how far the log is written, for a start after a kill -9; the tick makes it durable, and warns.
    fn note_end(&self) {
        if let Some(Err(error)) = self.end_mark.as_ref().map(|mark| mark.advance(self.next)) {
            tracing::debug!(error = %ErrorChain(&error), "how far the journal was written could not be noted");
        }
    }

    fn sync_end_mark(&self) -> Result<(), Error> {
        let Some(mark) = &self.end_mark else {
            return Ok(());
        };
        mark.advance(self.next)?;
        mark.sync()
    }

    fn end_idle_segment(&mut self) {
        let newest = self.segment.as_ref().map(|segment| &segment.segment);
        if newest.is_some_and(|newest| self.retention.is_idle_too_long(newest, self.next))
            && let Err(error) = self.begin_segment(0)
        {
            tracing::debug!(error = %ErrorChain(&error), "an idle segment could not be ended yet");
        }
    }

    /// Finds out whether a full disk has space again. Without this, a caller that asks [`Stats`](crate::Stats) before
    /// it appends would never append again.
    fn look_for_space(&mut self) {
        if self.state.no_space.load(Ordering::Relaxed)
            && let Err(error) = self.begin_segment(self.refused_bytes)
        {
            tracing::debug!(error = %ErrorChain(&error), "still no space");
        }
    }

    /// Makes everything durable, and takes no more acks.
    fn close(&mut self) -> Result<(), Error> {
        let segment = self.segment.take();
        let mut outcome = segment.map_or(Ok(()), |segment| segment.close(self.next));
        for cursor in lock(&self.state.cursors).iter() {
            cursor.close();
            outcome = outcome.and(cursor.sync());
        }
        outcome = outcome.and(self.sync_end_mark());
        outcome.and(sync_dir(&self.state.dir))
    }
}

/// Tells everybody that the writer is gone, also when it panicked: appends without an answer get an error then.
struct ExitGuard<'a>(&'a JournalState);

impl Drop for ExitGuard<'_> {
    fn drop(&mut self) {
        self.0.queue.close_and_discard();
        self.0.published.send_modify(|end| end.closed = true);
    }
}
