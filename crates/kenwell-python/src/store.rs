//! The state store, as Python calls it: records are JSON documents.

use std::sync::Arc;
use std::time::Duration;

use kenwell::state::{Error, Json, Record, StateStore, Timestamp};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio_util::task::TaskTracker;

use crate::calls::{Caller, Give, ended};
use crate::connection::{Connection, Shared};
use crate::failure::Failure;
use crate::options::StoreOptions;
use crate::outbox::Outbox;
use crate::records::{Draft, Known, give_entry, give_record, give_saved, not_a_record};
use crate::version::Version;

/// A store over a connection.
#[pyclass(frozen, module = "kenwell._native")]
pub(crate) struct Store {
    records: StateStore,
    connection: Arc<Shared>,
    calls: TaskTracker,
    /// Whether saves store `createdAt` and `updatedAt`.
    stores_times: (bool, bool),
}

#[pymethods]
impl Store {
    /// Checks options, given as JSON: a store, or a `Failure`. Nothing is sent yet.
    #[staticmethod]
    fn open(py: Python<'_>, connection: &Connection, options: &str) -> PyResult<Py<PyAny>> {
        let Ok(given) = serde_json::from_str::<StoreOptions>(options) else {
            return Failure::malformed("options").give(py);
        };
        let connection = Arc::clone(&connection.shared);
        let stores_times = given.stores_times();
        match given.store(connection.redis.clone()) {
            Ok(records) => Self {
                records,
                connection,
                calls: TaskTracker::new(),
                stores_times,
            }
            .into_py_any(py),
            Err(error) => Failure::of(&error).give(py),
        }
    }

    /// Loads a record: its document, version and profile. One that was never saved has a version that is new.
    fn load(&self, outbox: &Outbox, call: u64, user_id: String) -> PyResult<()> {
        let (store, connection) = self.parts();
        let work = async move {
            let record = store.load_or_new(&user_id).await?;
            Ok(Known { record, connection })
        };
        self.begin(outbox, call, work, give_record)
    }

    /// Loads many: a list of the same, with None where nothing is stored and a `Failure` where it cannot be read.
    fn load_many(&self, outbox: &Outbox, call: u64, user_ids: Vec<String>) -> PyResult<()> {
        let (store, connection) = self.parts();
        let work = async move {
            let users: Vec<_> = user_ids.iter().map(String::as_str).collect();
            let loaded = store.load_many(&users).await?;
            let known = |record| Known {
                record,
                connection: Arc::clone(&connection),
            };
            let loaded = loaded.into_iter().map(|it| it.map(|it| it.map(known)));
            Ok(loaded.collect::<Vec<_>>())
        };
        self.begin(outbox, call, work, |py, loaded| {
            let made = loaded.into_iter().map(|loaded| match loaded {
                Ok(Some(known)) => give_record(py, known),
                Ok(None) => Ok(py.None()),
                Err(error) => Failure::of(&error).give(py),
            });
            PyList::new(py, made.collect::<PyResult<Vec<_>>>()?)?.into_py_any(py)
        })
    }

    /// Saves a record over whatever is stored: its version, `createdAt` and `updatedAt`, each of which is None where no entry
    /// stores it. `ttl_seconds` of None is each entry's own.
    fn save(
        &self,
        outbox: &Outbox,
        call: u64,
        user_id: String,
        version: Option<&Version>,
        given: (String, Option<u64>),
    ) -> PyResult<()> {
        let (document, ttl_seconds) = given;
        let (store, connection) = self.parts();
        let draft = self.draft(version, document, ttl_seconds);
        let work = async move {
            let mut record = draft.base.as_deref().cloned().unwrap_or_default();
            draft.put_into(&mut record)?;
            store
                .save_with(&user_id, &mut record, &draft.options())
                .await?;
            Ok(Known { record, connection })
        };
        self.begin(outbox, call, work, self.give_saved())
    }

    /// The same if nobody else has saved. A record without a version is known by its `updatedAt`, and new without one.
    fn save_if_unchanged(
        &self,
        outbox: &Outbox,
        call: u64,
        user_id: String,
        version: Option<&Version>,
        given: (String, Option<u64>, Option<String>),
    ) -> PyResult<()> {
        let (document, ttl_seconds, updated_at) = given;
        let (store, connection) = self.parts();
        let is_elsewhere = version.is_some_and(|version| version.server != connection.settings);
        let tells = self.stores_times.1 && !is_elsewhere;
        let draft = self.draft(version, document, ttl_seconds);
        let work = async move {
            let updated_at = updated_at.map(|time| time.parse::<Timestamp>()).transpose();
            let updated_at = updated_at.map_err(|bad| not_a_record(&bad))?;
            let mut record = match (&draft.base, updated_at.filter(|_| tells)) {
                (Some(base), _) => Record::clone(base),
                (None, None) => Record::new(),
                (None, Some(time)) => {
                    let found = store.load_or_new(&user_id).await?;
                    if found.updated_at() != Some(time) {
                        return Err(Error::Conflict);
                    }
                    found
                }
            };
            draft.put_into(&mut record)?;
            let options = draft.options().if_unchanged();
            store.save_with(&user_id, &mut record, &options).await?;
            Ok(Known { record, connection })
        };
        self.begin(outbox, call, work, self.give_saved())
    }

