//! The native half of the Python package `kenwell`: Kenwell's state store for asyncio.
//!
//! Records are JSON documents here and plain dicts in Python
//! ([`python/kenwell`](https://github.com/kenwell/kenwell/tree/main/crates/kenwell-python/python/kenwell)), which also reads
//! options and makes exceptions. What crosses over is a call with its number, and later its answer:
//!
//! ```text
//! thread of an event loop                   the package's thread
//!   Store.save(outbox, number, …)  ────────►  tokio: the state store of crate kenwell
//!   the outbox's socket is readable  ◄──────  outbox was empty
//!   Outbox.take()                  ◄────────  all answers so far
//! ```
//!
//! The package's thread knows nothing of Python: it never waits for the interpreter, and the interpreter never waits for it,
//! not even when it ends.
//!
//! | module | what it is about |
//! |---|---|
//! | `connection` | the way to a Redis: profiles, and plain values for adapters |
//! | `store` | the state store |
//! | `records` | records as Python gives and takes them |
//! | `version` | what is known of a record that was loaded or saved |
//! | `calls` | beginning a call, and giving its answer |
//! | `outbox` | answers on their way back, and waking the event loop |
//! | `runtime` | the thread that talks to Redis |
//! | `failure` | errors, with the code that Python's exceptions are made of |
//! | `settings`, `options` | how to reach Redis, and how records are stored, from JSON |

mod calls;
mod connection;
mod failure;
mod options;
mod outbox;
mod records;
mod runtime;
mod settings;
mod store;
mod version;

use pyo3::prelude::*;

/// The module that `kenwell/__init__.py` imports. Its types are in `_native.pyi`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::connection::Connection;
    #[pymodule_export]
    use super::failure::Failure;
    #[pymodule_export]
    use super::outbox::Outbox;
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::version::Version;
}
