//! The native half of the npm package `@kenwell/redis`: moves bytes between JavaScript and Redis.
//!
//! JSON, hooks, keys and encryption stay in JavaScript ([`lib/`](https://github.com/kenwell/kenwell/tree/main/crates/kenwell-node/lib)).
//! What crosses over is a buffer with all the requests of one turn of the event loop, and a buffer with all the
//! answers that have come since the last look:
//!
//! ```text
//! JavaScript thread                         the addon's thread
//!   lib/native.js                             tokio
//!     submit(handle, batch)  ──────────────►    one pipeline a batch
//!     wake()                 ◄──────────────    outbox was empty
//!     take()                 ──────────────►    all answers so far
//! ```
//!
//! | module | what it is about |
//! |---|---|
//! | `bridge` | the class that JavaScript sees |
//! | `engine` | the thread that talks to Redis |
//! | `keys` | listing keys, on every server |
//! | `frame` | the byte form of requests |
//! | `operation` | what is asked for, and what becomes of it |
//! | `outbox` | the byte form of answers, and waking JavaScript |
//! | `failure` | errors, with the code that JavaScript programs match on |
//! | `settings` | how to reach Redis, from JSON |

mod bridge;
mod engine;
mod failure;
mod frame;
mod keys;
mod operation;
mod outbox;
mod settings;

pub use bridge::Bridge;
