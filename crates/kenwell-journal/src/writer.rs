//! The one thread that writes: takes all appends that are queued, one write, one fdatasync, answers them all.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::append_queue::QueuedAppend;
use crate::batch::OnStored;
use crate::cursor::Cursor;
use crate::disk::{Disk, sync_dir};
use crate::error::Error;
use crate::frame;
use crate::frame_slice::FrameSlice;
use crate::mutex::lock;
use crate::offset::Offset;
use crate::options::Options;
use crate::retention;
use crate::segment::{self, Segment};
use crate::segment_header::{HEADER_BYTES, NO_PREVIOUS, SegmentHeader, SegmentIdentity};
use crate::segment_writer::SegmentWriter;
use crate::state::{JournalState, PublishedEnd};

/// How often cursors are made durable and old segments looked for.
const TICK: Duration = Duration::from_millis(500);

type Answer = oneshot::Sender<Result<Offset, Error>>;

/// The state of the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) shared: Arc<JournalState>,
    pub(crate) active: Option<SegmentWriter>,
    /// Offset of the next record.
    pub(crate) next: u64,
    pub(crate) disk: Disk,
    next_id: u64,
    /// Follows `next`.
    end: Option<Cursor>,
    /// Bytes of the append that was last refused for want of space on the disk.
    refused: u64,
    last_tick: Instant,
    /// Lasts as long as the writer.
    _lock: File,
}

/// Appends that are written together.
#[derive(Debug, Default)]
struct CommitGroup {
    bytes: Vec<u8>,
    first: u64,
    records: u64,
    answers: Vec<PendingAppend>,
}

