//! Looks for events in the journal: the one that set a field, and the one whose value it replaced.

use std::ops::ControlFlow;

use kenwell::profile::{FieldEvent, Flattener, Layout, ProfileUpdate, Stamp, at_and_above};
use kenwell_journal::Error;

use super::journal_records::JournalRecords;
use crate::{config::Config, envelope::Envelope};

/// How many records before the event are looked at for what it replaced.
pub(super) const MAX_RECORDS_BEFORE: u64 = 10_000;
/// How many bytes of them, at most.
const MAX_BYTES_BEFORE: usize = 32 * 1024 * 1024;
/// How many records are looked at in one step back.
const STEP: u64 = 512;
/// How many events are looked for in one answer about a whole profile; the newest ones.
pub(super) const MAX_EVENTS: usize = 32;

/// Looks for the events of one destination.
pub(super) struct EventLookup<'a> {
    records: &'a JournalRecords,
    config: &'a Config,
    layout: &'a Layout,
    flattener: Flattener,
}

/// What was found where an event should be.
pub(super) enum FoundEvent {
    /// The event's bytes, and what it writes; nothing when this destination would ignore it now.
    Here(Vec<u8>, Option<ProfileUpdate>),
    /// The journal's retention has taken it.
    Deleted,
    /// The record is lost to damage.
    Damaged,
    /// Another event is there, or none yet: this is not the journal that it came through.
    OtherJournal,
}

/// What a field was before.
pub(super) struct Replaced {
    pub(super) source: String,
    pub(super) stamp: Stamp,
    /// `None`: the field had been removed.
    pub(super) value: Option<Vec<u8>>,
}

impl<'a> EventLookup<'a> {
    pub(super) fn new(records: &'a JournalRecords, config: &'a Config, layout: &'a Layout) -> Self {
        Self {
            records,
            config,
            layout,
            flattener: Flattener::default(),
        }
    }

    /// The event itself. The offset alone does not tell: several Kenwells may write to one Redis, each with a journal
    /// of its own. So source and time of receipt have to be the same.
    pub(super) async fn find(&mut self, event: &FieldEvent<'_>) -> Result<FoundEvent, Error> {
        let offset = event.stamp.offset;
        let offsets = self.records.offsets();
        if offset >= offsets.end {
            return Ok(FoundEvent::OtherJournal);
        }
        if offset < offsets.start {
            return Ok(FoundEvent::Deleted);
        }
        let mut found = FoundEvent::Damaged;
        let (flattener, layout) = (&mut self.flattener, self.layout);
        let read = self.records.read(offset..offset + 1, |_, record| {
            found = match Envelope::decode(record) {
                Ok(envelope)
                    if envelope.source == event.source
                        && envelope.received_at_ms == event.stamp.received_ms =>
                {
                    let receipt = envelope.receipt(offset);
                    let update = flattener.received(envelope.event, layout, &receipt).ok();
                    FoundEvent::Here(envelope.event.to_vec(), update)
                }
                _ => FoundEvent::OtherJournal,
            };
            ControlFlow::Break(())
        });
        read.await?;
        Ok(found)
    }

    /// What the field of this user was before an event of this journal: of the events that were received before it and
    /// set or removed the field, the one that happened last. Looks at [`MAX_RECORDS_BEFORE`] records and 32 MiB, the
    /// nearest ones.
    pub(super) async fn replaced(
        &mut self,
        key: &[u8],
        name: &[u8],
        event: Stamp,
    ) -> Result<Option<Replaced>, Error> {
        let oldest = event.offset.saturating_sub(MAX_RECORDS_BEFORE);
        let oldest = oldest.max(self.records.offsets().start);
        let (mut end, mut bytes) = (event.offset, 0);
        let mut last: Option<Replaced> = None;
        while end > oldest {
            let start = end.saturating_sub(STEP).max(oldest);
            let (flattener, layout, config) = (&mut self.flattener, self.layout, self.config);
            let mut last_here: Option<Replaced> = None;
            let read = self.records.read(start..end, |offset, record| {
                bytes += record.len();
                if bytes > MAX_BYTES_BEFORE {
                    return ControlFlow::Break(());
                }
                if let Some(update) = update(flattener, layout, config, offset, record)
                    && update.0.key() == key
                    && let Some(replaced) = change(&update, name)
                    && replaced.stamp < event
                {
                    last_here = later(last_here.take(), Some(replaced));
                }
                ControlFlow::Continue(())
            });
            read.await?;
            if bytes > MAX_BYTES_BEFORE {
                // Of this step only the older half is known, which says nothing about what was there last.
                break;
            }
            last = later(last, last_here);
            end = start;
        }
        Ok(last)
    }
}

