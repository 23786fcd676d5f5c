//! What a journal record holds: which source sent the event, when, where it goes, and the event's own bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version, 5 |
//! | 1 | length of the source id, 0-255 |
//! | n | source id, UTF-8 |
//! | 1 to 3 | number of destinations |
//! | for each: 1 | length of the destination's id, 0-255 |
//! | n | its id, UTF-8 |
//! | 6 | time of receipt, milliseconds since 1970 UTC, little endian |
//! | 1 to 10 | when its request was sent, by the sender's clock and as the request says beside its events; 0: it does not |
//! | rest | the event, as sent |
//!
//! Numbers of no fixed size have seven bits in each byte, the lowest first, and the eighth bit says that more follow. That
//! of sending is twice the milliseconds that it came after the receipt; or, where it did not, twice those that it came
//! before, plus 1.
//!
//! Version 4 has two bytes for the number of destinations, eight for the time of receipt, and likewise for the time of
//! sending, since 1970 too. Version 3 is the same without the time of sending. In version 2 the sender's address follows the
//! time: one byte of length, and the address as text. It was never used, and it is personal data, so it is not kept any
//! more. Version 1 is like version 2 without destinations: such a record goes to the destinations that its source feeds
//! when it is delivered. Since version 2 they are decided when the event is accepted (ADR 0008).

mod number;

use std::time::{SystemTime, UNIX_EPOCH};

use kenwell::profile::Receipt;

use number::{number, push_number};

/// The version that is written.
pub(crate) const VERSION: u8 = 5;
/// Version 4, still read.
const WITH_FIXED_SIZES: u8 = 4;
/// Version 3, still read.
const WITHOUT_SENDING: u8 = 3;
/// Version 2, still read: journals outlive the version that wrote them.
const WITH_ADDRESS: u8 = 2;
/// Version 1, still read too.
const WITHOUT_DESTINATIONS: u8 = 1;

/// The latest time of receipt that six bytes have, in the year 10889.
const LATEST_MS: u64 = (1 << 48) - 1;

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

/// The version of an envelope that is too new to be read.
pub(crate) fn newer_version(record: &[u8]) -> Option<u8> {
    record.first().copied().filter(|version| *version > VERSION)
}

/// What is the same in all envelopes of one source: its id and the destinations. Ids are cut at 255 bytes and the
/// list at 65,535, which configuration never exceeds.
pub fn prefix(source: &str, destinations: &[String]) -> Vec<u8> {
    let mut prefix = Vec::new();
    push_short(source, &mut prefix);
    let count = u16::try_from(destinations.len()).unwrap_or(u16::MAX);
    push_number(u64::from(count), &mut prefix);
    for id in destinations.iter().take(usize::from(count)) {
        push_short(id, &mut prefix);
    }
    prefix
}

/// Everything of an envelope but the event: one for all events of a request. `prefix` is made by
/// [`prefix`]. A time of sending in 1970's first millisecond is none.
pub fn header(prefix: &[u8], received_at: SystemTime, sent_at_ms: Option<u64>) -> Vec<u8> {
    let since_1970 = received_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let received = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    let received = received.min(LATEST_MS);
    let mut header = Vec::with_capacity(17 + prefix.len());
    header.push(VERSION);
    header.extend_from_slice(prefix);
    let [time @ .., _, _] = received.to_le_bytes();
    header.extend_from_slice(&time);
    let sent = sent_at_ms.filter(|sent| *sent > 0);
    push_number(
        sent.map_or(0, |sent| sent_number(received, sent)),
        &mut header,
    );
    header
}

/// The time of sending as a small number, if it is about that of receipt.
fn sent_number(received: u64, sent: u64) -> u64 {
    // Sent before: 1, 3, 5, …; after: 2, 4, 6, …. What would be more than fits is no time that anybody means.
    let number = match received.checked_sub(sent) {
        Some(before) => before.checked_mul(2).and_then(|twice| twice.checked_add(1)),
        None => (sent - received).checked_mul(2),
    };
    number.unwrap_or(0)
}

