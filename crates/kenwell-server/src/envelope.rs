//! What a journal record holds: who sent the event, when and from where, and the event's own bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | length of the source id, 0-255 |
//! | n | source id, UTF-8 |
//! | 8 | time of receipt, milliseconds since 1970 UTC, little endian |
//! | 1 | length of the sender's address, 0-255 |
//! | n | sender's address as text, UTF-8 |
//! | rest | the event, as sent |

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VERSION: u8 = 1;

/// An event as the journal keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The id of the source whose write key came with the request.
    pub source: &'a str,
    /// When the gateway received it, milliseconds since 1970 UTC.
    pub received_at_ms: u64,
    /// The sender's address: the first of `X-Forwarded-For`, else the socket's.
    pub sender: &'a str,
    /// The event's own bytes, as sent.
    pub event: &'a [u8],
}

/// A record that is no envelope of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("journal record is not an event envelope of version {VERSION}")]
pub struct NotAnEnvelope;

/// Everything of an envelope but the event: one for all events of a request. `source` and `sender`
/// are cut at 255 bytes, which configuration and [`crate::gateway`] never exceed.
pub fn header(source: &str, received_at: SystemTime, sender: &str) -> Vec<u8> {
    let millis = received_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let mut header = Vec::with_capacity(11 + source.len() + sender.len());
    header.push(VERSION);
    push_short(source, &mut header);
    header.extend_from_slice(&u64::try_from(millis).unwrap_or(u64::MAX).to_le_bytes());
    push_short(sender, &mut header);
    header
}

fn push_short(text: &str, out: &mut Vec<u8>) {
    let end = text.floor_char_boundary(usize::from(u8::MAX));
    let text = text.get(..end).unwrap_or_default();
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

impl<'a> Envelope<'a> {
    /// Reads a journal record.
    pub fn decode(record: &'a [u8]) -> Result<Self, NotAnEnvelope> {
        Self::read(record).ok_or(NotAnEnvelope)
    }

    fn read(record: &'a [u8]) -> Option<Self> {
        let rest = record.strip_prefix(&[VERSION])?;
        let (source, rest) = short(rest)?;
        let (millis, rest) = rest.split_first_chunk::<8>()?;
        let (sender, event) = short(rest)?;
        Some(Self {
            source,
            received_at_ms: u64::from_le_bytes(*millis),
            sender,
            event,
        })
    }

    /// Time from receipt to `now`; zero when the clock was set back meanwhile.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(Duration::from_millis(self.received_at_ms))
    }
}

fn short(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(length))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let mut record = header("web", at, "10.0.0.7");
        record.extend_from_slice(b"{\"a\":1}");
        let envelope = Envelope::decode(&record).unwrap();
        assert_eq!((envelope.source, envelope.sender), ("web", "10.0.0.7"));
        assert_eq!(envelope.event, b"{\"a\":1}");
        assert_eq!(
            envelope.age(at + Duration::from_secs(2)),
            Duration::from_secs(2)
        );
        assert_eq!(envelope.age(UNIX_EPOCH), Duration::ZERO);
    }

    #[test]
    fn refuses_other_bytes() {
        let record = header("web", UNIX_EPOCH, "::1");
        for cut in 0..record.len() {
            assert_eq!(Envelope::decode(&record[..cut]), Err(NotAnEnvelope));
        }
        assert_eq!(Envelope::decode(b"\x02\x00"), Err(NotAnEnvelope));
    }

    #[test]
    fn cuts_what_is_too_long_at_a_character() {
        let long = "é".repeat(200);
        let record = header(&long, UNIX_EPOCH, "");
        assert_eq!(Envelope::decode(&record).unwrap().source, "é".repeat(127));
    }
}