/// The one that happened last.
fn later(one: Option<Replaced>, other: Option<Replaced>) -> Option<Replaced> {
    one.into_iter().chain(other).max_by_key(|it| it.stamp)
}

/// What a record writes to this destination, and who sent it.
fn update(
    flattener: &mut Flattener,
    layout: &Layout,
    config: &Config,
    offset: u64,
    record: &[u8],
) -> Option<(ProfileUpdate, String)> {
    let envelope = Envelope::decode(record).ok()?;
    let id = &layout.destination_id;
    if !envelope.is_for(id, |source| config.feeds(source, id)) {
        return None;
    }
    let update = flattener.received(envelope.event, layout, &envelope.receipt(offset));
    Some((update.ok()?, envelope.source.to_owned()))
}

/// What an update makes of a field: `None` when nothing.
fn change((update, source): &(ProfileUpdate, String), name: &[u8]) -> Option<Replaced> {
    let value = value_of(update, name);
    let is_removed = || {
        update
            .removals()
            .any(|it| at_and_above(name).any(|at| at == it))
    };
    if value.is_none() && !is_removed() {
        return None;
    }
    Some(Replaced {
        source: source.clone(),
        stamp: update.stamp()?,
        value: value.map(<[u8]>::to_vec),
    })
}

/// What an update sets a field to.
pub(super) fn value_of<'a>(update: &'a ProfileUpdate, name: &[u8]) -> Option<&'a [u8]> {
    let mut fields = update.fields();
    fields.find_map(|(other, value)| (other == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use kenwell::profile::{NullTraits, Order, Rules};
    use kenwell_journal::{Batch, Journal, Options, Snapshot, open};

    use super::*;
    use crate::config::Environment;
    use crate::envelope;

    fn layout() -> Layout {
        Layout {
            destination_id: "profiles".to_owned(),
            rules: Rules {
                order: Order::ByEventTime {
                    clock_tolerance: Duration::from_mins(5),
                },
                null_traits: NullTraits::Delete,
                ..Rules::default()
            },
            ..Layout::default()
        }
    }

    fn config() -> Config {
        let path = Path::new("kenwell.toml");
        let loaded = Config::parse(path, "", &Environment::default());
        loaded.unwrap().config
    }

    /// 2026-01-31T12:00:00Z.
    const RECEIVED: Duration = Duration::from_hours(491_628);

    /// A journal with one event of ada for each pair of minutes before noon and traits, in segments of a few events.
    async fn journal(dir: &Path, events: &[(u64, &str)]) -> Journal {
        let options = Options {
            segment_bytes: kenwell_journal::MIN_SEGMENT_BYTES,
            ..Options::default()
        };
        let (journal, _) = open(dir, options).unwrap();
        let prefix = envelope::prefix("web", &["profiles".to_owned()]);
        for (minutes, traits) in events {
            let at = u64::try_from(RECEIVED.as_millis()).unwrap() - minutes * 60_000;
            let event = format!(
                r#"{{"userId":"ada","originalTimestamp":{at},"traits":{traits},"padding":"{}"}}"#,
                "x".repeat(1000)
            );
            let header = envelope::header(&prefix, UNIX_EPOCH + RECEIVED, None);
            let mut batch = Batch::new();
            batch.push(&[&header, event.as_bytes()]);
            journal.append(batch).await.unwrap();
        }
        journal
    }

    fn event(minutes: u64, offset: u64) -> FieldEvent<'static> {
        let received_ms = u64::try_from(RECEIVED.as_millis()).unwrap();
        FieldEvent {
            stamp: Stamp {
                event_ms: received_ms - minutes * 60_000,
                received_ms,
                offset,
            },
            source: "web",
        }
    }

    const EVENTS: [(u64, &str); 6] = [
        (60, r#"{"a":{"b":1}}"#),
        (50, r#"{"a":{"b":2}}"#),
        (55, r#"{"a":{"b":3}}"#),
        (40, r#"{"a":null}"#),
        (45, r#"{"other":1}"#),
        (30, r#"{"a":{"b":4}}"#),
    ];

    #[tokio::test]
    async fn what_was_there_last_is_what_was_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path(), &EVENTS).await;
        let (config, layout) = (config(), layout());
        let files = JournalRecords::Files(Snapshot::open(dir.path()).unwrap());
        for records in [files, JournalRecords::Open(journal)] {
            let mut lookup = EventLookup::new(&records, &config, &layout);
            for (minutes, offset, expected) in [
                (30, 5, Some((None, 3))),
                // The third event came late, and was nothing that could be replaced.
                (40, 3, Some((Some("2"), 1))),
                (50, 1, Some((Some("1"), 0))),
                // Nor did it replace what happened after it, were the profile deleted in between.
                (55, 2, Some((Some("1"), 0))),
                (60, 0, None),
            ] {
                let stamp = event(minutes, offset).stamp;
                let found = lookup.replaced(b"user:ada", b"a.b", stamp).await.unwrap();
                let value =
                    |it: &Replaced| it.value.clone().map(|it| String::from_utf8(it).unwrap());
                let found = found.as_ref().map(|it| (value(it), it.stamp.offset));
                let expected = expected.map(|(value, at)| (value.map(str::to_owned), at));
                assert_eq!(found, expected, "{offset}");
            }
            let other = lookup.replaced(b"user:eve", b"a.b", event(30, 5).stamp);
            assert!(other.await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn an_event_is_found_or_it_is_told_why_not() {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path(), &EVENTS).await.close().await.unwrap();
        let files = std::fs::read_dir(dir.path()).unwrap();
        let segments = files.map(|file| file.unwrap().path());
        let segments = segments.filter(|path| path.extension().is_some_and(|it| it == "segment"));
        std::fs::remove_file(segments.min().unwrap()).unwrap();
        let (config, layout) = (config(), layout());
        let files = JournalRecords::Files(Snapshot::open(dir.path()).unwrap());
        let (journal, _) = open(dir.path(), Options::default()).unwrap();
        for records in [files, JournalRecords::Open(journal.clone())] {
            let mut lookup = EventLookup::new(&records, &config, &layout);
            let here = lookup.find(&event(30, 5)).await.unwrap();
            let FoundEvent::Here(bytes, Some(update)) = here else {
                panic!()
            };
            assert!(bytes.starts_with(br#"{"userId":"ada""#));
            assert_eq!(value_of(&update, b"a.b"), Some(&b"4"[..]));
            let deleted = lookup.find(&event(60, 0)).await.unwrap();
            assert!(matches!(deleted, FoundEvent::Deleted));
            let ahead = lookup.find(&event(30, 99)).await.unwrap();
            assert!(matches!(ahead, FoundEvent::OtherJournal));
            for wrong in [
                FieldEvent {
                    source: "app",
                    ..event(30, 5)
                },
                FieldEvent {
                    stamp: Stamp {
                        received_ms: 7,
                        ..event(30, 5).stamp
                    },
                    ..event(30, 5)
                },
            ] {
                let found = lookup.find(&wrong).await.unwrap();
                assert!(matches!(found, FoundEvent::OtherJournal));
            }
        }
        // Looking for what retention took counts as no loss.
        assert_eq!(journal.stats().corrupt_records, 0);
    }
}
