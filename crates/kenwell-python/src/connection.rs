//! The way to a Redis: signs of life, profiles, and plain values for adapters.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kenwell::KeyWalk;
use kenwell::connection::{Connection as RedisConnection, Settings};
use kenwell::profile;
use kenwell::state::values::{self, Expected, Read, Write};
use kenwell::state::{Error, StateStore};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::calls::{Caller, Calls, Give, ended};
use crate::failure::Failure;
use crate::options::profile_layout;
use crate::outbox::Outbox;
use crate::settings::ConnectionOptions;

/// A connection that several stores may share.
#[pyclass(frozen, module = "kenwell._native")]
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
}

/// What a connection and its stores have in common.
pub(crate) struct Shared {
    pub(crate) redis: RedisConnection,
    pub(crate) settings: Arc<Settings>,
    /// Those of its stores too.
    pub(crate) calls: Calls,
}

#[pymethods]
impl Connection {
    /// Checks settings, given as JSON: a connection, or a `Failure`. Nothing is sent yet.
    #[staticmethod]
    fn open(py: Python<'_>, settings: &str) -> PyResult<Py<PyAny>> {
        let Ok(given) = serde_json::from_str::<ConnectionOptions>(settings) else {
            return Failure::malformed("connection").give(py);
        };
        let made = given.settings().and_then(|settings| {
            let redis = RedisConnection::new(settings)?;
            let settings = Arc::new(redis.settings().clone());
            let calls = Calls::default();
            Ok(Shared {
                redis,
                settings,
                calls,
            })
        });
        match made {
            Ok(shared) => Self {
                shared: Arc::new(shared),
            }
            .into_py_any(py),
            Err(error) => Failure::of(&error.into()).give(py),
        }
    }

    /// Asks for a sign of life: None.
    fn ping(&self, outbox: &Outbox, call: u64) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let work = async move { Ok(redis.ping().await?) };
        self.begin(outbox, call, work, |py, ()| Ok(py.None()))
    }

    /// Reads a user's profile: a dict, or None.
    fn profile(&self, outbox: &Outbox, call: u64, prefix: &str, user_id: String) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let layout = profile_layout(prefix);
        let work = async move { Ok(profile::read(&redis, &layout, &user_id).await?) };
        self.begin(outbox, call, work, |py, fields| match fields {
            None => Ok(py.None()),
            Some(fields) => {
                let texts = PyDict::new(py);
                for (name, value) in fields {
                    let name = String::from_utf8_lossy(&name);
                    texts.set_item(name, String::from_utf8_lossy(&value))?;
                }
                texts.into_py_any(py)
            }
        })
    }

    /// Lets no more calls begin, waits for those that have, and closes the sockets: whether they ended in time.
    fn close(&self, outbox: &Outbox, call: u64, timeout_ms: u64) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let under_way = self.shared.calls.close();
        let limit = Duration::from_millis(timeout_ms);
        let work = async move {
            // A connection that is closed lets no step of a call through, and some have two.
            let in_time = ended(under_way, limit).await;
            let left = if in_time { limit } else { Duration::ZERO };
            let closed = StateStore::builder(redis).build()?.close(left).await;
            // That they took too long is told already.
            if in_time {
                closed?;
            }
            Ok(in_time)
        };
        let calls = &self.shared.calls;
        calls.begin_uncounted(&Caller { outbox, call }, work, |py, in_time| {
            in_time.into_py_any(py)
        })
    }

    /// Reads values: a list of bytes and None.
    fn fetch(&self, outbox: &Outbox, call: u64, keys: Vec<Vec<u8>>) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let reads = keys.into_iter().map(|key| Read {
            key,
            refresh_seconds: None,
        });
        let reads: Vec<_> = reads.collect();
        let work = async move {
            let fetched = values::fetch(&redis, &reads, None).await?;
            fetched.values.into_iter().collect::<Result<Vec<_>, _>>()
        };
        self.begin(outbox, call, work, |py, values| {
            let values = values
                .iter()
                .map(|value| value.as_ref().map(|it| PyBytes::new(py, it)));
            PyList::new(py, values.collect::<Vec<_>>())?.into_py_any(py)
        })
    }

    /// Writes values, all or nothing: None. A time to live of 0 means for ever.
    fn store(
        &self,
        outbox: &Outbox,
        call: u64,
        values: Vec<(Vec<u8>, Vec<u8>, u64)>,
    ) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let writes = writes(values);
        let work = async move { values::store(&redis, &writes).await };
        self.begin(outbox, call, work, |py, ()| Ok(py.None()))
    }

    /// The same if these values are still stored: whether they were.
    fn store_unchanged(
        &self,
        outbox: &Outbox,
        call: u64,
        expected: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        values: Vec<(Vec<u8>, Vec<u8>, u64)>,
    ) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let expected = expected
            .into_iter()
            .map(|(key, value)| Expected { key, value });
        let expected: Vec<_> = expected.collect();
        let writes = writes(values);
        let work = async move { values::store_unchanged(&redis, &expected, &writes).await };
        self.begin(outbox, call, work, |py, stored| stored.into_py_any(py))
    }

    /// Deletes keys: how many there were.
    fn remove(&self, outbox: &Outbox, call: u64, keys: Vec<Vec<u8>>) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let work = async move { values::remove(&redis, &keys).await };
        self.begin(outbox, call, work, |py, count| count.into_py_any(py))
    }

    /// The keys that begin with this text: a list of bytes.
    fn keys_beginning(&self, outbox: &Outbox, call: u64, text: &str) -> PyResult<()> {
        let redis = self.shared.redis.clone();
        let pattern = format!("{}*", kenwell::literal_pattern(text));
        let work = async move {
            let mut walk = KeyWalk::new(redis, pattern).await?;
            let mut found = BTreeSet::new();
            while let Some(keys) = walk.next_page().await? {
                found.extend(keys);
            }
            Ok(found)
        };
        self.begin(outbox, call, work, |py, keys| {
            let keys = keys.iter().map(|key| PyBytes::new(py, key));
            PyList::new(py, keys.collect::<Vec<_>>())?.into_py_any(py)
        })
    }
}

impl Connection {
    fn begin<T: Send + 'static>(
        &self,
        outbox: &Outbox,
        call: u64,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        give: Give<T>,
    ) -> PyResult<()> {
        let calls = &self.shared.calls;
        calls.begin(&Caller { outbox, call }, work, give)
    }
}

fn writes(values: Vec<(Vec<u8>, Vec<u8>, u64)>) -> Vec<Write> {
    let write = |(key, value, ttl_seconds)| Write {
        key,
        value,
        ttl_seconds: Some(ttl_seconds),
    };
    values.into_iter().map(write).collect()
}