/// An append of a group.
#[derive(Debug)]
struct PendingAppend {
    reply: Answer,
    first: Offset,
    stored: OnStored,
    /// Gives the room in the queue back once the append has its answer.
    room: OwnedSemaphorePermit,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<JournalState>,
        next_id: u64,
        end: Option<Cursor>,
        lock: File,
    ) -> Self {
        Self {
            next: shared.next(),
            #[cfg(test)]
            disk: Disk {
                faults: shared.options.faults.clone(),
            },
            #[cfg(not(test))]
            disk: Disk::default(),
            shared,
            active: None,
            next_id,
            end,
            refused: 0,
            last_tick: Instant::now(),
            _lock: lock,
        }
    }

    /// Runs until the queue is closed and empty; then the lock is released and everybody told.
    pub(crate) fn run(self) {
        // Whatever ends this thread, nobody may wait for it in vain.
        let shared = Arc::clone(&self.shared);
        let _ending = ExitGuard(&shared);
        self.work(&shared);
    }

    fn work(mut self, shared: &JournalState) {
        let mut requests = Vec::new();
        loop {
            let patience = TICK.saturating_sub(self.last_tick.elapsed());
            let taken = shared.queue.take(&mut requests, patience);
            self.append(&mut requests);
            if taken.closing {
                break;
            }
            if taken.nudged || self.last_tick.elapsed() >= TICK {
                self.tick();
            }
        }
        if let Err(error) = self.finish() {
            tracing::error!(%error, "the journal could not be closed cleanly");
            *lock(&shared.farewell) = Some(error);
        }
    }

    fn tick(&mut self) {
        self.last_tick = Instant::now();
        let cursors = lock(&self.shared.cursors).clone();
        for cursor in cursors {
            if let Err(error) = cursor.sync() {
                tracing::warn!(cursor = cursor.name.as_str(), %error, "a cursor is not durable yet");
            }
        }
        if let Err(error) = self.mark_end() {
            tracing::warn!(%error, "how far the journal was written is not durable yet");
        }
        retention::roll_when_idle(self);
        retention::release(self);
        self.look_for_space();
    }

    /// Notes how far the log is written, for a start after a kill -9; the tick makes it durable, and warns.
    fn note_end(&self) {
        if let Some(Err(error)) = self.end.as_ref().map(|end| end.advance(self.next)) {
            tracing::debug!(%error, "how far the journal was written could not be noted");
        }
    }

    fn mark_end(&self) -> Result<(), Error> {
        let Some(end) = &self.end else {
            return Ok(());
        };
        end.advance(self.next)?;
        end.sync()
    }

    /// Finds out whether a full disk has space again. Whoever asks [`Stats`](crate::Stats) before sending would
    /// otherwise never send, and nothing else would find out.
    fn look_for_space(&mut self) {
        if self.shared.no_space.load(Ordering::Relaxed)
            && let Err(error) = self.roll(self.refused)
        {
            tracing::debug!(%error, "still no space");
        }
    }

    fn append(&mut self, requests: &mut Vec<QueuedAppend>) {
        if !requests.is_empty() && self.active.as_ref().is_some_and(SegmentWriter::is_deleted) {
            tracing::error!(
                "the segment being written was deleted by somebody else; going on in a new one"
            );
            self.abandon();
        }
        let mut group = self.group(requests.iter().map(|request| request.frames.len()).sum());
        for request in requests.drain(..) {
            let fits =
                |active: &SegmentWriter| active.fits(group.bytes.len() + request.frames.len());
            if !self.active.as_ref().is_some_and(fits) {
                self.commit(group);
                group = self.group(request.frames.len());
                if !self
                    .active
                    .as_ref()
                    .is_some_and(|active| active.fits(request.frames.len()))
                    && let Err(error) = self.roll(request.frames.len() as u64)
                {
                    answer(request.reply, Err(error));
                    continue;
                }
            }
            let seed = self.active.as_ref().map_or(0, |active| active.seed);
            group.add(request, seed);
        }
        self.commit(group);
    }

    fn group(&self, bytes: usize) -> CommitGroup {
        CommitGroup {
            bytes: Vec::with_capacity(bytes + frame::HEADER),
            first: self.next,
            ..CommitGroup::default()
        }
    }

    /// Writes a group and answers its appends.
    fn commit(&mut self, mut group: CommitGroup) {
        let Some(active) = self.active.as_mut().filter(|_| group.records > 0) else {
            return;
        };
        let end = group.bytes.len();
        group.bytes.resize(end + frame::HEADER, 0);
        let durability = self.shared.options.durability;
        if let Err(error) = active.write(&group.bytes, group.first, durability, &self.disk) {
            self.refused = end as u64;
            self.fail(&error);
            for waiting in group.answers {
                answer(waiting.reply, Err(error.clone()));
            }
            return;
        }
        active
            .segment
            .set_written_ms(self.shared.options.clock.now_ms());
        self.next = group.first + group.records;
        self.note_end();
        let run = FrameSlice::new(Arc::new(group.bytes), 0, end, group.first, group.records);
        // Whoever counts what is stored does so before a reader can have it.
        let replies: Vec<_> = group
            .answers
            .into_iter()
            .map(PendingAppend::stored)
            .collect();
        lock(&self.shared.tail).push(run);
        let next = self.next;
        self.shared
            .published
            .send_modify(|published| published.next = next);
        for (reply, first, _room) in replies {
            answer(reply, Ok(first));
        }
    }

    /// After a failed write or fdatasync the end of the segment is unknown: it is given up.
    fn fail(&mut self, error: &Error) {
        if matches!(error, Error::NoSpace { .. }) {
            if !self.shared.no_space.swap(true, Ordering::Relaxed) {
                tracing::warn!(%error, "the disk is full; appends are refused until there is space");
            }
        } else {
            tracing::error!(%error, "a write failed; going on in a new segment");
        }
        self.abandon();
    }

    /// Ends the segment that is being written, whose end is not to be trusted.
    fn abandon(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        let base = active.segment.identity.base;
        active.abandon(self.next);
        if base == self.next {
            retention::forget_empty(self);
        }
    }

    /// Begins a new segment, with room for `frames` bytes of records at least.
    pub(crate) fn roll(&mut self, frames: u64) -> Result<(), Error> {
        let needed = Options::file_bytes_for(frames);
        let made = self.make_segment(needed);
        let full = matches!(made, Err(Error::Full { .. }));
        let no_space = matches!(made, Err(Error::NoSpace { .. }));
        if no_space {
            self.refused = frames;
        }
        if full && !self.shared.full.swap(true, Ordering::Relaxed) {
            tracing::warn!("the journal is full; appends are refused until readers have caught up");
        }
        if no_space && !self.shared.no_space.swap(true, Ordering::Relaxed) {
            tracing::warn!("the disk is full; appends are refused until there is space");
        }
        let active = made?;
        for (flag, what) in [
            (&self.shared.full, "journal"),
            (&self.shared.no_space, "disk"),
        ] {
            if flag.swap(false, Ordering::Relaxed) {
                tracing::info!("the {what} has room again");
            }
        }
        lock(&self.shared.segments).push_back(Arc::clone(&active.segment));
        if let Some(before) = self.active.replace(active) {
            before.seal(self.next);
        }
        retention::release(self);
        Ok(())
    }

    fn make_segment(&mut self, needed: u64) -> Result<SegmentWriter, Error> {
        let mut bytes = retention::make_room(self, needed)?;
        loop {
            match self.create(bytes) {
                Err(Error::NoSpace { path }) => {
                    // Rather than refuse: give up segments kept for a replay only, then make do with less.
                    if retention::release_one(self) {
                        continue;
                    }
                    if bytes / 4 < needed || bytes / 4 < retention::MIN_RESERVED {
                        return Err(Error::NoSpace { path });
                    }
                    bytes /= 4;
                }
                other => return other,
            }
        }
    }

    fn create(&mut self, bytes: u64) -> Result<SegmentWriter, Error> {
        let shared = &self.shared;
        let previous = lock(&shared.segments)
            .back()
            .map_or(NO_PREVIOUS, |last| last.identity.id);
        let identity = SegmentIdentity::new(self.next_id, self.next);
        let header = SegmentHeader {
            identity,
            previous,
            created_ms: shared.options.clock.now_ms(),
            recycled: false,
        };
        // Never the same number twice, even if this one may have failed half-way.
        self.next_id += 1;
        let file = segment::create(&shared.dir, &header, bytes, &self.disk)?;
        let segment = Segment::new(
            identity,
            shared.dir.join(identity.file_name()),
            u64::MAX,
            bytes,
        );
        segment.set_used_bytes(HEADER_BYTES);
        segment.set_written_ms(header.created_ms);
        Ok(SegmentWriter::new(
            Arc::new(segment),
            file,
            HEADER_BYTES,
            bytes,
        ))
    }

    fn finish(&mut self) -> Result<(), Error> {
        let closed = self
            .active
            .take()
            .map_or(Ok(()), |active| active.close(self.next));
        let mut outcome = closed;
        for cursor in lock(&self.shared.cursors).iter() {
            cursor.close();
            outcome = outcome.and(cursor.sync());
        }
        outcome = outcome.and(self.mark_end());
        outcome.and(sync_dir(&self.shared.dir))
    }
}

