//! What one append writes: records in one buffer, with their frames around them.

use std::fmt;

use crate::error::Error;
use crate::frame;
use crate::frame::MAX_RECORD_BYTES;
use crate::offset::Offset;
use crate::options::{MAX_BATCH_BYTES, Options};

/// Records that are appended together: they get consecutive offsets and resolve at the same moment.
///
/// A batch is built in the caller's task, checksums included, so that the writer's thread only has to copy it. A crash
/// before the append resolved may keep a part of its first records.
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<u8>,
    records: u64,
    too_large: Option<u64>,
    on_stored: OnStored,
}

/// What is to be called once the batch is durable, with the offset of its first record.
#[derive(Default)]
pub(crate) struct OnStored(Option<Box<dyn FnOnce(Offset) + Send>>);

impl OnStored {
    pub(crate) fn call(&mut self, first: Offset) {
        if let Some(call) = self.0.take() {
            call(first);
        }
    }
}

impl fmt::Debug for OnStored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnStored")
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for `records` records that have `bytes` bytes together. It takes more, too, but then
    /// moves what it has.
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        let framing = frame::header_bytes(records);
        // What cannot be accepted need not have room.
        let most = usize::try_from(MAX_BATCH_BYTES).unwrap_or(usize::MAX);
        Self {
            frames: Vec::with_capacity(framing.saturating_add(bytes).min(most)),
            ..Self::default()
        }
    }

    /// Adds one record: the parts, one after another. A record over [`MAX_RECORD_BYTES`] is not copied; the append
    /// then fails with [`Error::RecordTooLarge`].
    pub fn push(&mut self, parts: &[&[u8]]) {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        match u32::try_from(bytes) {
            Ok(length) if u64::from(length) <= MAX_RECORD_BYTES => {
                frame::push(&mut self.frames, parts, length, self.records);
                self.records += 1;
            }
            _ => self.too_large = Some(bytes as u64),
        }
    }

    /// Runs `call` once, with the offset of the first record, when the batch is durable and before any reader can
    /// see it; never when the append fails, nor for an empty batch. For counting: the one writing thread runs it, so
    /// it must be quick and must not panic.
    #[must_use]
    pub fn on_stored(mut self, call: impl FnOnce(Offset) + Send + 'static) -> Self {
        self.on_stored = OnStored(Some(Box::new(call)));
        self
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        usize::try_from(self.records).unwrap_or(usize::MAX)
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Refuses a batch that could never be written.
    pub(crate) fn check(&self, options: &Options) -> Result<(), Error> {
        if let Some(bytes) = self.too_large {
            return Err(Error::RecordTooLarge {
                bytes,
                limit: MAX_RECORD_BYTES,
            });
        }
        let bytes = self.frames.len() as u64;
        let limit = options.max_batch_bytes();
        if Options::file_bytes_for(bytes) > limit {
            return Err(Error::RecordTooLarge { bytes, limit });
        }
        Ok(())
    }

    /// The frames, their number, and what to call once they are durable.
    pub(crate) fn into_frames(self) -> (Vec<u8>, u64, OnStored) {
        (self.frames, self.records, self.on_stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_records() {
        let mut batch = Batch::new();
        assert!(batch.is_empty());
        batch.push(&[b"abc", b"de"]);
        batch.push(&[]);
        assert_eq!(batch.len(), 2);
        assert!(batch.check(&Options::default()).is_ok());
    }

    #[test]
    fn a_batch_that_could_never_fit_is_refused() {
        let options = Options {
            max_bytes: 0,
            ..Options::default()
        };
        let mut batch = Batch::new();
        batch.push(&[&vec![0; 16 * 1024]]);
        assert!(matches!(
            batch.check(&options),
            Err(Error::RecordTooLarge { limit: 16_384, .. })
        ));
        assert!(batch.check(&Options::default()).is_ok());
    }

    #[test]
    fn a_record_over_the_bound_is_refused_without_a_copy() {
        let half = vec![0; 16 * 1024 * 1024];
        let mut batch = Batch::new();
        batch.push(&[&half, &half, b"x"]);
        assert!(batch.is_empty());
        assert!(matches!(
            batch.check(&Options::default()),
            Err(Error::RecordTooLarge {
                bytes: 33_554_433,
                ..
            })
        ));
    }
}