    /// Lets times to live begin anew: whether there is anything.
    fn touch(
        &self,
        outbox: &Outbox,
        call: u64,
        user_id: String,
        ttl_seconds: Option<u64>,
    ) -> PyResult<()> {
        let store = self.records.clone();
        let work = async move {
            match ttl_seconds {
                None => store.touch(&user_id).await,
                Some(seconds) => store.touch_for(&user_id, seconds).await,
            }
        };
        self.begin(outbox, call, work, |py, found| found.into_py_any(py))
    }

    /// Whether anything is stored.
    fn has(&self, outbox: &Outbox, call: u64, user_id: String) -> PyResult<()> {
        let store = self.records.clone();
        let work = async move { store.exists(&user_id).await };
        self.begin(outbox, call, work, |py, found| found.into_py_any(py))
    }

    /// Deletes everything: whether there was anything.
    fn delete(&self, outbox: &Outbox, call: u64, user_id: String) -> PyResult<()> {
        let store = self.records.clone();
        let work = async move { store.delete(&user_id).await };
        self.begin(outbox, call, work, |py, found| found.into_py_any(py))
    }

    /// Puts a turn, given as JSON, into the history list: None.
    fn append_history(
        &self,
        outbox: &Outbox,
        call: u64,
        user_id: String,
        item: String,
    ) -> PyResult<()> {
        let store = self.records.clone();
        let work = async move {
            let item = Json::parse(item.as_bytes())?;
            store.append_history_json(&user_id, &item).await
        };
        self.begin(outbox, call, work, |py, ()| Ok(py.None()))
    }

    /// The turns of the history list: a list of JSON texts, newest first.
    fn history(&self, outbox: &Outbox, call: u64, user_id: String) -> PyResult<()> {
        let store = self.records.clone();
        let work = async move { store.history_json(&user_id).await };
        self.begin(outbox, call, work, |py, turns| {
            PyList::new(py, turns.iter().map(Json::as_str))?.into_py_any(py)
        })
    }

    /// The entries that exist: a list of id, key, value, and the seconds that they stay or None.
    fn list(&self, outbox: &Outbox, call: u64, user_id: String) -> PyResult<()> {
        let store = self.records.clone();
        let work = async move { store.stored_entries(&user_id).await };
        self.begin(outbox, call, work, |py, entries| {
            let made = entries.into_iter().map(|entry| give_entry(py, &entry));
            PyList::new(py, made.collect::<PyResult<Vec<_>>>()?)?.into_py_any(py)
        })
    }

    /// Lets no more calls of this store begin, and waits for those that have; its connection stays: whether they ended in time.
    fn finish(&self, outbox: &Outbox, call: u64, timeout_ms: u64) -> PyResult<()> {
        self.calls.close();
        let calls = self.calls.clone();
        let limit = Duration::from_millis(timeout_ms);
        let work = async move { Ok(ended(calls, limit).await) };
        let calls = &self.connection.calls;
        calls.begin_uncounted(&Caller { outbox, call }, work, |py, in_time| {
            in_time.into_py_any(py)
        })
    }
}

impl Store {
    fn parts(&self) -> (StateStore, Arc<Shared>) {
        (self.records.clone(), Arc::clone(&self.connection))
    }

    fn begin<T: Send + 'static>(
        &self,
        outbox: &Outbox,
        call: u64,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        give: Give<T>,
    ) -> PyResult<()> {
        let caller = Caller { outbox, call };
        if self.calls.is_closed() {
            caller.refuse(Failure::closed());
            return Ok(());
        }
        let work = self.calls.track_future(work);
        self.connection.calls.begin(&caller, work, give)
    }

    fn draft(
        &self,
        version: Option<&Version>,
        document: String,
        ttl_seconds: Option<u64>,
    ) -> Draft {
        // A version of another server says nothing about this one.
        let known = version.filter(|version| version.server == self.connection.settings);
        Draft {
            base: known.map(|version| Arc::clone(&version.record)),
            document,
            ttl_seconds,
        }
    }

    /// Gives the times that are stored.
    fn give_saved(&self) -> Give<Known> {
        match self.stores_times {
            (true, true) => {
                |py, saved| give_saved(py, saved, Record::created_at, Record::updated_at)
            }
            (true, false) => |py, saved| give_saved(py, saved, Record::created_at, |_| None),
            (false, true) => |py, saved| give_saved(py, saved, |_| None, Record::updated_at),
            (false, false) => |py, saved| give_saved(py, saved, |_| None, |_| None),
        }
    }
}
