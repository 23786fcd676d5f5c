//! Changing a record by a function: load, change, save, and begin again when somebody else was faster.

use super::hooks::HookError;
use super::{Error, Record, StateStore};

/// How often [`StateStore::update`] loads, changes and saves at most. Each time that it begins again somebody else has
/// saved, so of so many programs that update one user at once each succeeds.
pub const MAX_UPDATE_ATTEMPTS: usize = 100;

impl StateStore {
    /// Loads a user's record, lets `change` change it, and saves it if nobody else has saved meanwhile. Otherwise
    /// it begins again with what is stored then, at most [`MAX_UPDATE_ATTEMPTS`] times; so `change` may be called
    /// several times, and must do nothing outside of the record that may not be repeated. Gives what the last call
    /// of `change` gave.
    ///
    /// ```no_run
    /// # use kenwell::state::{Error, JsonError, StateStore};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct User { visits: u32 }
    /// # async fn example(store: StateStore) -> Result<(), Error> {
    /// let visits = store
    ///     .update("ada", |record| {
    ///         let mut user: User = record.user()?.unwrap_or_default();
    ///         user.visits += 1;
    ///         record.set_user(&user)?;
    ///         Ok::<_, JsonError>(user.visits)
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Change`] when `change` fails: nothing is saved. [`Error::Conflict`] when somebody else was faster
    /// each time: nothing is saved. [`Error::Uncertain`] when the connection broke while the change was being saved:
    /// it may have been saved, so it is not made again; load to see. In a cluster the entries of a user must share a
    /// slot: [`cluster_hash_tag`](super::Builder::cluster_hash_tag).
    pub async fn update<T, E: Into<HookError>>(
        &self,
        user_id: &str,
        mut change: impl FnMut(&mut Record) -> Result<T, E>,
    ) -> Result<T, Error> {
        for _attempt in 0..MAX_UPDATE_ATTEMPTS {
            let mut record = self.load_or_new(user_id).await?;
            let given = change(&mut record).map_err(not_changed)?;
            if self.is_saved(user_id, &mut record).await? {
                return Ok(given);
            }
        }
        Err(Error::Conflict)
    }

    /// [`update`](Self::update) by a function that has to wait for something.
    pub async fn update_async<T, E: Into<HookError>>(
        &self,
        user_id: &str,
        mut change: impl AsyncFnMut(&mut Record) -> Result<T, E>,
    ) -> Result<T, Error> {
        for _attempt in 0..MAX_UPDATE_ATTEMPTS {
            let mut record = self.load_or_new(user_id).await?;
            let given = change(&mut record).await.map_err(not_changed)?;
            if self.is_saved(user_id, &mut record).await? {
                return Ok(given);
            }
        }
        Err(Error::Conflict)
    }

    /// Saves a record; `false` when somebody else was faster.
    async fn is_saved(&self, user_id: &str, record: &mut Record) -> Result<bool, Error> {
        match self.save_if_unchanged(user_id, record).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn not_changed(source: impl Into<HookError>) -> Error {
    let source = source.into();
    Error::Change { source }
}