/// Reverses [`sent_number`].
fn sent_time(received: u64, number: u64) -> Option<u64> {
    match number {
        0 => None,
        _ if number.is_multiple_of(2) => received.checked_add(number / 2),
        _ => received.checked_sub(number / 2),
    }
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
            WITH_ADDRESS | WITHOUT_SENDING | WITH_FIXED_SIZES => {
                let (count, rest) = rest.split_first_chunk::<2>()?;
                let (destinations, rest) = destinations(u16::from_le_bytes(*count), rest)?;
                (Some(destinations), rest)
            }
            VERSION => {
                let (count, rest) = number(rest)?;
                let (destinations, rest) = destinations(u16::try_from(count).ok()?, rest)?;
                (Some(destinations), rest)
            }
            _ => return None,
        };
        let (received_at_ms, sent_at_ms, event) = match version {
            VERSION => times(rest)?,
            _ => fixed_times(version, rest)?,
        };
        Some(Self {
            source,
            destinations,
            received_at_ms,
            sent_at_ms,
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

/// When it was received, when it was sent, and what follows.
fn times(bytes: &[u8]) -> Option<(u64, Option<u64>, &[u8])> {
    let (time, rest) = bytes.split_first_chunk::<6>()?;
    let mut received = [0; 8];
    received.first_chunk_mut::<6>()?.copy_from_slice(time);
    let received = u64::from_le_bytes(received);
    let (number, event) = number(rest)?;
    Some((received, sent_time(received, number), event))
}

/// The same as earlier versions have it.
fn fixed_times(version: u8, bytes: &[u8]) -> Option<(u64, Option<u64>, &[u8])> {
    let (received, rest) = bytes.split_first_chunk::<8>()?;
    let (sent, event) = match version {
        WITH_FIXED_SIZES => {
            let (sent, event) = rest.split_first_chunk::<8>()?;
            (u64::from_le_bytes(*sent), event)
        }
        WITHOUT_SENDING => (0, rest),
        _ => (0, short(rest)?.1),
    };
    let received = u64::from_le_bytes(*received);
    Some((received, (sent > 0).then_some(sent), event))
}

fn destinations(count: u16, ids: &[u8]) -> Option<(DestinationIds<'_>, &[u8])> {
    let mut rest = ids;
    for _ in 0..count {
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
        let versions = [
            WITHOUT_DESTINATIONS,
            WITH_ADDRESS,
            WITHOUT_SENDING,
            WITH_FIXED_SIZES,
            VERSION,
        ];
        for version in versions {
            for record in fixture(version) {
                assert_eq!(record[0], version);
                let envelope = Envelope::decode(&record).unwrap();
                let number = envelope.received_at_ms - 1_700_000_000_000;
                let start = format!(r#"{{"type":"identify","userId":"user-{number}","#);
                assert!(envelope.event.starts_with(start.as_bytes()));
                assert!(envelope.event.ends_with(b"xxx\"}}"));
                assert_eq!(envelope.source, "web");
                let is_said = version >= WITH_FIXED_SIZES && number.is_multiple_of(2);
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
    fn version_4_is_still_read() {
        let mut record = vec![4, 3];
        record.extend_from_slice(b"web\x01\x00\x08profiles");
        record.extend_from_slice(&7u64.to_le_bytes());
        record.extend_from_slice(&9u64.to_le_bytes());
        record.extend_from_slice(b"{}");
        let envelope = Envelope::decode(&record).unwrap();
        let times = (envelope.received_at_ms, envelope.sent_at_ms);
        assert_eq!((times, envelope.event), ((7, Some(9)), &b"{}"[..]));
    }

    #[test]
    fn every_time_of_sending_comes_back() {
        let received = u64::try_from(AT.as_millis()).unwrap();
        let around = (0..70_000).step_by(13);
        let around = around.flat_map(|by| [received - by, received + by]);
        let far = [1, 2, u64::from(u32::MAX), i64::MAX.unsigned_abs()];
        for sent in around.chain(far) {
            let header = header(&prefix("web", &[]), UNIX_EPOCH + AT, Some(sent));
            let envelope = Envelope::decode(&header).unwrap();
            assert_eq!(envelope.received_at_ms, received);
            assert_eq!(envelope.sent_at_ms, Some(sent));
        }
        for nobody in [None, Some(0), Some(u64::MAX)] {
            let header = header(&prefix("web", &[]), UNIX_EPOCH + AT, nobody);
            assert_eq!(Envelope::decode(&header).unwrap().sent_at_ms, None);
        }
        let far = UNIX_EPOCH + Duration::from_millis(LATEST_MS) + Duration::from_hours(1);
        let header = header(&prefix("web", &[]), far, None);
        assert_eq!(Envelope::decode(&header).unwrap().received_at_ms, LATEST_MS);
    }

    #[test]
    fn an_envelope_takes_few_bytes_of_its_own() {
        let ids = "web".len() + "profiles".len();
        let prefix = prefix("web", &["profiles".to_owned()]);
        let sent = AT.as_millis() - 1_000;
        let at = UNIX_EPOCH + AT;
        assert_eq!(header(&prefix, at, None).len(), ids + 11);
        let sent = u64::try_from(sent).unwrap();
        assert_eq!(header(&prefix, at, Some(sent)).len(), ids + 12);
    }

    #[test]
    fn many_destinations_have_room() {
        let ids: Vec<String> = (0..300).map(|number| format!("d{number}")).collect();
        let mut record = header(&prefix("web", &ids), UNIX_EPOCH, None);
        record.extend_from_slice(b"{}");
        let envelope = Envelope::decode(&record).unwrap();
        assert!(envelope.destinations.unwrap().iter().eq(&ids));
        assert_eq!(envelope.event, b"{}");
    }

    #[test]
    fn refuses_other_bytes() {
        let record = record("web", &["profiles"]);
        for cut in 0..record.len() {
            assert_eq!(Envelope::decode(&record[..cut]), Err(NotAnEnvelope));
        }
        assert_eq!(Envelope::decode(b"\x06\x00"), Err(NotAnEnvelope));
    }

    #[test]
    fn cuts_what_is_too_long_at_a_character() {
        let record = record(&"é".repeat(200), &[]);
        assert_eq!(Envelope::decode(&record).unwrap().source, "é".repeat(127));
    }
}
