//! From what Redis answered to a record.

use kenwell_json::Skipped;

use super::document::{self, Malformed, Part, Parts};
use super::store::Undecodable;
use super::values::{Expected, Fetched};
use super::{Error, Json, Record, StateStore, Timestamp, Traits, ValuePlace};

/// Where to note what cannot be decoded; without it the first such entry fails the load.
struct Unreadable(Option<Vec<ValuePlace>>);

impl Unreadable {
    /// Notes that an entry cannot be read, or fails with the reason. What may be readable later is
    /// never noted.
    fn give_up(&mut self, place: &ValuePlace, error: Error) -> Result<(), Error> {
        match &mut self.0 {
            Some(noted) if !error.is_retryable() => {
                if !noted.contains(place) {
                    noted.push(place.clone());
                }
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Reads a part, if it is there; its entry is told when it is malformed.
    fn read<'a, T>(
        &mut self,
        decoded: &[(ValuePlace, Json)],
        part: Part<'a>,
        read: impl Fn(Skipped<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Error> {
        let Some((number, raw)) = part else {
            return Ok(None);
        };
        match (read(raw), decoded.get(number)) {
            (Ok(value), _) => return Ok(Some(value)),
            (Err(malformed), Some((place, _))) => self.give_up(place, spoilt(place, malformed))?,
            (Err(_), None) => {}
        }
        Ok(None)
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
        let mut decoded = Vec::new();
        let is_noted = undecodable == Undecodable::IsNoted;
        let mut unreadable = Unreadable(is_noted.then(Vec::new));
        let entries = self.config.entries.iter().enumerate();
        for (((index, entry), key), value) in entries.zip(keys).zip(fetched.values) {
            let place = ValuePlace::new(index, &key).named(&entry.id);
            let value = match value {
                Ok(value) => value,
                Err(error) => {
                    unreadable.give_up(&place, self.named(error))?;
                    record.stored = true;
                    continue;
                }
            };
            // As in Jovo, empty text counts as nothing.
            if let Some(stored) = value.as_deref().filter(|stored| !stored.is_empty()) {
                record.stored = true;
                match self.config.codec.decode(entry, &place, &key, stored).await {
                    Ok(json) => decoded.push((place, json)),
                    Err(error) => unreadable.give_up(&place, error)?,
                }
            }
            record.known.push(Expected { key, value });
        }
        self.merge(&decoded, &mut unreadable, &mut record)?;
        record.unreadable = unreadable.0.unwrap_or_default();
        Ok(record)
    }

    fn merge(
        &self,
        decoded: &[(ValuePlace, Json)],
        unreadable: &mut Unreadable,
        record: &mut Record,
    ) -> Result<(), Error> {
        let mut parts = Parts::default();
        for (number, (place, json)) in decoded.iter().enumerate() {
            if let Err(malformed) = parts.add(number, json) {
                unreadable.give_up(place, spoilt(place, malformed))?;
            }
        }
        let elements = &self.config.elements;
        if elements.user {
            let user = unreadable.read(decoded, parts.user, document::read_user)?;
            record.user = user.flatten();
        }
        if let Some(element) = &elements.session {
            let now = (self.config.clock)();
            let is_over = |touched: Timestamp| {
                now.since(touched)
                    .is_some_and(|idle| idle > element.expires_after)
            };
            let session = unreadable.read(decoded, parts.session, document::read_session)?;
            let session = session.flatten();
            let session = session.filter(|session| !session.updated_at.is_some_and(is_over));
            record.session = session.map(|mut session| {
                session.updated_at = Some(now);
                session
            });
        }
        if elements.history.is_some() {
            let history = unreadable.read(decoded, parts.history, document::read_history)?;
            record.history = history.unwrap_or_default();
        }
        if elements.created_at {
            let time = |part| document::read_time(part, "createdAt");
            let created_at = unreadable.read(decoded, parts.created_at, time)?;
            record.created_at = created_at.flatten();
        }
        if elements.updated_at {
            let time = |part| document::read_time(part, "updatedAt");
            let updated_at = unreadable.read(decoded, parts.updated_at, time)?;
            record.updated_at = updated_at.flatten();
        }
        Ok(())
    }
}

fn spoilt(place: &ValuePlace, malformed: Malformed) -> Error {
    Error::Undecodable {
        place: place.clone(),
        source: malformed.into(),
    }
}
