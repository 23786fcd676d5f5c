//! Turns in the history list of a user: adding one, and reading them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::choose;
use super::history_list::HistoryList;
use super::values::{Append, append, items};
use super::{Error, Json, StateStore};
use crate::connection::Access;

impl StateStore {
    /// Puts the newest turn into the user's [history list](super::Builder::history_list), in one atomic step that costs
    /// the same however long the list is: the item is added, the oldest one goes when there are too many, and the
    /// list's time to live begins anew. The record is neither read nor written.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a store without a history list, and [`Error::Json`] for what has no JSON.
    /// [`Error::Uncertain`]: the connection broke. Whether the turn is there is not known, and it is not added again;
    /// read the history to see.
    pub async fn append_history<T: Serialize + ?Sized>(
        &self,
        user_id: &str,
        item: &T,
    ) -> Result<(), Error> {
        self.append_history_json(user_id, &Json::of(item)?).await
    }

    /// The same with a turn that is JSON already.
    pub async fn append_history_json(&self, user_id: &str, item: &Json) -> Result<(), Error> {
        let list = self.history_list()?;
        let json = choose(item, &list.element);
        let call = self.begin(&[user_id], Access::Changes);
        let index = self.config.entries.len();
        let key = self.key(index, &list.entry, user_id).await?;
        let codec = &self.config.codec;
        let item = codec
            .encode((index, &list.entry), &key, json.into_text())
            .await?;
        let item = Append {
            key: &key,
            items: &[&item],
            size: list.element.size,
            ttl_seconds: list.entry.ttl_seconds,
        };
        let appended = call.run(append(&self.config.connection, &item)).await;
        appended.map_err(|error| self.named_in_list(error))
    }

    /// The turns of the user's [history list](super::Builder::history_list), newest first, as a type of the program.
    pub async fn history<T: DeserializeOwned>(&self, user_id: &str) -> Result<Vec<T>, Error> {
        let items = self.history_json(user_id).await?;
        let items = items.iter().map(Json::to);
        Ok(items.collect::<Result<_, _>>()?)
    }

    /// The same turns as they are, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a store without a history list. [`Error::Undecodable`] when an item cannot be decoded.
    pub async fn history_json(&self, user_id: &str) -> Result<Vec<Json>, Error> {
        let list = self.history_list()?;
        let call = self.begin(&[user_id], Access::Reads);
        let index = self.config.entries.len();
        let key = self.key(index, &list.entry, user_id).await?;
        let found = items(&self.config.connection, &key, list.element.size);
        let found = call.run(found).await;
        let found = found.map_err(|error| self.named_in_list(error))?;
        let mut turns = Vec::with_capacity(found.len());
        for stored in found {
            let codec = &self.config.codec;
            turns.push(codec.decode((index, &list.entry), &key, &stored).await?);
        }
        Ok(turns)
    }

    fn history_list(&self) -> Result<&HistoryList, Error> {
        let list = self.config.history_list.as_ref();
        list.ok_or_else(|| Error::Setting {
            setting: "history_list",
            problem: "it is not set, so there is no list; a record has its own history".to_owned(),
        })
    }

    /// Puts the list's id into an error that does not know it.
    fn named_in_list(&self, error: Error) -> Error {
        match (error, &self.config.history_list) {
            (Error::Value { place, source }, Some(list)) => Error::Value {
                place: place.named(&list.entry.id),
                source,
            },
            (error, _) => error,
        }
    }
}
