//! From what Redis answered to a record.

use kenwell_json::Skipped;

use super::document::{self, Malformed, Part, Parts};
use super::store::Undecodable;
use super::values::{Expected, Fetched};
use super::{Entry, Error, Json, Record, StateStore, Timestamp, Traits, ValuePlace};

/// Where to note what cannot be decoded; without it the first such entry fails the load.
struct Unreadable(Option<Vec<ValuePlace>>);

/// The JSON of an entry, and the entry's number.
struct DecodedEntry(usize, Json);

/// What is known of an entry: its key, and what it held, unless that could not be read.
struct LoadedEntry {
    held: Expected,
    is_known: bool,
}

/// The entries of a user, to name those that cannot be decoded.
struct Places<'a> {
    entries: &'a [Entry],
    loaded: &'a [LoadedEntry],
    decoded: &'a [DecodedEntry],
}

impl Unreadable {
    /// Notes that an entry cannot be read, or fails with the reason. What may be readable later is
    /// never noted.
    fn give_up(&mut self, place: ValuePlace, error: Error) -> Result<(), Error> {
        match &mut self.0 {
            Some(noted) if !error.is_retryable() => {
                if !noted.contains(&place) {
                    noted.push(place);
                }
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Reads a part, if it is there; its entry is told when it is malformed.
    fn read<'a, T>(
        &mut self,
        places: &Places<'_>,
        part: Part<'a>,
        read: impl Fn(Skipped<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Error> {
        let Some((number, raw)) = part else {
            return Ok(None);
        };
        match read(raw) {
            Ok(value) => Ok(Some(value)),
            Err(malformed) => {
                self.spoilt(places.of(number), malformed)?;
                Ok(None)
            }
        }
    }

    /// An entry is malformed.
    fn spoilt(&mut self, place: ValuePlace, malformed: Malformed) -> Result<(), Error> {
        let error = Error::Undecodable {
            place: place.clone(),
            source: malformed.into(),
        };
        self.give_up(place, error)
    }
}

impl Places<'_> {
    /// The place of the decoded entry of this number.
    fn of(&self, number: usize) -> ValuePlace {
        let index = self.decoded.get(number).map_or(0, |decoded| decoded.0);
        let key = self
            .loaded
            .get(index)
            .map_or(&b""[..], |entry| &entry.held.key);
        let place = ValuePlace::new(index, key);
        match self.entries.get(index) {
            Some(entry) => place.named(&entry.id),
            None => place,
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
        let entries = &self.config.entries;
        let mut loaded = Vec::with_capacity(entries.len());
        let mut decoded = Vec::with_capacity(entries.len());
        let is_noted = undecodable == Undecodable::IsNoted;
        let mut unreadable = Unreadable(is_noted.then(Vec::new));
        let numbered = entries.iter().enumerate();
        for (((index, entry), key), value) in numbered.zip(keys).zip(fetched.values) {
            let place = || ValuePlace::new(index, &key).named(&entry.id);
            let (value, is_known) = match value {
                Ok(value) => (value, true),
                Err(error) => {
                    unreadable.give_up(place(), self.named(error))?;
                    record.stored = true;
                    (None, false)
                }
            };
            // As in Jovo, empty text counts as nothing.
            if let Some(stored) = value.as_deref().filter(|stored| !stored.is_empty()) {
                record.stored = true;
                let codec = &self.config.codec;
                match codec.decode((index, entry), &key, stored).await {
                    Ok(json) => decoded.push(DecodedEntry(index, json)),
                    Err(error) => unreadable.give_up(place(), error)?,
                }
            }
            let held = Expected { key, value };
            loaded.push(LoadedEntry { held, is_known });
        }
        let places = Places {
            entries,
            loaded: &loaded,
            decoded: &decoded,
        };
        self.merge(&places, &mut unreadable, &mut record)?;
        record.unreadable = unreadable.0.unwrap_or_default();
        let known = loaded.into_iter().filter(|entry| entry.is_known);
        record.known = known.map(|entry| entry.held).collect();
        Ok(record)
    }

    fn merge(
        &self,
        places: &Places<'_>,
        unreadable: &mut Unreadable,
        record: &mut Record,
    ) -> Result<(), Error> {
        let mut parts = Parts::default();
        for (number, DecodedEntry(_, json)) in places.decoded.iter().enumerate() {
            if let Err(malformed) = parts.add(number, json) {
                unreadable.spoilt(places.of(number), malformed)?;
            }
        }
        let elements = &self.config.elements;
        if elements.user {
            let read = |part| document::read_user(part, self.config.form);
            let user = unreadable.read(places, parts.user, read)?;
            record.user = user.flatten();
        }
        if let Some(element) = &elements.session {
            let now = (self.config.clock)();
            let is_over = |touched: Timestamp| {
                now.since(touched)
                    .is_some_and(|idle| idle > element.expires_after)
            };
            let read = |part| document::read_session(part, self.config.form);
            let session = unreadable.read(places, parts.session, read)?;
            let session = session.flatten();
            let session = session.filter(|session| !session.updated_at.is_some_and(is_over));
            record.session = session.map(|mut session| {
                session.updated_at = Some(now);
                session
            });
        }
        if elements.history.is_some() {
            let history = unreadable.read(places, parts.history, document::read_history)?;
            record.history = history.unwrap_or_default();
        }
        if elements.created_at {
            let time = |part| document::read_time(part, "createdAt");
            let created_at = unreadable.read(places, parts.created_at, time)?;
            record.created_at = created_at.flatten();
        }
        if elements.updated_at {
            let time = |part| document::read_time(part, "updatedAt");
            let updated_at = unreadable.read(places, parts.updated_at, time)?;
            record.updated_at = updated_at.flatten();
        }
        Ok(())
    }
}
