//! What runs now, and the one door for changes.
//!
//! `door` holds it together. An edit goes `edit` → `rewrite` → `document` to the file's new text, which
//! `write` puts on disk, unless it names what it may not (`named`) or sends a secret elsewhere (`recipient`); `watch` notices edits by hand, and `reload` judges them. `apply` carries a
//! configuration out, `line` is one destination at run time, `removal` sees to what waits for those that go,
//! `retired` keeps it, `replay` goes back in the journal, and `restore` does for a Redis that came back with
//! less.

mod apply;
mod change;
mod destination;
mod document;
mod edit;
mod error;
mod expand;
mod expiry;
mod file;
mod handle;
mod key_changes;
mod leftover;
mod list;
mod mint;
mod named;
mod oldest;
mod preview;
mod recipient;
mod reload;
mod removal;
mod replay;
mod restart;
mod restore;
mod retired;
mod rewrite;
mod shortened;
mod state;
mod watch;
mod write;

pub use destination::DestinationView;
pub(crate) use document::{Document, List};
pub use edit::{Applied, DestinationChange, Edit, NewDestination, NewSource, SourceChange};
pub use error::{EditError, ReplayError};
pub use file::ConfigFile;
pub use handle::{Dependencies, Runtime};
pub use key_changes::{KeyChanges, WrongChange};
pub(crate) use mint::id as mint_id;
pub use mint::write_key;
pub(crate) use removal::events_wait;
pub use replay::rewind;
pub use retired::{Known, RetiredDestination};
pub use state::{ConfigurationState, Revision};
