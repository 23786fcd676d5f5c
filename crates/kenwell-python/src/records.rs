//! Records as Python gives and takes them: JSON documents, with what is known of the stored version.

use std::sync::Arc;

use kenwell::state::{Error, Json, Record, SaveOptions, StoredEntry, Timestamp};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::connection::Shared;
use crate::version::Version;

/// A record that was loaded or saved.
pub(crate) struct Known {
    pub(crate) record: Record,
    pub(crate) connection: Arc<Shared>,
}

/// What Python says of a record that is to be saved.
pub(crate) struct Draft {
    /// What it was when it was loaded, if it was.
    pub(crate) base: Option<Arc<Record>>,
    pub(crate) document: String,
    pub(crate) ttl_seconds: Option<u64>,
}

impl Draft {
    pub(crate) fn put_into(&self, record: &mut Record) -> Result<(), Error> {
        let document = Json::parse(self.document.as_bytes())?;
        let put = record.set_document(&document);
        put.map_err(|malformed| not_a_record(&malformed))
    }

    pub(crate) fn options(&self) -> SaveOptions {
        match self.ttl_seconds {
            None => SaveOptions::new(),
            Some(seconds) => SaveOptions::new().ttl_seconds(seconds),
        }
    }
}

pub(crate) fn not_a_record(why: &dyn std::fmt::Display) -> Error {
    Error::Setting {
        setting: "record",
        problem: why.to_string(),
    }
}

/// One of a record's times, where an entry stores it.
pub(crate) type Time = fn(&Record) -> Option<Timestamp>;

pub(crate) fn give_saved(
    py: Python<'_>,
    saved: Known,
    created_at: Time,
    updated_at: Time,
) -> PyResult<Py<PyAny>> {
    let text = |time: Time| time(&saved.record).map(|time| time.to_string());
    let times = (text(created_at), text(updated_at));
    (saved.version(), times.0, times.1).into_py_any(py)
}

pub(crate) fn give_record(py: Python<'_>, known: Known) -> PyResult<Py<PyAny>> {
    let document = known.record.to_document();
    let profile = known.record.profile().map(|traits| {
        let texts = PyDict::new(py);
        let set = traits
            .iter()
            .try_for_each(|(name, value)| texts.set_item(name, value));
        set.map(|()| texts)
    });
    (document.as_str(), known.version(), profile.transpose()?).into_py_any(py)
}

pub(crate) fn give_entry(py: Python<'_>, entry: &StoredEntry) -> PyResult<Py<PyAny>> {
    let key = PyBytes::new(py, &entry.key);
    let value = entry.value.as_ref().map(|value| PyBytes::new(py, value));
    let left = entry.expires_in.map(|left| left.as_secs_f64());
    (&entry.entry, key, value, left).into_py_any(py)
}

impl Known {
    fn version(self) -> Version {
        Version {
            record: Arc::new(self.record),
            server: Arc::clone(&self.connection.settings),
        }
    }
}
