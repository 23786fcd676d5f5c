//! Reads a range of the log once, without a cursor.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Error;
use crate::log_reader::LogReader;
use crate::offset::Offset;
use crate::records::{Limit, Records};
use crate::state::JournalState;

/// Reads a range of the log once. Until it is dropped, nothing from the start of the range on is deleted.
#[derive(Debug)]
pub struct RangeReader {
    log: LogReader,
    from: u64,
    end: u64,
}

impl RangeReader {
    pub(crate) fn new(state: Arc<JournalState>, range: &Range<Offset>) -> Self {
        let from = range.start.0;
        state.segments.hold(from);
        Self {
            end: range.end.0,
            log: LogReader::new(state, from),
            from,
        }
    }

    /// The next records, and what is lost before and behind them; `None` once the end of the range is reached. Waits
    /// for records that are not appended yet.
    ///
    /// Cancel-safe: dropping the future loses no record.
    ///
    /// # Errors
    /// As those of [`Reader::next`](crate::Reader::next).
    pub async fn next(&mut self, limit: Limit) -> Result<Option<Records>, Error> {
        if self.log.reached() >= self.end {
            return Ok(None);
        }
        let mut records = self.log.next(limit).await?;
        records.cut(self.end);
        Ok(Some(records))
    }
}

impl Drop for RangeReader {
    fn drop(&mut self) {
        let state = &self.log.state;
        state.segments.release(self.from);
        state.queue.wake_writer();
    }
}
