//! A reader: follows the log from its cursor, and moves it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cursor::Cursor;
use crate::error::Error;
use crate::log_reader::LogReader;
use crate::offset::Offset;
use crate::records::Records;
use crate::state::JournalState;

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
    cursor: Arc<Cursor>,
    follower: LogReader,
}

impl Reader {
    pub(crate) fn new(shared: Arc<JournalState>, cursor: Arc<Cursor>) -> Self {
        Self {
            follower: LogReader::new(shared, cursor.position()),
            cursor,
        }
    }

    /// The next records, as many as there are within the limit; waits for the first one. With them come the offsets
    /// that damage has cost, see [`Records::lost`]; where nothing behind a loss is there yet, the loss comes alone.
    ///
    /// Cancel-safe: dropping the future loses no record. Reading does not move the cursor, [`Reader::ack`] does.
    ///
    /// # Errors
    /// [`Error::Closed`] once the journal was closed; [`Error::Io`] when a file cannot be read, after which the call
    /// can be repeated. Damaged records are skipped, counted and logged, and are no error.
    pub async fn next(&mut self, limit: Limit) -> Result<Records, Error> {
        self.follower.next(limit).await
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
        if up_to.0 > self.follower.reached() {
            return Err(Error::AckAhead {
                up_to: up_to.0,
                reached: self.follower.reached(),
            });
        }
        let before = self.cursor.advance(up_to.0)?;
        let shared = &self.follower.shared;
        let release_at = shared.release_at.load(Ordering::Acquire);
        if before < release_at && release_at <= up_to.0 {
            shared.queue.nudge();
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
        let position = self.follower.shared.rewind(&self.cursor, to.0)?;
        self.follower.go_to(position);
        Ok(Offset(position))
    }

    /// The first offset that [`Reader::next`] has not handed out.
    pub fn reached(&self) -> Offset {
        Offset(self.follower.reached())
    }

    /// The cursor's position: the first offset that is not acknowledged.
    pub fn acked(&self) -> Offset {
        Offset(self.cursor.position())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.cursor.busy.store(false, Ordering::Release);
    }
}
