//! From what Redis answered to a record.

use kenwell_json::Skipped;

use super::document::{self, Document, Malformed};
use super::store::Undecodable;
use super::values::{Expected, Fetched};
use super::{Error, Json, Record, StateStore, Timestamp, Traits, ValuePlace};

/// The entries of one user that could be decoded, and what became of the others.
struct Loading {
    decoded: Vec<(ValuePlace, Json)>,
    /// Where to note what cannot be decoded; without it the first such entry fails the load.
    unreadable: Option<Vec<ValuePlace>>,
}

/// A part of a document, and the document's number.
type Part<'a> = Option<(usize, Skipped<'a>)>;

/// What is there of each part: in the last document that has it.
#[derive(Default)]
struct Parts<'a> {
    user: Part<'a>,
    session: Part<'a>,
    history: Part<'a>,
    created_at: Part<'a>,
    updated_at: Part<'a>,
}

impl Loading {
    /// Notes that an entry cannot be read, or fails with the reason. What may be readable later is
    /// never noted.
    fn give_up(&mut self, place: &ValuePlace, error: Error) -> Result<(), Error> {
        match &mut self.unreadable {
            Some(noted) if !error.is_retryable() => {
                if !noted.contains(place) {
                    noted.push(place.clone());
                }
                Ok(())
            }
            _ => Err(error),
        }
    }
}

impl StateStore {
    /// Decodes the values of a user and puts the parts together.
    pub(super) async fn assemble(
        &self,
        keys: impl Iterator<Item = Vec<u8>>,
        fetched: Fetched,
        undecodable: Undecodable,
    ) -> Result<Record, Error> {
        let mut record = Record {
            traits: fetched.profile.map(Traits::from),
            ..Record::default()
        };
        let mut loading = Loading {
            decoded: Vec::new(),
            unreadable: (undecodable == Undecodable::IsNoted).then(Vec::new),
        };
        let entries = self.config.entries.iter().enumerate();
        for (((index, entry), key), value) in entries.zip(keys).zip(fetched.values) {
            let place = ValuePlace::new(index, &key).named(&entry.id);
            let value = match value {
                Ok(value) => value,
                Err(error) => {
                    loading.give_up(&place, self.named(error))?;
                    record.stored = true;
                    continue;
                }
            };
            // As in Jovo, empty text counts as nothing.
            if let Some(stored) = value.as_deref().filter(|stored| !stored.is_empty()) {
                record.stored = true;
                match self.config.codec.decode(entry, &place, &key, stored).await {
                    Ok(json) => loading.decoded.push((place, json)),
                    Err(error) => loading.give_up(&place, error)?,
                }
            }
            record.known.push(Expected { key, value });
        }
        self.merge(loading, &mut record)?;
        Ok(record)
    }

    fn merge(&self, mut loading: Loading, record: &mut Record) -> Result<(), Error> {
        let decoded = std::mem::take(&mut loading.decoded);
        let mut parts = Parts::default();
        for (number, (place, json)) in decoded.iter().enumerate() {
            match Document::read(json) {
                Ok(document) => parts.add(number, &document),
                Err(malformed) => loading.give_up(place, spoilt(place, malformed))?,
            }
        }
        let elements = &self.config.elements;
        let mut read = Reading {
            decoded: &decoded,
            loading: &mut loading,
        };
        if elements.user {
            record.user = read.part(parts.user, document::read_user)?.flatten();
        }
        if let Some(element) = &elements.session {
            let now = (self.config.clock)();
            let is_over = |touched: Timestamp| {
                now.since(touched)
                    .is_some_and(|idle| idle > element.expires_after)
            };
            let session = read.part(parts.session, document::read_session)?.flatten();
            let session = session.filter(|session| !session.updated_at.is_some_and(is_over));
            record.session = session.map(|mut session| {
                session.updated_at = Some(now);
                session
            });
        }
        if elements.history.is_some() {
            let history = read.part(parts.history, document::read_history)?;
            record.history = history.unwrap_or_default();
        }
        if elements.created_at {
            let time = |part| document::read_time(part, "createdAt");
            record.created_at = read.part(parts.created_at, time)?.flatten();
        }
        if elements.updated_at {
            let time = |part| document::read_time(part, "updatedAt");
            record.updated_at = read.part(parts.updated_at, time)?.flatten();
        }
        record.unreadable = loading.unreadable.unwrap_or_default();
        Ok(())
    }
}

impl<'a> Parts<'a> {
    fn add(&mut self, number: usize, document: &Document<'a>) {
        let add = |part: &mut Part<'a>, found: Option<Skipped<'a>>| {
            *part = found.map(|found| (number, found)).or(*part);
        };
        add(&mut self.user, document.user);
        add(&mut self.session, document.session);
        add(&mut self.history, document.history);
        add(&mut self.created_at, document.created_at);
        add(&mut self.updated_at, document.updated_at);
    }
}

struct Reading<'a> {
    decoded: &'a [(ValuePlace, Json)],
    loading: &'a mut Loading,
}

impl Reading<'_> {
    /// Reads a part, if it is there; its entry is told when it is malformed.
    fn part<'a, T>(
        &mut self,
        part: Part<'a>,
        read: impl Fn(Skipped<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Error> {
        let Some((number, raw)) = part else {
            return Ok(None);
        };
        match (read(raw), self.decoded.get(number)) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(malformed), Some((place, _))) => {
                self.loading.give_up(place, spoilt(place, malformed))?;
                Ok(None)
            }
            (Err(_), None) => Ok(None),
        }
    }
}

fn spoilt(place: &ValuePlace, malformed: Malformed) -> Error {
    Error::Undecodable {
        place: place.clone(),
        source: malformed.into(),
    }
}
