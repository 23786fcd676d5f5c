//! What a journal record holds: which source sent the event, when, where it goes, and the event's own bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version, 4 |
//! | 1 | length of the source id, 0-255 |
//! | n | source id, UTF-8 |
//! | 2 | number of destinations, little endian |
//! | for each: 1 | length of the destination's id, 0-255 |
//! | n | its id, UTF-8 |
//! | 8 | time of receipt, milliseconds since 1970 UTC, little endian |
//! | 8 | when its request was sent, by the sender's clock and as the request says beside its events, likewise; 0: it does not |
//! | rest | the event, as sent |
//!
//! Version 3 is the same without the time of sending. In version 2 the sender's address follows the time: one byte of length, and the address as text. It was never
//! used, and it is personal data, so it is not kept any more. Version 1 is like version 2 without destinations: such
//! a record goes to the destinations that its source feeds when it is delivered. Since version 2 they are decided
//! when the event is accepted (ADR 0008).

use std::time::{SystemTime, UNIX_EPOCH};

use kenwell::profile::Receipt;

const VERSION: u8 = 4;
/// Version 3, still read.
const WITHOUT_SENDING: u8 = 3;
/// Version 2, still read: journals outlive the version that wrote them.
const WITH_ADDRESS: u8 = 2;
/// Version 1, still read too.
const WITHOUT_DESTINATIONS: u8 = 1;

/// An event as the journal keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The id of the source whose write key came with the request.
    pub source: &'a str,
    /// The destinations that the source fed when the event was accepted; `None` in version 1.
    pub destinations: Option<DestinationIds<'a>>,
    /// When the gateway received it, milliseconds since 1970 UTC.
    pub received_at_ms: u64,
    /// When its request was sent, by the sender's clock, likewise; `None` when the request does not say so beside its
    /// events.
    pub sent_at_ms: Option<u64>,
    /// The event's own bytes, as sent.
    pub event: &'a [u8],
}

/// The destinations of a record, in the record's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DestinationIds<'a> {
    ids: &'a [u8],
}

/// A record that is no envelope of a known version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("journal record is not an event envelope of version {WITHOUT_DESTINATIONS} to {VERSION}")]
pub struct NotAnEnvelope;

/// What is the same in all envelopes of one source: its id and the destinations. Ids are cut at 255 bytes and the
/// list at 65,535, which configuration never exceeds.
pub fn prefix(source: &str, destinations: &[String]) -> Vec<u8> {
    let mut prefix = Vec::new();
    push_short(source, &mut prefix);
    let count = u16::try_from(destinations.len()).unwrap_or(u16::MAX);
    prefix.extend_from_slice(&count.to_le_bytes());
    for id in destinations.iter().take(usize::from(count)) {
        push_short(id, &mut prefix);
    }
    prefix
}

/// Everything of an envelope but the event: one for all events of a request. `prefix` is made by
/// [`prefix`].
pub fn header(prefix: &[u8], received_at: SystemTime, sent_at_ms: Option<u64>) -> Vec<u8> {
    let millis = received_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let mut header = Vec::with_capacity(17 + prefix.len());
    header.push(VERSION);
    header.extend_from_slice(prefix);
    header.extend_from_slice(&u64::try_from(millis).unwrap_or(u64::MAX).to_le_bytes());
    header.extend_from_slice(&sent_at_ms.unwrap_or(0).to_le_bytes());
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
    ///
    /// # Errors
    /// [`NotAnEnvelope`] when it has an unknown version or is cut off.
    pub fn decode(record: &'a [u8]) -> Result<Self, NotAnEnvelope> {
        Self::read(record).ok_or(NotAnEnvelope)
    }

    fn read(record: &'a [u8]) -> Option<Self> {
        let (&version, rest) = record.split_first()?;
        let (source, rest) = short(rest)?;
        let (destinations, rest) = match version {
            WITHOUT_DESTINATIONS => (None, rest),
            WITH_ADDRESS | WITHOUT_SENDING | VERSION => {
                let (destinations, rest) = destinations(rest)?;
                (Some(destinations), rest)
            }
            _ => return None,
        };
        let (millis, rest) = rest.split_first_chunk::<8>()?;
        let (sent, event) = match version {
            VERSION => {
                let (sent, event) = rest.split_first_chunk::<8>()?;
                (u64::from_le_bytes(*sent), event)
            }
            WITHOUT_SENDING => (0, rest),
            _ => (0, short(rest)?.1),
        };
        Some(Self {
            source,
            destinations,
            received_at_ms: u64::from_le_bytes(*millis),
            sent_at_ms: (sent > 0).then_some(sent),
            event,
        })
    }

    /// How the event of the record with this offset was received.
    pub fn receipt(&self, offset: u64) -> Receipt<'a> {
        Receipt {
            source: self.source,
            offset,
            received_at_ms: self.received_at_ms,
            sent_at_ms: self.sent_at_ms,
        }
    }

    /// Whether the event is for this destination. When the record does not say, `feeds` tells whether its source
    /// feeds the destination.
    pub fn is_for(&self, destination: &str, feeds: impl Fn(&str) -> bool) -> bool {
        match self.destinations {
            Some(destinations) => destinations.contains(destination),
            None => feeds(self.source),
        }
    }
}

impl<'a> DestinationIds<'a> {
    /// The destinations' ids.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut rest = self.ids;
        std::iter::from_fn(move || {
            let (id, behind) = short(rest)?;
            rest = behind;
            Some(id)
        })
    }

    /// Whether the destination is among them.
    pub fn contains(self, destination: &str) -> bool {
        self.iter().any(|id| id == destination)
    }
}

