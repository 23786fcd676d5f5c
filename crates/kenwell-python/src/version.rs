//! What is known of a record that was loaded or saved: what its keys held, and where.

use std::sync::Arc;

use kenwell::connection::Settings;
use kenwell::state::Record;
use pyo3::prelude::*;

/// The stored version that a record in Python stands for. It does not change: a save gives another one.
#[pyclass(frozen, module = "kenwell._native")]
pub(crate) struct Version {
    pub(crate) record: Arc<Record>,
    /// Which server it was read from.
    pub(crate) server: Arc<Settings>,
}

#[pymethods]
impl Version {
    /// Whether nothing was stored.
    #[getter]
    fn is_new(&self) -> bool {
        self.record.is_new()
    }
}
