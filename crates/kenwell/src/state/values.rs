//! The byte layer: whole values under given keys, each call one round trip.
//!
//! [`StateStore`](super::StateStore) is built on it, and so is whatever names its keys and encodes its
//! values itself. It knows nothing of either; it does know how to lose nothing silently:
//!
//! * every reply is read, and an error names the key and Redis' own reason;
//! * a value and its time to live are set by one command;
//! * what belongs together is executed together (`MULTI`), in a cluster for each slot;
//! * what may be repeated is repeated once when the connection turns out to be dead, as it does in a
//!   process that was frozen for a while;
//! * calls on one key, through one [`Connection`](crate::connection::Connection) and its clones, take effect
//!   in the order in which they were begun, whatever breaks: nothing is repeated after something newer on
//!   the same key. A call begins when its future is first polled;
//! * a call answers within the longer of the settings' `connect_timeout` and `command_timeout`, counted from
//!   its beginning, whatever it waits for and however often it is sent.
//!
//! ```no_run
//! use kenwell::connection::{Connection, Settings};
//! use kenwell::state::values::{self, Read, Write};
//!
//! # async fn example() -> Result<(), kenwell::state::Error> {
//! let connection = Connection::new(Settings::new("127.0.0.1:6379"))?;
//! let write = Write { key: b"data:ada".into(), value: b"{}".into(), ttl_seconds: Some(3600) };
//! values::store(&connection, &[write]).await?;
//!
//! let read = Read { key: b"data:ada".into(), refresh_seconds: None };
//! let fetched = values::fetch(&connection, &[read], None).await?;
//! for value in fetched.values {
//!     assert_eq!(value?.as_deref(), Some(&b"{}"[..]));
//! }
//! # Ok(())
//! # }
//! ```

mod batch;
mod call;
mod compare;
mod expiry;
mod list;
mod presence;
mod read;
mod remove;
mod unrepeated;
#[cfg(feature = "tower-sessions")]
mod until;
mod write;

pub use super::limits::{MAX_KEYS, MAX_TTL_SECONDS};
use super::{Error, ValuePlace};
use crate::connection::{Answers, CommandBuffer, Group};
pub use crate::stored::StoredFields;
pub use batch::{Answer, Request, execute};
pub use compare::{Expected, store_unchanged};
pub use expiry::ValueType;
pub use list::{Append, append, items};
pub use presence::{Presence, Touch, exist, inspect, touch};
pub(super) use read::fetch_users;
pub use read::{Fetched, Read, fetch};
pub use remove::remove;
#[cfg(feature = "tower-sessions")]
pub(crate) use until::{DatedValue, Exchange, create, exchange, replace};
pub use write::{Write, store};

fn check_count(count: usize) -> Result<(), Error> {
    if count > MAX_KEYS {
        return Err(Error::TooManyKeys { count });
    }
    Ok(())
}

/// `SET`, with its time to live in the same command. None, and 0, mean for ever.
fn check_ttl(index: usize, key: &[u8], seconds: Option<u64>) -> Result<Option<u64>, Error> {
    let seconds = seconds.filter(|&seconds| seconds > 0);
    match seconds {
        Some(seconds) if seconds > MAX_TTL_SECONDS => Err(Error::Ttl {
            place: ValuePlace::new(index, key),
            seconds,
        }),
        seconds => Ok(seconds),
    }
}

/// Room for a command beside its key and value, in bytes.
const COMMAND_BYTES: usize = 64;

/// A group of one command for each key: its name and the key.
fn group_for_keys<'a>(name: &str, keys: impl Iterator<Item = &'a [u8]>) -> Group {
    let mut commands = CommandBuffer::default();
    for key in keys {
        commands.add_arguments(&[name.as_bytes(), key]);
    }
    Group::new(commands)
}

/// The answer that says why a group failed: one that was refused itself, rather than one that only
/// shares its fate.
fn failure(answers: &Answers) -> Option<(usize, &crate::Error)> {
    let errors = || {
        let errors = answers.iter().enumerate();
        errors.filter_map(|(index, answer)| Some((index, answer.as_ref().err()?)))
    };
    let own = errors().find(|(_, error)| !shares_its_fate(error));
    own.or_else(|| errors().next())
}

/// The error of a group that was refused, in which there are so many commands for each key.
fn refused<'a>(
    answers: &Answers,
    commands_per_key: usize,
    key: impl Fn(usize) -> Option<&'a [u8]>,
) -> Result<(), Error> {
    match failure(answers) {
        None => Ok(()),
        Some((_, source @ (crate::Error::Lost { .. } | crate::Error::Timeout { .. }))) => {
            Err(Error::Redis(source.clone()))
        }
        Some((index, source)) => {
            let index = index / commands_per_key;
            Err(Error::Value {
                place: ValuePlace::new(index, key(index).unwrap_or_default()),
                source: source.clone(),
            })
        }
    }
}

fn shares_its_fate(error: &crate::Error) -> bool {
    matches!(error, crate::Error::Refused { reply, .. } if reply.code() == "EXECABORT")
}
