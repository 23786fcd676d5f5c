//! Saving a record: over whatever is stored, or only if that is unchanged.

use super::{Error, Record, SaveOptions, StateStore, values};
use crate::connection::Access;

impl StateStore {
    /// Saves a record, all entries together in one round trip; what was stored is replaced. In a
    /// cluster that holds for the keys of each slot: see
    /// [`cluster_hash_tag`](super::Builder::cluster_hash_tag).
    ///
    /// # Errors
    ///
    /// Whatever the error, the record is as before. After [`Error::Redis`] and [`Error::Overtaken`] it may have
    /// been saved nevertheless; after all others it was not, in a cluster not as a whole.
    pub async fn save(&self, user_id: &str, record: &mut Record) -> Result<(), Error> {
        self.replace(user_id, record, &SaveOptions::new()).await
    }

    pub(super) async fn replace(
        &self,
        user_id: &str,
        record: &mut Record,
        options: &SaveOptions,
    ) -> Result<(), Error> {
        let call = self.begin(&[user_id], Access::Changes);
        let draft = self.draft(user_id, record, options).await?;
        let stored = values::store(&self.config.connection, draft.writes());
        let stored = call.run(stored).await;
        stored.map_err(|error| self.named(error))?;
        draft.keep_in(record);
        Ok(())
    }

    /// Saves a record if nobody else has saved since it was loaded, in one atomic step. A
    /// [new](Record::new) record is saved if nothing is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`]: somebody was faster; load again and repeat the change.
    /// [`Error::Uncertain`]: the connection broke, and whether it was saved is not known. In a cluster
    /// the entries of a user must share a slot: [`cluster_hash_tag`](super::Builder::cluster_hash_tag).
    pub async fn save_if_unchanged(&self, user_id: &str, record: &mut Record) -> Result<(), Error> {
        self.compare_and_save(user_id, record, &SaveOptions::new())
            .await
    }

    pub(super) async fn compare_and_save(
        &self,
        user_id: &str,
        record: &mut Record,
        options: &SaveOptions,
    ) -> Result<(), Error> {
        let call = self.begin(&[user_id], Access::Changes);
        let draft = self.draft(user_id, record, options).await?;
        let connection = &self.config.connection;
        let known = draft.known(record);
        let stored = values::store_unchanged(connection, &known, draft.writes());
        let stored = call.run(stored).await;
        if !stored.map_err(|error| self.named(error))? {
            return Err(Error::Conflict);
        }
        draft.keep_in(record);
        Ok(())
    }

    /// Saves a record as [`save`](Self::save) does, with these options.
    ///
    /// # Errors
    ///
    /// [`Error::Ttl`] for a time to live that Redis cannot count; otherwise as for [`save`](Self::save) and
    /// [`save_if_unchanged`](Self::save_if_unchanged).
    pub async fn save_with(
        &self,
        user_id: &str,
        record: &mut Record,
        options: &SaveOptions,
    ) -> Result<(), Error> {
        if options.if_unchanged {
            self.compare_and_save(user_id, record, options).await
        } else {
            self.replace(user_id, record, options).await
        }
    }
}
