//! A record: what is stored about one user, in memory.

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::values::Expected;
use super::{Json, JsonError, Session, Timestamp, Traits, ValuePlace};

/// What an application remembers about one user.
///
/// A loaded record also knows what its keys held, so that
/// [`save_if_unchanged`](super::StateStore::save_if_unchanged) can tell whether somebody else has saved
/// since.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub(super) user: Option<Json>,
    pub(super) session: Option<Session>,
    /// Newest first.
    pub(super) history: Vec<Json>,
    /// How many items of the history, from the front, were never saved.
    pub(super) fresh_items: usize,
    pub(super) created_at: Option<Timestamp>,
    /// For whom, and when, this record or a copy of it was first saved, or was to be.
    pub(super) first_saved: Arc<OnceLock<(String, Timestamp)>>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) traits: Option<Traits>,
    /// Whether anything was stored.
    pub(super) stored: bool,
    /// What was read, or written last.
    pub(super) known: Vec<Expected>,
    /// What could not be read, and must not be overwritten by accident.
    pub(super) unreadable: Vec<ValuePlace>,
}

impl Record {
    /// The record of a user of whom nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was stored when it was loaded, and it was not saved since.
    pub fn is_new(&self) -> bool {
        !self.stored
    }

    /// The user's data as a type of the program; `None` when there is none.
    ///
    /// A type that lists its fields drops all others when it is saved again. Maps and
    /// `serde_json::Value` keep them, but not their order, unless they say so.
    pub fn user<T: DeserializeOwned>(&self) -> Result<Option<T>, JsonError> {
        self.user.as_ref().map(Json::to).transpose()
    }

    /// The user's data as it is.
    pub fn user_json(&self) -> Option<&Json> {
        self.user.as_ref()
    }

    /// Replaces the user's data.
    pub fn set_user<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), JsonError> {
        self.user = Some(Json::of(data)?);
        Ok(())
    }

    /// Replaces the user's data; `None` for no data at all.
    pub fn set_user_json(&mut self, data: Option<Json>) {
        self.user = data;
    }

    /// The session, unless there is none or it is over.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The session, to change it.
    pub fn session_mut(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// Begins another session, or ends the one there is.
    pub fn set_session(&mut self, session: Option<Session>) {
        self.session = session;
    }

    /// The turns of the conversation, newest first, as a type of the program.
    pub fn history<T: DeserializeOwned>(&self) -> Result<Vec<T>, JsonError> {
        self.history.iter().map(Json::to).collect()
    }

    /// The turns as they are, newest first.
    pub fn history_json(&self) -> &[Json] {
        &self.history
    }

    /// Adds the newest turn. What is kept of it, and how many stay, is
    /// [`HistoryElement`](super::HistoryElement)'s to say, when it is saved.
    pub fn push_history<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), JsonError> {
        self.history.insert(0, Json::of(item)?);
        self.fresh_items += 1;
        Ok(())
    }

    /// Forgets all turns.
    pub fn clear_history(&mut self) {
        self.history.clear();
        self.fresh_items = 0;
    }

    /// When it was saved first.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// When it was created, if it is saved now for this user. It stays the same for all copies of a record
    /// that was new, in whatever order they are saved, and however often a save has to be repeated.
    pub(super) fn created_for(&self, user_id: &str, now: Timestamp) -> Timestamp {
        self.created_at.unwrap_or_else(|| {
            let first = || (user_id.to_owned(), now);
            let (user, first) = self.first_saved.get_or_init(first);
            // A template for many users was created for none of them.
            if user == user_id { *first } else { now }
        })
    }

    /// When it was saved last.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }

    /// What the event stream knew about the user when the record was loaded: `None` when it knew
    /// nothing, or the store was not told to [ask](super::Builder::profile).
    pub fn profile(&self) -> Option<&Traits> {
        self.traits.as_ref()
    }

    /// The entries that could not be decoded, when it came from
    /// [`load_readable`](super::StateStore::load_readable).
    pub fn unreadable(&self) -> &[ValuePlace] {
        &self.unreadable
    }

    /// Gives up what could not be decoded: from now on the record can be saved, over it.
    pub fn overwrite_unreadable(&mut self) {
        self.unreadable.clear();
    }
}
