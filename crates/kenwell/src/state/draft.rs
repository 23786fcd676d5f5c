//! From a record to what is written: all of it is ready before anything is sent.

use super::document::{self, Object};
use super::record_form::RecordForm;
use super::values::{Expected, Write};
use super::{Entry, Error, Json, Record, SaveOptions, Session, StateStore, Timestamp};

/// A save that was not sent yet.
pub(super) struct Draft {
    writes: Vec<Write>,
    history: Option<Vec<Json>>,
    session: Option<Session>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The JSON of each part that is stored, without its name.
struct Parts {
    user: Option<String>,
    session: Option<String>,
    history: Option<String>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl StateStore {
    /// The time of a save that happens now.
    fn save_time(&self, record: &Record) -> Timestamp {
        let now = (self.config.clock)();
        if self.config.form == RecordForm::Document && record.updated_at == Some(now) {
            return Timestamp::from_milliseconds(now.as_milliseconds() + 1);
        }
        now
    }

    /// A part that the program has set, and that is not stored, must not be lost in silence. Records that are documents come
    /// from programs whose stores keep all parts unless they were told otherwise.
    fn refuse_what_would_be_lost(&self, record: &Record) -> Result<(), Error> {
        let elements = &self.config.elements;
        if self.config.form == RecordForm::Document {
            return Ok(());
        }
        let (session, history) = (record.session.is_some(), !record.history.is_empty());
        let lost = [
            ("user", record.user.is_some() && !elements.user),
            ("session", session && elements.session.is_none()),
            ("history", history && elements.history.is_none()),
        ];
        let Some((part, _)) = lost.into_iter().find(|(_, lost)| *lost) else {
            return Ok(());
        };
        Err(Error::Setting {
            setting: "elements",
            problem: format!(
                "the record has a {part}, which this store does not keep; name `{part}` in StoredElements, or take it out of the record"
            ),
        })
    }

    /// Encodes all entries of a record.
    pub(super) async fn draft(
        &self,
        user_id: &str,
        record: &Record,
        options: &SaveOptions,
    ) -> Result<Draft, Error> {
        if let Some(place) = record.unreadable.first() {
            let place = place.clone();
            return Err(Error::Unreadable { place });
        }
        self.refuse_what_would_be_lost(record)?;
        let keys = self.entry_keys(user_id).await?;
        let now = self.save_time(record);
        let is_document = self.config.form == RecordForm::Document;
        let elements = &self.config.elements;
        let history = elements.history.as_ref().map(|element| {
            let items = record.history.iter().enumerate().take(element.size);
            let items = items.map(|(index, item)| {
                if index < record.fresh_items {
                    document::choose(item, element)
                } else {
                    item.clone()
                }
            });
            items.collect::<Vec<_>>()
        });
        let history = history.filter(|items| !(is_document && items.is_empty()));
        let session = record.session.clone().map(|mut session| {
            session.created_at.get_or_insert(now);
            session.updated_at.get_or_insert(now);
            session
        });
        let created_at = record.created_for(user_id, now);
        let stored_session = session.as_ref().filter(|_| elements.session.is_some());
        let parts = Parts {
            user: (elements.user && !(is_document && record.user.is_none()))
                .then(|| document::write_user(record.user.as_ref())),
            session: stored_session.map(|session| document::write_session(session, now)),
            history: history.as_deref().map(document::write_history),
            created_at: elements.created_at.then_some(created_at),
            updated_at: elements.updated_at.then_some(now),
        };
        let mut writes = Vec::with_capacity(keys.len());
        for ((index, entry), key) in self.config.entries.iter().enumerate().zip(keys) {
            let json = parts.of(entry);
            let codec = &self.config.codec;
            let value = codec.encode((index, entry), &key, json).await?;
            writes.push(Write {
                key,
                value,
                ttl_seconds: options.ttl_seconds.or(entry.ttl_seconds),
            });
        }
        Ok(Draft {
            writes,
            history,
            session,
            created_at,
            updated_at: now,
        })
    }
}

impl Parts {
    /// The share of one entry, in Jovo's order.
    fn of(&self, entry: &Entry) -> String {
        let parts = [
            ("user", entry.user, &self.user),
            ("session", entry.session, &self.session),
            ("history", entry.history, &self.history),
        ];
        let bytes = parts.iter().filter(|(_, held, _)| *held);
        let bytes = bytes.map(|(_, _, json)| json.as_ref().map_or(0, String::len));
        let mut object = Object::with_room_for(bytes.sum());
        for (name, held, json) in parts {
            if let (true, Some(json)) = (held, json) {
                object.raw(name, json);
            }
        }
        let times = [
            ("createdAt", entry.created_at, self.created_at),
            ("updatedAt", entry.updated_at, self.updated_at),
        ];
        for (name, held, time) in times {
            if let (true, Some(time)) = (held, time) {
                object.string(name, &time.to_string());
            }
        }
        object.finish()
    }
}

impl Draft {
    pub(super) fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// What must still be stored if there was no other save since.
    pub(super) fn known(&self, record: &Record) -> Vec<Expected> {
        let known = self.writes.iter().map(|write| {
            let known = record.known.iter().find(|known| known.key == write.key);
            known.cloned().unwrap_or_else(|| Expected {
                key: write.key.clone(),
                value: None,
            })
        });
        known.collect()
    }

    /// After it was saved, the record knows what is stored.
    pub(super) fn keep_in(self, record: &mut Record) {
        let known = self.writes.into_iter().map(|write| Expected {
            key: write.key,
            value: Some(write.value),
        });
        record.known = known.collect();
        record.stored = true;
        record.session = self.session;
        record.created_at = Some(self.created_at);
        record.updated_at = Some(self.updated_at);
        if let Some(history) = self.history {
            record.history = history;
            record.fresh_items = 0;
        }
    }
}