impl CommitGroup {
    fn add(&mut self, request: QueuedAppend, seed: u32) {
        let QueuedAppend {
            mut frames,
            records,
            stored,
            reply,
            room,
        } = request;
        let first = self.first + self.records;
        frame::stamp(&mut frames, first, seed);
        self.bytes.extend_from_slice(&frames);
        self.records += records;
        self.answers.push(PendingAppend {
            reply,
            first: Offset(first),
            stored,
            room,
        });
    }
}

impl PendingAppend {
    /// Tells that it is durable; what is left is its answer, and the room it gives back.
    fn stored(self) -> (Answer, Offset, OwnedSemaphorePermit) {
        self.stored.call(self.first);
        (self.reply, self.first, self.room)
    }
}

/// Answers an append. Nobody may be waiting any more: then it was written for nobody, which is what was asked for.
fn answer(reply: Answer, result: Result<Offset, Error>) {
    drop(reply.send(result));
}

/// Tells everybody that the writer is gone, also when it panicked: appends without an answer get an error then.
struct ExitGuard<'a>(&'a JournalState);

impl Drop for ExitGuard<'_> {
    fn drop(&mut self) {
        self.0.queue.abandon();
        self.0
            .published
            .send_modify(|published: &mut PublishedEnd| published.closed = true);
    }
}
