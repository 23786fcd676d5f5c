//! The public handle of a journal: append, read, statistics, close.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::append_queue::{AppendAnswer, AppendQueue};
use crate::batch::Batch;
use crate::cursor_list::CursorList;
use crate::directory;
use crate::directory_scan::DirectoryScan;
use crate::error::Error;
use crate::lost_offsets::LostOffsets;
use crate::mutex::lock;
use crate::offset::Offset;
use crate::options::{Options, to_ms};
use crate::range_reader::RangeReader;
use crate::reader::Reader;
use crate::recent_records::RecentRecords;
use crate::recovery::{self, Recovery};
use crate::segments::SegmentList;
use crate::state::{JournalState, PublishedEnd};
use crate::stats::Stats;
use crate::writer::Writer;

/// An open journal. Clones share it.
///
/// Dropping the last clone closes it as [`Journal::close`] does, but blocks the thread meanwhile, and only logs errors.
#[derive(Debug, Clone)]
pub struct Journal {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    state: Arc<JournalState>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Opens the journal in `dir`, which is created if need be, and repairs what a crash left.
///
/// Blocks while it reads the newest segment. Needs no async runtime.
///
/// # Errors
/// [`Error::Locked`] when another instance has it open, [`Error::UnknownVersion`] when a newer version wrote it,
/// [`Error::Io`]. Damage is never an error; see [`Recovery`].
pub fn open(dir: &Path, options: Options) -> Result<(Journal, Recovery), Error> {
    let options = options.normalised();
    let lock_file = directory::take_lock(dir)?;
    let scan = DirectoryScan::new(dir)?;
    let recovery = Recovery::new(&scan);
    recovery::log(&recovery, &scan);
    let (cursors, end_mark) = recovery::repair(dir, &scan)?;
    let mut lost = LostOffsets::default();
    for range in &scan.end.lost {
        lost.add(range);
    }
    let is_listed = matches!(scan.cursor_list, CursorList::Valid(_));
    let state = Arc::new(JournalState {
        dir: dir.to_path_buf(),
        queue: AppendQueue::new(options.queue_bytes),
        published: watch::Sender::new(PublishedEnd {
            next: scan.next,
            closed: false,
        }),
        cursors: Mutex::new(cursors),
        cursor_list_lost: !is_listed && !scan.segments.is_empty(),
        segments: SegmentList::new(scan.segments),
        recent: Mutex::new(RecentRecords::new(options.memory_bytes)),
        lost: Mutex::new(lost),
        full: AtomicBool::new(false),
        no_space: AtomicBool::new(false),
        next_deletion: AtomicU64::new(0),
        close_error: Mutex::new(None),
        options,
    });
    let writer = Writer::new(
        Arc::clone(&state),
        scan.next_segment_id,
        end_mark,
        lock_file,
    );
    let builder = std::thread::Builder::new().name("kenwell-journal-write".to_owned());
    let thread = builder.spawn(move || writer.run());
    let thread = thread.map_err(Error::io("start the writing thread for", dir))?;
    let handle = Arc::new(Handle {
        state,
        thread: Mutex::new(Some(thread)),
    });
    Ok((Journal { handle }, recovery))
}

impl Journal {
    /// Appends all records of `batch` and returns the offset of the first one, once they are durable.
    ///
    /// Waits while the queue is full. Cancel-safe: when the future is dropped the batch is written completely or not
    /// at all. After an error no reader gets any of it; only after [`Error::Io`] followed by a crash may a part of it
    /// come back.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::NoSpace`] and [`Error::Io`] can be retried; [`Error::RecordTooLarge`],
    /// [`Error::Closed`].
    pub async fn append(&self, batch: Batch) -> Result<Offset, Error> {
        let state = &self.handle.state;
        batch.check(&state.options)?;
        if batch.is_empty() {
            return Ok(Offset(state.next()));
        }
        // The writer's thread takes it from there: `Writer::commit` → `SegmentWriter::write` → `Disk::fdatasync`.
        let answer = state.queue.push(batch).await?;
        let Ok(AppendAnswer { result, copied }) = answer.await else {
            return Err(Error::Closed);
        };
        drop(copied);
        result
    }

    /// A reader for the cursor of this name. A new cursor begins at the end of the log: it gets what is appended from
    /// now on. A cursor whose file was lost begins at the oldest record. When the list of cursors was lost too, nothing
    /// tells the two apart, and every new cursor begins at the oldest record until the next start. Blocks shortly when
    /// the cursor has to be created.
    ///
    /// # Errors
    /// [`Error::CursorName`], [`Error::CursorBusy`] while another reader has it, [`Error::Closed`], [`Error::Io`].
    pub fn reader(&self, cursor: &str) -> Result<Reader, Error> {
        let state = &self.handle.state;
        let cursor = state.take_cursor(cursor)?;
        Ok(Reader::new(Arc::clone(state), cursor))
    }

    /// Reads the records of `range` once, without a cursor.
    pub fn read_range(&self, range: Range<Offset>) -> RangeReader {
        RangeReader::new(Arc::clone(&self.handle.state), &range)
    }

    /// Removes the cursor of this name for good: the next reader of that name begins at the end of the log. An unknown
    /// name is ignored.
    ///
    /// # Errors
    /// [`Error::CursorBusy`] while a reader has it, [`Error::Io`].
    pub fn forget(&self, cursor: &str) -> Result<(), Error> {
        self.handle.state.forget_cursor(cursor)
    }

    /// The first offset of the oldest segment that was written at `time` or later: no record before it is that young.
    /// Where in the segment the first such record is, only the records themselves can tell.
    ///
    /// It goes by the clock at the time of writing; the answer is wrong if that was set back meanwhile.
    pub fn written_since(&self, time: SystemTime) -> Offset {
        self.handle.state.written_since(to_ms(time))
    }

    /// Numbers about the journal at this moment.
    pub fn stats(&self) -> Stats {
        self.handle.state.stats()
    }

    /// Takes no more appends, writes those that are waiting, makes cursors durable and releases the lock. Readers get
    /// [`Error::Closed`] from then on.
    ///
    /// # Errors
    /// [`Error::Io`] when the end of the log or a cursor could not be made durable; it is closed all the same.
    pub async fn close(&self) -> Result<(), Error> {
        let state = &self.handle.state;
        state.queue.close();
        let mut published = state.published.subscribe();
        // The sender lives as long as `state`.
        drop(published.wait_for(|published| published.closed).await);
        let error = lock(&state.close_error).clone();
        error.map_or(Ok(()), Err)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.state.queue.close();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's writing thread panicked");
        }
    }
}
