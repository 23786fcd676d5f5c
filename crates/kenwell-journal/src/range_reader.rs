//! One pass over records that are there already, without a cursor.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Error;
use crate::log_reader::LogReader;
use crate::offset::Offset;
use crate::reader::Limit;
use crate::records::Records;
use crate::state::JournalState;

/// Reads a range of the log once. Until it is dropped, nothing from the beginning of the range on is deleted.
#[derive(Debug)]
pub struct RangeReader {
    follower: LogReader,
    from: u64,
    end: u64,
}

impl RangeReader {
    pub(crate) fn new(shared: Arc<JournalState>, range: &Range<Offset>) -> Self {
        let from = range.start.0;
        shared.hold(from);
        Self {
            end: range.end.0,
            follower: LogReader::new(shared, from),
            from,
        }
    }

    /// The next records, and what is lost before and behind them; `None` once the end of the range is reached, whatever
    /// of it could be read. Waits for what is not appended yet.
    ///
    /// Cancel-safe: dropping the future loses no record.
    ///
    /// # Errors
    /// As those of [`Reader::next`](crate::Reader::next).
    pub async fn next(&mut self, limit: Limit) -> Result<Option<Records>, Error> {
        if self.follower.reached() >= self.end {
            return Ok(None);
        }
        let mut records = self.follower.next(limit).await?;
        records.cut(self.end);
        Ok(Some(records))
    }
}

impl Drop for RangeReader {
    fn drop(&mut self) {
        self.follower.shared.let_go(self.from);
    }
}