fn destinations(bytes: &[u8]) -> Option<(DestinationIds<'_>, &[u8])> {
    let (count, ids) = bytes.split_first_chunk::<2>()?;
    let mut rest = ids;
    for _ in 0..u16::from_le_bytes(*count) {
        (_, rest) = short(rest)?;
    }
    let length = ids.len().checked_sub(rest.len())?;
    let ids = ids.get(..length)?;
    Some((DestinationIds { ids }, rest))
}

fn short(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(length))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AT: Duration = Duration::from_millis(1_700_000_000_123);

    fn record(source: &str, destinations: &[&str]) -> Vec<u8> {
        let destinations: Vec<_> = destinations.iter().map(ToString::to_string).collect();
        header(&prefix(source, &destinations), UNIX_EPOCH + AT, Some(7))
    }

    #[test]
    fn comes_back_as_it_was() {
        let mut record = record("web", &["profiles", "crm"]);
        record.extend_from_slice(b"{\"a\":1}");
        let envelope = Envelope::decode(&record).unwrap();
        assert_eq!(envelope.source, "web");
        let found = envelope.destinations.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), ["profiles", "crm"]);
        assert!(found.contains("crm") && !found.contains("prof"));
        assert_eq!(envelope.event, b"{\"a\":1}");
        assert_eq!(envelope.received_at_ms, 1_700_000_000_123);
        assert_eq!(envelope.sent_at_ms, Some(7));
    }

    /// The records that a version of this code wrote, from its fixture.
    fn fixture(version: u8) -> Vec<Vec<u8>> {
        let path = format!("../../conformance/journal/{version}/records.txt");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let text = std::fs::read_to_string(path).unwrap();
        let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
        let records = text.lines().map(|line| {
            let (_, hex) = line.split_once(' ').unwrap();
            hex.as_bytes().chunks(2).map(byte).collect()
        });
        records.collect()
    }

    #[test]
    fn every_version_is_read_and_the_newest_is_written() {
        for version in [WITHOUT_DESTINATIONS, WITH_ADDRESS, WITHOUT_SENDING, VERSION] {
            for record in fixture(version) {
                assert_eq!(record[0], version);
                let envelope = Envelope::decode(&record).unwrap();
                let number = envelope.received_at_ms - 1_700_000_000_000;
                let start = format!(r#"{{"type":"identify","userId":"user-{number}","#);
                assert!(envelope.event.starts_with(start.as_bytes()));
                assert!(envelope.event.ends_with(b"xxx\"}}"));
                assert_eq!(envelope.source, "web");
                let is_said = version == VERSION && number.is_multiple_of(2);
                let sent = is_said.then(|| envelope.received_at_ms - 250);
                assert_eq!(envelope.sent_at_ms, sent);
                let expected = (version != WITHOUT_DESTINATIONS).then(|| vec!["profiles", "crm"]);
                let found = envelope
                    .destinations
                    .map(|ids| ids.iter().collect::<Vec<_>>());
                assert_eq!(found, expected);
            }
        }
        for record in fixture(VERSION) {
            let envelope = Envelope::decode(&record).unwrap();
            let at = UNIX_EPOCH + Duration::from_millis(envelope.received_at_ms);
            let prefix = prefix("web", &["profiles".to_owned(), "crm".to_owned()]);
            let mut written = header(&prefix, at, envelope.sent_at_ms);
            written.extend_from_slice(envelope.event);
            assert_eq!(written, record);
        }
    }

    #[test]
    fn version_1_is_still_read() {
        let mut record = vec![1, 3];
        record.extend_from_slice(b"web");
        record.extend_from_slice(&7u64.to_le_bytes());
        record.extend_from_slice(b"\x03::1{}");
        let envelope = Envelope::decode(&record).unwrap();
        assert_eq!((envelope.source, envelope.destinations), ("web", None));
        assert_eq!((envelope.received_at_ms, envelope.event), (7, &b"{}"[..]));
    }

    #[test]
    fn version_2_is_still_read_and_its_address_is_passed_over() {
        let mut record = vec![2, 3];
        record.extend_from_slice(b"web\x01\x00\x08profiles");
        record.extend_from_slice(&7u64.to_le_bytes());
        record.extend_from_slice(b"\x0810.0.0.7{}");
        let envelope = Envelope::decode(&record).unwrap();
        assert_eq!((envelope.received_at_ms, envelope.event), (7, &b"{}"[..]));
        assert!(envelope.destinations.unwrap().contains("profiles"));
        for cut in 0..record.len() - 2 {
            assert_eq!(Envelope::decode(&record[..cut]), Err(NotAnEnvelope));
        }
    }

    #[test]
    fn version_3_is_still_read() {
        let mut record = vec![3, 3];
        record.extend_from_slice(b"web\x01\x00\x08profiles");
        record.extend_from_slice(&7u64.to_le_bytes());
        record.extend_from_slice(b"{}");
        let envelope = Envelope::decode(&record).unwrap();
        assert_eq!((envelope.received_at_ms, envelope.sent_at_ms), (7, None));
        assert_eq!(envelope.event, b"{}");
    }

    #[test]
    fn refuses_other_bytes() {
        let record = record("web", &["profiles"]);
        for cut in 0..record.len() {
            assert_eq!(Envelope::decode(&record[..cut]), Err(NotAnEnvelope));
        }
        assert_eq!(Envelope::decode(b"\x05\x00"), Err(NotAnEnvelope));
    }

    #[test]
    fn cuts_what_is_too_long_at_a_character() {
        let record = record(&"é".repeat(200), &[]);
        assert_eq!(Envelope::decode(&record).unwrap().source, "é".repeat(127));
    }
}
