//! What runs now, and the one door for changes.
//!
//! `door` holds it together. An edit goes `edit` → `rewrite` → `document` to the file's new text, which
//! `write` puts on disk, unless it names what it may not (`named`) or sends a secret elsewhere (`recipient`); `watch` notices edits by hand, and `reload` judges them. `apply` carries a
//! configuration out, `line` is one destination at run time, `removal` sees to what waits for those that go,
//! `retired` keeps it, `replay` goes back in the journal, and `restore` does for a Redis that came back with
//! less.

mod apply;
mod certificates;
mod change;
mod config_file;
mod configuration_state;
mod destination;
mod document;
mod edit;
mod error;
mod expand;
mod generate;
mod handle;
mod heal;
mod keys;
mod leftover;
mod list;
mod named;
mod oldest_waiting;
mod preview;
mod recipient;
mod reload;
mod removal;
mod replay;
mod restart;
mod retired;
mod rewrite;
mod truncation;
mod watch;
mod write;

pub use config_file::ConfigFile;
pub use configuration_state::{ConfigurationState, Revision};
pub use destination::DestinationView;
pub(crate) use document::{Document, List};
pub use edit::{Applied, Change, DestinationChange, Edit, NewDestination, NewSource, SourceChange};
pub use error::{EditError, ReplayError};
pub(crate) use generate::id_from_name;
pub use generate::write_key;
pub use handle::{Dependencies, Runtime};
pub(crate) use removal::events_wait;
pub use replay::rewind;
pub use retired::{AcceptRetired, RetiredDestination};
