//! A reader: follows the log from its cursor, and moves it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cursor::Cursor;
use crate::error::Error;
use crate::log_reader::LogReader;
use crate::offset::Offset;
use crate::records::{Limit, Records};
use crate::state::JournalState;

/// Reads the journal for one cursor, which it owns as long as it lives.
#[derive(Debug)]
pub struct Reader {
    cursor: Arc<Cursor>,
    log: LogReader,
}

impl Reader {
    pub(crate) fn new(state: Arc<JournalState>, cursor: Arc<Cursor>) -> Self {
        Self {
            log: LogReader::new(state, cursor.position()),
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
        self.log.next(limit).await
    }

    /// Resolves when so many records are there that [`Reader::next`] has not handed out, or once the journal was closed.
    /// Records that damage has cost count, too.
    ///
    /// Cancel-safe: dropping the future changes nothing.
    pub async fn wait_for(&mut self, records: u64) {
        self.log.wait_for(records).await;
    }

    /// Acknowledges all records below `up_to`: moves the cursor there. An offset that was acknowledged before is ignored.
    ///
    /// When this returns, the position survives the death of the process; within a second it survives a power cut.
    ///
    /// # Errors
    /// [`Error::AckAhead`] for records that were not handed out yet, [`Error::Closed`], [`Error::Io`].
    #[expect(
        clippy::unused_async,
        reason = "a journal on another machine would have to wait here"
    )]
    pub async fn ack(&mut self, up_to: Offset) -> Result<(), Error> {
        if up_to.0 > self.log.reached() {
            return Err(Error::AckAhead {
                up_to: up_to.0,
                reached: self.log.reached(),
            });
        }
        let before = self.cursor.advance(up_to.0)?;
        let state = &self.log.state;
        let next_deletion = state.next_deletion.load(Ordering::Acquire);
        if before < next_deletion && next_deletion <= up_to.0 {
            state.queue.wake_writer();
        }
        Ok(())
    }

    /// Moves the cursor back to `to`, or to the oldest record there is, to read again what was acknowledged. It never
    /// moves the cursor forward. Returns where the cursor is now: [`Reader::next`] goes on there, also with what was
    /// handed out and not acknowledged.
    ///
    /// It is as durable as an ack: it survives the death of the process at once, a power cut within a second.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Io`].
    pub fn rewind(&mut self, to: Offset) -> Result<Offset, Error> {
        let position = self.log.state.rewind(&self.cursor, to.0)?;
        self.log.go_to(position);
        Ok(Offset(position))
    }

    /// The first offset that [`Reader::next`] has not handed out.
    pub fn reached(&self) -> Offset {
        Offset(self.log.reached())
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
