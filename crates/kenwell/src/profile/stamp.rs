//! An update's place in the order of all updates of its user, and what it is made of.

/// How an event came to us: what its journal record says beside its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// Id of the source that sent it.
    pub source: &'a str,
    /// Its offset in the journal.
    pub offset: u64,
    /// When it was received, in milliseconds since 1970 UTC.
    pub received_at_ms: u64,
    /// When the request that brought it was sent, by the sender's clock, if the request says so beside its events.
    pub sent_at_ms: Option<u64>,
}

/// An update's place in the order of all updates of its user: when the event happened, then when it was received, then
/// its offset. All of it is in the event's record, so that an event has the same stamp however often it is written.
///
/// The events of a request have offsets in a row, so those of one millisecond are in the order in which they were
/// sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// When the event happened, in milliseconds since 1970 UTC.
    pub event_ms: u64,
    /// When it was received, likewise.
    pub received_ms: u64,
    /// Its offset in the journal.
    pub offset: u64,
}

/// Bytes of one number in a stamp. Its numbers are below 2^48: the script compares them as the doubles that Lua has.
const NUMBER: usize = 6;

/// The largest number in a stamp: as a time it is in the year 10889.
const MAX: u64 = (1 << (8 * NUMBER)) - 1;

impl Stamp {
    /// Bytes of a stamp.
    pub(super) const BYTES: usize = 3 * NUMBER;

    /// A stamp of these numbers, each at most 2^48 - 1.
    pub(super) fn new(event_ms: u64, received_ms: u64, offset: u64) -> Self {
        Self {
            event_ms: event_ms.min(MAX),
            received_ms: received_ms.min(MAX),
            offset: offset.min(MAX),
        }
    }

    /// Appends it, big endian.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        for number in [self.event_ms, self.received_ms, self.offset] {
            let bytes = number.to_be_bytes();
            out.extend_from_slice(bytes.get(bytes.len() - NUMBER..).unwrap_or_default());
        }
    }

    /// Reads one from the front, and gives the rest.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (stamp, rest) = bytes.split_at_checked(Self::BYTES)?;
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let mut numbers = stamp.chunks(NUMBER).map(number);
        let stamp = Self {
            event_ms: numbers.next()?,
            received_ms: numbers.next()?,
            offset: numbers.next()?,
        };
        Some((stamp, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_is_ordered_as_its_bytes_are() {
        let stamps = [
            Stamp::new(1, 2, 3),
            Stamp::new(1, 2, 4),
            Stamp::new(1, 3, 0),
            Stamp::new(2, 0, 0),
            Stamp::new(1_700_000_000_123, 1_700_000_000_456, 1 << 40),
            Stamp::new(u64::MAX, u64::MAX, u64::MAX),
        ];
        let mut before = Vec::new();
        for stamp in stamps {
            let mut bytes = Vec::new();
            stamp.write(&mut bytes);
            assert_eq!(bytes.len(), Stamp::BYTES);
            assert!(bytes > before, "{stamp:?}");
            assert_eq!(Stamp::read(&bytes), Some((stamp, &[][..])));
            assert_eq!(Stamp::read(&bytes[1..]), None);
            before = bytes;
        }
        assert!(stamps.is_sorted());
    }
}
